//! What the server answers about health: each endpoint with and without the token, strict or not, in both forms.
#![cfg(feature = "server")]

#[path = "support/checked.rs"]
mod checked;
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/scrape.rs"]
mod scrape;
#[allow(dead_code, reason = "made for several test crates, of which this one needs a part")]
#[path = "support/server.rs"]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use tachograph::Registry;
use tachograph::health::HealthStatus::{Degraded, Healthy, Unhealthy};
use tachograph::health::{CheckOptions, CheckResult, HealthRegistry, HealthStatus, Selection};
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::server::{self, Options, State, Stopped};
use tokio::sync::{oneshot, watch};

use checked::{BEARER, Checked, DRAFT, checks, everywhere, token};
use http::{Answer, Connection, eventually, get, request};
use scrape::sample;
use support::{Server, routes};

const OF_MANY: [&str; 5] = ["/health", "/health/quick", "/health/live", "/health/ready", "/health/startup"];
const PATHS: [&str; 6] =
    ["/health", "/health/quick", "/health/live", "/health/ready", "/health/startup", "/health/check/check_0"];

/// A server all of whose checks have run.
fn checked(statuses: &[HealthStatus]) -> Checked {
    let checked = Checked::start(checks(statuses));
    settle(&checked.health);
    checked
}

/// Waits until each check has a result.
fn settle(health: &HealthRegistry) {
    eventually("all checks have run", || {
        health.report(&Selection::all()).checks().iter().all(|check| check.age().is_some()).then_some(())
    });
}

/// The keys of an object.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap_or_else(|| panic!("no object: {object}")).keys().map(String::as_str).collect()
}

fn error(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {}", answer.text())).to_owned()
}

#[test]
fn each_endpoint_answers_each_status_in_each_form_to_everybody_and_to_who_has_the_token() {
    for (status, word, drafted, code, strict_code) in [
        (Healthy, "healthy", "pass", 200, 200),
        (Degraded, "degraded", "warn", 200, 503),
        (Unhealthy, "unhealthy", "fail", 503, 503),
    ] {
        let checked = checked(&[Healthy, status]);
        let paths = OF_MANY.into_iter().chain(["/health/check/check_1"]);
        for (path, token, strict) in
            paths.flat_map(|path| [(path, false, false), (path, false, true), (path, true, false), (path, true, true)])
        {
            let told = format!("{path} of {status}, token: {token}, strict: {strict}");
            let query = if strict { format!("{path}?strict=true") } else { format!("{path}?strict=false") };
            let token = if token { &[BEARER][..] } else { &[] };
            // The startup is over or not, and it is over when nothing is unhealthy.
            let (word, drafted, code) = match (path, status, strict) {
                ("/health/startup", Degraded, _) => ("healthy", "pass", 200),
                (_, Degraded, true) => (word, "fail", strict_code),
                (_, _, true) => (word, drafted, strict_code),
                (_, _, false) => (word, drafted, code),
            };
            let own = checked.ask(&query, token);
            assert_eq!((own.status, own.header("content-type")), (code, Some("application/json")), "{told}");
            assert_eq!(own.json()["status"], word, "{told}");
            assert_eq!(own.json()["checks"]["check_1"]["status"], status.as_str(), "{told}");
            let draft = checked.ask(&query, &[token, &[DRAFT]].concat());
            assert_eq!((draft.status, draft.header("content-type")), (code, Some("application/health+json")), "{told}");
            assert_eq!(draft.json()["status"], drafted, "{told}");
            for answer in [&own, &draft] {
                assert_eq!(answer.header("vary"), Some("Accept, Authorization"), "{told}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{told}");
                assert_eq!(answer.text().contains("so it is"), !token.is_empty() && told_in(answer, status), "{told}");
                assert!(answer.text().ends_with("}\n"), "{told}");
            }
        }
    }
}

/// Whether an answer has messages: the draft's has those of what is not well.
fn told_in(answer: &Answer, status: HealthStatus) -> bool {
    answer.header("content-type") == Some("application/json") || status != Healthy
}

#[test]
fn everybody_is_told_statuses_durations_and_an_age_and_no_more() {
    let checked = checked(&[Healthy, Unhealthy]);
    for path in PATHS {
        let answer = checked.ask(path, &[]).json();
        assert_eq!(keys(&answer), ["age_ms", "checks", "duration_ms", "status"], "{path}: {answer}");
        assert!(answer["age_ms"].is_u64() && answer["duration_ms"].is_f64(), "{path}: {answer}");
        for check in answer["checks"].as_object().unwrap().values() {
            assert_eq!(keys(check), ["duration_ms", "status"], "{path}: {answer}");
        }
        let draft = checked.ask(path, &[DRAFT]).json();
        assert_eq!(keys(&draft), ["checks", "status"], "{path}: {draft}");
        for check in draft["checks"].as_object().unwrap().values() {
            assert_eq!(keys(&check[0]), ["componentType", "observedUnit", "observedValue", "status", "time"], "{draft}");
        }
    }
}

#[test]
fn who_has_the_token_is_told_what_the_checks_say() {
    let checked = checked(&[Degraded]);
    get(checked.server.address, "/metrics");
    let answer = checked.ask("/health", &[BEARER]).json();
    assert_eq!(answer["version"], "1.2.3");
    assert_eq!(answer["issues"], json!(["check_0 is degraded: so it is"]));
    assert_eq!(answer["notes"], json!([]));
    assert!(answer["uptime_seconds"].as_f64().unwrap() >= 0.0, "{answer}");
    let check = &answer["checks"]["check_0"];
    assert_eq!((&check["message"], &check["details"]), (&json!("so it is"), &json!({ "answer": 42 })));
    assert_eq!(check["affected_endpoints"], json!(["/hello/{name}"]));
    for path in ["/health", "/health/quick", "/health/live"] {
        let signs = checked.ask(path, &[BEARER]).json()["details"].take();
        assert_eq!(keys(&signs), ["accept_loop_age_ms", "snapshot_age_ms"], "{path}");
        assert!(signs.as_object().unwrap().values().all(Value::is_u64), "{path}: {signs}");
    }
    let draft = checked.ask("/health", &[BEARER, DRAFT]).json();
    assert_eq!((&draft["releaseId"], &draft["output"]), (&json!("1.2.3"), &json!("check_0 is degraded: so it is")));
    let check = &draft["checks"]["check_0:responseTime"][0];
    assert_eq!((&check["output"], &check["affectedEndpoints"]), (&json!("so it is"), &json!(["/hello/{name}"])));
}

#[test]
fn checks_stand_in_the_order_of_their_registration() {
    let health = HealthRegistry::new();
    for name in ["zebra", "mouse", "ape"] {
        health.register(name, || async { CheckResult::healthy("") }, CheckOptions::default()).unwrap();
    }
    let checked = Checked::start(health);
    for headers in [&[][..], &[DRAFT], &[BEARER]] {
        let answer = checked.ask("/health", headers);
        let places = ["zebra", "mouse", "ape"].map(|name| answer.text().find(name).unwrap());
        assert!(places.is_sorted(), "{}", answer.text());
    }
}

#[test]
fn a_server_without_checks_tells_its_signs_of_life() {
    let server = Server::start(routes());
    for path in OF_MANY {
        let answer = get(server.address, path);
        assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("healthy")), "{path}");
        assert_eq!(answer.json()["checks"], json!({}), "{path}");
    }
    let one = get(server.address, "/health/check/any");
    assert_eq!((one.status, &*error(&one)), (404, "there is no check \"any\": there is none at all"));
    assert_eq!(get(server.address, "/health?exclude=any").status, 400);
    assert_eq!(server.requests("/health", "GET", 200), Some(1.0));
    assert_eq!(server.requests("/health/check/{name}", "GET", 404), Some(1.0));
}

#[test]
fn what_is_excluded_counts_for_nothing() {
    let checked = checked(&[Healthy, Unhealthy, Unhealthy]);
    for path in OF_MANY {
        assert_eq!(checked.ask(path, &[]).status, 503, "{path}");
        assert_eq!(checked.ask(&format!("{path}?exclude=check_1"), &[]).status, 503, "{path}");
        let answer = checked.ask(&format!("{path}?exclude=check_1&strict=true&exclude=check%5F2"), &[]);
        assert_eq!((answer.status, keys(&answer.json()["checks"])), (200, vec!["check_0"]), "{path}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_and_told_how_to_mend_it() {
    let checked = checked(&[Healthy, Healthy]);
    for path in OF_MANY {
        for (query, told) in [
            ("exclude=check_2", "there is no check \"check_2\", take one of check_0, check_1"),
            ("verbose=1", "there is no parameter \"verbose\", take one of strict, exclude"),
            ("strict=yes", "strict is \"yes\", write true or false"),
        ] {
            let answer = checked.ask(&format!("{path}?{query}"), &[]);
            assert_eq!((answer.status, &*error(&answer)), (400, told), "{path}?{query}");
        }
    }
    let one = |path: &str| {
        let answer = checked.ask(path, &[]);
        (answer.status, error(&answer))
    };
    assert_eq!(one("/health/check/check_2"), (404, "there is no check \"check_2\", take one of check_0, check_1".into()));
    assert_eq!(one("/health/check/%22%0A").0, 404);
    assert_eq!(
        one("/health/check/check_0?exclude=check_1"),
        (400, "there is no parameter \"exclude\", take one of strict".into())
    );
    assert_eq!(checked.ask("/health/check/check%5F0", &[]).status, 200);
}

#[test]
fn a_token_that_is_wrong_is_counted_and_answered_as_none() {
    let checked = checked(&[Unhealthy]);
    let counted = |result: &str| {
        sample(checked.server.registry.snapshot().text(), &format!("auth_attempts_total{{result=\"{result}\"}}")).unwrap()
    };
    for (rounds, path) in (1..).zip(PATHS) {
        let public = keys(&checked.ask(path, &[]).json()).len();
        for header in ["Bearer close-sesame", "Basic b3BlbjpzZXNhbWU=", "Bearer"] {
            let answer = checked.ask(path, &[("Authorization", header)]);
            assert_eq!((answer.status, keys(&answer.json()).len()), (503, public), "{path}, {header}");
        }
        checked.ask(path, &[BEARER]);
        let rounds = f64::from(rounds);
        assert_eq!(
            [counted("success"), counted("wrong_token"), counted("malformed_header"), counted("missing_token")],
            [rounds, rounds, 2.0 * rounds, 0.0],
            "{path}"
        );
    }
    let server = Server::start_with(routes(), Options { health: checks(&[Degraded]), ..Options::default() });
    let answer = request(server.address, "GET", "/health", &[BEARER], b"");
    assert!(!answer.text().contains("so it is"), "where no token is known nobody has it: {}", answer.text());
}

#[test]
fn head_and_other_methods_are_answered_as_elsewhere() {
    let checked = checked(&[Unhealthy]);
    for path in PATHS {
        let mut connection = Connection::open(checked.server.address);
        let head = connection.request("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (503, 0), "{path}");
        assert!(head.header("content-length").is_some_and(|length| length != "0"), "{path}");
        assert_eq!(connection.request("POST", path, &[], b"").status, 405, "{path}");
    }
}

/// A check whose status is what the sender last sent.
fn told(health: &HealthRegistry, name: &str, options: CheckOptions) -> watch::Sender<HealthStatus> {
    let (tell, told) = watch::channel(Healthy);
    let check = move || {
        let status = *told.borrow();
        async move { CheckResult::new(status, "as told") }
    };
    health.register(name, check, options).unwrap();
    tell
}

#[test]
fn a_service_that_has_started_has_started_whatever_comes_later() {
    let health = HealthRegistry::new();
    let interval = Duration::from_millis(1);
    let critical = told(&health, "critical", CheckOptions { interval, ..everywhere() });
    let other = told(&health, "other", CheckOptions { interval, critical: false, ..everywhere() });
    other.send(Unhealthy).unwrap();
    let checked = Checked::start(health);
    eventually("it starts", || (checked.ask("/health/startup", &[]).status == 200).then_some(()));
    critical.send(Unhealthy).unwrap();
    eventually("it is not ready", || (checked.ask("/health/ready", &[]).status == 503).then_some(()));
    let answer = checked.ask("/health/startup", &[]);
    assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some("healthy")));
}

#[test]
fn a_group_is_asked_for_its_own_checks() {
    let health = HealthRegistry::new();
    let ill = || async { CheckResult::unhealthy("") };
    health.register("database", ill, CheckOptions::default()).unwrap();
    let checked = Checked::start(health);
    settle(&checked.health);
    let answers = [200, 503, 503, 503, 503];
    for (path, status) in
        ["/health/live", "/health/ready", "/health/startup", "/health", "/health/quick"].into_iter().zip(answers)
    {
        assert_eq!(checked.ask(path, &[]).status, status, "{path}");
    }
    assert_eq!(checked.ask("/health/live", &[]).json()["checks"], json!({}));
}

#[test]
fn in_a_shutdown_it_is_not_ready_but_serves_on() {
    let registry = Registry::new();
    let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
    let health = checks(&[Healthy]);
    settle(&health);
    let options = Options { health, drain_delay: Duration::MAX, tokens: token().into(), ..Options::default() };
    let state = State::new(&registry, &metrics, routes(), options).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopping) = oneshot::channel();
    let serving = runtime.spawn(server::run(listener, state, async { stopping.await.unwrap() }));

    let mut kept = Connection::open(address);
    assert_eq!(kept.request("GET", "/health/ready", &[], b"").status, 200);
    stop.send(()).unwrap();
    let answer = eventually("it is not ready", || {
        let answer = kept.request("GET", "/health/ready", &[BEARER], b"");
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(answer.json()["issues"], json!(["the server is shutting down"]));
    assert_eq!(answer.header("connection"), Some("close"), "whoever is told goes elsewhere in peace");
    assert!(kept.is_closed());
    assert_eq!(get(address, "/hello/you").status, 200, "connections are still taken");
    assert_eq!(get(address, "/health/ready").status, 503);
    for path in ["/health/live", "/health/startup", "/health"] {
        assert_eq!(get(address, path).status, 200, "{path}");
    }
    assert!(!serving.is_finished());
}

#[test]
fn after_the_delay_a_shutdown_ends_as_one_without() {
    let options = Options { drain_delay: Duration::from_millis(1), ..Options::default() };
    let mut checked = Checked::start_with(checks(&[Healthy]), options);
    let mut kept = Connection::open(checked.server.address);
    assert_eq!(kept.request("GET", "/health/live", &[], b"").status, 200);
    checked.server.stop();
    assert!(kept.is_closed());
    assert_eq!(checked.server.join(), Stopped { cut: 0 });
    assert!(std::net::TcpStream::connect(checked.server.address).is_err());
}
