//! The commands that look at a running service, and `check`, over TLS: whom they trust, and what they say of whom they do not.
#![cfg(all(feature = "cli", unix))]
#![allow(dead_code, reason = "of the tests' own clients and server nothing but the files and the command is needed")]

#[path = "support/ended.rs"]
mod ended;
#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;
#[path = "support/scrape.rs"]
mod scrape;
#[path = "support/secured.rs"]
mod secured;

use std::fs;
use std::process::Command;

use ended::{Ended, refused};
use http::eventually;
use program::{Program, TOKEN, command, folder};
use scrape::{sample, sum};
use secured::{Secured, path};

/// Each command with what a running demo shows of itself by it.
const ALL: [(&[&str], &str); 4] = [
    (&["metrics", "--grep", "build_info"], "tachograph_build_info"),
    (&["health", "--live"], ""),
    (&["profile"], ""),
    (&["check"], ""),
];

fn serve() -> Program {
    Program::serve(&["--tls-cert", &path("first.pem"), "--tls-key", &path("first.key")])
}

/// The command against a URL; `check` takes that by itself.
fn asking(arguments: &[&str], url: &str) -> Command {
    let mut command = command(arguments);
    // The machine's authorities are those of SSL_CERT_FILE and of SSL_CERT_DIR, where either is set.
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    match arguments {
        ["check", ..] => command.arg(format!("{url}/metrics")),
        _ => command.args(["--url", url, "--color", "never"]).env("TACHOGRAPH_TOKEN", TOKEN),
    };
    command
}

fn ran(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}

#[test]
fn a_server_is_trusted_by_the_file_of_its_authority_or_by_the_machine() {
    let server = serve();
    // By its address and by its name, which both are in its certificate.
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{}", server.address.port());
        for (arguments, part) in ALL {
            let by_file = ran(asking(arguments, &url).args(["--ca-file", &path("authority.pem")]));
            let by_machine = ran(asking(arguments, &url).env("SSL_CERT_FILE", path("authority.pem")));
            for Ended(status, out, errors) in [by_file, by_machine] {
                assert_eq!(status, Some(0), "{arguments:?}: {out} {errors}");
                assert!(out.contains(part), "{arguments:?}: {out}");
            }
        }
    }
}

#[test]
fn whom_it_does_not_trust_it_asks_nothing() {
    let server = serve();
    let url = format!("https://{}", server.address);
    let advice = "name the server as its certificate does, and the authority that has signed it with --ca-file";
    for (arguments, _) in ALL {
        // An authority that has nothing to do with it: a certificate that is none, even.
        refused(&ran(asking(arguments, &url).args(["--ca-file", &path("second.pem")])), advice);
        refused(&ran(asking(arguments, &url).env("SSL_CERT_FILE", path("second.pem"))), advice);
    }
    // Each has left amid the handshake, and none has brought a request: those before are the scrapes of this test.
    let (mut before, handshakes) = (-1.0, "tachograph_tls_handshakes_failed_total{reason=\"refused\"}");
    let scrape = eventually("all are counted", || {
        before += 1.0;
        let scrape = Secured::open(server.address).get("/metrics");
        (sample(&scrape, handshakes) == Some(2.0 * ALL.len() as f64)).then_some(scrape)
    });
    assert_eq!(sum(&scrape, "http_requests_total", &[]), before);
    // The right authority, and an address that its certificate does not name.
    if cfg!(target_os = "linux") {
        let files = ["--tls-cert", &path("first.pem"), "--tls-key", &path("first.key")];
        let server =
            Program::start(&mut command(&[&["serve", "--listen", "127.0.0.2:0", "--token", TOKEN], &files[..]].concat()));
        for (arguments, _) in ALL {
            let url = format!("https://{}", server.address);
            refused(&ran(asking(arguments, &url).args(["--ca-file", &path("authority.pem")])), advice);
        }
    }
}

#[test]
fn the_wrong_scheme_is_told() {
    let secured = serve();
    let plain = Program::serve(&[]);
    let authority = path("authority.pem");
    for (arguments, _) in ALL {
        let told = ran(&mut asking(arguments, &format!("http://{}", secured.address)));
        refused(&told, "is it https://?");
        let told = ran(asking(arguments, &format!("https://{}", plain.address)).args(["--ca-file", &authority]));
        refused(&told, "is it http://?");
        let told = ran(asking(arguments, &format!("http://{}", plain.address)).args(["--ca-file", &authority]));
        refused(&told, "--ca-file is for https://");
    }
}

#[test]
fn a_file_of_authorities_that_is_none_is_told() {
    let here = folder("client_tls");
    let file = |name: &str, content: &str| {
        let path = here.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let damaged = file("damaged.pem", "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n");
    let odd = file("odd.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (arguments, _) in ALL {
        for (ca_file, part) in [
            (path("first.key"), "holds no certificate, write it as PEM"),
            (damaged.clone(), "is damaged PEM"),
            (odd.clone(), "is no certificate of an authority"),
            ("/no/such/file".to_owned(), "cannot read /no/such/file for TLS"),
        ] {
            refused(&ran(asking(arguments, "https://127.0.0.1:1").args(["--ca-file", &ca_file])), part);
        }
        let empty = file("empty", "");
        let knows_nobody = ran(asking(arguments, "https://127.0.0.1:1").env("SSL_CERT_FILE", &empty));
        refused(&knows_nobody, "this machine knows no authority");
    }
    fs::remove_dir_all(here).unwrap();
}
