//! What the binary's answers say to browsers, and that none says where its files lie.
#![cfg(all(feature = "cli", unix))]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/program.rs"]
mod program;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use http::{Answer, eventually, get, request};
use program::{Program, TOKEN, folder};

const LOAD: &[u8] = b"{\"path\": \"lobby.tscn\"}";

/// Loads a scene with this in `Authorization`.
fn load(address: SocketAddr, authorization: &str) -> Answer {
    request(address, "POST", "/scene", &[("Authorization", authorization)], LOAD)
}

/// A method, a path, what stands in `Authorization`, a body, and the status that answers it.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [u8], u16);

/// Requests of every kind, and the statuses that they are to have.
fn of_every_kind(address: SocketAddr) -> Vec<(String, Answer)> {
    let bearer = &*format!("Bearer {TOKEN}");
    let cases: [Case<'_>; 26] = [
        ("GET", "/", None, b"", 200),
        ("GET", "/metrics", None, b"", 200),
        ("GET", "/health", None, b"", 200),
        ("GET", "/health/quick", Some(bearer), b"", 200),
        ("GET", "/health/live", None, b"", 200),
        ("GET", "/health/ready", None, b"", 200),
        ("GET", "/health/startup", None, b"", 200),
        ("GET", "/health/check/file_system", Some(bearer), b"", 200),
        ("GET", "/health/check/none", None, b"", 404),
        ("GET", "/health?strict=maybe", None, b"", 400),
        ("GET", "/scenes", None, b"", 200),
        ("HEAD", "/scenes", None, b"", 200),
        ("GET", "/scene", None, b"", 404),
        ("POST", "/scene", Some(bearer), b"{", 400),
        ("POST", "/scene", Some(bearer), b"{\"path\": \"none.tscn\"}", 404),
        ("POST", "/scene", None, LOAD, 401),
        ("POST", "/scene", Some("Bearer guess"), LOAD, 401),
        ("DELETE", "/scene", None, b"", 405),
        ("GET", "/nothing", None, b"", 404),
        ("GET", "/debug", None, b"", 401),
        ("GET", "/debug/profile", Some(bearer), b"", 200),
        ("GET", "/debug/profile/summary", Some(bearer), b"", 200),
        ("GET", "/debug/profile/flamegraph?format=svg", Some(bearer), b"", 200),
        ("GET", "/debug/profile/none", Some(bearer), b"", 404),
        ("GET", "/demo/fault", Some(bearer), b"", 200),
        ("GET", "/demo/engine", None, b"", 401),
    ];
    let ask = |(method, path, field, body, status): Case<'_>| {
        let headers: Vec<_> = field.map(|field| ("Authorization", field)).into_iter().collect();
        let answer = request(address, method, path, &headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
        (format!("{method} {path}"), answer)
    };
    cases.map(ask).into()
}

/// Checks what every answer says to browsers.
fn is_secure(asked: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{asked}");
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{asked}");
    assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"), "{asked}");
    let framed = answer.header("x-frame-options") != Some("DENY") && !policy.contains("frame-ancestors 'none'");
    assert!(!framed, "{asked}: {:?}", answer.headers);
    assert!(answer.header("server").is_none() && answer.header("x-powered-by").is_none(), "{asked}");
    assert!(answer.header("access-control-allow-origin").is_none(), "{asked}");
}

#[test]
fn every_answer_says_to_browsers_what_they_must_not_do() {
    let scenes = folder("every_answer");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/lobby.tscn"), scenes.join("lobby.tscn")).unwrap();
    let program = Program::serve(&["--demo-faults", "--auth-failures", "2", "--scenes", scenes.to_str().unwrap()]);
    eventually("it is well", || (get(program.address, "/health").status == 200).then_some(()));
    for (asked, answer) in of_every_kind(program.address) {
        is_secure(&asked, &answer);
        assert_eq!(answer.header("strict-transport-security"), None, "{asked}");
    }
    assert_eq!(load(program.address, "Bearer guess").status, 401);
    let (locked, page) = (load(program.address, "Bearer guess"), get(program.address, "/"));
    assert_eq!((locked.status, page.status), (429, 200));
    is_secure("locked", &locked);
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    fs::remove_dir_all(&scenes).unwrap();
    let failed = get(program.address, "/scenes");
    assert_eq!(failed.status, 500);
    is_secure("failed", &failed);
}

#[test]
fn no_answer_tells_where_the_files_lie() {
    let scenes = folder("no_answer_tells").join("very-own-folder");
    fs::create_dir(&scenes).unwrap();
    for name in ["lobby.tscn", "broken.tscn"] {
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenes").join(name), scenes.join(name)).unwrap();
    }
    fs::create_dir(scenes.join("folder.tscn")).unwrap();
    fs::write(scenes.join("locked.tscn"), "").unwrap();
    fs::set_permissions(scenes.join("locked.tscn"), PermissionsExt::from_mode(0o000)).unwrap();
    std::os::unix::fs::symlink(scenes.join("lobby.tscn"), scenes.join("link.tscn")).unwrap();
    let program = Program::serve(&["--demo-faults", "--scenes", scenes.to_str().unwrap(), "--rate-limit", "0"]);
    let address = program.address;
    let elsewhere = std::env::current_dir().unwrap();
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_tachograph"));
    let quiet = |asked: &str, answer: &Answer| {
        let told = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body));
        for path in
            ["very-own-folder", elsewhere.to_str().unwrap(), binary.parent().unwrap().to_str().unwrap(), "/src/", ".rs:"]
        {
            assert!(!told.contains(path), "{asked} tells {path}: {told}");
        }
    };
    let bearer = &*format!("Bearer {TOKEN}");
    let hostile = |folder_is_there: bool| {
        let absolute = scenes.join("lobby.tscn");
        let names = [
            "lobby.tscn",
            "broken.tscn",
            "folder.tscn",
            "locked.tscn",
            "link.tscn",
            "none.tscn",
            "../lobby.tscn",
            "/etc/passwd",
            "",
            "a\0.tscn",
            "%2e%2e%2flobby.tscn",
            "..\\lobby.tscn",
            absolute.to_str().unwrap(),
        ];
        for name in names {
            let body = serde_json::json!({ "path": name }).to_string();
            let answer = request(address, "POST", "/scene", &[("Authorization", bearer)], body.as_bytes());
            // What somebody sends himself is no secret to him, but it need not come back either.
            quiet(&format!("loading {name:?}, {folder_is_there}"), &answer);
        }
        for body in [&b"{\"path\": 1}"[..], b"[]", b"{\"path\"", b"\xff", b"{\"delay_ms\": -1}", b"{\"debug_adapter\": \"?\"}"]
        {
            for path in ["/scene", "/demo/fault", "/demo/engine", "/debug/profile"] {
                quiet(&format!("{path} {body:?}"), &request(address, "POST", path, &[("Authorization", bearer)], body));
            }
        }
        let paths = [
            "/",
            "/metrics",
            "/scenes",
            "/scene",
            "/health",
            "/health/quick",
            "/health/check/file_system",
            "/health/check/..%2f",
            "/debug",
            "/debug/profile",
            "/debug/profile/..%2f",
            "/debug/profile?span=%00",
            "/debug/profile/flamegraph?format=svg",
            "/..%2fscenes",
            "/scenes/lobby.tscn",
            "//",
            "/%00",
            "/metrics?name[]=%ff",
        ];
        for path in paths {
            for headers in
                [&[("Authorization", bearer)][..], &[], &[("Accept", "application/health+json"), ("Authorization", bearer)]]
            {
                quiet(&format!("{path} {headers:?}, {folder_is_there}"), &request(address, "GET", path, headers, b""));
            }
        }
    };
    eventually("its checks have run", || (get(address, "/health").status == 200).then_some(()));
    hostile(true);
    fs::remove_dir_all(scenes.parent().unwrap()).unwrap();
    eventually("the check has seen it", || (get(address, "/health").status == 503).then_some(()));
    hostile(false);
}
