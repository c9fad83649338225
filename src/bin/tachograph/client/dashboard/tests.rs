//! The state for given scrapes, and what is drawn of it.

#[cfg(unix)]
mod panics;
mod shown;

use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::ask::{Checked, News, Profiled};
use super::draw::{Palette, draw};
use super::keys::{Then, press};
use super::state::View;
use crate::client::health::report::Report;
use crate::fetch::FailureKind;
use shown::{Shown, service};

#[test]
fn rates_errors_and_quantiles_are_those_between_two_scrapes() {
    let mut shown = Shown::new();
    shown.scrape(&service(1_000, 1));
    assert!(shown.screen(80, 24).contains("requests – ─"), "{}", shown.screen(80, 24));
    shown.scrape(&service(1_100, 1));
    let screen = shown.screen(80, 24);
    // 100 to each route; the server's own /metrics is left out.
    assert!(screen.contains("requests 200/s 2xx 90 4xx 100 5xx 10 "), "{screen}");
    assert!(screen.contains("latency p50 100 ms p99 198 ms "), "{screen}");
    assert!(shown.screen(100, 24).contains("latency p50 100 ms p95 190 ms p99 198 ms "), "{}", shown.screen(100, 24));
    assert!(screen.contains("errors                5 % "), "{screen}");
    assert!(screen.contains("connections             3 "), "{screen}");
    let row = screen.lines().find(|line| line.starts_with("/scene ")).unwrap();
    assert!(row.contains("100/s") && row.contains("10 %") && row.contains("190 ms"), "{row}");
    assert!(!screen.contains("/metrics"), "{screen}");
}

#[test]
fn a_restart_gives_no_negative_rate_and_a_gap_no_number() {
    let mut shown = Shown::new();
    shown.scrape(&service(1_000, 1));
    shown.scrape(&service(1_100, 1));
    shown.fail(FailureKind::Unreachable, "cannot read http://h:1/metrics: connection refused");
    shown.fail(FailureKind::Unreachable, "cannot read http://h:1/metrics: connection refused");
    let screen = shown.screen(80, 24);
    assert!(screen.contains(" no answer since 00:00:02 UTC (2 s), trying again: cannot read http"), "{screen}");
    assert!(screen.contains("requests – ─"), "{screen}");
    // Another process: 60 requests in the three seconds since the last answer.
    shown.scrape(&service(60, 4));
    let screen = shown.screen(80, 24);
    assert!(!screen.contains("no answer") && screen.contains("requests 40/s "), "{screen}");
    let service = &shown.state.service;
    assert!(service.classes.iter().flat_map(|class| class.newest(300)).flatten().all(|rate| rate >= 0.0));
    assert_eq!(service.total.newest(9).collect::<Vec<_>>(), [None, Some(200.0), None, None, Some(40.0)]);
    assert!(shown.screen(120, 24).contains(" up 1 s, restarted "), "{}", shown.screen(120, 24));
}

#[test]
fn a_server_that_is_slow_is_told_before_it_is_given_up() {
    let mut shown = Shown::new();
    shown.scrape(&service(0, 1));
    shown.state.now += Duration::from_secs(3);
    assert!(!shown.screen(80, 24).contains("no answer"), "{}", shown.screen(80, 24));
    shown.state.now += Duration::from_secs(3);
    let screen = shown.screen(80, 24);
    assert!(screen.contains(" no answer since 00:00:01 UTC (6 s), still waiting for one"), "{screen}");
    shown.scrape(&service(1, 1));
    assert!(!shown.screen(80, 24).contains("no answer"), "{}", shown.screen(80, 24));
}

#[test]
fn a_server_without_requests_has_the_views_that_fit_it() {
    let text = |value: u64| {
        format!(
            "# HELP a_total Things.\n# TYPE a_total counter\na_total{{x=\"1\"}} {value}\na_total{{x=\"2\"}} {value}\n\
             # TYPE temperature_celsius gauge\ntemperature_celsius{{core=\"0\"}} 40\ntemperature_celsius{{core=\"1\"}} 50\n\
             # TYPE b gauge\nb NaN\n"
        )
    };
    let mut shown = Shown::new();
    shown.scrape(&text(5));
    assert_eq!(shown.state.view, View::Metrics);
    shown.scrape(&text(15));
    let screen = shown.screen(80, 24);
    let line = |name: &str| screen.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{screen}"));
    assert!(line("a_total").contains("30") && line("a_total").contains("20/s"), "{screen}");
    assert!(line("temperature_celsius").contains("40 °C … 50 °C"), "{screen}");
    assert!(line("b ").contains("NaN"), "{screen}");

    shown.press(KeyCode::Enter);
    let screen = shown.screen(80, 24);
    assert!(screen.contains("a_total counter 2 series") && screen.contains("Things."), "{screen}");
    let row = screen.lines().find(|line| line.starts_with("x=\"1\"")).unwrap();
    assert!(row.contains("15") && row.contains("10/s"), "{screen}");
    assert!(screen.contains("a second, over time"), "{screen}");
    shown.press(KeyCode::Esc);
    assert_eq!(shown.state.picked, None);
    shown.press(KeyCode::Char('2'));
    assert!(shown.screen(80, 24).contains("this server counts no HTTP requests"), "{}", shown.screen(80, 24));
}

#[test]
fn requests_of_other_servers_are_found_by_their_labels() {
    let text = |count: u64| {
        format!(
            "# TYPE promhttp_metric_handler_requests_total counter\n\
             promhttp_metric_handler_requests_total{{code=\"200\"}} {}\n\
             # TYPE prometheus_http_requests_total counter\n\
             prometheus_http_requests_total{{code=\"200\",handler=\"/metrics\"}} {count}\n\
             prometheus_http_requests_total{{code=\"503\",handler=\"/api\"}} 0\n",
            count * 7
        )
    };
    let mut shown = Shown::new();
    shown.scrape(&text(1));
    shown.scrape(&text(4));
    let screen = shown.screen(80, 24);
    assert_eq!(shown.state.view, View::Overview);
    assert!(screen.contains("requests 3/s 2xx 3 "), "{screen}");
    assert!(screen.lines().any(|line| line.starts_with("/metrics ") && line.contains("3/s")), "{screen}");
}

#[test]
fn families_are_filtered_and_sorted() {
    let mut shown = Shown::new();
    for count in [0, 8] {
        shown.scrape(&format!(
            "# TYPE slow_total counter\nslow_total {}\n# TYPE fast_total counter\nfast_total {count}\n\
             # TYPE big gauge\nbig 900\n",
            count / 4
        ));
    }
    let order = |shown: &Shown| -> Vec<String> {
        let scrape = shown.state.last.as_ref().unwrap();
        shown.state.listed().iter().map(|at| scrape.families[*at].name.clone()).collect()
    };
    assert_eq!(order(&shown), ["slow_total", "fast_total", "big"]);
    for expected in
        [["big", "fast_total", "slow_total"], ["fast_total", "slow_total", "big"], ["big", "fast_total", "slow_total"]]
    {
        shown.press(KeyCode::Char('s'));
        assert_eq!(order(&shown), expected, "{:?}", shown.state.sort);
    }
    // What is typed are letters, not keys.
    shown.type_in("/TOTALq");
    assert_eq!((shown.state.filter.as_str(), order(&shown).len()), ("TOTALq", 0));
    shown.press(KeyCode::Backspace);
    assert_eq!(order(&shown), ["fast_total", "slow_total"]);
    shown.press(KeyCode::Enter);
    let screen = shown.screen(80, 24);
    assert!(screen.contains("metrics 2 of 3 by value with \"TOTAL\""), "{screen}");
    shown.press(KeyCode::End);
    assert_eq!(shown.state.cursor(), 1);
    shown.press(KeyCode::Esc);
    assert_eq!(order(&shown).len(), 3);
}

#[test]
fn a_histogram_shows_what_came_since_the_last_scrape() {
    let text = |fast: u64, slow: u64| {
        let all = fast + slow;
        format!(
            "# TYPE wait_seconds histogram\nwait_seconds_bucket{{le=\"1\"}} {fast}\nwait_seconds_bucket{{le=\"2\"}} {all}\n\
             wait_seconds_bucket{{le=\"+Inf\"}} {all}\nwait_seconds_sum 1\nwait_seconds_count {all}\n"
        )
    };
    let mut shown = Shown::new();
    shown.scrape(&text(1_000, 0));
    shown.scrape(&text(1_000, 10));
    shown.press(KeyCode::Enter);
    let screen = shown.screen(80, 24);
    assert!(screen.contains("just now: 10 observed  p50 1.5 s  p95 1.95 s  p99 1.99 s"), "{screen}");
    assert!(screen.contains("1.5 s 1.95 s 1.99 s"), "{screen}");
}

#[test]
fn a_pause_holds_the_screen_and_leaves_a_gap() {
    let mut shown = Shown::new();
    shown.scrape(&service(0, 1));
    shown.scrape(&service(10, 1));
    shown.press(KeyCode::Char('p'));
    let held = shown.screen(80, 24);
    assert!(held.contains("paused: p goes on"), "{held}");
    shown.scrape(&service(1_000, 1));
    shown.fail(FailureKind::TimedOut, "slow");
    // But for the clock.
    let below = |screen: &str| screen.split_once('\n').unwrap().1.to_owned();
    assert_eq!(below(&shown.screen(80, 24)), below(&held));
    shown.press(KeyCode::Char('p'));
    shown.scrape(&service(40, 1));
    // 60 requests in the three seconds since the scrape that was shown.
    assert_eq!(shown.state.service.total.newest(9).collect::<Vec<_>>(), [None, Some(20.0), None, None, Some(20.0)]);
    shown.press(KeyCode::Char('r'));
    assert!(shown.state.last.is_none() && shown.state.service.total.len() == 0);
}

#[test]
fn hostile_texts_reach_no_terminal() {
    let mut shown = Shown::new();
    let name = "\x1b]0;owned\x07\u{202e}漢字";
    for count in [1, 3] {
        shown.scrape(&format!(
            "# HELP http_requests_total \x1b[2J\n# TYPE http_requests_total counter\n\
             http_requests_total{{endpoint=\"{name}\",status=\"200\"}} {count}\n"
        ));
    }
    shown.fail(FailureKind::Unreachable, "cannot \x1b[31m\r\nread");
    for view in ['1', '2', '3', '4'] {
        shown.press(KeyCode::Char(view));
        for (width, height) in [(40, 10), (80, 24), (200, 50)] {
            let screen = shown.screen(width, height);
            let hostile =
                screen.chars().find(|character| character.is_control() && *character != '\n' || *character == '\u{202e}');
            assert_eq!(hostile, None, "{screen:?}");
        }
    }
    shown.press(KeyCode::Enter);
    let screen = shown.screen(120, 24);
    assert!(screen.contains("\\u{1b}]0;owned"), "{screen}");
}

#[test]
fn every_size_can_be_drawn() {
    let mut shown = Shown::new();
    assert!(shown.screen(80, 24).contains("asking http://h:1/metrics …"));
    for requests in [0, 10, 30] {
        shown.scrape(&service(requests, 1));
        shown.state.take(News::Checked(Checked::Known(Box::new(health()))));
        shown.state.take(News::Profiled(Profiled::Known(Box::new(serde_json::from_str(PROFILES).unwrap()))));
    }
    assert_eq!(shown.screen(39, 24).trim_end(), "too small, 40×10 at least");
    assert_eq!(shown.screen(40, 9).trim_end(), "too small, 40×10 at least");
    assert!(shown.screen(1, 1).len() < 5);
    for (help, paused) in [(false, false), (true, true)] {
        (shown.state.help, shown.state.paused) = (help, paused);
        for view in View::ALL {
            shown.state.view = view.0;
            for width in [40, 57, 120, 300] {
                for height in [10, 11, 34, 60] {
                    let screen = shown.screen(width, height);
                    assert!(
                        screen.contains(if help { "tachograph dashboard" } else { "1 over" }),
                        "{width}×{height}\n{screen}"
                    );
                }
            }
        }
    }
}

#[test]
fn without_colours_none_is_set() {
    let mut shown = Shown::new();
    shown.scrape(&service(0, 1));
    shown.scrape(&service(10, 1));
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(&shown.state, Palette { colored: false }, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let colored = buffer.content.iter().find(|cell| cell.fg != ratatui::style::Color::Reset || cell.bg != cell.fg);
    assert_eq!(colored, None);
    assert_eq!(shown.drawn(80, 24, Palette { colored: false }).lines().next(), shown.screen(80, 24).lines().next());
}

const PROFILES: &str = r#"{"total_profiles": 7, "slow_profiles": 1, "profiles": [{"request_id": "scene_1", "endpoint": "/scene",
    "method": "POST", "status": 200, "started_at": "2026-01-02T03:04:05.678Z", "total_duration_ms": 200.0, "is_slow": true,
    "phases": [{"name": "file_io", "duration_ms": 150.0, "start_ms": 50.0, "parent": null, "self_ms": 50.0},
               {"name": "scene_parse", "duration_ms": 100.0, "start_ms": 100.0, "parent": 0, "self_ms": 100.0}]}]}"#;

fn health() -> Report {
    let text = br#"{"status": "degraded", "duration_ms": 1, "checks": {"memory": {"status": "degraded", "message": "too full",
        "duration_ms": 2}, "engine": {"status": "healthy", "message": "well", "duration_ms": 1}}}"#;
    Report::of_json(text).unwrap()
}

#[test]
fn health_and_slow_requests_are_shown_with_their_reasons() {
    let mut shown = Shown::new();
    shown.scrape(&service(0, 1));
    shown.press(KeyCode::Char('3'));
    let screen = shown.screen(80, 24);
    assert!(
        screen.contains("with the server's token (TACHOGRAPH_TOKEN) the") && screen.contains("\nslowest requests are shown"),
        "{screen}"
    );
    shown.state.take(News::Checked(Checked::Known(Box::new(health()))));
    shown.state.take(News::Profiled(Profiled::Known(Box::new(serde_json::from_str(PROFILES).unwrap()))));
    let screen = shown.screen(80, 24);
    let memory = screen.lines().find(|line| line.starts_with("memory ")).unwrap();
    assert!(memory.contains("degraded") && memory.contains("2 ms") && memory.contains("too full"), "{screen}");
    assert!(memory.ends_with('▅'), "{screen}");
    let request = screen.lines().find(|line| line.starts_with("POST /scene ")).unwrap();
    assert!(request.contains("200 ms") && request.contains("03:04:05"), "{screen}");
    let phase = screen.lines().find(|line| line.starts_with("  scene_parse ")).unwrap();
    assert!(phase.contains("100 ms") && phase.contains('━'), "{screen}");
    assert!(screen.lines().next().unwrap().contains("degraded"), "{screen}");

    shown.state.take(News::Checked(Checked::Absent));
    shown.state.take(News::Profiled(Profiled::Failed("the token is not the server's".to_owned())));
    let screen = shown.screen(80, 24);
    assert!(screen.contains("no health checks that are known") && screen.contains("the token is not the server's"), "{screen}");
}

#[test]
fn keys_turn_the_views_and_end() {
    let mut shown = Shown::new();
    shown.scrape(&service(0, 1));
    shown.press(KeyCode::Tab);
    assert_eq!(shown.state.view, View::Routes);
    shown.press(KeyCode::BackTab);
    shown.press(KeyCode::Left);
    assert_eq!(shown.state.view, View::Metrics);
    shown.press(KeyCode::Char('?'));
    assert!(shown.screen(80, 24).contains("any key closes it"));
    shown.press(KeyCode::Char('4'));
    assert!(!shown.state.help);
    assert_eq!(shown.press(KeyCode::Char('r')), Then::AskAnew);
    assert_eq!(shown.press(KeyCode::Char('q')), Then::Quit);
    shown.type_in("/x");
    for (letter, then) in [('c', Then::Quit), ('l', Then::DrawAnew), ('x', Then::Stay)] {
        assert_eq!(press(&mut shown.state, KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)), then, "{letter}");
    }
}

fn many(count: usize) -> String {
    let series = (0..count).map(|at| format!("many{{x=\"{at}\"}} 1\n")).collect::<String>();
    format!("# TYPE many gauge\n{series}")
}

#[test]
fn more_series_and_checks_than_lines_can_be_counted_are_shown() {
    let mut shown = Shown::new();
    shown.scrape(&many(65_536));
    shown.press(KeyCode::Enter);
    let screen = shown.screen(80, 24);
    assert!(screen.contains("65,536 series") && screen.contains("\nx=\"0\"") && screen.contains("\nx=\"15\""), "{screen}");
    let checks: String = (0..65_535).map(|at| format!(r#","c{at}":{{"status":"ok"}}"#)).collect();
    let report = Report::of_json(format!(r#"{{"status":"ok","checks":{{{}}}}}"#, &checks[1..]).as_bytes()).unwrap();
    shown.state.take(News::Checked(Checked::Known(Box::new(report))));
    shown.press(KeyCode::Char('3'));
    assert!(shown.screen(80, 24).contains("\nc0 "), "{}", shown.screen(80, 24));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut shown = Shown::new();
    let most = super::families::MOST_SERIES;
    shown.scrape(&many(most + 10));
    shown.scrape(&many(most + 10));
    let kept = |shown: &Shown| {
        let family = &shown.state.last.as_ref().unwrap().families[0];
        family.series.iter().filter(|series| shown.state.families.past_of(family, series).is_some()).count()
    };
    assert_eq!(kept(&shown), most);
    // Series that are gone leave nothing.
    shown.scrape(&many(3));
    shown.scrape(&many(most));
    assert_eq!(kept(&shown), most);
}
