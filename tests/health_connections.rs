//! The check of a debug adapter and a language server, against peers of every temper over real connections.

#[path = "support/peer.rs"]
mod peer;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tachograph::health::checks::DapLspCheck;
use tachograph::health::{CheckOptions, CheckResult, Detail, HealthCheck, HealthRegistry, HealthStatus, Selection};
use tokio::sync::Notify;

use peer::{Peer, Reaction, answer, message, well};

/// For peers that answer: long enough for a machine that has other things to do.
const PATIENT: Duration = Duration::from_secs(20);
/// For those that never will.
const SHORT: Duration = Duration::from_secs(1);

fn detail<'a>(result: &'a CheckResult, name: &str) -> Option<&'a Detail> {
    result.details().iter().find_map(|(known, value)| (known == name).then_some(value))
}

fn states(result: &CheckResult) -> (String, String) {
    let state = |peer: &str| detail(result, &format!("{peer}_state")).unwrap().to_string();
    (state("debug_adapter"), state("language_server"))
}

fn words(first: &str, second: &str) -> (String, String) {
    (first.to_owned(), second.to_owned())
}

#[tokio::test]
async fn two_that_answer_are_healthy() {
    let (debug_adapter, language_server) = (Peer::start(well).await, Peer::start(well).await);
    let by_name = format!("localhost:{}", language_server.address.port());
    let check = DapLspCheck::new(debug_adapter.address, by_name).with_patience(PATIENT);
    // The one that connects, and one on the connections.
    for _ in 0..2 {
        let result = check.check().await;
        assert_eq!(result.status(), HealthStatus::Healthy, "{}", result.message());
        assert_eq!(result.message(), "the debug adapter and the language server answer");
        assert_eq!(states(&result), words("connected", "connected"));
        assert_eq!(detail(&result, "debug_adapter_address"), Some(&debug_adapter.address.to_string().into()));
        assert!(matches!(detail(&result, "language_server_round_trip_ms"), Some(Detail::Number(_))));
        assert_eq!(detail(&result, "language_server_error"), None);
    }
}

#[tokio::test]
async fn the_connections_are_kept() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listening = || {
        let heard = Arc::clone(&heard);
        move |_: usize, request: &Value| {
            let name = request.get("command").or(request.get("method")).unwrap().as_str().unwrap();
            heard.lock().unwrap().push(name.to_owned());
            Reaction::Says(answer(request))
        }
    };
    let (debug_adapter, language_server) = (Peer::start(listening()).await, Peer::start(listening()).await);
    let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(PATIENT);
    for _ in 0..20 {
        assert_eq!(check.check().await.status(), HealthStatus::Healthy);
    }
    assert_eq!((debug_adapter.accepted(), language_server.accepted()), (1, 1));
    let heard = heard.lock().unwrap();
    let count = |name: &str| heard.iter().filter(|known| *known == name).count();
    assert_eq!(["initialize", "initialized", "threads", "tachograph/ping"].map(count), [2, 1, 19, 19]);
}

#[tokio::test]
async fn one_down_is_degraded_both_are_unhealthy_and_who_comes_back_is_connected_to() {
    let (debug_adapter, language_server) = (Peer::start(well).await, Peer::start(well).await);
    let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(PATIENT);
    assert_eq!(check.check().await.status(), HealthStatus::Healthy);

    let debug_address = debug_adapter.stop().await;
    // The first run loses the connection, and finds nobody there any more.
    let step = "connect: ";
    for _ in 0..2 {
        let result = check.check().await;
        assert_eq!((result.status(), states(&result)), (HealthStatus::Degraded, words("down", "connected")));
        let expected = format!("the debug adapter at {debug_address} is down, {step}");
        assert!(result.message().starts_with(&expected), "{}", result.message());
        assert!(detail(&result, "debug_adapter_error").unwrap().to_string().starts_with(step));
        assert_eq!(detail(&result, "debug_adapter_round_trip_ms"), None);
    }

    let language_address = language_server.stop().await;
    for _ in 0..2 {
        let result = check.check().await;
        assert_eq!((result.status(), states(&result)), (HealthStatus::Unhealthy, words("down", "down")));
        let part = format!("; the language server at {language_address} is down, ");
        assert!(result.message().contains(&part), "{}", result.message());
    }

    let debug_adapter = Peer::start_at(debug_address, well).await;
    let result = check.check().await;
    assert_eq!((result.status(), states(&result)), (HealthStatus::Degraded, words("connected", "down")));
    let _language_server = Peer::start_at(language_address, well).await;
    assert_eq!(check.check().await.status(), HealthStatus::Healthy);
    assert_eq!(debug_adapter.accepted(), 1);
}

#[tokio::test]
async fn one_that_was_started_anew_between_two_runs_is_well() {
    let (debug_adapter, language_server) = (Peer::start(well).await, Peer::start(well).await);
    let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(PATIENT);
    assert_eq!(check.check().await.status(), HealthStatus::Healthy);
    let anew = Peer::start_at(debug_adapter.stop().await, well).await;
    let result = check.check().await;
    assert_eq!(result.status(), HealthStatus::Healthy, "{}", result.message());
    assert_eq!((anew.accepted(), language_server.accepted()), (1, 1));
}

#[tokio::test]
async fn one_that_never_answers_is_told_and_harms_nobody_else() {
    let silent = Peer::start(|_, _| Reaction::Says(Vec::new())).await;
    let language_server = Peer::start(well).await;
    let check = DapLspCheck::new(silent.address, language_server.address).with_patience(SHORT);
    let result = check.check().await;
    assert_eq!((result.status(), states(&result)), (HealthStatus::Degraded, words("down", "connected")));
    let told = format!("the debug adapter at {} is down, initialize: no answer within 1000 ms", silent.address);
    assert_eq!(result.message(), told);
    check.check().await;
    assert_eq!((silent.accepted(), language_server.accepted()), (2, 1), "it is not asked again on that connection");
}

#[tokio::test]
async fn one_that_freezes_after_initialize_is_noticed() {
    let freezes = |_: usize, request: &Value| match request["method"].as_str() {
        Some("initialize") => Reaction::Says(answer(request)),
        _ => Reaction::Says(Vec::new()),
    };
    let (debug_adapter, language_server) = (Peer::start(well).await, Peer::start(freezes).await);
    let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(SHORT);
    assert_eq!(check.check().await.status(), HealthStatus::Healthy);
    let result = check.check().await;
    assert_eq!((result.status(), states(&result)), (HealthStatus::Degraded, words("connected", "down")));
    assert!(result.message().ends_with(", tachograph/ping: no answer within 1000 ms"), "{}", result.message());
}

#[tokio::test]
async fn whatever_is_wrong_with_an_answer_is_told_and_closes_the_connection() {
    let notification = message(r#"{"jsonrpc":"2.0","method":"window/logMessage","params":{}}"#);
    let half = |request: &Value| answer(request)[..30].to_vec();
    let says = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        Box::new(move |_: &Value| Reaction::Says(bytes.clone()))
    };
    type Last = Box<dyn Fn(&Value) -> Reaction + Send + Sync>;
    let tempers: [(Last, &str); 8] = [
        (
            says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "a head has the line \"HTTP/1.1 400 Bad Request\", which is no field of one",
        ),
        (says(&[b'x'; 10_000]), "a head of more than 4096 bytes came"),
        (says(b"Content-Length: 2147483648\r\n\r\n{"), "a body of 2147483648 bytes is announced, 1048576 are the most"),
        (says(&message("pong")), "what came is no JSON object"),
        (says(&message(r#"{"jsonrpc":"2.0","id":77,"result":null}"#)), "the answer to request 77 came, asked was 2"),
        (says(&notification.repeat(10_000)), "4096 other messages came, and no answer"),
        (Box::new(move |request| Reaction::Closes(half(request))), "the connection ended within a message"),
        (
            Box::new(|request| Reaction::Says([answer(request), message("{}")].concat())),
            "the answer to request null came, asked was 3",
        ),
    ];
    let debug_adapter = Peer::start(well).await;
    for (last, told) in tempers {
        // It answers `initialize`, and is told so by the notification `initialized`.
        let language_server = Peer::start(move |before, request| match before {
            0 | 1 => well(before, request),
            _ => last(request),
        });
        let language_server = language_server.await;
        let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(PATIENT);
        assert_eq!(check.check().await.status(), HealthStatus::Healthy);
        let mut result = check.check().await;
        if told.ends_with("asked was 3") {
            assert_eq!(result.status(), HealthStatus::Healthy, "what came after the answer is the next run's");
            result = check.check().await;
        }
        assert_eq!(states(&result), words("connected", "down"), "{told}");
        assert!(result.message().ends_with(&format!("is down, tachograph/ping: {told}")), "{}", result.message());
        assert_eq!(language_server.accepted(), 1);
        assert_eq!(check.check().await.status(), HealthStatus::Healthy);
        assert_eq!(language_server.accepted(), 2);
    }
    let refuses = Peer::start(|_, request| {
        let body = json!({ "type": "response", "request_seq": request["seq"], "success": false, "message": "full" });
        Reaction::Says(message(&body.to_string()))
    });
    let refuses = refuses.await;
    let check = DapLspCheck::new(refuses.address, "nowhere").with_patience(PATIENT);
    let result = check.check().await;
    assert_eq!(result.status(), HealthStatus::Unhealthy);
    assert!(result.message().contains("is down, initialize: it refuses: \"full\"; "), "{}", result.message());
    assert!(result.message().contains("the language server at nowhere is down, connect: "), "{}", result.message());
}

#[tokio::test]
async fn what_a_peer_sends_of_its_own_accord_is_passed_over_and_what_it_asks_is_refused() {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let chatty = |event: Value, request: Value| {
        let refused = Arc::clone(&refused);
        move |_: usize, heard: &Value| {
            if heard.get("error").is_some() || heard["type"] == "response" {
                refused.lock().unwrap().push(heard.clone());
            }
            match answer(heard) {
                nothing if nothing.is_empty() => Reaction::Says(nothing),
                answer => {
                    let asides = [message(&event.to_string()).repeat(100), message(&request.to_string())].concat();
                    Reaction::Says([&asides[..], &answer, &asides].concat())
                }
            }
        }
    };
    let request = json!({ "seq": 5, "type": "request", "command": "runInTerminal" });
    let debug_adapter = Peer::start(chatty(json!({ "seq": 4, "type": "event", "event": "output" }), request)).await;
    let request = json!({ "jsonrpc": "2.0", "id": "x", "method": "workspace/configuration" });
    let language_server = Peer::start(chatty(json!({ "jsonrpc": "2.0", "method": "telemetry/event" }), request)).await;
    let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(PATIENT);
    for _ in 0..10 {
        let result = check.check().await;
        assert_eq!(result.status(), HealthStatus::Healthy, "{}", result.message());
    }
    assert_eq!((debug_adapter.accepted(), language_server.accepted()), (1, 1));
    let refused = refused.lock().unwrap();
    assert!(refused.iter().any(|refusal| refusal["request_seq"] == 5 && refusal["success"] == false));
    assert!(refused.iter().any(|refusal| refusal["id"] == "x" && refusal["error"]["code"] == -32601));
}

#[tokio::test]
async fn a_run_that_is_given_up_half_way_leaves_no_connection_to_read_on() {
    let half_sent = Arc::new(Notify::new());
    let halves = {
        let half_sent = Arc::clone(&half_sent);
        move |_: usize, request: &Value| {
            if request["command"] == "threads" {
                half_sent.notify_one();
                return Reaction::Says(answer(request)[..40].to_vec());
            }
            Reaction::Says(answer(request))
        }
    };
    let (debug_adapter, language_server) = (Peer::start(halves).await, Peer::start(well).await);
    let check = DapLspCheck::new(debug_adapter.address, language_server.address).with_patience(PATIENT);
    for runs in 1..4 {
        assert_eq!(check.check().await.status(), HealthStatus::Healthy);
        assert_eq!(debug_adapter.accepted(), runs);
        tokio::select! {
            result = check.check() => panic!("{result:?}"),
            () = half_sent.notified() => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_runs_it() {
    let (debug_adapter, language_server) = (Peer::start(well).await, Peer::start(well).await);
    let addresses = (debug_adapter.address, language_server.address);
    let registered = move || {
        let health = HealthRegistry::new();
        let check = DapLspCheck::new(addresses.0, addresses.1).with_patience(PATIENT);
        let options = CheckOptions { timeout: PATIENT * 2, ..CheckOptions::default() };
        health.register("dap_lsp", check, options).unwrap();
        health
    };
    // One in this runtime, one that has none but its own.
    let elsewhere = std::thread::spawn(registered).join().unwrap();
    for health in [registered(), elsewhere] {
        for _ in 0..3 {
            let report = health.fresh(&Selection::all(), Duration::ZERO).await;
            assert_eq!(report.status(), HealthStatus::Healthy, "{:?}", report.issues());
        }
    }
    assert_eq!((debug_adapter.accepted(), language_server.accepted()), (2, 2));
}
