//! Each subsystem of the demo is broken for real and mended again, and each time it is seen in the answer, its code, the metrics and
//! the log.
#![cfg(all(feature = "cli", unix))]

#[allow(dead_code, reason = "other tests need the rest")]
#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;
#[allow(dead_code, reason = "other tests need the rest")]
#[path = "support/scrape.rs"]
mod scrape;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use http::{Connection, eventually, get, request};
use program::{Program, TOKEN, folder};
use scrape::sample;

const BEARER: (&str, &str) = ("Authorization", "Bearer test-token");

/// A demo whose checks run twenty times a second.
fn demo(arguments: &[&str]) -> Program {
    assert_eq!(BEARER.1.strip_prefix("Bearer "), Some(TOKEN));
    let program = Program::serve(&[&["--demo-faults", "--health-interval", "50"], arguments].concat());
    eventually("a healthy start", || (get(program.address, "/health").status == 200).then_some(()));
    assert_eq!(health(&program).1["status"], "healthy", "{:?}", health(&program));
    program
}

fn health(program: &Program) -> (u16, Value) {
    let answer = request(program.address, "GET", "/health", &[BEARER], b"");
    (answer.status, answer.json())
}

fn post(program: &Program, path: &str, body: &Value) {
    let answer = request(program.address, "POST", path, &[BEARER], body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Waits until a check went from one status to another, sees it everywhere, and returns its message. The other checks are well.
fn changes(program: &Program, check: &str, from: &str, to: &str) -> String {
    let (code, answer) = eventually(&format!("{check} becomes {to}"), || {
        Some(health(program)).filter(|(_, answer)| answer["checks"][check]["status"] == to)
    });
    assert_eq!(code, if to == "unhealthy" { 503 } else { 200 }, "{answer}");
    assert_eq!(answer["status"], to, "{answer}");
    for path in ["/health/quick", "/health/ready"] {
        assert_eq!(get(program.address, path).status, code, "{path}");
    }
    assert_eq!(get(program.address, "/health/live").status, 200, "whatever breaks, a restart does not mend it");
    let strict = get(program.address, "/health?strict=true").status;
    assert_eq!(strict, if to == "healthy" { 200 } else { 503 });
    let message = answer["checks"][check]["message"].as_str().expect("a message").to_owned();
    let issues = answer["issues"].as_array().expect("a list");
    let told = issues.iter().any(|issue| issue.as_str().is_some_and(|issue| issue.starts_with(check)));
    assert_eq!(told, to != "healthy", "{answer}");

    let scrape = get(program.address, "/metrics");
    for status in ["healthy", "degraded", "unhealthy"] {
        let expected = Some(f64::from(status == to));
        let of_check = format!("health_check_status{{check=\"{check}\",status=\"{status}\"}}");
        assert_eq!(sample(scrape.text(), &of_check), expected, "{of_check}");
        assert_eq!(sample(scrape.text(), &format!("health_status{{status=\"{status}\"}}")), expected);
    }
    let changes = format!("tachograph_health_changes_total{{check=\"{check}\",status=\"{to}\"}}");
    assert!(sample(scrape.text(), &changes).is_some_and(|changes| changes >= 1.0), "{changes}");
    program.error_line(&format!("health changed check=\"{check}\" from=\"{from}\" to=\"{to}\" result="));
    message
}

/// A folder with two scenes of the demo's own.
fn scenes(name: &str) -> PathBuf {
    let folder = folder(name);
    for scene in ["lobby.tscn", "gallery.tscn"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(scene), folder.join(scene)).expect("a scene");
    }
    folder
}

#[test]
fn a_removed_scene_file_is_missed_by_the_scene_loader() {
    let folder = scenes("removed");
    let program = demo(&["--scenes", folder.to_str().unwrap()]);
    let (scene, aside) = (folder.join("lobby.tscn"), folder.join("lobby.aside"));
    fs::rename(&scene, &aside).unwrap();
    let message = changes(&program, "scene_loader", "healthy", "unhealthy");
    assert_eq!(message, "lobby.tscn cannot be read: there is no such file");
    fs::rename(&aside, &scene).unwrap();
    changes(&program, "scene_loader", "unhealthy", "healthy");

    fs::write(&scene, "[gd_scene format=3]\n[node name=").unwrap();
    let message = changes(&program, "scene_loader", "healthy", "unhealthy");
    assert!(message.starts_with("lobby.tscn is broken: "), "{message}");
}

#[test]
fn a_folder_without_scenes_degrades_and_one_that_cannot_be_read_is_unhealthy() {
    let folder = scenes("unreadable");
    let program = demo(&["--scenes", folder.to_str().unwrap()]);
    let aside = folder.with_extension("aside");
    let _left_by_another_run = fs::remove_dir_all(&aside);
    fs::rename(&folder, &aside).unwrap();
    // A file in its place: what no permission keeps from root either.
    fs::write(&folder, "").unwrap();
    let status = |check: &str| {
        eventually(check, || {
            let (code, answer) = health(&program);
            (answer["checks"][check]["status"] == "unhealthy").then_some((code, answer))
        })
    };
    let (code, answer) = status("file_system");
    assert_eq!(code, 503);
    let message = answer["checks"]["file_system"]["message"].as_str().unwrap();
    assert!(message.starts_with("the folder or a file in it cannot be read: "), "{message}");
    assert!(!answer.to_string().contains(folder.to_str().unwrap()), "no path of the file system is told: {answer}");
    status("scene_loader");

    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    program.error_line("health changed check=\"file_system\" from=\"unhealthy\" to=\"degraded\"");
    for scene in ["lobby.tscn", "gallery.tscn"] {
        fs::rename(aside.join(scene), folder.join(scene)).unwrap();
    }
    program.error_line("health changed check=\"file_system\" from=\"degraded\" to=\"healthy\"");
    eventually("all is well", || (health(&program).1["status"] == "healthy").then_some(()));
}

#[test]
fn memory_beyond_each_limit_is_seen() {
    let program = demo(&[]);
    let hold = |mebibytes: u64| post(&program, "/demo/fault", &json!({ "hold_mib": mebibytes }));
    hold(600);
    let message = changes(&program, "memory", "healthy", "degraded");
    assert!(message.ends_with("MiB resident, the limit is 512.0 MiB"), "{message}");
    hold(1_100);
    changes(&program, "memory", "degraded", "unhealthy");
    // Not all at once: a gibibyte takes its time to go, and a run that comes meanwhile sees what is left of it.
    hold(600);
    changes(&program, "memory", "unhealthy", "degraded");
    hold(0);
    changes(&program, "memory", "degraded", "healthy");
}

#[test]
fn one_peer_that_is_down_degrades_and_both_are_unhealthy() {
    let program = demo(&[]);
    let peers = |adapter: &str, server: &str| {
        post(&program, "/demo/fault", &json!({ "debug_adapter": adapter, "language_server": server }));
    };
    peers("down", "up");
    let message = changes(&program, "dap_lsp", "healthy", "degraded");
    assert!(message.contains("debug adapter"), "{message}");
    peers("down", "silent");
    let message = changes(&program, "dap_lsp", "degraded", "unhealthy");
    assert!(message.contains("language server"), "{message}");
    peers("up", "up");
    changes(&program, "dap_lsp", "unhealthy", "healthy");
}

#[test]
fn a_frame_loop_that_is_paused_or_slow_degrades() {
    let program = demo(&[]);
    post(&program, "/demo/engine", &json!({ "paused": true }));
    let message = changes(&program, "engine", "healthy", "degraded");
    assert!(message.contains("paused"), "{message}");
    post(&program, "/demo/engine", &json!({}));
    changes(&program, "engine", "degraded", "healthy");
    post(&program, "/demo/engine", &json!({ "fps": 3 }));
    changes(&program, "engine", "healthy", "degraded");
}

#[test]
fn a_load_that_is_stuck_degrades() {
    let program = demo(&["--health-stuck-after", "100"]);
    post(&program, "/demo/fault", &json!({ "load_delay_ms": 60_000 }));
    let mut loading = Connection::open(program.address);
    loading.send("POST", "/scene", &[BEARER], br#"{"path": "lobby.tscn"}"#);
    let message = changes(&program, "resource_loader", "healthy", "degraded");
    assert!(message.contains("lobby.tscn"), "{message}");
    drop(loading);
    changes(&program, "resource_loader", "degraded", "healthy");
}

#[test]
fn each_change_is_logged_once() {
    let program = demo(&[]);
    for (paused, from, to) in [(true, "healthy", "degraded"), (false, "degraded", "healthy")] {
        post(&program, "/demo/engine", &json!({ "paused": paused }));
        changes(&program, "engine", from, to);
        // Runs that change nothing.
        (0..5).for_each(|_| drop(health(&program)));
    }
    program.signal("TERM");
    let (status, _, errors) = program.join();
    assert!(status.success(), "{errors}");
    let changes = errors.lines().filter(|line| line.contains("health changed")).count();
    assert_eq!(changes, 2, "{errors}");
}
