//! The dashboard in a real terminal: tmux presses the keys and reads the screen.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use system::daemon::Daemon;
use system::demo::{Demo, TOKEN, program};
use system::parrot::{ok, parrot};
use system::tmux::{PROMPT, Tmux};
use tempfile::TempDir;

/// Starts the dashboard in a terminal.
fn dashboard(tmux: &Tmux, address: SocketAddr, options: &str) {
    tmux.clear();
    tmux.command(&format!("clear; TACHOGRAPH_TOKEN={TOKEN} {} dashboard --url {address} {options}", program()));
}

/// What the screen says behind a word, up to the next space.
fn behind<'a>(screen: &'a str, word: &str) -> Option<&'a str> {
    screen.split_once(word)?.1.split_whitespace().next()
}

/// The dashboard has ended, and the shell's screen is there again as it was.
fn assert_left(tmux: &Tmux, status: &str, settings_before: &str) {
    // What is typed before would still be the dashboard's.
    tmux.wait_for("the shell", |screen| screen.trim_end().ends_with(PROMPT) && !screen.contains("1 overview"));
    tmux.command("echo status $?");
    let screen = tmux.wait_for("the prompt", |screen| screen.contains(&format!("status {status}\n")));
    assert!(screen.contains(PROMPT) && !screen.contains("1 overview"), "{screen}");
    let (whole, cursor, _) = tmux.state();
    assert!(!whole && cursor, "whole screen {whole}, cursor {cursor}\n{screen}");
    assert_eq!(tmux.settings(), settings_before);
}

#[test]
fn a_service_is_seen_at_work() {
    let demo = Demo::start(&["--traffic", "50"]);
    let tmux = Tmux::start(80, 24);
    let before = tmux.settings();
    dashboard(&tmux, demo.address(), "0.5");

    let first = tmux.wait_for("a rate", |screen| behind(screen, "requests ").is_some_and(|rate| rate.ends_with("/s")));
    let rate = behind(&first, "requests ").expect("it was there").to_owned();
    // Traffic is never the same for long.
    tmux.wait_for("another rate", |screen| behind(screen, "requests ").is_some_and(|now| now.ends_with("/s") && now != rate));
    let quantile = |screen: &str| behind(screen, "p50 ").is_some_and(|value| value.parse::<f64>().is_ok());
    tmux.wait_for("quantiles", |screen| quantile(screen) && screen.contains('█') && screen.contains('│'));
    for told in ["2xx ", "latency over time", "errors ", "connections ", "slowest routes", "/scene ", "scene_loader"] {
        tmux.wait_for(told, |screen| screen.contains(told));
    }
    // A machine that is busy may have slowed its frames.
    let words = ["health healthy", "health degraded", "health unhealthy"];
    tmux.wait_for("its health", |screen| words.iter().any(|told| screen.contains(told)));

    tmux.press(&["2"]);
    tmux.wait_for("what was loaded", |screen| screen.contains("lobby.tscn") && screen.contains("missing_token"));
    tmux.press(&["3"]);
    // With the token the checks tell why, and the slow requests are told.
    tmux.wait_for("the reasons", |screen| screen.contains("frames a second"));
    tmux.wait_for("slow requests", |screen| screen.contains("POST /scene") && screen.contains("scene_parse"));
    tmux.press(&["?"]);
    tmux.wait_for("help", |screen| screen.contains("any key closes it"));
    tmux.press(&["Escape"]);
    tmux.wait_for("no help", |screen| !screen.contains("any key closes it"));

    tmux.press(&["/"]);
    tmux.type_in("frame");
    tmux.press(&["Enter"]);
    tmux.wait_for("the filter", |screen| {
        let listed = screen.contains("engine_frames_total") && !screen.contains("active_connections");
        screen.contains("with \"frame\"") && listed
    });
    tmux.press(&["Enter"]);
    tmux.wait_for("a family", |screen| screen.contains("engine_frame_duration_seconds histogram 1 series"));
    tmux.wait_for("its quantiles", |screen| screen.contains("just now: ") && screen.contains("p99 "));

    tmux.press(&["1"]);
    tmux.resize(160, 50);
    let address = demo.address().to_string();
    tmux.wait_for("a large screen", |screen| {
        let header = screen.lines().next().is_some_and(|line| line.contains(&address));
        header && screen.contains("what measuring costs") && screen.contains("slow requests")
    });
    tmux.resize(30, 8);
    tmux.wait_for("a small screen", |screen| screen.starts_with("too small, 40×10 at least"));
    tmux.resize(1, 1);
    tmux.wait_for("the smallest screen", |screen| screen.trim_end() == "…");
    tmux.resize(80, 24);
    tmux.wait_for("the screen as it was", |screen| screen.contains("slowest routes"));
    tmux.press(&["q"]);
    assert_left(&tmux, "0", &before);
}

#[test]
fn however_it_ends_the_terminal_is_as_before() {
    let demo = Demo::start(&[]);
    let tmux = Tmux::start(80, 24);
    let before = tmux.settings();
    let shown = |screen: &str| screen.contains("1 overview") && screen.contains("requests ");
    dashboard(&tmux, demo.address(), "");
    tmux.wait_for("the dashboard", shown);
    assert!(tmux.state().0, "it has the whole screen");
    tmux.press(&["C-c"]);
    assert_left(&tmux, "0", &before);

    // By a signal, also while a text is typed.
    let folder = TempDir::new().expect("a temporary folder");
    let pid = folder.path().join("pid");
    for (signal, status) in [("TERM", "143"), ("INT", "0")] {
        let run = format!("echo $$ >{}; exec {} dashboard --url {}", pid.display(), program(), demo.address());
        tmux.clear();
        tmux.command(&format!("clear; bash -c '{run}'"));
        tmux.wait_for("the dashboard", shown);
        tmux.press(&["/", "x"]);
        tmux.wait_for("the filter", |screen| screen.contains(" / x"));
        let pid = fs::read_to_string(&pid).expect("the shell has written it");
        let killed = Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status();
        assert!(killed.is_ok_and(|status| status.success()), "there is no process {pid}");
        assert_left(&tmux, status, &before);
    }
}

#[test]
fn a_server_that_comes_back_is_seen_again() {
    let demo = Demo::start(&["--traffic", "50"]);
    let address = demo.address();
    let tmux = Tmux::start(100, 30);
    dashboard(&tmux, address, "0.5 --timeout 2");
    let has_rate = |screen: &str| {
        let rate = behind(screen, "requests ").unwrap_or_default();
        assert!(!rate.starts_with('-'), "{screen}");
        rate.ends_with("/s") && rate != "0/s"
    };
    tmux.wait_for("a rate", has_rate);
    drop(demo);
    let away = [" no answer since ", " UTC (", "trying again"];
    tmux.wait_for("that it is away", |screen| away.iter().all(|told| screen.contains(told)));
    // Keys are obeyed meanwhile.
    tmux.press(&["?"]);
    tmux.wait_for("help", |screen| screen.contains("any key closes it"));
    tmux.press(&["Escape"]);
    let _demo = Demo::start_at(address, &["--traffic", "50"]);
    tmux.wait_for("a rate again, behind a gap", |screen| {
        !screen.contains("no answer") && has_rate(screen) && screen.contains('·')
    });
}

#[test]
fn any_exporter_can_be_looked_at() {
    let exporter = Daemon::start("/metrics", |_, address| {
        let mut command = Command::new("prometheus-node-exporter");
        command.arg(format!("--web.listen-address={address}")).arg("--no-collector.systemd");
        command
    });
    let tmux = Tmux::start(160, 50);
    dashboard(&tmux, exporter.address(), "0.5");
    let machine = ["machine busy", "node_cpu_seconds_total", &exporter.address().to_string()];
    tmux.wait_for("the machine", |screen| machine.iter().all(|told| screen.contains(told)));
    tmux.press(&["/"]);
    tmux.type_in("cpu seconds");
    tmux.press(&["Enter"]);
    tmux.wait_for("the family alone", |screen| {
        let listed = screen.contains("node_cpu_seconds_total") && !screen.contains("node_load1");
        screen.contains("with \"cpu seconds\"") && listed
    });
    tmux.wait_for("its rate", |screen| {
        screen.lines().any(|line| line.starts_with("node_cpu_seconds_total") && line.contains(" s/s"))
    });
    tmux.press(&["s", "s", "s", "s", "Home"]);
    tmux.press(&["Escape"]);
    // Together they would be one key with Alt.
    tmux.wait_for("no filter", |screen| !screen.contains("with \"cpu seconds\""));
    tmux.press(&["/"]);
    tmux.type_in("node_cpu_seconds");
    tmux.press(&["Enter", "Enter"]);
    tmux.wait_for("its series", |screen| screen.contains("mode=\"idle\"") && screen.contains("a second, over time"));
}

#[test]
fn a_server_that_is_away_is_told_with_what_to_do() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let tmux = Tmux::start(80, 24);
    let before = tmux.settings();
    dashboard(&tmux, closed, "");
    tmux.wait_for("that nobody listens", |screen| {
        let words: Vec<&str> = screen.split_whitespace().collect();
        screen.contains(" no answer yet, trying again") && words.join(" ").contains("does an HTTP server listen there?")
    });
    tmux.press(&["q"]);
    assert_left(&tmux, "0", &before);
}

#[test]
fn garbage_is_told_and_never_obeyed() {
    let noise: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let body = String::from_utf8_lossy(&noise).into_owned();
    for (answer, wanted) in [
        (Some(noise), "no answer yet"),
        (Some(ok(&body)), "no metrics yet"),
        (Some(ok("<html>hello</html>")), "it is a page of HTML"),
        (Some(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec()), "404"),
    ] {
        let tmux = Tmux::start(80, 24);
        dashboard(&tmux, parrot(answer), "0.2");
        tmux.wait_for(wanted, |screen| screen.contains(wanted));
        tmux.press(&["4", "Down", "Enter", "?"]);
        tmux.wait_for("help", |screen| screen.contains("any key closes it"));
    }
    let hostile = "a{x=\"\x1b]2;owned\x07\x1b[2J\u{202e}z\"} 1\n";
    let tmux = Tmux::start(80, 24);
    dashboard(&tmux, parrot(Some(ok(hostile))), "0.2");
    tmux.wait_for("a family", |screen| screen.lines().any(|line| line.starts_with("a ")));
    tmux.press(&["4", "Enter"]);
    let label = ["]2;owned", "1 overview", " q quit"];
    tmux.wait_for("its label", |screen| label.iter().all(|told| screen.contains(told)));
    assert_ne!(tmux.state().2, "owned");
}

#[test]
fn a_server_that_says_nothing_keeps_no_key_waiting() {
    let tmux = Tmux::start(80, 24);
    dashboard(&tmux, parrot(None), "--timeout 600");
    tmux.wait_for("that it asks", |screen| screen.contains("asking http://"));
    tmux.press(&["?"]);
    tmux.wait_for("help", |screen| screen.contains("any key closes it"));
    tmux.press(&["q"]);
    tmux.wait_for("the prompt", |screen| screen.trim_end().ends_with(PROMPT));
}

#[test]
fn what_has_been_written_over_it_is_drawn_anew() {
    let demo = Demo::start(&[]);
    let tmux = Tmux::start(120, 24);
    // Its keys come from the terminal, whatever its standard input is.
    dashboard(&tmux, demo.address(), "</dev/null");
    tmux.wait_for("the dashboard", |screen| screen.contains("requests "));
    // Where nothing stands and nothing changes.
    tmux.write_over("\x1b[1;50Hgarbage");
    tmux.wait_for("what is written over it", |screen| screen.contains("4 metrics") && screen.contains("garbage"));
    tmux.press(&["C-l"]);
    tmux.wait_for("the dashboard alone", |screen| screen.contains("4 metrics") && !screen.contains("garbage"));
    tmux.press(&["q"]);
    tmux.wait_for("the shell", |screen| screen.contains(PROMPT) && !screen.contains("1 overview"));
}

#[test]
fn without_a_terminal_it_says_so() {
    let output = Command::new(program()).args(["dashboard", "--url", "127.0.0.1:9"]).stdin(Stdio::null()).output();
    let output = output.expect("the program can be started");
    let told = String::from_utf8(output.stderr).expect("it is text");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    assert!(told.contains("needs a terminal") && told.contains("metrics --watch") && told.lines().count() == 1, "{told}");
}
