//! What a panic leaves of a terminal: a dashboard panics in a process of its own, in a pseudo terminal that the test looks at.

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use crate::client::dashboard::screen::Screen;

/// Says who is to panic; without it this process is the one that looks.
const WHO: &str = "TACHOGRAPH_TEST_PANIC";
const TEST: &str = "client::dashboard::tests::panics::a_panic_leaves_the_terminal_as_it_was";

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    if let Ok(who) = std::env::var(WHO) {
        fall(&who);
    }
    for who in ["the drawer", "another"] {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let terminal = open(ptsname(&controller, Vec::new()).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let settings = || {
            let now = tcgetattr(&terminal).unwrap();
            (now.input_modes, now.output_modes, now.local_modes)
        };
        let before = settings();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", TEST, "--nocapture"]).env(WHO, who).env("TERM", "xterm");
        command
            .stdin(terminal.try_clone().unwrap())
            .stdout(terminal.try_clone().unwrap())
            .stderr(terminal.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        drop(command);
        let reading = std::thread::spawn(move || {
            let mut told = Vec::new();
            // Once nobody has the terminal any more, that is an error and not an end.
            let _gone = File::from(controller).read_to_end(&mut told);
            String::from_utf8(told).unwrap()
        });
        let status = child.wait().unwrap();
        let after = settings();
        drop(terminal);
        let told = reading.join().unwrap();
        assert_eq!((status.code(), after), (Some(101), before), "{told:?}");
        let (drawn, left) = told.rsplit_once("\x1b[?1049l\x1b[?25h").unwrap_or_else(|| panic!("it was not left: {told:?}"));
        assert!(drawn.contains("\x1b[?1049h") && drawn.contains("something") && !drawn.contains("fell"), "{told:?}");
        // The message is whole, and nothing is drawn over it.
        assert!(left.contains(&format!("{who} fell\r\n")) && !left.contains('\x1b'), "{told:?}");
    }
}

fn fall(who: &str) {
    let mut screen = Screen::take().unwrap();
    let mut draw = |falls: bool| {
        let drawn = screen.draw(|frame| {
            frame.render_widget("something", frame.area());
            assert!(!falls, "the drawer fell");
        });
        drawn.unwrap();
    };
    draw(false);
    if who == "the drawer" {
        draw(true);
    }
    let other = std::thread::spawn(|| panic!("another fell"));
    // It is drawn on while another thread panics, until that ends the process.
    for _ in 0..10_000 {
        draw(false);
        std::thread::sleep(Duration::from_millis(1));
    }
    other.join().expect("the process has ended");
}
