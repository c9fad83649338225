//! What the client writes to a terminal beside the dashboard: tmux presses the keys and reads the screen.

use std::net::SocketAddr;

use system::demo::{Demo, program};
use system::parrot::{ok, parrot};
use system::tmux::{PROMPT, Tmux};

/// Runs a command of the client in a terminal, below a line that says where it began.
fn run(tmux: &Tmux, before: &str, command: &str, address: SocketAddr) {
    tmux.clear();
    tmux.command(&format!("clear; echo began; {before} {} {command} --url {address}", program()));
}

/// The shell waits for a command, below what stood there.
fn is_over(screen: &str) -> bool {
    screen.trim_end().ends_with(PROMPT)
}

#[test]
fn watching_draws_on_the_screen_until_it_is_interrupted() {
    let demo = Demo::start(&["--traffic", "50"]);
    let tmux = Tmux::start(100, 12);
    let before = tmux.settings();
    run(&tmux, "", "metrics --watch 0.2 --grep http_requests_total --sort rate", demo.address());
    let rate = |screen: &str| {
        screen.lines().any(|line| line.contains("endpoint=\"/scene\"") && line.ends_with("/s") && !line.ends_with(" 0/s"))
    };
    tmux.wait_for("a screen of rates", |screen| {
        let title = screen.starts_with("tachograph metrics http://") && screen.contains("every 0.2 s, Ctrl-C ends");
        let end = screen.contains("\n… ") && screen.contains(" more lines\n") && !screen.contains("began");
        rate(screen) && title && end
    });
    // A line that is too long is cut, and takes no second one.
    tmux.resize(30, 6);
    let small = |screen: &str| screen.starts_with("tachograph metrics http://127.") && screen.contains("\n  endpoint=\"/");
    tmux.wait_for("a small screen", |screen| {
        let second = screen.lines().nth(1).is_some_and(|line| line.starts_with("http_requests_total  counter"));
        small(screen) && screen.lines().count() <= 6 && second
    });
    tmux.resize(100, 12);
    tmux.wait_for("a large screen", rate);
    tmux.press(&["C-c"]);
    tmux.wait_for("the shell", is_over);
    assert_eq!(tmux.settings(), before);
    // Lines are wrapped again.
    tmux.command(&format!("clear; echo {}", "x".repeat(150)));
    tmux.wait_for("two lines", |screen| screen.contains(&format!("\n{}\n", "x".repeat(50))));
}

#[test]
fn a_terminal_that_knows_no_escapes_gets_lines() {
    let demo = Demo::start(&[]);
    let tmux = Tmux::start(100, 50);
    run(&tmux, "TERM=dumb", "health --watch 0.2 --live", demo.address());
    let screen = tmux.wait_for("two looks", |screen| screen.matches("\nhealthy").count() > 1);
    assert!(screen.starts_with("began\n") && !screen.contains("Ctrl-C ends"), "{screen}");
    assert!(!tmux.painted().contains("\x1b[32m"), "{screen}");
    tmux.press(&["C-c"]);
    tmux.wait_for("the shell", is_over);
    run(&tmux, "TERM=dumb", "dashboard", demo.address());
    tmux.wait_for("what is wrong", |screen| screen.contains("TERM is dumb") && is_over(screen));
}

#[test]
fn colours_are_where_a_person_looks() {
    let demo = Demo::start(&[]);
    let tmux = Tmux::start(100, 50);
    for (before, behind, colored) in [("", "", true), ("NO_COLOR=1", "", false), ("", "| cat", false)] {
        tmux.clear();
        tmux.command(&format!("clear; {before} {} health --live --url {} {behind}", program(), demo.address()));
        let screen = tmux.wait_for("an answer", |screen| screen.starts_with("healthy") && is_over(screen));
        assert_eq!(tmux.painted().contains("\x1b[32mhealthy"), colored, "{before} {behind}: {screen}");
    }
}

#[test]
fn what_is_long_tells_how_far_it_is_and_can_be_interrupted() {
    let tmux = Tmux::start(100, 24);
    for command in ["metrics", "health", "profile --token x", "flamegraph --token x"] {
        run(&tmux, "", &format!("{command} --timeout 600"), parrot(None));
        tmux.wait_for("how long it waits", |screen| screen.contains("waiting for the answer, "));
        tmux.press(&["C-c"]);
        tmux.wait_for("the shell", is_over);
    }
    // What was told is wiped away when it is over.
    run(&tmux, "", "health --timeout 1", parrot(None));
    tmux.wait_for("how long it waits", |screen| screen.contains("waiting for the answer, "));
    let screen = tmux.wait_for("the end", |screen| screen.contains("no whole answer within 1 s") && is_over(screen));
    assert!(!screen.contains("waiting for the answer"), "{screen}");
}

#[test]
fn what_a_server_says_is_shown_and_never_obeyed() {
    let hostile = parrot(Some(ok("a{x=\"\x1b]2;owned\x07\x1b[2J\u{9b}2J\u{202e}z\"} 1\n")));
    let tmux = Tmux::start(100, 50);
    for command in ["metrics", "metrics --raw", "metrics --json"] {
        run(&tmux, "", command, hostile);
        let screen = tmux.wait_for("the label", |screen| screen.contains("]2;owned") && is_over(screen));
        assert!(screen.contains("began\n"), "{screen}");
        assert_ne!(tmux.state().2, "owned");
    }
}
