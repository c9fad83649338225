//! Disks that are full, slow or broken, under the demo: a real small file system, and strace, which has a system call of the
//! demo's wait or fail.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use rustix::process::geteuid;
use serde_json::Value;
use system::demo::{Demo, TOKEN, any_port, repository};
use system::http::{Connection, Response};
use system::wait;
use tempfile::TempDir;

/// Each request is logged, and none is refused for its number.
const TALKATIVE: [&str; 4] = ["--slow-threshold", "0", "--rate-limit", "0"];

fn ask(demo: &Demo, method: &str, path: &str, body: &str) -> Response {
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", &*authorization), ("connection", "close")];
    let connection = Connection::open(demo.address());
    connection.and_then(|mut connection| connection.request(method, path, &headers, body)).expect("an answer")
}

fn load(demo: &Demo, scene: &str) -> Response {
    ask(demo, "POST", "/scene", &format!("{{\"path\": \"{scene}\"}}"))
}

fn value(demo: &Demo, series: &str) -> f64 {
    let scrape = demo.scrape();
    let line = scrape.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no series {series}"))
}

/// Waits until a check has that status.
fn until_status(demo: &Demo, check: &str, status: &str) {
    wait::until(&format!("{check} to be {status}"), wait::LIMIT, || {
        let report: Value = serde_json::from_str(&ask(demo, "GET", "/health/quick", "").body).expect("JSON");
        let told = &report["checks"][check];
        if told["status"] == status { Ok(()) } else { Err(told.to_string()) }
    });
}

fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    wait::until(what, wait::LIMIT, || probe().ok_or_else(|| "not yet".to_owned()))
}

#[test]
fn a_full_disk_costs_log_lines_and_nothing_else() {
    let folder = TempDir::new().expect("a temporary folder");
    let place = folder.path().to_str().expect("a path of letters");
    // In a namespace of its own: what is mounted there ends with the demo.
    let mount =
        "mount -t tmpfs -o size=512k none \"$0\" && cp scenes/lobby.tscn scenes/broken.tscn \"$0\" && exec \"$@\" 2>\"$0/log\"";
    let unshare: &[&str] = if geteuid().is_root() { &["unshare", "-m"] } else { &["unshare", "-U", "-r", "-m"] };
    let wrapper = [unshare, &["sh", "-c", mount, place]].concat();
    let mut demo = Demo::start_through(&wrapper, any_port(), &[&TALKATIVE[..], &["--scenes", place]].concat());
    // The same folder, as the demo sees it.
    let seen = demo.proc().join("root").join(folder.path().strip_prefix("/").expect("an absolute path"));
    let lost = || value(&demo, "log_lines_lost_total");
    let requests = |count: usize| {
        let mut connection = Connection::open(demo.address()).expect("a connection");
        for _ in 0..count {
            assert_eq!(connection.request("GET", "/scenes", &[], "").expect("an answer").status, 200);
        }
    };
    assert_eq!((load(&demo, "lobby.tscn").status, lost()), (200, 0.0));

    fill(&seen.join("filler"));
    until("lines to be lost", || {
        requests(100);
        (lost() > 100.0).then_some(())
    });
    assert_eq!(load(&demo, "lobby.tscn").status, 200, "what is there can be read");
    until_status(&demo, "file_system", "healthy");
    until_status(&demo, "scene_loader", "healthy");
    let full = fs::read_to_string(seen.join("log")).expect("the log");

    fs::remove_file(seen.join("filler")).expect("the file is there");
    until("the log to go on", || {
        requests(1);
        let log = fs::read_to_string(seen.join("log")).expect("the log");
        log.contains("log lines before this one were lost").then_some(())
    });
    let before = lost();
    requests(50);
    let log = fs::read_to_string(seen.join("log")).expect("the log");
    assert!(log.starts_with(&full), "what was written stays");
    let torn = |line: &&str| !line.starts_with("20");
    assert!(!log.lines().any(|line| torn(&line)), "{:?}", log.lines().filter(torn).collect::<Vec<_>>());
    assert_eq!(lost(), before, "none is lost any more");
    demo.terminate();
    assert!(demo.exit_status().success());
}

/// Writes until there is no room for another byte.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("a file");
    for bytes in [4096, 1] {
        let cause = loop {
            if let Err(cause) = file.write_all(&vec![b'x'; bytes]) {
                break cause;
            }
        };
        assert_eq!(cause.kind(), ErrorKind::StorageFull);
    }
}

/// A folder with a small scene, whose checks are well, and a larger one.
fn scenes() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    for (from, to) in [("lobby.tscn", "a.tscn"), ("city.tscn", "slow.tscn")] {
        fs::copy(repository().join("scenes").join(from), folder.path().join(to)).expect("a scene");
    }
    folder
}

/// A demo of which a system call on one file is tampered with. It is the tracer that is the child's child.
fn tampered(folder: &TempDir, file: &str, call: &str, with: &str, options: &[&str]) -> Demo {
    let path = folder.path().join(file).to_str().expect("a path of letters").to_owned();
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{with}"));
    let wrapper = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", &path, "-e", &trace, "-e", &inject];
    let scenes = ["--scenes", folder.path().to_str().expect("a path of letters"), "--rate-limit", "0"];
    Demo::start_through(&wrapper, any_port(), &[&scenes[..], options].concat())
}

fn threads(demo: &Demo) -> usize {
    fs::read_dir(demo.proc().join("task")).expect("it runs").count()
}

#[test]
fn a_disk_that_hangs_holds_up_the_loads_and_nobody_else() {
    const LOADS: usize = 4;
    let folder = scenes();
    let most = LOADS.to_string();
    let options = ["--max-loads", &most, "--health-interval", "200", "--health-stuck-after", "1000"];
    let demo = tampered(&folder, "slow.tscn", "openat", "delay_enter=20s", &options);
    until_status(&demo, "resource_loader", "healthy");
    assert_eq!(load(&demo, "a.tscn").status, 200);
    let threads_before = threads(&demo);
    let body = "{\"path\": \"slow.tscn\"}";
    let mut waiting = Vec::new();
    for _ in 0..LOADS {
        let mut connection = Connection::open(demo.address()).expect("a connection");
        let head = format!("POST /scene HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n");
        connection.send(&format!("{head}content-length: {}\r\n\r\n{body}", body.len())).expect("an open connection");
        waiting.push(connection);
    }
    until_status(&demo, "resource_loader", "degraded");
    // Two of their clients go, but the disk does not notice.
    waiting.truncate(LOADS / 2);
    for _ in 0..3 {
        let refused = load(&demo, "a.tscn");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.body);
    }
    assert!(value(&demo, "scene_load_errors_total{error_type=\"busy\"}") >= 3.0);
    for path in ["/scenes", "/metrics", "/", "/debug/profile/summary", "/debug/profile/flamegraph"] {
        assert_eq!(ask(&demo, "GET", path, "").status, 200, "{path}");
    }
    until_status(&demo, "file_system", "healthy");
    let now = threads(&demo);
    assert!(now <= threads_before + LOADS + 8, "{now} threads, {threads_before} before");
    // The disk comes to itself.
    for mut connection in waiting {
        assert_eq!(until("an answer", || connection.receive().ok()).status, 200);
    }
    assert_eq!(load(&demo, "a.tscn").status, 200);
    until_status(&demo, "resource_loader", "healthy");
}

#[test]
fn a_disk_that_hangs_under_the_checks_is_told_and_got_over() {
    let folder = scenes();
    let options = ["--health-interval", "200", "--health-timeout", "500"];
    // Of each thread, and each check has its own: two openings hang, the tenth and the eleventh.
    let demo = tampered(&folder, "a.tscn", "openat", "delay_enter=8s:when=10..11", &options);
    wait::until("a check to hang", wait::LIMIT, || {
        let report: Value = serde_json::from_str(&ask(&demo, "GET", "/health/quick", "").body).expect("JSON");
        let hangs = ["scene_loader", "file_system"].map(|check| report["checks"][check]["message"].to_string());
        let told = |text: &String| text.contains("it did not come back within 500 ms") || text.contains("has not come back");
        if hangs.iter().any(told) { Ok(()) } else { Err(format!("{hangs:?}")) }
    });
    for path in ["/scenes", "/metrics", "/", "/health/live"] {
        assert_eq!(ask(&demo, "GET", path, "").status, 200, "{path}");
    }
    for check in ["memory", "resource_loader", "scene_loader", "file_system"] {
        until_status(&demo, check, "healthy");
    }
}

#[test]
fn a_disk_that_fails_is_told_without_its_path_and_got_over() {
    let folder = scenes();
    let demo = tampered(&folder, "slow.tscn", "read", "error=EIO:when=1", &[]);
    // The first reading of each thread.
    let mut failed = 0;
    let answer = until("a load to succeed", || {
        let answer = load(&demo, "slow.tscn");
        if answer.status == 200 {
            return Some(answer);
        }
        failed += 1;
        assert_eq!(answer.status, 500, "{}", answer.body);
        assert!(answer.body.contains("the scene file cannot be read, the server's log says why"), "{}", answer.body);
        assert!(!answer.body.contains(folder.path().to_str().expect("a path of letters")), "{}", answer.body);
        None
    });
    assert!(failed > 0 && answer.body.contains("slow.tscn"));
    assert_eq!(value(&demo, "scene_load_errors_total{error_type=\"io_error\"}"), f64::from(failed));
    assert!(demo.log().contains("a scene file cannot be read"), "{}", demo.log());
}
