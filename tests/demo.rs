//! The binary's demo API, its limits, faults and traffic, over real connections.
#![cfg(all(feature = "cli", unix))]

#[path = "support/http.rs"]
mod http;
#[path = "support/program.rs"]
mod program;
#[path = "support/scrape.rs"]
mod scrape;

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use http::{Answer, Connection, eventually, get, request};
use program::{Program, TOKEN, command, folder};
use scrape::{sample, sum};

const BEARER: (&str, &str) = ("Authorization", "Bearer test-token");

fn load(address: SocketAddr, body: &str) -> Answer {
    request(address, "POST", "/scene", &[BEARER], body.as_bytes())
}

fn load_scene(address: SocketAddr, name: &str) -> Answer {
    load(address, &json!({ "path": name }).to_string())
}

fn scraped(address: SocketAddr) -> String {
    get(address, "/metrics").text().to_owned()
}

/// Reads a sample that must be there.
fn value(address: SocketAddr, series: &str) -> f64 {
    sample(&scraped(address), series).unwrap_or_else(|| panic!("no series {series}"))
}

fn told(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {}", answer.text())).to_owned()
}

#[test]
fn a_scene_is_loaded_and_shown() {
    let program = Program::serve(&[]);
    let address = program.address;
    assert_eq!(get(address, "/scene").status, 404);

    let listed = get(address, "/scenes").json();
    let lobby = listed["scenes"].as_array().unwrap().iter().find(|file| file["name"] == "lobby.tscn").unwrap();
    let on_disk = fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/lobby.tscn")).unwrap();
    assert_eq!(lobby["size_bytes"], on_disk.len());
    assert_eq!(value(address, "scene_loads_total{scene=\"lobby.tscn\"}"), 0.0);

    let answer = load_scene(address, "lobby.tscn");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let (scene, phases) = (&answer.json()["scene"], &answer.json()["phases_ms"]);
    assert_eq!(scene["name"], "lobby.tscn");
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/scenes/lobby.tscn")).unwrap();
    let headings = |kind: &str| text.lines().filter(|line| line.starts_with(&format!("[{kind} "))).count();
    assert_eq!(scene["node_count"], headings("node"));
    assert_eq!(scene["connection_count"], headings("connection"));
    for phase in ["auth_validation", "scene_validation", "file_io", "response_serialization"] {
        assert!(phases[phase].as_f64().is_some_and(|took| took >= 0.0), "{phase}: {phases}");
        assert_eq!(value(address, &format!("scene_phase_duration_seconds_count{{phase=\"{phase}\"}}")), 1.0);
    }
    assert_eq!(get(address, "/scene").json()["scene"], *scene);
    assert_eq!(value(address, "scene_loads_total{scene=\"lobby.tscn\"}"), 1.0);
    assert_eq!(value(address, "http_requests_total{endpoint=\"/scene\",method=\"POST\",status=\"200\"}"), 1.0);
}

#[test]
fn each_way_to_fail_a_load_has_its_status_and_its_count() {
    let scenes = folder("each_way_to_fail");
    fs::write(scenes.join("good.tscn"), "[gd_scene format=3]\n\n[node name=\"Root\" type=\"Node3D\"]\n").unwrap();
    fs::write(scenes.join("broken.tscn"), "[gd_scene format=3]\n\n[node name=\"Root\"").unwrap();
    fs::write(scenes.join("bytes.tscn"), b"\xff\xfe").unwrap();
    fs::create_dir(scenes.join("folder.tscn")).unwrap();
    let program = Program::serve(&["--scenes", scenes.to_str().unwrap()]);
    let address = program.address;
    assert_eq!(load_scene(address, "good.tscn").status, 200);
    let wrong = [
        ("", 400, "invalid_request"),
        ("{\"path\": ", 400, "invalid_request"),
        ("[\"good.tscn\"]", 400, "invalid_request"),
        ("{}", 400, "invalid_request"),
        ("{\"path\": 1}", 400, "invalid_request"),
        ("{\"path\": \"good.tscn\", \"more\": 1}", 400, "invalid_request"),
        ("{\"path\": \"folder.tscn\"}", 400, "invalid_path"),
        ("{\"path\": \"none.tscn\"}", 404, "not_found"),
        ("{\"path\": \"broken.tscn\"}", 422, "parse_error"),
        ("{\"path\": \"bytes.tscn\"}", 422, "parse_error"),
    ];
    for (body, status, error_type) in wrong {
        let series = format!("scene_load_errors_total{{error_type=\"{error_type}\"}}");
        let before = value(address, &series);
        let answer = load(address, body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert!(!told(&answer).contains(scenes.to_str().unwrap()), "{}", answer.text());
        assert_eq!(value(address, &series), before + 1.0, "{body}");
    }
    assert_eq!(sum(&scraped(address), "scene_loads_total", &[]), 1.0);
    assert_eq!(sum(&scraped(address), "scene_load_errors_total", &[]), wrong.len() as f64);
    assert_eq!(get(address, "/scene").json()["scene"]["name"], "good.tscn", "a failure leaves the scene that is loaded");
    fs::remove_dir_all(scenes).unwrap();
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let around = folder("no_path_leads_out");
    let scenes = around.join("scenes");
    fs::create_dir_all(scenes.join("sub")).unwrap();
    let scene = "[gd_scene format=3]\n\n[node name=\"Secret\" type=\"Node3D\"]\n";
    for path in [around.join("secret.tscn"), scenes.join("sub/inner.tscn")] {
        fs::write(path, scene).unwrap();
    }
    std::os::unix::fs::symlink(around.join("secret.tscn"), scenes.join("link.tscn")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", scenes.join("zero.tscn")).unwrap();
    assert!(Command::new("mkfifo").arg(scenes.join("pipe.tscn")).status().unwrap().success());
    let program = Program::serve(&["--scenes", scenes.to_str().unwrap()]);
    let absolute = around.join("secret.tscn");
    let attempts = [
        "../secret.tscn",
        "..\\secret.tscn",
        "./../secret.tscn",
        "sub/../../secret.tscn",
        "sub/inner.tscn",
        absolute.to_str().unwrap(),
        "..%2fsecret.tscn",
        "%2e%2e%2fsecret.tscn",
        "secret.tscn\0",
        "../secret.tscn\0.tscn",
        "link.tscn",
        "zero.tscn",
        "pipe.tscn",
        "sub",
        "..",
        "",
        "/dev/zero",
        "/proc/self/environ",
    ];
    for attempt in attempts {
        let answer = load_scene(program.address, attempt);
        assert_eq!(answer.status, 400, "{attempt:?}: {}", answer.text());
        assert!(!answer.text().contains("Secret") && !told(&answer).contains(around.to_str().unwrap()), "{attempt:?}");
    }
    let refused = value(program.address, "scene_load_errors_total{error_type=\"invalid_path\"}");
    assert_eq!(refused, attempts.len() as f64);
    assert_eq!(get(program.address, "/scenes").json(), json!({ "scenes": [] }), "the listing shows nothing of it either");
    for path in ["/../secret.tscn", "/scenes/../../secret.tscn", "/%2e%2e/secret.tscn"] {
        assert_eq!(get(program.address, path).status, 404);
    }
    fs::remove_dir_all(around).unwrap();
}

#[test]
fn each_authentication_has_its_answer_and_its_count() {
    let program = Program::serve(&[]);
    let body = b"{\"path\": \"lobby.tscn\"}";
    let result = |result: &str| value(program.address, &format!("auth_attempts_total{{result=\"{result}\"}}"));
    let cases: [(&str, Option<&str>, u16, Option<&str>); 4] = [
        ("missing_token", None, 401, Some("Bearer realm=\"tachograph\"")),
        ("malformed_header", Some("Basic dGVzdA=="), 401, Some("Bearer realm=\"tachograph\", error=\"invalid_request\"")),
        ("wrong_token", Some("Bearer test-tokem"), 401, Some("Bearer realm=\"tachograph\", error=\"invalid_token\"")),
        ("success", Some(BEARER.1), 200, None),
    ];
    for (label, field, status, challenge) in cases {
        assert_eq!(result(label), 0.0, "{label}");
        let headers: Vec<_> = field.map(|field| ("Authorization", field)).into_iter().collect();
        let answer = request(program.address, "POST", "/scene", &headers, body);
        assert_eq!(answer.status, status, "{label}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(result(label), 1.0, "{label}");
    }
    assert_eq!(sum(&scraped(program.address), "scene_load_errors_total", &[]), 0.0, "no load was attempted without the token");
}

#[test]
fn a_body_of_16_mib_is_taken_and_one_byte_more_is_not() {
    let program = Program::serve(&[]);
    let mut body = b"{\"path\": \"lobby.tscn\"}".to_vec();
    body.resize(16 * 1024 * 1024, b' ');
    assert_eq!(request(program.address, "POST", "/scene", &[BEARER], &body).status, 200);
    body.push(b' ');
    assert_eq!(request(program.address, "POST", "/scene", &[BEARER], &body).status, 413);
    let text = scraped(program.address);
    assert_eq!(sample(&text, "http_request_size_bytes_sum{endpoint=\"/scene\"}"), Some(33_554_433.0));
    assert_eq!(sample(&text, "scene_load_errors_total{error_type=\"invalid_request\"}"), Some(1.0));
}

/// Asks until the limit answers; no more often than a bucket of three, refilled once a second, could allow in the time.
fn until_limited(connection: &mut Connection, headers: &[(&str, &str)]) -> Answer {
    eventually("the limit", || Some(connection.request("GET", "/scenes", headers, b"")).filter(|answer| answer.status != 200))
}

#[test]
fn a_client_that_asks_too_often_is_told_when_to_come_again() {
    let program = Program::serve(&["--rate-limit", "1", "--rate-burst", "3"]);
    let mut connection = Connection::open(program.address);
    for _ in 0..3 {
        assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200);
    }
    let limited = until_limited(&mut connection, &[]);
    assert_eq!(limited.status, 429);
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert_eq!(value(program.address, "rate_limit_hits_total{endpoint=\"/scenes\"}"), 1.0);
    assert_eq!(value(program.address, "rate_limit_hits_total{endpoint=\"/scene\"}"), 0.0);
    assert_eq!(connection.request("GET", "/scenes", &[BEARER], b"").status, 200, "the token is another client");
    until_limited(&mut connection, &[("X-Forwarded-For", "10.0.0.1")]);
    for _ in 0..20 {
        assert_eq!(connection.request("GET", "/health/quick", &[], b"").status, 200);
        assert_eq!(connection.request("GET", "/metrics", &[], b"").status, 200);
    }
}

#[test]
fn a_trusted_proxy_tells_the_clients_apart() {
    let program = Program::serve(&["--rate-limit", "1", "--rate-burst", "3", "--trust-forwarded-for"]);
    let mut connection = Connection::open(program.address);
    until_limited(&mut connection, &[("X-Forwarded-For", "10.0.0.1")]);
    assert_eq!(connection.request("GET", "/scenes", &[("X-Forwarded-For", "10.0.0.2")], b"").status, 200);
    until_limited(&mut connection, &[("X-Forwarded-For", "10.0.0.9, 10.0.0.1")]);
}

#[test]
fn faults_are_injected_only_when_asked_for_and_only_into_the_scene_api() {
    assert_eq!(request(Program::serve(&[]).address, "POST", "/demo/fault", &[BEARER], b"{}").status, 404);

    let program = Program::serve(&["--demo-faults"]);
    let address = program.address;
    let set = |body: &str| request(address, "POST", "/demo/fault", &[BEARER], body.as_bytes());
    assert_eq!(request(address, "POST", "/demo/fault", &[], b"{}").status, 401);
    assert_eq!(get(address, "/demo/fault").status, 401);
    assert_eq!(set("{\"error_share\": 2}").status, 400);
    assert_eq!(set("nonsense").status, 400);

    let mut setting = json!({ "error_share": 0.5, "delay_ms": 0, "fail_scenes": false, "load_delay_ms": 0, "hold_mib": 0 });
    setting["debug_adapter"] = "up".into();
    setting["language_server"] = "up".into();
    assert_eq!(set("{\"error_share\": 0.5}").json(), setting);
    assert_eq!(request(address, "GET", "/demo/fault", &[BEARER], b"").json(), setting);
    let statuses: Vec<u16> = (0..4).map(|_| get(address, "/scenes").status).collect();
    assert_eq!(statuses, [200, 503, 200, 503]);
    eventually("it is healthy, whatever the scene API says", || (get(address, "/health/quick").status == 200).then_some(()));

    assert_eq!(set("{\"fail_scenes\": true}").status, 200);
    assert_eq!(get(address, "/scenes").status, 200);
    assert_eq!(load_scene(address, "lobby.tscn").status, 503);
    assert_eq!(value(address, "scene_load_errors_total{error_type=\"injected\"}"), 1.0);

    assert_eq!(set("{\"delay_ms\": 120}").status, 200);
    let started = std::time::Instant::now();
    let forging = ("X-Request-Id", "x endpoint=/debug status=200");
    assert_eq!(request(address, "GET", "/scenes", &[forging], b"").status, 200);
    assert!(started.elapsed().as_millis() >= 120);
    let text = scraped(address);
    let at_most =
        |bound: &str| sum(&text, "http_request_duration_seconds_bucket", &["endpoint=\"/scenes\"", &format!("le=\"{bound}\"")]);
    assert!(at_most("+Inf") - at_most("0.1") >= 1.0, "the delay is a part of the request's duration");
    program.error_line("slow request request_id=\"x endpoint=/debug status=200\" endpoint=\"/scenes\"");
}

#[test]
fn a_slow_request_is_logged_with_its_phases() {
    let program = Program::serve(&["--slow-threshold", "0", "--log-format", "json"]);
    assert_eq!(load_scene(program.address, "city.tscn").status, 200);
    let line: Value = serde_json::from_str(&program.error_line("slow request")).unwrap();
    assert_eq!(line["level"], "WARN");
    let fields = &line["fields"];
    assert_eq!((&fields["endpoint"], &fields["status"]), (&json!("/scene"), &json!(200)));
    let phase = |name: &str| fields[name].as_f64().unwrap_or_else(|| panic!("no {name}: {fields}"));
    let phases =
        phase("auth_validation_ms") + phase("scene_validation_ms") + phase("file_io_ms") + phase("response_serialization_ms");
    assert!(phase("scene_validation_ms") > 0.0);
    // Five numbers, each cut off to a whole microsecond.
    assert!(phases <= phase("total_ms") + 0.005, "{fields}");
}

#[test]
fn a_request_that_fails_is_logged_with_its_trace() {
    let program = Program::serve(&["--demo-faults", "--log-format", "json"]);
    assert_eq!(request(program.address, "POST", "/demo/fault", &[BEARER], b"{\"error_share\": 1}").status, 200);
    let trace = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_eq!(request(program.address, "GET", "/scenes", &[trace], b"").status, 503);
    let line: Value = serde_json::from_str(&program.error_line("failed request")).unwrap();
    assert_eq!(line["fields"]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
}

#[test]
fn its_own_traffic_moves_every_family_and_limits_nobody_else() {
    let mut bare = command(&["--listen", "127.0.0.1:0", "--traffic", "60"]);
    let program = Program::start(bare.env("TACHOGRAPH_TOKEN", TOKEN));
    let address = program.address;
    program.error_line("sending 60 requests a second to itself");
    let families = [
        "http_requests_total",
        "http_request_duration_seconds_count",
        "http_request_size_bytes_count",
        "http_response_size_bytes_count",
        "scene_loads_total",
        "scene_load_errors_total",
        "auth_attempts_total",
        "rate_limit_hits_total",
    ];
    eventually("every family moves", || {
        let text = scraped(address);
        let counted = families.iter().all(|family| sum(&text, family, &[]) > 0.0);
        let quantiles = text.lines().any(|line| {
            line.starts_with("http_request_latency_ms")
                && line.rsplit(' ').next().and_then(|ms| ms.parse::<f64>().ok()) > Some(0.0)
        });
        let connected = sample(&text, "active_connections") > Some(0.0);
        let results = ["missing_token", "malformed_header", "wrong_token", "success"];
        let authenticated = results.iter().all(|result| sum(&text, "auth_attempts_total", &[result]) > 0.0);
        let errors = ["not_found", "invalid_path", "invalid_request", "parse_error"];
        let failed = errors.iter().all(|error| sum(&text, "scene_load_errors_total", &[error]) > 0.0);
        let strays =
            sum(&text, "http_requests_total", &["unmatched"]) > 0.0 && sum(&text, "http_requests_total", &["405"]) > 0.0;
        (counted && quantiles && connected && authenticated && failed && strays).then_some(())
    });
    let mut connection = Connection::open(address);
    for _ in 0..100 {
        assert_eq!(connection.request("GET", "/scenes", &[], b"").status, 200, "a burst of 100 is a user's own");
    }
    assert_eq!(load_scene(address, "lobby.tscn").status, 200);
    program.signal("TERM");
    assert!(program.join().0.success(), "the traffic holds up no shutdown");
}

#[test]
fn the_process_its_runtime_and_its_build_are_in_the_scrape() {
    let program = Program::serve(&[]);
    let address = program.address;
    let first = scraped(address);
    for series in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_virtual_memory_max_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds",
        "tokio_workers",
        "tokio_alive_tasks",
    ] {
        assert!(sample(&first, series) > Some(0.0), "{series}: {first}");
    }
    for name in ["tokio_global_queue_depth", "tokio_worker_busy_seconds_total", "tokio_worker_parks_total"] {
        let of_name = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{']));
        assert!(first.lines().any(of_name), "{name}: {first}");
    }
    assert!(first.contains(&format!("\ntachograph_build_info{{version=\"{}\",profile=", env!("CARGO_PKG_VERSION"))));
    eventually("the busy ratio", || sample(&scraped(address), "tokio_busy_ratio").filter(|ratio| (0.0..=1.0).contains(ratio)));
    let start = |text| sample(text, "process_start_time_seconds");
    assert_eq!(start(&scraped(address)), start(&first));
}

#[test]
fn the_page_shows_what_has_happened() {
    let program = Program::serve(&[]);
    get(program.address, "/scenes");
    get(program.address, "/metrics");
    // With the next tick.
    let row = "<th scope=\"row\">/scenes</th>";
    let page = eventually("the row of /scenes", || Some(get(program.address, "/")).filter(|page| page.text().contains(row)));
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    // Relative, so that they lead on behind a proxy that gives the service a path.
    for link in ["metrics", "health", "scenes"] {
        assert!(page.text().contains(&format!("href=\"{link}\"")), "{link}");
    }
}

#[test]
fn only_so_many_connections_are_served() {
    let program = Program::serve(&["--max-connections", "1"]);
    let mut first = Connection::open(program.address);
    assert_eq!(first.request("GET", "/scenes", &[], b"").status, 200);
    let mut second = Connection::open(program.address);
    let refused = second.request("GET", "/scenes", &[], b"");
    assert!(second.is_closed());
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(value(program.address, "max_connections"), 1.0);
}

#[test]
fn the_users_token_opens_the_profiles_of_scene_requests() {
    let program = Program::serve(&[]);
    let address = program.address;
    assert_eq!(load_scene(address, "lobby.tscn").status, 200);
    assert_eq!(get(address, "/debug/profile").status, 401);
    let answer = request(address, "GET", "/debug/profile?endpoint=/scene", &[BEARER], b"");
    let profile = &answer.json()["profiles"][0];
    let phases: Vec<&str> = profile["phases"].as_array().unwrap().iter().filter_map(|phase| phase["name"].as_str()).collect();
    for phase in ["auth_validation", "scene_validation", "file_io", "response_serialization"] {
        assert!(phases.contains(&phase), "{phases:?}");
    }
    assert_eq!(value(address, "auth_attempts_total{result=\"missing_token\"}"), 1.0);
}
