//! What happens to the process of the demo: disks that fill, folders that go, signals, a second server on its port, a minute
//! asleep.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod asleep;
mod ended;
mod folder;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "../support/http.rs"]
mod http;
mod loads;
mod log;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "../support/program.rs"]
mod program;
#[path = "../support/scrape.rs"]
mod scrape;

use std::net::SocketAddr;
use std::path::PathBuf;

use http::{Answer, eventually, get, request};

const BEARER: (&str, &str) = ("Authorization", "Bearer test-token");
const LOBBY: &[u8] = b"{\"path\": \"lobby.tscn\"}";

fn value(address: SocketAddr, series: &str) -> f64 {
    scrape::sample(get(address, "/metrics").text(), series).unwrap_or_else(|| panic!("no series {series}"))
}

fn load(address: SocketAddr) -> Answer {
    request(address, "POST", "/scene", &[BEARER], LOBBY)
}

/// What a check says, to who may know.
fn check(address: SocketAddr, name: &str) -> serde_json::Value {
    request(address, "GET", &format!("/health/check/{name}"), &[BEARER], b"").json()
}

fn until_status(address: SocketAddr, name: &str, status: &str) {
    eventually(&format!("{name} is {status}"), || (check(address, name)["status"] == status).then_some(()));
}

/// A folder for one test with a copy of a scene.
fn scenes(name: &str) -> PathBuf {
    let folder = program::folder(name);
    let lobby = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenes/lobby.tscn");
    std::fs::copy(lobby, folder.join("lobby.tscn")).unwrap();
    folder
}
