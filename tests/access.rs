//! Who the binary lets in, what it says to those that it does not, and what nobody learns of it.
#![cfg(all(feature = "cli", unix))]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/program.rs"]
mod program;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/secured.rs"]
mod secured;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use http::{Answer, eventually, get, request};
use program::{Program, TOKEN, command, folder};
use scrape::sample;
use secured::Secured;

const LOAD: &[u8] = b"{\"path\": \"lobby.tscn\"}";

/// Loads a scene with this in `Authorization`.
fn load(address: SocketAddr, authorization: &str) -> Answer {
    request(address, "POST", "/scene", &[("Authorization", authorization)], LOAD)
}

fn attempts(address: SocketAddr, result: &str) -> f64 {
    let series = format!("auth_attempts_total{{result=\"{result}\"}}");
    sample(get(address, "/metrics").text(), &series).unwrap_or_else(|| panic!("no series {series}"))
}

/// A file that its owner alone can read.
fn write_secret(path: &Path, content: &str) {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// How often a line with this is in the log.
fn said(program: &Program, part: &str) -> usize {
    program.errors().lines().filter(|line| line.contains(part)).count()
}

/// Has the files read again, and waits for what the log says of it.
fn reload(program: &Program, part: &str) {
    let before = said(program, part);
    program.signal("HUP");
    eventually(part, || (said(program, part) > before).then_some(()));
}

#[test]
fn tokens_of_the_command_line_and_of_a_file_open_the_same() {
    let here = folder("tokens_of_all");
    let file = here.join("tokens");
    write_secret(&file, "# of a client\nof-the-file\n\nof-the-file-too\n");
    let options = ["--token", "one", "--token", "another", "--token-file", file.to_str().unwrap()];
    let mut both = command(&[&["serve", "--listen", "127.0.0.1:0"][..], &options].concat());
    let program = Program::start(both.env("TACHOGRAPH_TOKEN", "unread"));
    for token in ["one", "another", "of-the-file", "of-the-file-too"] {
        assert_eq!(load(program.address, &format!("Bearer {token}")).status, 200, "{token}");
    }
    assert_eq!(load(program.address, "Bearer unread").status, 401, "the command line stands in for the variable");
    let errors = program.errors();
    assert!(!errors.contains("token for this run") && !errors.contains("other users"), "{errors}");

    let mut variable = command(&["serve", "--listen", "127.0.0.1:0", "--token-file", file.to_str().unwrap()]);
    let program = Program::start(variable.env("TACHOGRAPH_TOKEN", "of-the-variable"));
    for token in ["of-the-variable", "of-the-file"] {
        assert_eq!(load(program.address, &format!("Bearer {token}")).status, 200, "{token}");
    }
    fs::remove_dir_all(here).unwrap();
}

#[test]
fn tokens_are_rotated_without_a_restart_and_a_bad_file_changes_nothing() {
    let here = folder("rotated");
    let file = here.join("tokens");
    write_secret(&file, "old\n");
    let program = Program::start(&mut command(&["serve", "--listen", "127.0.0.1:0", "--token-file", file.to_str().unwrap()]));
    let address = program.address;
    let open = |token: &str| {
        let bearer = format!("Bearer {token}");
        let profiles = request(address, "GET", "/debug/profile", &[("Authorization", &bearer)], b"").status == 200;
        let health = request(address, "GET", "/health/quick", &[("Authorization", &bearer)], b"").text().contains("version");
        assert_eq!((profiles, health), (load(address, &bearer).status == 200, profiles), "{token}");
        profiles
    };
    assert_eq!((open("old"), open("new")), (true, false));
    write_secret(&file, "old\nnew\n");
    reload(&program, "the tokens were read again tokens=2");
    assert_eq!((open("old"), open("new")), (true, true));
    write_secret(&file, "new");
    reload(&program, "the tokens were read again tokens=1");
    assert_eq!((open("old"), open("new")), (false, true));

    let kept = "the tokens were not read again, the old ones stay";
    for bad in ["", "# nothing\n", "newer\nhas blanks\n", &"newer\n".repeat(101), &"x".repeat(65_537)] {
        write_secret(&file, bad);
        reload(&program, kept);
        assert_eq!((open("new"), open("newer")), (true, false));
    }
    fs::remove_file(&file).unwrap();
    reload(&program, kept);
    assert!(open("new"));
    write_secret(&file, "newer");
    reload(&program, "the tokens were read again tokens=1");
    assert_eq!((open("new"), open("newer")), (false, true));
    program.signal("TERM");
    assert!(program.join().0.success());
    fs::remove_dir_all(here).unwrap();
}

#[test]
fn a_file_that_others_can_read_is_warned_of_and_one_that_cannot_be_read_ends_it() {
    let here = folder("others");
    let file = here.join("tokens");
    write_secret(&file, TOKEN);
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--token-file", file.to_str().unwrap()];
    fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    Program::start(&mut command(&arguments)).error_line("other users can read the tokens, take that away with chmod go-r");
    for (content, part) in
        [("", "has no token, write one a line"), ("se cret", "has a line 1 that is no token: the token must be")]
    {
        write_secret(&file, content);
        let output = command(&arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
        assert!(told.contains(part) && !told.contains("cret"), "{told}");
    }
    fs::remove_dir_all(here).unwrap();
}

#[test]
fn a_token_may_begin_with_a_hyphen() {
    for name in ["serve", "webhook"] {
        let tokens = ["--token", "--of-one", "--token", "-of-another"];
        let mut start = command(&[&[name, "--listen", "127.0.0.1:0"][..], &tokens].concat());
        let program = Program::start(start.env_remove("TACHOGRAPH_WEBHOOK_TOKEN"));
        let path = if name == "serve" { "/debug/profile" } else { "/alerts" };
        for (token, status) in [("--of-one", 200), ("-of-another", 200), ("of-one", 401)] {
            let bearer = format!("Bearer {token}");
            let answer = request(program.address, "GET", path, &[("Authorization", &bearer)], b"");
            assert_eq!(answer.status, status, "{name} {token}");
        }
        if name == "serve" {
            let url = program.address.to_string();
            let output = command(&["profile", "--token", "--of-one", "--url", &url]).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        }
    }
}

#[test]
fn no_token_is_told_by_the_log_the_process_or_an_answer() {
    let here = folder("no_token_is_told");
    let file = here.join("tokens");
    write_secret(&file, "s3cret-of-the-file\n");
    let options = ["--token-file", file.to_str().unwrap(), "--log-level", "trace", "--demo-faults", "--slow-threshold", "0"];
    let start = &mut command(&[&["serve", "--listen", "127.0.0.1:0", "--auth-failures", "8"][..], &options].concat());
    let program = Program::start(start.env("TACHOGRAPH_TOKEN", "s3cret-of-the-variable"));
    let address = program.address;
    let mut answers = Vec::new();
    let fields =
        ["Bearer s3cret-of-the-file", "Bearer s3cret-of-the-variable", "Bearer s3cret-guessed", "Basic s3cret", "s3cret"];
    for field in fields {
        for path in ["/debug/profile", "/health", "/demo/fault", "/scene", "/scenes", "/metrics", "/nothing"] {
            answers.push(request(address, "GET", path, &[("Authorization", field)], b""));
        }
        answers.push(load(address, field));
    }
    assert!(answers.iter().any(|answer| answer.status == 429));
    reload(&program, "the tokens were read again");
    write_secret(&file, "s3cret now\n");
    reload(&program, "the tokens were not read again");
    answers.push(get(address, "/metrics"));
    for answer in &answers {
        let told = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        assert!(!told.contains("s3cret"), "{told}");
    }
    if cfg!(target_os = "linux") {
        let shown = fs::read(format!("/proc/{}/cmdline", program.id())).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains("--token-file") && !shown.contains("s3cret"), "{shown}");
    }
    program.signal("TERM");
    let (_, out, errors) = program.join();
    assert!(errors.contains("TRACE") || errors.contains("DEBUG"), "{errors}");
    assert!(!errors.contains("s3cret") && !out.contains("s3cret"), "{errors}");
    fs::remove_dir_all(here).unwrap();
}

#[test]
fn a_hangup_while_it_starts_has_the_files_read_again() {
    let here = folder("hangup_at_start");
    let pipe = here.join("tokens");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (certificate, key) = (secured::path("first.pem"), secured::path("first.key"));
    for arguments in [&["serve", "--tls-cert", &certificate, "--tls-key", &key][..], &["webhook"]] {
        let mut command = command(arguments);
        command.args(["--listen", "127.0.0.1:0", "--token-file", pipe.to_str().unwrap()]);
        let child = command.env_remove("TACHOGRAPH_WEBHOOK_TOKEN").spawn().unwrap();
        // Open as soon as it is read.
        let writing = thread::spawn({
            let pipe = pipe.clone();
            move || fs::OpenOptions::new().write(true).open(pipe).unwrap()
        });
        eventually("it waits for its tokens", || writing.is_finished().then_some(()));
        assert!(Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap().success());
        writing.join().unwrap().write_all(TOKEN.as_bytes()).unwrap();
        let program = Program::started(child);
        if arguments[0] == "serve" {
            // Though nobody writes the tokens once more.
            program.error_line("the certificate was read again");
        }
    }
    fs::remove_dir_all(here).unwrap();
}

#[test]
fn a_server_without_files_ends_with_its_terminal() {
    let program = Program::serve(&[]);
    // These tests may have been started by nohup, whose children are to outlive the terminal.
    let status = fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    program.signal("HUP");
    match ignored.unwrap_or_default() & 1 {
        0 => assert_eq!(program.join().0.code(), None, "ended by the signal"),
        _ => assert_eq!(get(program.address, "/health/live").status, 200),
    }
}

#[test]
fn guesses_are_limited_for_all_that_asks_for_a_token() {
    let program = Program::serve(&["--auth-failures", "4", "--demo-faults"]);
    let (address, right, wrong) = (program.address, format!("Bearer {TOKEN}"), "Bearer guess");
    let ask = |path, field| request(address, "GET", path, &[("Authorization", field)], b"");
    assert_eq!(load(address, &right).status, 200);
    assert_eq!(ask("/scene", wrong).status, 200, "none is needed here, but it is a guess");
    assert_eq!([load(address, wrong).status, ask("/debug/profile", wrong).status, ask("/demo/fault", wrong).status], [401; 3]);
    for answer in [ask("/debug/profile", &right), ask("/demo/fault", &right), ask("/demo/engine", wrong)] {
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert!(answer.header("retry-after").is_some_and(|seconds| (1..=60).contains(&seconds.parse::<u64>().unwrap())));
    }
    assert_eq!((attempts(address, "wrong_token"), attempts(address, "too_many_failures")), (4.0, 3.0));
    // Who brings none is told so, as ever.
    assert_eq!(get(address, "/debug/profile").status, 401);
    assert_eq!(get(address, "/health/live").status, 200);
}

#[test]
fn a_guess_is_counted_whatever_is_answered() {
    let program = Program::serve(&["--rate-limit", "1", "--rate-burst", "1", "--auth-failures", "0", "--demo-faults"]);
    let (address, right) = (program.address, format!("Bearer {TOKEN}"));
    let refused = || (attempts(address, "wrong_token"), attempts(address, "missing_token"), attempts(address, "success"));
    let mut sent = 1.0;
    while load(address, "Bearer guess").status != 429 {
        sent += 1.0;
    }
    assert_eq!(refused(), (sent, 0.0, 0.0));
    // The token lets in, and is counted for that.
    let fault = ("Authorization", &*right);
    assert_eq!(request(address, "POST", "/demo/fault", &[fault], b"{\"error_share\": 1}").status, 200);
    assert_eq!(load(address, &right).status, 503);
    let answer = request(address, "GET", "/scenes", &[("Authorization", "Bearer guess")], b"");
    assert!([429, 503].contains(&answer.status), "{}", answer.text());
    assert!([429, 503].contains(&request(address, "POST", "/scene", &[], LOAD).status));
    assert_eq!(refused(), (sent + 1.0, 1.0, 1.0));
}

#[test]
fn behind_a_proxy_each_client_has_its_own_guesses_and_zero_is_no_limit() {
    let from = |program: &Program, address: &str, field: &str| {
        let headers = [("Authorization", field), ("X-Forwarded-For", address)];
        request(program.address, "POST", "/scene", &headers, LOAD).status
    };
    let (right, wrong) = (&*format!("Bearer {TOKEN}"), "Bearer guess");
    let program = Program::serve(&["--auth-failures", "1", "--trust-forwarded-for"]);
    assert_eq!([from(&program, "192.0.2.1", wrong), from(&program, "192.0.2.1", right)], [401, 429]);
    assert_eq!(from(&program, "192.0.2.2", right), 200);
    let program = Program::serve(&["--auth-failures", "1"]);
    assert_eq!([from(&program, "192.0.2.1", wrong), from(&program, "192.0.2.2", right)], [401, 429], "not trusted");
    let program = Program::serve(&["--auth-failures", "0", "--rate-limit", "0"]);
    for _ in 0..100 {
        assert_eq!(from(&program, "192.0.2.1", wrong), 401);
    }
    assert_eq!(from(&program, "192.0.2.1", right), 200);
}

#[test]
fn the_webhook_limits_guesses_as_the_server_does() {
    let start = |options: &[&str]| {
        let mut start = command(&[&["webhook", "--listen", "127.0.0.1:0", "--token", TOKEN][..], options].concat());
        Program::start(start.env_remove("TACHOGRAPH_WEBHOOK_TOKEN"))
    };
    let ask = |program: &Program, from: &str, token: &str| {
        let headers = [("Authorization", &*format!("Bearer {token}")), ("X-Forwarded-For", from)];
        request(program.address, "GET", "/alerts", &headers, b"").status
    };
    let program = start(&["--auth-failures", "1", "--trust-forwarded-for"]);
    assert_eq!([ask(&program, "192.0.2.1", "guess"), ask(&program, "192.0.2.1", TOKEN)], [401, 429]);
    assert_eq!(ask(&program, "192.0.2.2", TOKEN), 200, "what somebody else guesses locks nobody out");
    let program = start(&["--auth-failures", "1"]);
    assert_eq!([ask(&program, "192.0.2.1", "guess"), ask(&program, "192.0.2.2", TOKEN)], [401, 429], "not trusted");
    let program = start(&["--auth-failures", "0"]);
    assert!((0..70).all(|_| ask(&program, "192.0.2.1", "guess") == 401));
    assert_eq!(ask(&program, "192.0.2.1", TOKEN), 200);
}

#[cfg(target_os = "linux")]
#[test]
fn the_demos_own_guesses_lock_nobody_else_out() {
    let program = Program::serve(&["--traffic", "300", "--auth-failures", "2"]);
    eventually("its own stranger is refused", || (attempts(program.address, "too_many_failures") > 0.0).then_some(()));
    assert_eq!(load(program.address, &format!("Bearer {TOKEN}")).status, 200);
}

#[test]
fn the_demo_speaks_tls_and_reads_its_certificate_again() {
    let here = folder("speaks_tls");
    let (certificate, key) = (here.join("server.pem"), here.join("server.key"));
    let install = |one: &str, other: &str| {
        fs::write(&certificate, secured::pem(one)).unwrap();
        fs::write(&key, secured::pem(other)).unwrap();
    };
    install("first.pem", "first.key");
    let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let program = Program::serve(&[&files[..], &["--hsts", "60"]].concat());
    let mut connection = Secured::open(program.address);
    assert_eq!(connection.shown(), "first.pem");
    let answer = connection.get("/scenes");
    assert!(answer.contains("lobby.tscn") && answer.contains("\r\nstrict-transport-security: max-age=60\r\n"), "{answer}");
    install("second.pem", "first.key");
    reload(&program, "the certificate was not read again, the old one stays");
    assert_eq!(Secured::open(program.address).shown(), "first.pem");
    assert!(program.errors().contains("the key is that of another certificate"), "{}", program.errors());
    install("second.pem", "second.key");
    reload(&program, "the certificate was read again");
    assert_eq!(Secured::open(program.address).shown(), "second.pem");
    assert!(connection.get("/scenes").contains("lobby.tscn"), "a connection that is open goes on");
    fs::remove_file(&key).unwrap();
    reload(&program, "the certificate was not read again, the old one stays");
    assert_eq!(Secured::open(program.address).shown(), "second.pem");
    program.signal("TERM");
    assert!(program.join().0.success());
    fs::remove_dir_all(here).unwrap();
}

#[test]
fn what_keeps_it_from_speaking_tls_is_told_in_one_line() {
    let free = ["serve", "--listen", "127.0.0.1:0", "--token", TOKEN];
    let (first, other) = (secured::path("first.pem"), secured::path("second.key"));
    let right = secured::path("first.key");
    let content = String::from_utf8(secured::pem("first.key")).unwrap().lines().nth(1).expect("base64").to_owned();
    for (options, part) in [
        (&["--tls-cert", &first][..], "--tls-key <FILE>"),
        (&["--tls-cert", &first, "--tls-key", &other], "the key is that of another certificate"),
        (&["--tls-cert", &first, "--tls-key", &first], "there is no key"),
        (&["--tls-cert", &right, "--tls-key", &right], "there is no certificate"),
        (&["--tls-cert", "/nonexistent", "--tls-key", &right], "cannot read /nonexistent for TLS"),
        (&["--tls-cert", &first, "--tls-key", &right, "--traffic", "1"], "the server's own traffic speaks no TLS"),
    ] {
        let output = command(&[&free[..], options].concat()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.lines().count()), (Some(2), 1), "{told}");
        assert!(told.contains(part) && !told.contains(&content), "{told}");
    }
}
