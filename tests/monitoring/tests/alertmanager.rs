//! The shipped configuration in a real Alertmanager: what mutes what, who is told what, and that no secret comes out.

use std::collections::{BTreeMap, BTreeSet};

use monitoring::rules::alerts;
use monitoring_tests::alertmanager::{Alertmanager, Hosts, amtool};
use monitoring_tests::receiver::{LIMIT, MailServer, Receiver};
use serde_json::{Value, json};
use system::wait;

const RUNBOOK: &str = "http://prometheus.test/consoles/HighHTTPErrorRate.html";
const DASHBOARD: &str = "http://grafana.test/d/http_api_overview?var-job=http_api&viewPanel=2";

/// An alert of the rules with the labels that it has there, of that job.
fn alert(name: &str, job: &str) -> Value {
    let all = alerts();
    let known = all.iter().find(|alert| alert.name == name).unwrap_or_else(|| panic!("no rule is called {name}"));
    let mut labels = known.rule.labels.clone();
    labels.insert("alertname".into(), name.into());
    if !job.is_empty() {
        labels.insert("job".into(), job.into());
    }
    let annotations = json!({"summary": format!("{name} in short"), "description": format!("{name} at length"),
        "runbook_url": format!("http://prometheus.test/consoles/{name}.html"), "dashboard_url": DASHBOARD});
    json!({"labels": labels, "annotations": annotations, "generatorURL": "http://prometheus.test/graph?g0.expr=up"})
}

/// A name and a job.
type Named = (String, String);

fn named(alert: &Value) -> Named {
    let label = |name: &str| alert["labels"][name].as_str().unwrap_or_default().to_owned();
    (label("alertname"), label("job"))
}

/// Sends alerts, and waits until those that are muted are `expected`. What mutes is known a moment after it came.
fn mutes(alertmanager: &Alertmanager, sent: &[Value], expected: &BTreeSet<Named>) {
    alertmanager.post(&sent.into());
    wait::until("the right alerts to be muted", LIMIT, || {
        let muted = muted(alertmanager);
        if muted == *expected { Ok(()) } else { Err(format!("it mutes {muted:?}, and not {expected:?}")) }
    });
}

/// The alerts that are muted now.
fn muted(alertmanager: &Alertmanager) -> BTreeSet<Named> {
    alertmanager.alerts().iter().filter(|alert| alert["status"]["inhibitedBy"] != json!([])).map(named).collect()
}

fn set(named: &[(&str, &str)]) -> BTreeSet<Named> {
    named.iter().map(|(name, job)| ((*name).to_owned(), (*job).to_owned())).collect()
}

fn webhook_at(receiver: &Receiver) -> Hosts {
    vec![("webhook:5001", receiver.address().to_string())]
}

#[test]
fn the_warning_of_a_pair_is_muted_and_nothing_else() {
    let receiver = Receiver::start();
    let alertmanager = Alertmanager::start(&webhook_at(&receiver), &[]);
    let sent = [
        alert("CriticalSlowRequests", "http_api"),
        alert("SlowRequestLatency", "http_api"),
        alert("CriticalAuthFailureRate", "http_api"),
        alert("HighAuthFailureRate", "http_api"),
        // Another signal, another job, and one that is no warning.
        alert("HighMemoryUsage", "http_api"),
        alert("SlowRequestLatency", "another"),
        alert("LowRequestRate", "http_api"),
        alert("Watchdog", ""),
        // Labels that both lack are equal: they must not mute by that.
        json!({"labels": {"alertname": "CriticalOfOthers", "severity": "critical"}}),
        json!({"labels": {"alertname": "WarningOfOthers", "severity": "warning"}}),
    ];
    let two = set(&[("SlowRequestLatency", "http_api"), ("HighAuthFailureRate", "http_api")]);
    mutes(&alertmanager, &sent, &two);

    // As a person asks for them.
    let (content, told) =
        amtool(&["alert", "query", "--inhibited", &format!("--alertmanager.url=http://{}", alertmanager.address())]);
    assert!(content, "{told}");
    let listed = told.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect::<BTreeSet<_>>();
    assert_eq!(listed, BTreeSet::from(["SlowRequestLatency", "HighAuthFailureRate"]), "{told}");

    // Those that are not muted arrive, each by its receiver; the muted ones would have too, since all wait for a second.
    let receivers = || {
        let mut receivers = BTreeMap::new();
        for told in receiver.at("/alerts") {
            let told = told.json();
            for alert in told["alerts"].as_array().expect("alerts are a list") {
                receivers.insert(named(alert), told["receiver"].as_str().expect("a receiver has a name").to_owned());
            }
        }
        receivers
    };
    let expected: BTreeMap<Named, String> = [
        (("CriticalSlowRequests", "http_api"), "critical"),
        (("CriticalAuthFailureRate", "http_api"), "security"),
        (("HighMemoryUsage", "http_api"), "warning"),
        (("SlowRequestLatency", "another"), "warning"),
        (("LowRequestRate", "http_api"), "info"),
        (("Watchdog", ""), "watchdog"),
        (("CriticalOfOthers", ""), "critical"),
        (("WarningOfOthers", ""), "warning"),
    ]
    .into_iter()
    .map(|((name, job), receiver)| ((name.to_owned(), job.to_owned()), receiver.to_owned()))
    .collect();
    wait::until("eight alerts at the webhook", LIMIT, || {
        let there = receivers();
        if there.len() >= expected.len() { Ok(()) } else { Err(format!("there came {there:?}")) }
    });
    assert_eq!(receivers(), expected);
    assert_eq!(muted(&alertmanager), two);
}

#[test]
fn every_critical_alert_of_the_rules_mutes_the_warnings_of_its_signal() {
    let receiver = Receiver::start();
    let alertmanager = Alertmanager::start(&webhook_at(&receiver), &[]);
    let all = alerts();
    // HTTPAPIDown mutes more than that, and has a test of its own.
    let judged = all.iter().filter(|alert| alert.name != "HTTPAPIDown").collect::<Vec<_>>();
    let critical: BTreeSet<&str> =
        judged.iter().filter(|alert| alert.label("severity") == "critical").map(|alert| alert.label("signal")).collect();
    let expected: BTreeSet<Named> = judged
        .iter()
        .filter(|alert| alert.label("severity") == "warning" && critical.contains(alert.label("signal")))
        .map(|alert| (alert.name.clone(), "http_api".to_owned()))
        .collect();
    let mut sent: Vec<Value> = Vec::new();
    for one in &judged {
        // Alerts that share a name differ in a label of the rule.
        let mut value = alert(&one.name, "http_api");
        let labels = value["labels"].as_object_mut().expect("labels are an object");
        labels.extend(one.rule.labels.iter().map(|(name, value)| (name.clone(), json!(value))));
        sent.push(value);
    }
    mutes(&alertmanager, &sent, &expected);
    // What is not muted has been told by now, and all that mutes is known.
    receiver.wait_for_alert("/alerts", "CriticalMemoryUsage", "firing");
    assert_eq!(muted(&alertmanager), expected);
    for pair in ["SlowRequestLatency", "HighAuthFailureRate", "HighMemoryUsage", "ServiceDegraded"] {
        assert!(expected.contains(&(pair.to_owned(), "http_api".to_owned())), "{pair} has no partner");
    }
}

#[test]
fn an_instance_that_is_down_mutes_all_else_of_it_and_nothing_of_the_others() {
    let receiver = Receiver::start();
    let alertmanager = Alertmanager::start(&webhook_at(&receiver), &[]);
    let sent = [
        at("one", alert("HTTPAPIDown", "http_api")),
        at("one", alert("HealthCheckFailing", "http_api")),
        at("one", alert("HighActiveConnections", "http_api")),
        at("two", alert("HighMemoryUsage", "http_api")),
        // The sum over all instances.
        alert("CriticalAuthFailureRate", "http_api"),
        at("one", alert("MonitoringTargetDown", "node")),
        alert("Watchdog", ""),
    ];
    mutes(&alertmanager, &sent, &set(&["HealthCheckFailing", "HighActiveConnections"].map(|name| (name, "http_api"))));
    for told in ["HTTPAPIDown", "HighMemoryUsage", "CriticalAuthFailureRate", "MonitoringTargetDown"] {
        receiver.wait_for_alert("/alerts", told, "firing");
    }
    // When it is over, that is told; and what it muted and still fires is told then.
    let mut over = at("one", alert("HTTPAPIDown", "http_api"));
    over["endsAt"] = json!("2020-01-01T00:00:00Z");
    over["startsAt"] = json!("2019-12-31T00:00:00Z");
    alertmanager.post(&json!([over]));
    receiver.wait_for_alert("/alerts", "HTTPAPIDown", "resolved");
    receiver.wait_for_alert("/alerts", "HealthCheckFailing", "firing");
}

#[test]
fn a_job_without_instances_mutes_what_sums_over_them() {
    let receiver = Receiver::start();
    let alertmanager = Alertmanager::start(&webhook_at(&receiver), &[]);
    let sent = [
        alert("HTTPAPIDown", "http_api"),
        alert("HighHTTPErrorRate", "http_api"),
        alert("LowRequestRate", "http_api"),
        alert("HighRateLimitHits", "http_api"),
        // Of another job, or of none.
        alert("HighHTTPErrorRate", "another"),
        alert("AlertmanagerNotificationsFailing", "alertmanager"),
        alert("Watchdog", ""),
    ];
    let expected = ["HighHTTPErrorRate", "LowRequestRate", "HighRateLimitHits"].map(|name| (name, "http_api"));
    mutes(&alertmanager, &sent, &set(&expected));
    assert_eq!(receiver.wait_for_alert("/alerts", "HTTPAPIDown", "firing")["labels"]["severity"], "critical");
}

#[test]
fn a_critical_alert_of_one_instance_mutes_no_warning_of_another() {
    let receiver = Receiver::start();
    let alertmanager = Alertmanager::start(&webhook_at(&receiver), &[]);
    let sent = [
        at("one", alert("CriticalMemoryUsage", "http_api")),
        at("one", alert("HighMemoryUsage", "http_api")),
        at("two", alert("HighMemoryUsage", "http_api")),
    ];
    alertmanager.post(&json!(sent));
    let told = receiver.wait_for_alert("/alerts", "HighMemoryUsage", "firing");
    assert_eq!(told["labels"]["instance"], "two");
    assert_eq!(muted(&alertmanager), set(&[("HighMemoryUsage", "http_api")]));
}

/// The same alert, of one instance.
fn at(instance: &str, mut alert: Value) -> Value {
    alert["labels"]["instance"] = json!(instance);
    alert
}

#[test]
fn every_channel_with_a_secret_is_told_with_links_and_tells_no_secret() {
    let receiver = Receiver::start();
    let mails = MailServer::start();
    let at = format!("http://{}", receiver.address());
    let mut hosts = webhook_at(&receiver);
    hosts.push(("https://events.pagerduty.com/v2/enqueue", format!("{at}/pagerduty")));
    hosts.push(("https://api.opsgenie.com/", format!("{at}/opsgenie/")));
    hosts.push(("smtp.example.org:587", mails.address().to_string()));
    hosts.push(("smtp_require_tls: true", "smtp_require_tls: false".into()));
    let [slack, heartbeat] = ["slack", "heartbeat"].map(|name| format!("{at}/{name}-5ecret"));
    let secrets = [
        ("slack_api_url", &*slack),
        ("pagerduty_routing_key", "pagerduty-5ecret"),
        ("opsgenie_api_key", "opsgenie-5ecret"),
        ("smtp_password", "smtp-5ecret"),
        ("webhook_token", "webhook-5ecret"),
        ("heartbeat_url", &*heartbeat),
    ];
    let alertmanager = Alertmanager::start(&hosts, &secrets);
    let names = ["HighHTTPErrorRate", "CriticalAuthFailureRate"];
    alertmanager.post(&json!([alert(names[0], "http_api"), alert(names[1], "http_api"), alert("Watchdog", "")]));
    let title = "[FIRING 1] HighHTTPErrorRate (critical) of http_api";
    let says = ["HighHTTPErrorRate in short", "HighHTTPErrorRate at length", RUNBOOK, DASHBOARD];
    let ours = |body: &str| body.contains("HighHTTPErrorRate");
    let holds_all = |text: &str| says.iter().for_each(|part| assert!(text.contains(part), "no {part} in {text}"));
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();

    let webhook = receiver.wait_for("/alerts", |request| ours(&request.body));
    assert_eq!(webhook.header("authorization"), Some("Bearer webhook-5ecret"));

    let message = receiver.wait_for("/slack-5ecret", |request| ours(&request.body)).json();
    let message = &message["attachments"][0];
    assert_eq!((text(&message["title"]), text(&message["title_link"])), (title.to_owned(), RUNBOOK.to_owned()));
    assert_eq!(message["color"], "danger");
    holds_all(&text(&message["text"]));
    assert_eq!([&message["actions"][0]["url"], &message["actions"][1]["url"]], [RUNBOOK, DASHBOARD]);

    let page = receiver.wait_for("/pagerduty", |request| ours(&request.body)).json();
    assert_eq!((text(&page["routing_key"]), text(&page["event_action"])), ("pagerduty-5ecret".into(), "trigger".into()));
    assert_eq!([&page["payload"]["summary"], &page["payload"]["severity"]], [title, "critical"]);
    holds_all(&text(&page["payload"]["custom_details"]["firing"]));
    assert_eq!([&page["links"][0]["href"], &page["links"][1]["href"]], [RUNBOOK, DASHBOARD]);

    let call = receiver.wait_for("/opsgenie/v2/alerts", |request| ours(&request.body));
    assert_eq!(call.header("authorization"), Some("GenieKey opsgenie-5ecret"));
    let call = call.json();
    assert_eq!([&call["message"], &call["priority"]], [title, "P1"]);
    holds_all(&text(&call["description"]));
    assert_eq!(call["tags"], json!(["critical", "http", "errors"]));
    assert_eq!([&call["details"]["runbook"], &call["details"]["dashboard"]], [RUNBOOK, DASHBOARD]);

    let mail = mails.wait_for("HighHTTPErrorRate");
    assert!(mail.contains("RCPT TO:<on-call@example.org>") && mail.contains(&format!("Subject: {title}")), "{mail}");
    assert!(mail.contains("AUTH PLAIN") && mail.contains("text/plain") && mail.contains("text/html"), "{mail}");
    // Quoted-printable: lines are broken, and "=" is "=3D".
    let plain = mail.replace("=\r\n", "").replace("=3D", "=");
    holds_all(&plain);
    assert!(plain.contains(&format!("<a href=\"{RUNBOOK}\">Runbook</a>")), "{plain}");

    // Those who look after security have the same channels, at another address.
    let mail = mails.wait_for("CriticalAuthFailureRate");
    assert!(mail.contains("RCPT TO:<security@example.org>"), "{mail}");
    receiver.wait_for("/pagerduty", |request| request.body.contains("CriticalAuthFailureRate"));

    // The dead man's switch is called for Watchdog, and for nothing else; and Watchdog comes to nobody else but the webhook.
    receiver.wait_for("/heartbeat-5ecret", |request| request.body.contains("Watchdog"));
    for request in receiver.received().iter().filter(|request| request.path != "/alerts") {
        assert_eq!(
            request.body.contains("Watchdog"),
            request.path == "/heartbeat-5ecret",
            "{}: {}",
            request.path,
            request.body
        );
    }

    // The configuration that it shows to all who ask names files, and no secret; nor does its log.
    let status = alertmanager.status();
    assert!(status.contains("pagerduty_routing_key"), "{status}");
    for shown in [status, alertmanager.log()] {
        assert!(!shown.contains("5ecret"), "{shown}");
    }
}

#[test]
fn a_warning_wakes_nobody_up() {
    let receiver = Receiver::start();
    let at = format!("http://{}", receiver.address());
    let mut hosts = webhook_at(&receiver);
    hosts.push(("https://events.pagerduty.com/v2/enqueue", format!("{at}/pagerduty")));
    hosts.push(("https://api.opsgenie.com/", format!("{at}/opsgenie/")));
    let slack = format!("{at}/slack");
    let secrets = [("slack_api_url", &*slack), ("pagerduty_routing_key", "key"), ("opsgenie_api_key", "key")];
    let alertmanager = Alertmanager::start(&hosts, &secrets);
    // The one that pages comes with the others, so that by then a page of theirs would be there.
    let all =
        ["HighMemoryUsage", "LowRequestRate", "HighRateLimitHits", "HTTPAPIRestartLoop"].map(|name| alert(name, "http_api"));
    alertmanager.post(&json!(all));
    for name in ["HighMemoryUsage", "LowRequestRate", "HighRateLimitHits"] {
        receiver.wait_for("/slack", |request| request.body.contains(name));
    }
    let pages = |name: &str| {
        let found = receiver.received().into_iter().filter(|request| request.body.contains(name));
        found.map(|request| request.path).filter(|path| path != "/alerts" && path != "/slack").collect::<BTreeSet<_>>()
    };
    wait::until("two pages of the critical alert", LIMIT, || match pages("HTTPAPIRestartLoop").len() {
        2 => Ok(()),
        pages => Err(format!("there are {pages}")),
    });
    // Of security the pager is told, as a warning.
    wait::until("two pages of security", LIMIT, || match pages("HighRateLimitHits").len() {
        2 => Ok(()),
        pages => Err(format!("there are {pages}")),
    });
    let page = receiver.wait_for("/pagerduty", |request| request.body.contains("HighRateLimitHits")).json();
    assert_eq!(page["payload"]["severity"], "warning");
    let call = receiver.wait_for("/opsgenie/v2/alerts", |request| request.body.contains("HighRateLimitHits")).json();
    assert_eq!(call["priority"], "P3");
    for name in ["HighMemoryUsage", "LowRequestRate"] {
        assert_eq!(pages(name), BTreeSet::new(), "{name}");
    }
}
