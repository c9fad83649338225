//! A dashboard that is given scrapes and keys, and whose screen is read.

use std::time::{Duration, Instant, SystemTime};

use hyper::StatusCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::client::dashboard::ask::News;
use crate::client::dashboard::draw::{Palette, draw};
use crate::client::dashboard::keys::{Then, press};
use crate::client::dashboard::state::State;
use crate::client::scrape::Scrape;
use crate::fetch::{Answer, Failure, FailureKind};

/// A state with a clock of its own: what comes, comes a second after what came before.
pub(super) struct Shown {
    pub(super) state: State,
    began: Instant,
    seconds: u64,
}

impl Shown {
    pub(super) fn new() -> Self {
        let state = State::new("http://h:1/metrics".to_owned(), Duration::from_secs(1), false, SystemTime::UNIX_EPOCH);
        Self { state, began: Instant::now(), seconds: 0 }
    }

    fn pass(&mut self) {
        self.seconds += 1;
        self.state.now = SystemTime::UNIX_EPOCH + Duration::from_secs(self.seconds);
    }

    pub(super) fn scrape(&mut self, text: &str) {
        self.pass();
        let answer = Answer {
            status: StatusCode::OK,
            content_type: "text/plain; version=0.0.4".to_owned(),
            location: None,
            body: text.into(),
            took: Duration::from_millis(2),
        };
        let mut scrape = Scrape::read(&answer).unwrap();
        scrape.at = self.began + Duration::from_secs(self.seconds);
        self.state.take(News::Scraped(Box::new(scrape)));
    }

    pub(super) fn fail(&mut self, kind: FailureKind, told: &str) {
        self.pass();
        self.state.take(News::Unanswered(Failure::new(kind, told)));
    }

    pub(super) fn press(&mut self, code: KeyCode) -> Then {
        press(&mut self.state, KeyEvent::new(code, KeyModifiers::NONE))
    }

    pub(super) fn type_in(&mut self, text: &str) {
        for character in text.chars() {
            assert_eq!(self.press(KeyCode::Char(character)), Then::Stay);
        }
    }

    /// The screen as text.
    pub(super) fn screen(&self, width: u16, height: u16) -> String {
        self.drawn(width, height, Palette { colored: true })
    }

    pub(super) fn drawn(&self, width: u16, height: u16, palette: Palette) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(&self.state, palette, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What a small service of ours would show after so many requests to each of two routes, a tenth of which failed.
pub(super) fn service(requests: u64, began: u64) -> String {
    let (failed, fast) = (requests / 10, requests / 2);
    let served = requests - failed;
    format!(
        "# TYPE http_requests_total counter\n\
         http_requests_total{{endpoint=\"/scene\",method=\"POST\",status=\"200\"}} {served}\n\
         http_requests_total{{endpoint=\"/scene\",method=\"POST\",status=\"500\"}} {failed}\n\
         http_requests_total{{endpoint=\"/scenes\",method=\"GET\",status=\"404\"}} {requests}\n\
         http_requests_total{{endpoint=\"/metrics\",method=\"GET\",status=\"200\"}} 77\n\
         # TYPE http_request_duration_seconds histogram\n\
         http_request_duration_seconds_bucket{{endpoint=\"/scene\",le=\"0.1\"}} {fast}\n\
         http_request_duration_seconds_bucket{{endpoint=\"/scene\",le=\"0.2\"}} {requests}\n\
         http_request_duration_seconds_bucket{{endpoint=\"/scene\",le=\"+Inf\"}} {requests}\n\
         http_request_duration_seconds_sum{{endpoint=\"/scene\"}} 1\n\
         http_request_duration_seconds_count{{endpoint=\"/scene\"}} {requests}\n\
         # TYPE active_connections gauge\n\
         active_connections 3\n\
         # TYPE process_start_time_seconds gauge\n\
         process_start_time_seconds {began}\n\
         # TYPE tachograph_series gauge\n\
         tachograph_series 12\n"
    )
}
