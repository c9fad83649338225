//! The binary as the receiver of Alertmanager's notifications: what it takes, what it refuses, what it runs.
#![cfg(all(feature = "cli", unix))]

#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/program.rs"]
mod program;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use http::{Answer, Connection, eventually, get, request};
use program::{Program, command, folder};
use scrape::sample;

/// As Alertmanager 0.25 has sent it, but for the address of that one and the first alert, which is resolved here.
const NOTIFICATION: &str = include_str!("golden/alertmanager_webhook.json");
/// What it does depends on the alert: see there.
const RESPOND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/respond.sh");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A receiver with a folder that its programs write to.
struct Receiver {
    program: Program,
    folder: Folder,
}

/// Removed when the test is done with it.
struct Folder(PathBuf);

impl Folder {
    fn join(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _kept = fs::remove_dir_all(&self.0);
    }
}

impl Receiver {
    /// Runs the same program for each of these alerts.
    fn start(test: &str, alerts: &[&str], arguments: &[&str]) -> Self {
        let folder = Folder(folder(test));
        let mut command = command(&["webhook"]);
        let listen = if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        command.args(listen);
        command.args(alerts.iter().map(|alert| format!("--run={alert}={RESPOND}")));
        command.args(arguments).env_remove("TACHOGRAPH_WEBHOOK_TOKEN").env("RESPOND_FOLDER", &folder.0);
        command.env("TACHOGRAPH_TOKEN", "of-the-server");
        Self { program: Program::start(&mut command), folder }
    }

    fn address(&self) -> SocketAddr {
        self.program.address
    }

    fn post(&self, body: &str) -> Answer {
        request(self.address(), "POST", "/alerts", &[JSON], body.as_bytes())
    }

    /// Posts one firing alert of this name.
    fn fire(&self, alert: &str) {
        let answer = self.post(&notification(json!([{ "status": "firing", "labels": { "alertname": alert } }])));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    fn value(&self, series: &str) -> f64 {
        let scraped = get(self.address(), "/metrics");
        sample(scraped.text(), series).unwrap_or_else(|| panic!("no series {series}"))
    }

    /// Waits until so many programs for this alert have ended so.
    fn ran(&self, alert: &str, result: &str, times: f64) {
        let series = format!("webhook_programs_total{{alertname=\"{alert}\",result=\"{result}\"}}");
        eventually(&series, || (self.value(&series) == times).then_some(()));
    }

    /// The alerts that programs were given, one a line.
    fn given(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.join("alerts")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn notification(alerts: Value) -> String {
    json!({ "version": "4", "receiver": "critical", "alerts": alerts }).to_string()
}

/// Waits until the process whose number this file holds is gone.
fn gone(file: &Path) {
    let id = eventually("a process", || fs::read_to_string(file).ok().filter(|text| text.ends_with('\n')));
    // One that has ended, but that nobody has asked about yet, is a zombie.
    let status = PathBuf::from(format!("/proc/{}/stat", id.trim()));
    eventually("its end", || fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z ")).then_some(()));
}

#[test]
fn a_notification_is_logged_kept_and_counted() {
    let receiver = Receiver::start("notification", &[], &["--log-format", "json"]);
    let answer = receiver.post(NOTIFICATION);
    assert_eq!((answer.status, answer.json()), (200, json!({ "alerts": 2 })));

    let line: Value = serde_json::from_str(&receiver.program.error_line("\"firing\"")).unwrap();
    assert_eq!(line["level"], "WARN");
    for (field, expected) in [
        ("message", "alert"),
        ("status", "firing"),
        ("alertname", "HighHTTPErrorRate"),
        ("severity", "critical"),
        ("instance", "tachograph:8080"),
        ("summary", "12 % of the requests fail"),
        ("runbook_url", "http://localhost:9090/consoles/HighHTTPErrorRate.html"),
    ] {
        assert_eq!(line["fields"][field], expected, "{line}");
    }
    let line: Value = serde_json::from_str(&receiver.program.error_line("\"resolved\"")).unwrap();
    assert_eq!((&line["level"], &line["fields"]["instance"]), (&json!("INFO"), &json!("other:8080")));

    // The newest first, and under Alertmanager's names.
    let kept = get(receiver.address(), "/alerts").json();
    let whole: Value = serde_json::from_str(NOTIFICATION).unwrap();
    for (kept, sent) in kept["alerts"].as_array().unwrap().iter().zip(whole["alerts"].as_array().unwrap().iter().rev()) {
        for (name, value) in sent.as_object().unwrap() {
            assert_eq!(kept[name], *value, "{name}");
        }
        for name in ["receiver", "groupKey", "externalURL"] {
            assert_eq!(kept[name], whole[name], "{name}");
        }
    }
    assert_eq!(receiver.value("webhook_notifications_total{result=\"accepted\"}"), 1.0);
    for (status, severity, expected) in [("firing", "critical", 1.0), ("resolved", "critical", 1.0), ("firing", "other", 0.0)] {
        let series = format!("webhook_alerts_total{{status=\"{status}\",severity=\"{severity}\"}}");
        assert_eq!(receiver.value(&series), expected, "{series}");
    }
    assert!(receiver.value("webhook_last_notification_timestamp_seconds") > 1e9);
    assert_eq!(get(receiver.address(), "/health/live").status, 200);
}

#[test]
fn an_outsiders_text_stays_in_its_line() {
    let receiver = Receiver::start("outsider", &[], &[]);
    let labels = json!({ "alertname": "A\nWARN forged\u{1b}[31m", "severity": "apocalyptic" });
    receiver.post(&notification(json!([{ "status": "firing", "labels": labels }])));
    let line = receiver.program.error_line("forged");
    assert!(line.contains(r"A\nWARN forged\u{1b}[31m"), "{line}");
    assert_eq!(receiver.value("webhook_alerts_total{status=\"firing\",severity=\"other\"}"), 1.0);
}

#[test]
fn what_is_no_notification_is_refused_and_told_why() {
    let receiver = Receiver::start("refused", &[], &[]);
    let large = format!("{{\"version\":\"{}\"}}", "4".repeat(1 << 20));
    for (body, status, part) in [
        ("", 400, "the body is no notification: EOF"),
        ("garbage", 400, "the body is no notification: expected value at line 1 column 1"),
        ("{\"version\":\"4\"}", 400, "missing field `alerts`"),
        ("{\"version\":\"5\",\"alerts\":[]}", 400, "version \"5\""),
        ("\u{0}", 400, "point `url` of a webhook_configs"),
        (&large, 413, "larger than 1048576 bytes"),
    ] {
        let answer = receiver.post(body);
        let told = answer.json()["error"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{told}");
        assert!(told.contains(part), "{told}");
    }
    // What a page in a browser can send without asking.
    for header in [&[][..], &[("Content-Type", "text/plain")], &[("Content-Type", "application/jsonish")]] {
        assert_eq!(request(receiver.address(), "POST", "/alerts", header, NOTIFICATION.as_bytes()).status, 415);
    }
    let charset = [("Content-Type", "Application/JSON; charset=utf-8")];
    assert_eq!(request(receiver.address(), "POST", "/alerts", &charset, NOTIFICATION.as_bytes()).status, 200);
    assert_eq!(receiver.value("webhook_notifications_total{result=\"refused\"}"), 9.0);
    assert_eq!(receiver.value("webhook_notifications_total{result=\"accepted\"}"), 1.0);
}

#[test]
fn only_so_many_are_taken_and_kept() {
    let receiver = Receiver::start("flood", &[], &["--keep", "3", "--log-level", "error"]);
    let alerts: Vec<Value> =
        (0..1_200).map(|at| json!({ "status": "firing", "labels": { "alertname": format!("A{at}") } })).collect();
    assert_eq!(receiver.post(&notification(json!(alerts))).json(), json!({ "alerts": 1_000 }));
    let kept = get(receiver.address(), "/alerts").json();
    let names: Vec<&Value> = kept["alerts"].as_array().unwrap().iter().map(|alert| &alert["labels"]["alertname"]).collect();
    assert_eq!(names, ["A999", "A998", "A997"]);
    assert_eq!(receiver.value("webhook_alerts_skipped_total"), 200.0);

    // Each as large as an alert may be: what is kept has a limit in bytes.
    let receiver = Receiver::start("large", &[], &["--keep", "10000", "--log-level", "error"]);
    let annotations: Value =
        (0..60).map(|at| (format!("a{at}"), json!("x".repeat(8_000)))).collect::<serde_json::Map<_, _>>().into();
    let body = notification(json!([{ "status": "firing", "labels": {}, "annotations": annotations }]));
    for _ in 0..20 {
        assert_eq!(receiver.post(&body).status, 200);
    }
    let kept = get(receiver.address(), "/alerts");
    assert!(kept.body.len() < 5 << 20, "{}", kept.body.len());
    assert!((10..20).contains(&kept.json()["alerts"].as_array().unwrap().len()));
}

#[test]
fn a_program_is_given_the_alert_when_it_fires() {
    let receiver = Receiver::start("given", &["HighHTTPErrorRate"], &[]);
    receiver.fire("Another");
    receiver.post(NOTIFICATION);
    receiver.ran("HighHTTPErrorRate", "succeeded", 1.0);
    let given = receiver.given();
    assert_eq!(given.len(), 1, "neither another alert nor a resolved one: {given:?}");
    let kept = get(receiver.address(), "/alerts").json();
    assert_eq!(given[0], kept["alerts"][0], "what is given is what is shown");
    assert_eq!(given[0]["labels"]["instance"], "tachograph:8080");
}

#[test]
fn for_resolved_alerts_a_program_runs_when_asked_for() {
    let receiver = Receiver::start("resolved", &["HighHTTPErrorRate"], &["--run-resolved"]);
    receiver.post(NOTIFICATION);
    receiver.ran("HighHTTPErrorRate", "succeeded", 2.0);
    assert_eq!(receiver.given().iter().map(|alert| &alert["status"]).collect::<Vec<_>>(), ["resolved", "firing"]);
}

#[test]
fn a_failure_is_counted_and_its_last_words_are_logged() {
    let receiver = Receiver::start("fails", &["Fails"], &["--log-format", "json"]);
    receiver.fire("Fails");
    receiver.ran("Fails", "failed", 1.0);
    let line: Value = serde_json::from_str(&receiver.program.error_line("a program failed")).unwrap();
    assert_eq!(line["fields"]["status"], "exit status: 3");
    assert_eq!(line["fields"]["stderr"], "first line\nthe disk is full");
}

#[test]
fn a_program_that_hangs_is_killed_with_what_it_started() {
    let receiver = Receiver::start("hangs", &["Hangs"], &["--run-timeout", "3000"]);
    receiver.fire("Hangs");
    gone(&receiver.folder.join("sleeper"));
    receiver.ran("Hangs", "timed_out", 1.0);
    receiver.program.error_line("took too long and was killed");
    assert_eq!(receiver.value("webhook_programs_running"), 0.0);
}

#[test]
fn what_a_program_leaves_behind_keeps_nobody_waiting() {
    let receiver = Receiver::start("leaves", &["Leaves"], &["--log-format", "json"]);
    receiver.fire("Leaves");
    receiver.ran("Leaves", "succeeded", 1.0);
    let line: Value = serde_json::from_str(&receiver.program.error_line("a program has run")).unwrap();
    assert_eq!(line["fields"]["stderr"], "left behind");
    let sleeper = fs::read_to_string(receiver.folder.join("sleeper")).unwrap();
    // It could be killed, so it was there.
    assert!(std::process::Command::new("kill").arg(sleeper.trim()).status().unwrap().success());
}

#[test]
fn a_page_in_a_browser_neither_reads_nor_sends_alerts() {
    let ask = |receiver: &Receiver, method: &str, fields: &str| {
        let mut connection = Connection::open(receiver.address());
        let body = if method == "POST" { NOTIFICATION } else { "" };
        let json = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
        connection.write(format!("{method} /alerts HTTP/1.1\r\n{json}\r\n{fields}\r\n\r\n{body}").as_bytes()).unwrap();
        let answer = connection.read(true).unwrap();
        (answer.status, answer.text().to_owned())
    };
    let receiver = Receiver::start("page", &["HighHTTPErrorRate"], &[]);
    for method in ["GET", "POST"] {
        for (fields, part) in [
            ("Host: localhost\r\nOrigin: https://example.org", "send no Origin"),
            ("Host: localhost\r\nOrigin: null", "send no Origin"),
            // Its name leads to loopback for this one request.
            ("Host: example.org:5001", "set TACHOGRAPH_WEBHOOK_TOKEN"),
            ("Host: localhost.example.org", "send to one of them"),
        ] {
            let (status, told) = ask(&receiver, method, fields);
            assert!(status == 403 && told.contains(part), "{method} {fields}: {status} {told}");
        }
    }
    assert_eq!(receiver.value("webhook_notifications_total{result=\"refused\"}"), 4.0);
    for host in [&*format!("Host: {}", receiver.address()), "Host: LocalHost:1", "Host: [::1]:5001"] {
        assert_eq!(ask(&receiver, "GET", host), (200, "{\"alerts\":[]}\n".to_owned()), "{host}");
    }
    assert!(receiver.given().is_empty());

    // A page does not know the token, and who does may have a name for this.
    let receiver = Receiver::start("named", &[], &["--token", "open-sesame"]);
    let bearer = "Authorization: Bearer open-sesame";
    assert_eq!(ask(&receiver, "POST", &format!("Host: alerts.example.org\r\n{bearer}")).0, 200);
    assert_eq!(ask(&receiver, "POST", "Host: alerts.example.org").0, 401);
    assert_eq!(ask(&receiver, "POST", &format!("Host: localhost\r\n{bearer}\r\nOrigin: https://example.org")).0, 403);
    // Whoever listens on every address is sent to by every name.
    let receiver = Receiver::start("everywhere", &[], &["--listen", "0.0.0.0:0", "--allow-no-token"]);
    assert_eq!(ask(&receiver, "POST", "Host: webhook:5001").0, 200);
    assert_eq!(ask(&receiver, "POST", "Host: webhook:5001\r\nOrigin: http://webhook:5001").0, 403);
}

#[test]
fn a_flood_of_alerts_runs_one_program_at_a_time_and_has_an_end() {
    let receiver = Receiver::start("one_at_a_time", &["Waits", "Other"], &[]);
    receiver.fire("Waits");
    eventually("the first runs", || (receiver.given().len() == 1).then_some(()));
    for _ in 0..20 {
        receiver.fire("Waits");
    }
    // One runs, 16 wait.
    receiver.ran("Waits", "dropped", 4.0);
    assert_eq!(receiver.value("webhook_programs_running"), 1.0);
    assert_eq!(receiver.given().len(), 1);
    // Another alert does not wait for this one.
    receiver.fire("Other");
    receiver.ran("Other", "succeeded", 1.0);
    fs::write(receiver.folder.join("go"), "").unwrap();
    receiver.ran("Waits", "succeeded", 17.0);
}

#[test]
fn with_a_token_nobody_else_reads_or_sends_alerts() {
    let receiver = Receiver::start("token", &["HighHTTPErrorRate"], &["--token", "open-sesame"]);
    let bearer = ("Authorization", "Bearer open-sesame");
    for wrong in [&[JSON][..], &[JSON, ("Authorization", "Bearer guess")]] {
        assert_eq!(request(receiver.address(), "POST", "/alerts", wrong, NOTIFICATION.as_bytes()).status, 401);
        assert_eq!(request(receiver.address(), "GET", "/alerts", wrong, b"").status, 401);
    }
    assert_eq!(request(receiver.address(), "POST", "/alerts", &[JSON, bearer], NOTIFICATION.as_bytes()).status, 200);
    let kept = request(receiver.address(), "GET", "/alerts", &[bearer], b"").json();
    assert_eq!(kept["alerts"].as_array().unwrap().len(), 2);
    assert_eq!(receiver.value("auth_attempts_total{result=\"missing_token\"}"), 2.0);
    assert_eq!(receiver.value("auth_attempts_total{result=\"wrong_token\"}"), 2.0);
    receiver.ran("HighHTTPErrorRate", "succeeded", 1.0);
}

#[test]
fn a_signal_lets_what_runs_end() {
    let receiver = Receiver::start("signal", &["Waits"], &[]);
    receiver.fire("Waits");
    receiver.fire("Waits");
    eventually("the first runs", || (receiver.given().len() == 1).then_some(()));
    receiver.program.signal("TERM");
    receiver.program.error_line("a signal came");
    fs::write(receiver.folder.join("go"), "").unwrap();
    let Receiver { program, folder } = receiver;
    let (status, _, errors) = program.join();
    assert_eq!(status.code(), Some(0), "{errors}");
    for part in ["a program has run", "alerts still waited for their program", "stopped"] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    assert_eq!(fs::read_to_string(folder.join("alerts")).unwrap().lines().count(), 1);
}

#[test]
fn a_second_signal_kills_what_runs() {
    let receiver = Receiver::start("second_signal", &["Hangs"], &[]);
    receiver.fire("Hangs");
    eventually("it runs", || receiver.folder.join("sleeper").exists().then_some(()));
    receiver.program.signal("TERM");
    receiver.program.error_line("a signal came");
    receiver.program.signal("TERM");
    let Receiver { program, folder } = receiver;
    let (status, _, errors) = program.join();
    assert_eq!(status.code(), Some(1), "{errors}");
    assert!(errors.contains("stopped at once by a second signal"), "{errors}");
    gone(&folder.join("sleeper"));
}

#[test]
fn what_keeps_it_from_starting_is_told_in_one_line() {
    let runs = |program: &str| format!("HighMemoryUsage={program}");
    let (respond, absent, folder) = (runs(RESPOND), runs("/nonexistent/respond"), runs(env!("CARGO_MANIFEST_DIR")));
    let text = runs(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    for (arguments, part) in [
        (&["--listen", "0.0.0.0:0"][..], "or allow that with --allow-no-token"),
        (&["--listen", "0.0.0.0:0", "--run", &respond, "--allow-no-token"], "with --token-file or TACHOGRAPH_WEBHOOK_TOKEN"),
        (&["--listen", "192.0.2.1:1", "--allow-no-token"], "cannot listen on 192.0.2.1:1"),
        (&["--run", "HighMemoryUsage"], "write the name of an alert"),
        (&["--run", &absent], "cannot use /nonexistent/respond"),
        (&["--run", &folder], "no file that may be executed"),
        (&["--run", &text], "no file that may be executed"),
        (&["--run", &respond, "--run", &respond], "two programs for HighMemoryUsage"),
        (&["--keep", "0"], "from 1 to 10000"),
        (&["--run-timeout", "0"], "--run-timeout"),
        (&["--token", "two words"], "the token must be"),
        // Set to nothing by mistake: not open to everybody.
        (&["--token", ""], "the token must be"),
    ] {
        let output = command(&["webhook"]).args(arguments).env_remove("TACHOGRAPH_WEBHOOK_TOKEN").output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{arguments:?}: {errors}");
        assert!(errors.starts_with("tachograph: ") && errors.contains(part), "{arguments:?}: {errors}");
    }
}
