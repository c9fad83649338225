//! Those who ask for health and for profiles, and look at what they are told.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use crate::load::Load;
use crate::request::{Kind, Request};
use crate::tally::Target;
use crate::wire::{Answer, Connection};

/// Profiles that the server keeps at most by default: the last ones, and beside them the slowest and those that an exemplar
/// names.
const MOST_PROFILES: usize = 1_000 + 80 + 80;
const HEALTH: [&str; 5] = ["/health", "/health/quick", "/health/live", "/health/ready", "/health/startup"];
const STATUSES: [&str; 3] = ["healthy", "degraded", "unhealthy"];
const PROFILES: &str = "/debug/profile";
const FLAME_GRAPH: &str = "/debug/profile/flamegraph";
const ONE: &str = "/debug/profile/{id}";
/// Between two clearings.
const CLEARED_EVERY: u32 = 30;

/// Every health endpoint in turn, with the token, without, and with a wrong one.
pub(crate) async fn health(load: &Load) {
    for number in 0.. {
        load.pause(Duration::from_millis(200)).await;
        if load.is_over() {
            return;
        }
        let endpoint = HEALTH[number % HEALTH.len()];
        let kind = match number / HEALTH.len() % 3 {
            0 => Kind::Open(&[200, 503]),
            1 => Kind::Trusted(&[200, 503]),
            _ => Kind::Guessed(&[200, 503]),
        };
        let path = if number % 2 == 0 { endpoint.to_owned() } else { format!("{endpoint}?strict=true") };
        let request = Request::get(Target { endpoint, method: "GET" }, &path, kind, "");
        let Some(mut connection) = load.open().await else { continue };
        let Some(answer) = load.ask(&mut connection, &request).await else { continue };
        load.healths.fetch_add(1, Ordering::Relaxed);
        let told = json(&answer).and_then(|told| match told["status"].as_str() {
            Some(status) if STATUSES.contains(&status) => Ok(()),
            _ => Err(format!("no status in {told}")),
        });
        if let Err(what) = told {
            load.findings.tell(format!("GET {path}: {what}"));
        }
    }
}

/// Lists, filters, flame graphs, one profile, and the clearing.
pub(crate) async fn profiles(load: &Load) {
    let mut round = 0;
    while !load.is_over() {
        let Some(mut connection) = load.open().await else { continue };
        while !load.is_over() {
            round += 1;
            if !look(load, &mut connection, round).await {
                break;
            }
            load.pause(Duration::from_secs(1)).await;
        }
    }
}

/// Asks for something else in each round. Says whether the connection can be used again.
async fn look(load: &Load, connection: &mut Connection, round: u32) -> bool {
    let get = |endpoint, path: &str| Request::get(Target { endpoint, method: "GET" }, path, Kind::Trusted(&[200]), "");
    let request = match round % 14 {
        _ if round.is_multiple_of(CLEARED_EVERY) => post("/debug/profile/clear", b""),
        0 => get(PROFILES, "/debug/profile"),
        1 => get(PROFILES, "/debug/profile?endpoint=/scene&method=POST&sort=slowest&limit=20"),
        2 => get(PROFILES, "/debug/profile?slow=true"),
        3 => get(PROFILES, "/debug/profile?status=404&offset=5&limit=5"),
        4 => post(PROFILES, b"{\"endpoint\":\"/scene\",\"min_duration_ms\":1}"),
        5 => get("/debug/profile/summary", "/debug/profile/summary"),
        6 => get(FLAME_GRAPH, "/debug/profile/flamegraph"),
        7 => get(FLAME_GRAPH, "/debug/profile/flamegraph?format=folded"),
        8 => get(FLAME_GRAPH, "/debug/profile/flamegraph?format=svg&endpoint=/scene"),
        9 => get(FLAME_GRAPH, "/debug/profile/flamegraph?format=speedscope"),
        10 => get(FLAME_GRAPH, "/debug/profile/flamegraph?format=trace"),
        11 => get(FLAME_GRAPH, "/debug/profile/flamegraph?format=pprof"),
        12 => Request::get(Target { endpoint: PROFILES, method: "GET" }, PROFILES, Kind::Refused("missing_token"), ""),
        _ => return one(load, connection).await,
    };
    let Some(answer) = load.ask(connection, &request).await else { return false };
    let keep = !answer.head.closes();
    if answer.head.status == 200 {
        load.profiles.fetch_add(1, Ordering::Relaxed);
        let line = String::from_utf8_lossy(&request.bytes).lines().next().unwrap_or_default().to_owned();
        let judged = tokio::task::spawn_blocking(move || judged(&answer));
        if let Err(what) = judged.await.expect("judging does not panic") {
            load.findings.tell(format!("{line}: {what}"));
        }
    }
    keep
}

fn post(endpoint: &'static str, body: &[u8]) -> Request {
    Request::new(Target { endpoint, method: "POST" }, "POST", endpoint, Kind::Trusted(&[200]), "", body)
}

/// One of those that are listed, which may have made room for another meanwhile.
async fn one(load: &Load, connection: &mut Connection) -> bool {
    let newest =
        Request::get(Target { endpoint: PROFILES, method: "GET" }, "/debug/profile?limit=1", Kind::Trusted(&[200]), "");
    let Some(answer) = load.ask(connection, &newest).await else { return false };
    let listed = json(&answer).unwrap_or_default();
    let id = listed["profiles"][0]["request_id"].as_str().unwrap_or("none").to_owned();
    let target = Target { endpoint: ONE, method: "GET" };
    let request = Request::get(target, &format!("/debug/profile/{id}"), Kind::Trusted(&[200, 404]), "");
    let Some(answer) = load.ask(connection, &request).await else { return false };
    if answer.head.status == 200 && json(&answer).is_ok_and(|profile| profile["request_id"] != *id) {
        load.findings.tell(format!("the profile {id} is another one"));
    }
    !answer.head.closes()
}

/// What is wrong with an answer of the profiler, by its content type.
fn judged(answer: &Answer) -> Result<(), String> {
    match answer.head.field("content-type").unwrap_or_default() {
        "application/json" => listing(&json(answer)?),
        "image/svg+xml" => {
            let text = str::from_utf8(&answer.body).map_err(|cause| cause.to_string())?;
            roxmltree::Document::parse(text).map(drop).map_err(|cause| format!("no SVG: {cause}"))
        }
        "text/plain; charset=utf-8" => folded(str::from_utf8(&answer.body).map_err(|cause| cause.to_string())?),
        "application/octet-stream" if answer.body.starts_with(&[0x1f, 0x8b]) => Ok(()),
        other => Err(format!("it is {other:?}")),
    }
}

fn json(answer: &Answer) -> Result<Value, String> {
    serde_json::from_slice(&answer.body).map_err(|cause| format!("no JSON: {cause}"))
}

/// A list has each profile once, and no more than are kept. What is no list passes.
fn listing(told: &Value) -> Result<(), String> {
    let Some(total) = told["total_profiles"].as_u64() else { return Ok(()) };
    if total as usize > MOST_PROFILES {
        return Err(format!("{total} profiles are kept"));
    }
    let capacity = told["capacity"].as_u64().unwrap_or(1_000);
    if capacity != 1_000 {
        return Err(format!("there is room for {capacity} profiles"));
    }
    let profiles = told["profiles"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ids = HashSet::new();
    for profile in profiles {
        let id = profile["request_id"].as_str().ok_or("a profile without an id")?;
        if !ids.insert(id) {
            return Err(format!("two profiles have the id {id}"));
        }
    }
    if profiles.len() as u64 > total { Err(format!("{} of {total} profiles are shown", profiles.len())) } else { Ok(()) }
}

/// Lines of frames and a number.
fn folded(text: &str) -> Result<(), String> {
    let wrong =
        |line: &&str| line.rsplit_once(' ').is_none_or(|(frames, count)| frames.is_empty() || count.parse::<u64>().is_err());
    text.lines().find(wrong).map_or(Ok(()), |line| Err(format!("a stack that is none: {line:?}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_with_one_twice_or_too_many_is_told() {
        let list = |ids: &[&str], total: usize| {
            let profiles: Vec<Value> = ids.iter().map(|id| json!({ "request_id": id })).collect();
            listing(&json!({ "total_profiles": total, "profiles": profiles }))
        };
        assert_eq!(list(&["a", "b"], 1_160), Ok(()));
        assert_eq!(list(&["a", "a"], 2), Err("two profiles have the id a".to_owned()));
        assert_eq!(list(&[], 1_161), Err("1161 profiles are kept".to_owned()));
        assert_eq!(list(&["a", "b"], 1), Err("2 of 1 profiles are shown".to_owned()));
        assert_eq!(listing(&json!({ "cleared": 3 })), Ok(()));
    }

    #[test]
    fn stacks_are_frames_and_a_number() {
        assert_eq!(folded("/scene;file io 12\n/scene 3\n"), Ok(()));
        assert!(folded("/scene\n").is_err());
        assert!(folded("/scene 1.5\n").is_err());
    }
}
