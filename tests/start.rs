//! How the binary starts, refuses to start, and ends.
#![cfg(all(feature = "cli", unix))]

#[path = "support/ended.rs"]
mod ended;
#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

use http::{Connection, eventually, get, request};
use program::{Program, TOKEN, command, folder};
use scrape::sample;

/// Runs to the end.
fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Checks that a command ends with status 2, one line on standard error and nothing on standard output.
#[track_caller]
fn refused(arguments: &[&str], part: &str) {
    ended::refused(&run(arguments).into(), part);
}

#[test]
fn what_keeps_it_from_starting_is_told_in_one_line() {
    let free = ["--listen", "127.0.0.1:0"];
    refused(&["--bogus"], "unexpected argument '--bogus'");
    refused(&["dance"], "dance");
    refused(&["serve", "--listen", "nonsense"], "write an address and a port");
    refused(&["serve", "--listen", "127.0.0.1:99999"], "write an address and a port");
    refused(&["serve", "--listen", "192.0.2.1:1", "--token", TOKEN], "cannot listen on 192.0.2.1:1");
    refused(&["serve", "--listen", "192.0.2.1:1", "--allow-random-token"], "cannot listen on 192.0.2.1:1");
    for public in ["0.0.0.0:0", "[::]:0", "192.0.2.1:1"] {
        refused(&["serve", "--listen", public], "no token was chosen: choose one with --token-file or TACHOGRAPH_TOKEN");
        refused(&["--listen", public], "--allow-random-token");
    }
    refused(&["serve", "--traffic", "much"], "write a number");
    refused(&["serve", "--log-level", "loud"], "possible values");
    refused(&["serve", "--max-connections", "some"], "--max-connections");
    refused(&["serve", "--scenes"], "--scenes <DIR>");
    refused(
        &[&["serve", "--scenes", "/nonexistent/scenes"][..], &free].concat(),
        "the scene folder /nonexistent/scenes cannot be used",
    );
    refused(&[&["serve", "--token", "two words"][..], &free].concat(), "the token must be");
    let no_folder = folder("no_folder");
    let file = no_folder.join("file");
    std::fs::write(&file, "").unwrap();
    refused(&[&["serve", "--scenes", file.to_str().unwrap()][..], &free].concat(), "the scene folder");
    std::fs::remove_dir_all(no_folder).unwrap();
}

#[test]
fn a_token_is_never_repeated_in_an_error() {
    let output = run(&["serve", "--token", "my secret", "--listen", "127.0.0.1:0"]);
    assert!(!String::from_utf8(output.stderr).unwrap().contains("secret"));
}

#[test]
fn a_port_in_use_is_told_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(&["serve", "--listen", &address], &format!("cannot listen on {address}: "));
}

#[test]
fn without_a_folder_of_scenes_anywhere_it_says_so() {
    let elsewhere = folder("without_a_folder");
    // The usual places reach five levels up from the executable, so it must lie deep enough to find nothing.
    let deep = elsewhere.join("a/b/c/d/e/f");
    std::fs::create_dir_all(&deep).unwrap();
    // Linked, not copied: a file that another thread's child still has open for writing cannot be run.
    std::fs::hard_link(env!("CARGO_BIN_EXE_tachograph"), deep.join("tachograph")).unwrap();
    let output = Command::new(deep.join("tachograph"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(&deep)
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(errors.contains("name one with --scenes"), "{errors}");
    std::fs::remove_dir_all(elsewhere).unwrap();
}

#[test]
fn either_signal_ends_it_with_status_0_and_one_line_said() {
    for signal in ["INT", "TERM"] {
        let program = Program::serve(&[]);
        eventually("its checks have run", || (get(program.address, "/health/quick").status == 200).then_some(()));
        program.signal(signal);
        let (status, rest, errors) = program.join();
        assert_eq!(status.code(), Some(0), "{signal}: {errors}");
        assert_eq!(rest, "", "one line is all there is on standard output");
    }
}

#[test]
fn a_shutdown_finishes_the_request_in_flight() {
    let program = Program::serve(&[]);
    let mut connection = Connection::open(program.address);
    let body = b"{\"path\": \"lobby.tscn\"}";
    let length = body.len().to_string();
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Authorization", &*bearer), ("Expect", "100-continue"), ("Content-Length", &length)];
    connection.send("POST", "/scene", &headers, b"");
    // The server asks for the body, so the request is under way.
    assert_eq!(connection.read(false).unwrap().status, 100);
    program.signal("TERM");
    eventually("nobody listens any more", || TcpStream::connect(program.address).err());
    connection.write(body).unwrap();
    let answer = connection.read(true).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["scene"]["name"], "lobby.tscn");
    assert!(connection.is_closed());
    let (status, _, errors) = program.join();
    assert_eq!(status.code(), Some(0), "{errors}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let program = Program::serve(&[]);
    let mut connection = Connection::open(program.address);
    connection.send(
        "POST",
        "/scene",
        &[("Authorization", &format!("Bearer {TOKEN}")), ("Expect", "100-continue"), ("Content-Length", "10")],
        b"",
    );
    assert_eq!(connection.read(false).unwrap().status, 100);
    program.signal("TERM");
    eventually("nobody listens any more", || TcpStream::connect(program.address).err());
    program.signal("TERM");
    assert_eq!(program.join().0.code(), Some(1));
}

#[test]
fn with_a_drain_delay_it_serves_on_until_a_second_signal_ends_it() {
    let program = Program::serve(&["--drain-delay", "86400000"]);
    eventually("it is ready", || (get(program.address, "/health/ready").status == 200).then_some(()));
    program.signal("TERM");
    eventually("it is not ready", || (get(program.address, "/health/ready").status == 503).then_some(()));
    assert_eq!(get(program.address, "/scenes").status, 200);
    program.signal("TERM");
    assert_eq!(program.join().0.code(), Some(1));
}

#[test]
fn running_out_of_file_descriptors_is_waited_out() {
    let mut limited = Command::new("sh");
    let script = "ulimit -n 40 && exec \"$0\" serve --listen 127.0.0.1:0 --token t";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_tachograph")]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let program = Program::start(&mut limited);
    let many: Vec<Connection> = (0..60).map(|_| Connection::open(program.address)).collect();
    let begun = "a connection could not be accepted";
    program.error_line(begun);
    drop(many);
    // A check that ran out of them too is well again with its next run.
    eventually("it is healthy again", || (get(program.address, "/health/quick").status == 200).then_some(()));
    program.error_line("connections can be accepted again");
    let scrape = get(program.address, "/metrics");
    assert!(sample(scrape.text(), "tachograph_accept_errors_total").unwrap() >= 1.0);
    program.signal("TERM");
    let (status, _, errors) = program.join();
    assert!(status.success());
    // Once for each time that this went on for, of which there may be two: its own checks want descriptors too.
    assert!(errors.matches(begun).count() <= 2, "{errors}");
}

#[test]
fn a_limit_of_each_kind_is_an_option_away() {
    let program = Program::serve(&["--max-uri-bytes", "100", "--body-limit", "1000", "--max-connections-per-address", "1"]);
    let mut connection = Connection::open(program.address);
    let status = |connection: &mut Connection, path: &str, body: &[u8]| {
        let token = format!("Bearer {TOKEN}");
        connection.request(if body.is_empty() { "GET" } else { "POST" }, path, &[("Authorization", &token)], body).status
    };
    assert_eq!(status(&mut connection, "/scenes", b""), 200);
    assert_eq!(get(program.address, "/scenes").status, 429);
    assert_eq!(status(&mut connection, "/scene", &[b' '; 1_001]), 413);
    assert_eq!(status(&mut connection, &format!("/{}", "x".repeat(100)), b""), 414);
}

#[test]
fn without_a_token_one_is_made_and_told() {
    let program = Program::start(&mut command(&["serve", "--listen", "127.0.0.1:0"]));
    let line = program.error_line("token for this run: ");
    let token = line.split(' ').nth(4).unwrap();
    let headers = [("Authorization", &*format!("Bearer {token}"))];
    let answer = request(program.address, "POST", "/scene", &headers, b"{\"path\": \"lobby.tscn\"}");
    assert_eq!(answer.status, 200, "{line}: {}", answer.text());
}

#[test]
fn the_token_of_the_environment_is_taken() {
    let program = Program::start(command(&["serve", "--listen", "127.0.0.1:0"]).env("TACHOGRAPH_TOKEN", "from-outside"));
    let headers = [("Authorization", "Bearer from-outside")];
    assert_eq!(request(program.address, "POST", "/scene", &headers, b"{\"path\": \"lobby.tscn\"}").status, 200);
    program.signal("TERM");
    let (_, _, errors) = program.join();
    assert!(!errors.contains("from-outside"), "{errors}");
}

#[test]
fn help_names_every_option_and_endpoint() {
    for arguments in [&["--help"][..], &["serve", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).unwrap();
        for word in [
            "--listen",
            "--scenes",
            "--token",
            "--token-file",
            "--allow-random-token",
            "--auth-failures",
            "--traffic",
            "--slow-threshold",
            "--demo-faults",
            "--debug-adapter",
            "--language-server",
            "--health-interval",
            "--health-timeout",
            "--max-connections",
            "--max-connections-per-address",
            "--max-requests",
            "--max-loads",
            "--first-byte-timeout",
            "--header-timeout",
            "--idle-timeout",
            "--request-timeout",
            "--body-timeout",
            "--write-timeout",
            "--max-headers",
            "--max-head-bytes",
            "--max-uri-bytes",
            "--body-limit",
            "--max-scrapes",
            "--drain-delay",
            "--health-stuck-after",
            "--health-min-fps",
            "--health-memory-degraded",
            "--health-memory-unhealthy",
            "--rate-limit",
            "--rate-burst",
            "--trust-forwarded-for",
            "--log-level",
            "--log-format",
            "TACHOGRAPH_TOKEN",
            "/metrics",
            "/health",
            "/health/quick",
            "/health/live",
            "/health/ready",
            "/health/startup",
            "/health/check/NAME",
            "/scenes",
            "/scene",
            "/demo/fault",
            "/demo/engine",
        ] {
            assert!(help.contains(word), "{arguments:?} says nothing of {word}");
        }
    }
}
