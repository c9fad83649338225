//! SIGTERM: what is in flight is finished, then the process ends with status 0.

use std::io::ErrorKind;
use std::sync::Barrier;
use std::thread;

use system::demo::{Demo, TOKEN};
use system::http::Connection;
use system::wait;

const CLIENTS: usize = 4;

/// More than a client can send before the demo ends.
const MOST_REQUESTS: usize = 1_000_000;

/// A request whose head the server has read and whose body it waits for.
fn half_sent(demo: &Demo, body: &str) -> Connection {
    let mut connection = Connection::open(demo.address()).expect("a connection");
    let head = format!(
        "POST /scene HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        body.len()
    );
    connection.send(&head).expect("an open connection");
    assert_eq!(connection.receive().expect("an interim answer").status, 100);
    connection
}

/// Sends requests until the server ends, and returns how many were answered. An answer that began must be whole.
fn load(demo: &Demo, started: &Barrier) -> usize {
    let mut connection = Connection::open(demo.address()).expect("a connection");
    for answered in 0..MOST_REQUESTS {
        match connection.request("GET", "/scenes", &[], "") {
            Ok(response) => assert!([200, 429].contains(&response.status), "{response:?}"),
            // Closed between two requests: what a client meets who sends while the server says goodbye.
            Err(error) if error.kind() != ErrorKind::InvalidData => return answered,
            Err(error) => panic!("an answer was cut off: {error}"),
        }
        if answered == 0 {
            started.wait();
        }
    }
    panic!("the server still answered after {MOST_REQUESTS} requests");
}

#[test]
fn requests_in_flight_are_finished_after_sigterm() {
    let mut demo = Demo::start(&["--traffic", "0"]);
    let body = r#"{"path":"lobby.tscn"}"#;
    let started = Barrier::new(CLIENTS + 1);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| load(&demo, &started))).collect();
        let mut in_flight: Vec<_> = (0..3).map(|_| half_sent(&demo, body)).collect();
        started.wait();
        demo.terminate();
        wait::until("new connections to be refused", wait::LIMIT, || {
            Connection::open(demo.address()).map_or(Ok(()), |_| Err("it still listens".to_owned()))
        });
        for connection in &mut in_flight {
            connection.send(body).expect("a request in flight keeps its connection");
            let response = connection.receive().expect("a request in flight is answered");
            assert_eq!(response.status, 200, "{response:?}");
        }
        for client in clients {
            assert!(client.join().expect("no answer is cut off") > 0);
        }
    });
    let status = demo.exit_status();
    assert!(status.success(), "{status}; on stderr:\n{}", demo.log());
    assert!(!demo.log().contains("panicked"), "{}", demo.log());
}

#[test]
fn an_idle_demo_ends_at_once_after_sigterm() {
    let mut demo = Demo::start(&["--traffic", "0"]);
    let _idle = Connection::open(demo.address()).expect("a connection");
    demo.terminate();
    assert!(demo.exit_status().success(), "on stderr:\n{}", demo.log());
}
