//! Standard error and standard output that take nothing.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;

use crate::http::{Connection, eventually, get};
use crate::program::{Program, TOKEN, command, folder};
use crate::{BEARER, load, value};

const LOST: &str = "log_lines_lost_total";
/// Every request is logged.
const TALKATIVE: [&str; 5] = ["serve", "--slow-threshold", "0", "--rate-limit", "0"];

/// A demo whose streams the test has for itself; killed when it is done with it.
struct Bare(Child);

impl Bare {
    fn end(mut self) -> ExitStatus {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        eventually("the end", || self.0.try_wait().unwrap())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn full() -> Stdio {
    Stdio::from(File::options().write(true).open("/dev/full").unwrap())
}

/// An address that nobody else takes: all of 127.0.0.0/8 is loopback, and this process has a piece of it for itself.
fn own_address() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, 77, high, low), 10_000 + (std::process::id() >> 16) as u16))
}

#[test]
fn a_demo_whose_streams_are_full_answers_and_ends_as_ever() {
    let address = own_address();
    let listen = address.to_string();
    // Without a token, so that it has one to tell.
    let mut full_streams = command(&[&TALKATIVE[..], &["--log-level", "debug", "--listen", &listen]].concat());
    let demo = Bare(full_streams.stdout(full()).stderr(full()).spawn().unwrap());
    eventually("it listens", || std::net::TcpStream::connect(address).ok());
    let mut connection = Connection::open(address);
    for _ in 0..100 {
        assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200);
    }
    eventually("lines are lost, and counted", || (value(address, LOST) >= 100.0).then_some(()));
    assert_eq!(get(address, "/health/quick").status, 200);
    assert_eq!(demo.end().code(), Some(0));
}

#[test]
fn who_cannot_start_has_its_exit_status_even_if_it_cannot_say_why() {
    for arguments in [&["serve", "--scenes", "/nonexistent"][..], &["serve", "--bogus"]] {
        let status = command(arguments).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_log_that_nobody_reads_holds_nobody_up() {
    let mut unread = command(&[&TALKATIVE[..], &["--listen", "127.0.0.1:0", "--token", TOKEN]].concat());
    let mut demo = Bare(unread.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(demo.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address: SocketAddr = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
    let mut connection = Connection::open(address);
    // Until its pipe and its queue are full, and some more.
    for _ in 0..100 {
        for _ in 0..100 {
            assert_eq!(connection.request("GET", "/scene", &[], b"").status, 404);
        }
        if value(address, LOST) > 100.0 {
            break;
        }
    }
    let lost = value(address, LOST);
    assert!(lost > 100.0, "{lost}");

    // Somebody reads again.
    let errors = BufReader::new(demo.0.stderr.take().unwrap());
    let read = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| errors.lines().for_each(|line| read.lock().unwrap().push(line.unwrap())));
        eventually("all that are missing are told of", || {
            assert_eq!(connection.request("GET", "/scene", &[], b"").status, 404);
            let lines = read.lock().unwrap();
            let told =
                lines.iter().filter_map(|line| line.split_once("log lines before this one were lost")?.1.split_once("lines="));
            let told: f64 = told.map(|(_, count)| count.trim().parse::<f64>().unwrap()).sum();
            (told >= lost).then_some(())
        });
        drop(connection);
        assert_eq!(demo.end().code(), Some(0));
    });
    let lines = read.into_inner().unwrap();
    let torn = lines.iter().find(|line| !line.contains(" WARN ") && !line.contains(" INFO "));
    assert_eq!(torn, None);
}

#[test]
fn a_log_file_that_may_not_grow_holds_nobody_up() {
    let folder = folder("small_log");
    let file = folder.join("log");
    let mut limited = Command::new("sh");
    // Some kilobytes, whatever the unit.
    let script = "ulimit -f 16 && exec \"$0\" \"$@\" 2>\"$LOG\"";
    limited.args(["-c", script, env!("CARGO_BIN_EXE_tachograph")]).args(TALKATIVE);
    limited.args(["--listen", "127.0.0.1:0", "--token", TOKEN]).env("LOG", &file);
    let program = Program::start(limited.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut connection = Connection::open(program.address);
    eventually("lines are lost", || {
        assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200);
        (value(program.address, LOST) > 10.0).then_some(())
    });
    assert_eq!(load(program.address).status, 200);
    assert_eq!(connection.request("GET", "/debug/profile/summary", &[BEARER], b"").status, 200);
    let size = fs::metadata(&file).unwrap().len();
    assert!((4096..=16 * 1024).contains(&size), "{size}");
    program.signal("TERM");
    assert_eq!(program.join().0.code(), Some(0));
    fs::remove_dir_all(folder).unwrap();
}
