//! Loads that do not come to an end, and a process that may open no more files.

use std::process::{Command, Stdio};

use crate::http::{Connection, eventually, get, request};
use crate::program::Program;
use crate::{BEARER, LOBBY, check, load, until_status, value};

#[test]
fn loads_beyond_the_limit_are_refused_and_nobody_else_waits() {
    let program = Program::serve(&["--demo-faults", "--max-loads", "2", "--health-interval", "50", "--rate-limit", "0"]);
    let address = program.address;
    let busy = || value(address, "scene_load_errors_total{error_type=\"busy\"}");
    assert_eq!(busy(), 0.0);
    let fault = |body: &str| request(address, "POST", "/demo/fault", &[BEARER], body.as_bytes());
    assert_eq!(fault("{\"load_delay_ms\": 60000}").status, 200);
    let stuck: Vec<Connection> = (0..2)
        .map(|_| {
            let mut connection = Connection::open(address);
            connection.send("POST", "/scene", &[BEARER], LOBBY);
            connection
        })
        .collect();
    eventually("both are being loaded", || {
        (check(address, "resource_loader")["checks"]["resource_loader"].to_string().contains("\"active\":2")).then_some(())
    });
    for refused in 1..=3 {
        let answer = load(address);
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
        assert!(answer.text().contains("as many scenes are being loaded as may be at once"), "{}", answer.text());
        assert_eq!(busy(), f64::from(refused));
    }
    assert_eq!((get(address, "/scenes").status, get(address, "/health/quick").status), (200, 200));
    assert_eq!(request(address, "GET", "/debug/profile/summary", &[BEARER], b"").status, 200);
    assert_eq!(fault("{}").status, 200);
    // Their clients go, and with them the loads.
    drop(stuck);
    eventually("there is a place again", || (load(address).status == 200).then_some(()));
}

#[test]
fn a_process_without_file_descriptors_says_so_and_recovers() {
    let mut limited = Command::new("sh");
    let script = "ulimit -n 40 && exec \"$0\" serve --listen 127.0.0.1:0 --token test-token --rate-limit 0";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_tachograph")]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = Program::start(&mut limited);
    let address = program.address;
    until_status(address, "file_system", "healthy");
    let mut connection = Connection::open(address);
    assert_eq!(connection.request("POST", "/scene", &[BEARER], LOBBY).status, 200);
    let many: Vec<Connection> = (0..60).map(|_| Connection::open(address)).collect();
    program.error_line("a connection could not be accepted");
    // A descriptor that a check gives back may be had for a moment.
    let mut until_refused = |method: &str, path: &str, body: &[u8]| {
        let answer = eventually("there are none left", || {
            let answer = connection.request(method, path, &[BEARER], body);
            assert!([200, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
            (answer.status == 503).then_some(answer)
        });
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert!(answer.text().contains("the server has no file descriptors left"), "{}", answer.text());
    };
    until_refused("POST", "/scene", LOBBY);
    until_refused("GET", "/scenes", b"");
    assert_eq!(connection.request("GET", "/metrics", &[], b"").status, 200, "a scrape needs none");
    drop(many);
    eventually("it loads again", || (load(address).status == 200).then_some(()));
    assert_eq!(get(address, "/scenes").status, 200);
    program.error_line("a scene file cannot be read");
    program.signal("TERM");
    assert!(program.join().0.success());
}
