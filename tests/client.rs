//! `tachograph metrics`, `health`, `profile` and `flamegraph`: what they show of a real server, and how they end.
#![cfg(all(feature = "cli", unix))]
#![allow(dead_code, reason = "the program is the client here: of the tests' own client not all is needed")]

#[path = "support/ended.rs"]
mod ended;
#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::process::Command;

use ended::{Ended, refused};
use http::{eventually, request};
use program::{Program, TOKEN, command, folder};
use serde_json::Value;

/// A command that is in nobody's terminal and has nobody's wishes about colours.
fn client(program: &Program, arguments: &[&str]) -> Command {
    let mut command = command(arguments);
    command.args(["--url", &program.address.to_string()]);
    for variable in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(variable);
    }
    command
}

/// Runs it without a token.
fn bare(program: &Program, arguments: &[&str]) -> Ended {
    client(program, arguments).output().unwrap().into()
}

/// Runs it with the server's token.
fn known(program: &Program, arguments: &[&str]) -> Ended {
    client(program, arguments).env("TACHOGRAPH_TOKEN", TOKEN).output().unwrap().into()
}

#[track_caller]
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|cause| panic!("{cause}: {text}"))
}

/// Sends requests of which there is something to see.
fn load_scenes(program: &Program) {
    let headers = [("Authorization", &*format!("Bearer {TOKEN}"))];
    for body in [r#"{"path": "lobby.tscn"}"#, r#"{"path": "nowhere.tscn"}"#] {
        request(program.address, "POST", "/scene", &headers, body.as_bytes());
    }
}

#[test]
fn metrics_are_a_table_or_json_or_what_came() {
    let server = Program::serve(&[]);
    load_scenes(&server);
    let Ended(status, out, errors) =
        bare(&server, &["metrics", "--grep", "SCENE*load", "--grep", "duration*endpoint=\"/scene\""]);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{out}");
    let line = |part: &str| out.lines().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part} is not in {out}"));
    assert_eq!(line("scene=\"lobby.tscn\"").split_whitespace().collect::<Vec<_>>(), ["scene=\"lobby.tscn\"", "1"]);
    assert!(line("http_request_duration_seconds").contains("histogram, seconds  Time from"), "{out}");
    let scene = line("endpoint=\"/scene\"");
    assert!(["count 2", "mean", "p50", "p95", "p99", "█"].iter().all(|part| scene.contains(part)), "{scene}");
    assert!(!out.contains('\x1b') && !out.contains("process_"), "{out}");

    let Ended(status, out, _) = bare(&server, &["metrics", "--json"]);
    assert_eq!((status, out.lines().count()), (Some(0), 1));
    let families = json(&out);
    let family = |name: &str| families.as_array().unwrap().iter().find(|family| family["name"] == name).unwrap();
    assert_eq!(family("scene_loads_total")["type"], "counter");
    let latency = &family("http_request_latency_ms")["series"];
    assert!(latency.as_array().unwrap().iter().all(|series| series["value"].is_f64() || series["value"] == "NaN"), "{latency}");

    let Ended(status, out, _) = bare(&server, &["metrics", "--raw"]);
    assert_eq!(status, Some(0));
    assert!(out.contains("# UNIT http_request_duration_seconds seconds\n") && out.ends_with("# EOF\n"), "{out}");

    let Ended(status, out, _) = bare(&server, &["metrics", "--grep", "http_requests_total", "--sort", "value", "--top", "1"]);
    assert_eq!(status, Some(0));
    let rows: Vec<&str> = out.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(rows.len() == 2 && rows[0].contains("endpoint=\"/metrics\"") && rows[1].ends_with(" more"), "{out}");

    let Ended(status, _, errors) = bare(&server, &["metrics", "--grep", "no_such"]);
    assert_eq!((status, errors.lines().count()), (Some(1), 1), "{errors}");
    assert!(!errors.contains("regular expression"), "{errors}");
    let Ended(status, out, errors) = bare(&server, &["metrics", "--json", "--grep", "scene_.*_total"]);
    assert_eq!((status, out.as_str()), (Some(1), "[]\n"));
    assert!(errors.contains("no regular expression is meant: * alone stands for anything"), "{errors}");
    refused(&bare(&server, &["metrics", "--sort", "rate"]), "--watch");
}

#[test]
fn health_tells_by_its_status() {
    let server = Program::serve(&["--demo-faults"]);
    let Ended(status, out, errors) = known(&server, &["health"]);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("healthy  checked in ") && out.contains("lobby.tscn loaded in"), "{out}");
    let Ended(_, public, _) = bare(&server, &["health"]);
    assert!(!public.contains("loaded in") && public.contains("--token-file"), "{public}");
    let Ended(_, wrong, _) = bare(&server, &["health", "--token", "another"]);
    assert!(wrong.contains("the token is not the server's") && !wrong.contains("another"), "{wrong}");
    for asked in [&["--quick"][..], &["--live"], &["--ready"], &["--startup"], &["--check", "scene_loader"], &["--strict"]] {
        let Ended(status, out, errors) = bare(&server, &[&["health"], asked].concat());
        assert_eq!((status, errors.as_str()), (Some(0), ""), "{asked:?}: {out}");
    }
    let quiet = bare(&server, &["health", "--live", "--quiet"]);
    assert!(matches!(&quiet, Ended(Some(0), out, errors) if out.is_empty() && errors.is_empty()), "{quiet:?}");
    refused(&bare(&server, &["health", "--check", "no/such"]), "404");
    let Ended(_, out, _) = known(&server, &["health", "--json"]);
    assert_eq!((&json(&out)["status"], json(&out)["checks"].as_object().unwrap().len()), (&Value::from("healthy"), 6));
    let Ended(status, _, _) = bare(&server, &["health", "--path", "/metrics"]);
    assert_eq!(status, Some(2));

    let headers = [("Authorization", &*format!("Bearer {TOKEN}"))];
    let fault = |body: &str| assert_eq!(request(server.address, "POST", "/demo/fault", &headers, body.as_bytes()).status, 200);
    fault(r#"{"debug_adapter": "down"}"#);
    let degraded = eventually("degraded", || Some(known(&server, &["health"])).filter(|ended| ended.0 == Some(1)));
    assert!(degraded.1.starts_with("degraded") && degraded.1.contains("! "), "{}", degraded.1);
    let Ended(status, out, _) = bare(&server, &["health", "--strict"]);
    assert_eq!(status, Some(2), "{out}");
    fault(r#"{"debug_adapter": "down", "language_server": "down"}"#);
    let unhealthy = eventually("unhealthy", || Some(known(&server, &["health"])).filter(|ended| ended.0 == Some(2)));
    assert!(unhealthy.1.starts_with("unhealthy") && unhealthy.2.is_empty(), "{unhealthy:?}");
}

/// What a foreign server is sent that asks for a token, and how the command ends.
fn asked(arguments: &[&str]) -> (String, Ended) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
            request.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let ended = command(arguments).args(["--url", &url]).env("TACHOGRAPH_TOKEN", "of-ours").output().unwrap().into();
    (answering.join().unwrap(), ended)
}

#[test]
fn the_environments_token_is_not_sent_to_foreign_paths() {
    for (arguments, sent, part) in [
        (&["health", "--path", "/-/healthy"][..], None, "TACHOGRAPH_TOKEN is sent to /health and /debug alone"),
        (&["health", "--path", "/healthz?x=/health"], None, "give the server's token with --token-file"),
        (&["metrics"], None, "TACHOGRAPH_TOKEN is sent to /health and /debug alone"),
        (&["health", "--path", "/-/healthy", "--token", "given"], Some("given"), "the token is not the server's"),
        (&["health", "--strict"], Some("of-ours"), "the token is not the server's"),
        (&["profile", "--limit", "1"], Some("of-ours"), "the token is not the server's"),
    ] {
        let (request, ended) = asked(arguments);
        let found = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
        assert_eq!(found, sent, "{arguments:?}: {request}");
        refused(&ended, part);
    }
}

#[test]
fn profiles_are_listed_shown_and_cleared() {
    let server = Program::serve(&[]);
    load_scenes(&server);
    refused(&bare(&server, &["profile"]), "give the server's token");
    let wrong = bare(&server, &["profile", "--token", "another"]);
    refused(&wrong, "the token is not the server's");
    assert!(!wrong.2.contains("another"), "{}", wrong.2);
    refused(&known(&server, &["profile", "--limit", "many"]), "write a whole number");
    refused(&known(&server, &["profile", "no/such id"]), "404");

    let Ended(status, out, errors) = known(&server, &["profile", "--endpoint", "/scene", "--status", "2xx"]);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{out}");
    // A busy machine may have made it slow.
    assert!(out.starts_with("1 request, ") && out.lines().next().unwrap().ends_with(" slow, 1 shown"), "{out}");
    assert!(["POST /scene", "scene_parse", "(unaccounted)", "route"].iter().all(|part| out.contains(part)), "{out}");
    let Ended(_, listed, _) = known(&server, &["profile", "--json", "--status", "200"]);
    let id = json(&listed)["profiles"][0]["request_id"].as_str().unwrap().to_owned();
    let folder = folder("client-token");
    let file = folder.join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let Ended(status, out, _) = bare(&server, &["profile", &id, "--token-file", file.to_str().unwrap()]);
    assert_eq!(status, Some(0));
    let phases: Vec<&str> = out.lines().filter(|line| line.contains(" µs") || line.contains(" ms")).skip(1).collect();
    assert!(phases[0].contains("auth_validation") && out.contains("    scene_parse") && out.contains(&id), "{out}");
    let Ended(_, one, _) = known(&server, &["profile", &id, "--json"]);
    assert_eq!(json(&one)["request_id"], *id);
    std::fs::remove_dir_all(folder).unwrap();

    let kept = json(&known(&server, &["profile", "--json"]).1)["total_profiles"].as_u64().unwrap();
    let Ended(status, out, _) = known(&server, &["profile", "--clear"]);
    assert_eq!((status, out.as_str()), (Some(0), &*format!("{kept} profiles forgotten\n")));
    let Ended(status, out, _) = known(&server, &["profile"]);
    assert_eq!((status, out.as_str()), (Some(0), "0 requests, 0 slow, 0 shown\n"));
    let Ended(_, out, _) = known(&server, &["flamegraph"]);
    assert!(out.starts_with("no requests"), "{out}");
}

#[test]
fn a_flame_graph_is_drawn_or_written_whole() {
    let server = Program::serve(&[]);
    load_scenes(&server);
    let Ended(status, out, _) = known(&server, &["flamegraph", "--width", "60"]);
    assert_eq!(status, Some(0));
    assert!(out.starts_with("│all 100.0 % ") && out.contains("│POST /scene"), "{out}");
    assert!(out.lines().take(2).all(|line| line.chars().count() <= 61), "{out}");

    let folder = folder("client-flame");
    for (name, start) in [
        ("a.svg", &b"<"[..]),
        ("a.folded", b"POST /scene"),
        ("a.txt", b"POST /scene"),
        ("a.json", b"{\"$schema\":\"https://www.speedscope.app"),
        ("a.trace.json", b"{"),
        ("a.d3.json", b"{\"name\":\"all\""),
        ("a.pb.gz", b"\x1f\x8b"),
    ] {
        let file = folder.join(name);
        let Ended(status, out, errors) = known(&server, &["flamegraph", "--output", file.to_str().unwrap()]);
        assert_eq!((status, out.as_str()), (Some(0), ""), "{errors}");
        let written = std::fs::read(&file).unwrap();
        assert!(written.starts_with(start), "{name}: {}", String::from_utf8_lossy(&written));
    }
    let files = || std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files(), 7);
    let svg = folder.join("a.svg");
    let svg = svg.to_str().unwrap();
    std::fs::write(svg, "mine").unwrap();
    refused(&known(&server, &["flamegraph", "--output", svg]), "--force");
    assert_eq!(std::fs::read_to_string(svg).unwrap(), "mine");
    assert_eq!(known(&server, &["flamegraph", "--output", svg, "--force"]).0, Some(0));
    assert!(std::fs::read_to_string(svg).unwrap().starts_with('<'));
    // Who has linked it finds it where it leads to, and read by nobody else than before.
    let (link, private) = (folder.join("link.svg"), Permissions::from_mode(0o600));
    std::os::unix::fs::symlink(svg, &link).unwrap();
    std::fs::write(svg, "mine").unwrap();
    std::fs::set_permissions(svg, private.clone()).unwrap();
    assert_eq!(known(&server, &["flamegraph", "--output", link.to_str().unwrap(), "--force"]).0, Some(0));
    assert!(std::fs::read_to_string(svg).unwrap().starts_with('<') && link.is_symlink());
    assert_eq!(std::fs::metadata(svg).unwrap().permissions().mode() & 0o777, private.mode());
    std::fs::remove_file(link).unwrap();
    refused(&known(&server, &["flamegraph", "--output", folder.join("b.png").to_str().unwrap()]), ".svg, .folded");
    refused(&known(&server, &["flamegraph", "--output", folder.join("no/b.svg").to_str().unwrap()]), "its folder is not there");
    refused(&known(&server, &["flamegraph", "--output", folder.to_str().unwrap(), "--format", "svg"]), "is a folder");
    let Ended(status, out, _) = known(&server, &["flamegraph", "--output", "-", "--format", "folded"]);
    assert!(status == Some(0) && out.starts_with("POST /scene"), "{out}");
    // What is no file is written to and never replaced.
    let pipe = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reading = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    let Ended(status, _, errors) =
        known(&server, &["flamegraph", "--output", pipe.to_str().unwrap(), "--format", "folded", "--force"]);
    assert_eq!(status, Some(0), "{errors}");
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    assert!(reading.join().unwrap().starts_with("POST /scene"));
    std::fs::remove_file(pipe).unwrap();

    // No file may be larger than one block: it is as on a disk that is full.
    let full = folder.join("full.svg");
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_tachograph"),
        "flamegraph",
        "--output",
    ]);
    shell.arg(&full).args(["--url", &server.address.to_string()]).env("TACHOGRAPH_TOKEN", TOKEN);
    refused(&shell.output().unwrap().into(), "nothing of it was kept");
    assert_eq!((full.exists(), files()), (false, 7));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn colours_are_where_they_are_wanted() {
    let server = Program::serve(&[]);
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let arguments = [&["metrics", "--grep", "process"], arguments].concat();
        let output = client(&server, &arguments).envs(variables.iter().copied()).output().unwrap();
        Ended::from(output).1.contains('\x1b')
    };
    assert!(!colored(&[], &[]) && !colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]) && colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]) && !colored(&[], &[("CLICOLOR_FORCE", "0")]));
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")]));
}

#[test]
fn watching_survives_a_restart_without_a_negative_rate() {
    let first = Program::serve(&[]);
    let address = first.address.to_string();
    for _ in 0..50 {
        load_scenes(&first);
    }
    let mut watching = client(&first, &["metrics", "--json", "--watch", "0.1", "--timeout", "5", "--grep", "_total"]);
    let mut child = watching.spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let scenes = |line: &str| {
        let families = json(line);
        let mut rates = 0;
        for series in families.as_array().unwrap().iter().flat_map(|family| family["series"].as_array().unwrap()) {
            if let Some(rate) = series.get("rate") {
                assert!(rate.as_f64().unwrap() >= 0.0, "{series}");
                rates += 1;
            }
        }
        let loads = families.as_array().unwrap().iter().find(|family| family["name"] == "scene_loads_total").unwrap();
        let lobby = loads["series"].as_array().unwrap().iter().find(|series| series["labels"]["scene"] == "lobby.tscn");
        (lobby.map_or(0, |series| series["value"].as_u64().unwrap()), rates)
    };
    let (before, without) = scenes(&lines.next().unwrap().unwrap());
    let (_, with) = scenes(&lines.next().unwrap().unwrap());
    assert!(before > 1 && without == 0 && with > 10, "{before} {without} {with}");
    first.signal("KILL");
    let mut told = String::new();
    errors.read_line(&mut told).unwrap();
    assert!(told.starts_with("tachograph: cannot read ") && told.contains("does an HTTP server listen there?"), "{told}");
    drop(first);
    let second = Program::start(&mut command(&["serve", "--listen", &address, "--token", TOKEN]));
    load_scenes(&second);
    let after = lines.map(|line| scenes(&line.unwrap())).find(|(loads, _)| *loads < before).expect("it goes on");
    assert!(after.1 > 10, "{after:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = Program::serve(&[]);
    let mut child = client(&server, &["metrics", "--watch", "0.1"]).spawn().unwrap();
    drop(child.stdout.take());
    let status = eventually("the end", || child.try_wait().unwrap());
    let errors = child.wait_with_output().unwrap().stderr;
    assert_eq!((status.code(), String::from_utf8(errors).unwrap()), (Some(0), String::new()));
}

#[test]
fn the_help_tells_the_exit_status_and_never_the_token() {
    for name in ["metrics", "health", "profile", "flamegraph"] {
        let output = command(&[name, "--help"]).env("TACHOGRAPH_TOKEN", "secret-token").output().unwrap();
        let Ended(status, out, _) = output.into();
        assert!(status == Some(0) && out.contains("exit status is 0") && out.contains("Examples:"), "{out}");
        assert!(out.contains("TACHOGRAPH_TOKEN") && !out.contains("secret-token"), "{out}");
    }
}
