//! `tachograph check`: what it says of files, pipes and servers, and how it ends.
#![cfg(all(feature = "cli", unix))]
#![allow(dead_code, reason = "the checker is the client here: of the tests' own client only the patience is needed")]

#[path = "support/ended.rs"]
mod ended;
#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread::{self, JoinHandle};

use ended::{Ended, refused};
use http::eventually;
use program::{Program, command, folder};

const CLEAN: &str = "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 2\n";
const BROKEN: &str = "# TYPE c counter\nc -1\nc{x=\"\\q\"} 1\n";

/// Checks what comes through a pipe.
fn piped(arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = command(&[&["check"], arguments].concat()).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end before it has read everything.
    let writing = thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let _closed = writing.join().unwrap();
    output.into()
}

fn checked(arguments: &[&str]) -> Ended {
    command(&[&["check"], arguments].concat()).output().unwrap().into()
}

/// A server that gives one answer; the thread returns the request.
fn answering(answer: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        let (mut stream, _) = eventually("a client", || listener.accept().ok());
        stream.set_nonblocking(false).unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
            request.push(byte[0]);
        }
        // Whoever was told enough by the head does not wait for the body.
        let _closed = stream.write_all(&answer);
        String::from_utf8(request).unwrap()
    });
    (url, thread)
}

/// Checks one answer of a server, and returns the request too, in lower case.
fn served(arguments: &[&str], head: &str, body: &str) -> (String, Ended, String) {
    let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let (url, thread) = answering(answer.into_bytes());
    let ended = checked(&[arguments, &[&url]].concat());
    (url, ended, thread.join().unwrap().to_lowercase())
}

#[test]
fn a_clean_pipe_ends_with_status_0_and_one_line() {
    for arguments in [&[][..], &["-"], &["--format", "text", "-"]] {
        let Ended(status, out, errors) = piped(arguments, CLEAN.as_bytes());
        assert_eq!((status, out.as_str()), (Some(0), ""));
        assert_eq!(errors, "stdin: clean, 1 family, 2 samples, text 0.0.4\n");
    }
    let Ended(status, _, errors) = piped(&[], b"# TYPE a counter\na_total 1\n# EOF\n");
    assert_eq!((status, errors.as_str()), (Some(0), "stdin: clean, 1 family, 1 sample, OpenMetrics 1.0\n"));
    let Ended(status, _, errors) = piped(&[], b"{\"a.b\"} 1\n");
    assert_eq!((status, errors.as_str()), (Some(0), "stdin: clean, 1 family, 1 sample, text 1.0.0\n"));
}

#[test]
fn findings_are_lines_with_name_and_place_and_end_with_status_1() {
    let Ended(status, out, errors) = piped(&[], BROKEN.as_bytes());
    assert_eq!(status, Some(1));
    assert_eq!(
        out,
        "stdin:2:3: counter-value: a counter that is NaN or negative: \"c -1\"; count up from 0, or make it a gauge\n\
         stdin:3:6: label-escape: an escape of 'q' between quotes; escape backslash, line feed and quote, and nothing else\n"
    );
    assert_eq!(errors, "stdin: 2 findings, as text 0.0.4\n");

    let folder = folder("check");
    let file = folder.join("scrape.txt");
    std::fs::write(&file, BROKEN).unwrap();
    let name = file.to_str().unwrap();
    let Ended(status, out, _) = checked(&[name]);
    assert_eq!((status, out.lines().count()), (Some(1), 2));
    assert!(out.lines().all(|line| line.starts_with(&format!("{name}:"))), "{out}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn json_is_one_object_a_finding() {
    let Ended(status, out, _) = piped(&["--json"], BROKEN.as_bytes());
    assert_eq!(status, Some(1));
    let objects: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!((&objects[1]["name"], &objects[1]["line"], &objects[1]["column"]), (&"stdin".into(), &3.into(), &6.into()));
    assert_eq!(objects[1]["rule"], "label-escape");
    assert!(objects[1]["message"].is_string() && objects[1]["remedy"].is_string());
}

#[test]
fn the_format_can_be_chosen_and_more_asked_for() {
    let Ended(status, out, _) = piped(&["--format", "openmetrics"], CLEAN.as_bytes());
    assert_eq!(status, Some(1));
    assert!(out.starts_with("stdin:4:11: om-eof: "), "{out}");
    assert_eq!(piped(&["--format", "text"], b"{\"a.b\"} 1\n").0, Some(1));
    assert_eq!(piped(&["--format", "openmetrics-utf8"], b"{\"a.b\"} 1\n# EOF\n").0, Some(0));
    assert_eq!(piped(&[], b"b 1\na 1\n").0, Some(0));
    assert_eq!(piped(&["--strict"], b"b 1\na 1\n").0, Some(1));
    refused(&piped(&["--format", "protobuf"], b""), "possible values");
}

#[test]
fn what_cannot_be_read_ends_with_status_2_and_one_line() {
    refused(&checked(&["/nonexistent/scrape"]), "cannot read /nonexistent/scrape");
    refused(&checked(&["ftp://127.0.0.1/metrics"]), "is not http:// or https://");
    refused(&checked(&["http://"]), "is not a URL");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused(&checked(&[&format!("http://{free}/metrics")]), "does an HTTP server listen there?");
    refused(&piped(&[], b"<!doctype html>\n<html>"), "looks like HTML");
    refused(&piped(&[], b"\x1f\x8b\x08\0"), "is compressed");
    refused(&checked(&["--explain", "nonsense"]), "there is no rule 'nonsense'");
    let many = piped(&[], "a one\n".repeat(3_000).as_bytes());
    assert_eq!((many.0, many.2.as_str()), (Some(1), "stdin: 1000 findings or more, as text 0.0.4\n"));
}

#[test]
fn a_password_in_a_url_is_refused_and_not_told() {
    for url in ["http://u:secret@127.0.0.1:1/metrics", "ftp://u:secret@h", "http://u:secret^@h", "u:secret@127.0.0.1:1/metrics"]
    {
        for arguments in [&[url][..], &["--json", url], &["--ca-file", "/nonexistent", url]] {
            let ended = checked(arguments);
            refused(&ended, "a URL with a user or a password is not taken; fetch it with a client that has the credentials");
            assert!(!ended.2.contains("secret"), "{}", ended.2);
        }
    }
}

#[test]
fn a_server_is_asked_for_openmetrics_and_its_content_type_is_checked() {
    let good = "200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8";
    let (url, Ended(status, out, errors), request) = served(&[], good, CLEAN);
    assert_eq!((status, out.as_str()), (Some(0), ""));
    assert_eq!(errors, format!("{url}: clean, 1 family, 2 samples, text 0.0.4\n"));
    assert!(request.starts_with("get /metrics http/1.1\r\n"), "{request}");
    let accept = "\r\naccept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n";
    assert!(request.contains(accept) && request.contains("accept-encoding: identity\r\n"), "{request}");

    let (url, Ended(status, out, _), request) =
        served(&["--format", "text"], "200 OK\r\nContent-Type: text/plain; charset=latin1", CLEAN);
    assert_eq!(status, Some(1));
    let expected =
        "0:0: content-type: the content type \"text/plain; charset=latin1\"; send `text/plain; version=0.0.4; charset=utf-8`\n";
    assert_eq!(out, format!("{url}:{expected}"));
    assert!(request.contains("\r\naccept: text/plain;version=0.0.4\r\n"), "{request}");

    let (_, Ended(status, out, errors), _) = served(&[], "200 OK", "a 1\n# EOF\n");
    assert_eq!(status, Some(1));
    assert!(out.contains(":0:0: content-type: there is no content type"), "{out}");
    assert!(errors.ends_with(": 1 finding, as OpenMetrics 1.0\n"), "{errors}");
}

#[test]
fn an_answer_that_is_no_scrape_ends_with_status_2() {
    refused(&served(&[], "404 Not Found\r\nContent-Type: text/plain", "").1, "the answer is 404 Not Found; name the path");
    refused(&served(&[], "302 Found\r\nLocation: /other", "").1, "302 Found to \"/other\", which is not followed");
    refused(&served(&[], "200 OK\r\nContent-Type: text/html", "<html>").1, "none of the formats");
    refused(&served(&[], "200 OK\r\nContent-Encoding: gzip", "").1, "encoded as \"gzip\"");
    let (url, thread) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na 1\n".to_vec());
    refused(&checked(&[&url]), "the answer broke off");
    thread.join().unwrap();
    let (url, thread) =
        answering(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", 1 << 30, " ".repeat(300 << 20)).into_bytes());
    refused(&checked(&[&url]), "larger than 256 MiB");
    thread.join().unwrap();
}

#[test]
fn the_demo_serves_clean_scrapes() {
    let program = Program::serve(&["--traffic", "20"]);
    let url = format!("http://{}/metrics", program.address);
    let Ended(status, out, errors) = checked(&["--strict", &url]);
    assert_eq!((status, out.as_str()), (Some(0), ""), "{errors}");
    refused(&checked(&[&format!("http://{}/", program.address)]), "name the path of the metrics");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = command(&["check"]).stdin(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all("a one\n".repeat(1_000).as_bytes()).unwrap();
    let Ended(status, _, errors) = child.wait_with_output().unwrap().into();
    assert_eq!((status, errors.as_str()), (Some(1), "stdin: 1000 findings or more, as text 0.0.4\n"));
}

#[test]
fn a_reader_of_standard_error_that_has_gone_changes_no_status() {
    for (arguments, input, expected) in [
        (&["check"][..], CLEAN, 0),
        (&["check"], BROKEN, 1),
        (&["check", "/nonexistent/scrape"], "", 2),
        (&["check", "--no"], "", 2),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command(arguments).stdin(Stdio::piped()).stderr(writer).spawn().unwrap();
        // Whoever does not read it may have ended already.
        let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(expected), "{arguments:?}");
    }
}

#[test]
fn the_rules_are_listed_and_explained() {
    let Ended(status, out, errors) = checked(&["--rules"]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    assert!(out.lines().count() > 40 && out.contains("\nom-eof "), "{out}");
    let Ended(status, out, _) = checked(&["--explain", "om-eof"]);
    assert_eq!(status, Some(0));
    assert!(out.starts_with("om-eof (end of the exposition)\nThe last line is `# EOF`"), "{out}");
}
