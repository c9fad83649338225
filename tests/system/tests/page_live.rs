//! The live page in a browser: what it shows of a service with traffic, and what can be done with it.

use std::path::Path;
use std::thread;
use std::time::Duration;

use system::demo::Demo;
use system::{browser, wait};
use tempfile::TempDir;

/// Twenty requests a second, good ones and bad ones.
const TRAFFIC: [&str; 2] = ["--traffic", "20"];

fn visit(part: &str) {
    let demo = Demo::start(&TRAFFIC);
    browser::visit("page_live.js", part, demo.address(), Path::new("."));
}

#[test]
fn every_panel_shows_data_within_five_ticks() {
    visit("panels");
}

#[test]
fn a_slow_request_opens_for_who_has_the_token() {
    visit("slow_requests");
}

#[test]
fn the_flame_graph_zooms_searches_and_resets() {
    visit("flame");
}

#[test]
fn a_marker_on_one_chart_is_on_all() {
    visit("marker");
}

#[test]
fn keys_pause_and_choose_the_range() {
    visit("keys");
}

#[test]
fn a_restart_of_the_server_is_survived() {
    const LIMIT: Duration = Duration::from_secs(60);
    let folder = TempDir::new().expect("a temporary folder");
    let told = |name: &str| {
        wait::until(name, LIMIT, || {
            folder.path().join(name).exists().then_some(()).ok_or_else(|| "no file of that name".to_owned())
        });
    };
    let mut demo = Demo::start(&TRAFFIC);
    let address = demo.address();
    thread::scope(|scope| {
        let browser = scope.spawn(|| browser::visit("page_live.js", "restart", address, folder.path()));
        let servers = scope.spawn(|| {
            told("end");
            demo.terminate();
            assert!(demo.exit_status().success(), "{}", demo.log());
            std::fs::write(folder.path().join("ended"), "").expect("a file in a temporary folder");
            told("start");
            Demo::start_at(address, &TRAFFIC)
        });
        // The second server lives for as long as the browser looks at it.
        let (looked, served) = (browser.join(), servers.join());
        looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        served.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}
