//! The library's server with some profiles, for those who ask for them.

use std::time::Duration;

use tachograph::http::Method;
use tachograph::profile::{ProfileOptions, Profiler, Sizes, TraceId};
use tachograph::server::{Options, Token};

use crate::http::{Answer, request};
use crate::support::{Server, routes};

pub(crate) const BEARER: (&str, &str) = ("Authorization", "Bearer open-sesame");
pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const HOSTILE: &str = "</script>\"\\ é\u{1b}\n\0";

/// A server with some profiles, which nothing that it answers here adds to.
pub(crate) struct Profiled {
    pub(crate) server: Server,
    pub(crate) profiler: Profiler,
}

impl Profiled {
    pub(crate) fn start(options: Options) -> Self {
        let profiler = Profiler::new(ProfileOptions { slow_threshold: Duration::from_millis(20), ..ProfileOptions::default() });
        let sizes = Sizes { request_bytes: 21, response_bytes: 4_096 };
        let trace = TraceId::from_traceparent(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let one = profiler.start("/scene", Method::Post).with_request_id("one").with_trace_id(trace);
        {
            drop(one.phase("auth_validation"));
            let _reading = one.phase("file_io");
            let _parsing = one.phase("parse");
        }
        one.finish(200, sizes);
        let two = profiler.start("/scene", Method::Get).with_request_id("a/b c").with_trace_id(trace);
        drop(two.phase("auth_validation"));
        two.finish(404, sizes);
        let three = profiler.start("/scenes", Method::Get);
        while three.elapsed() < Duration::from_millis(20) {
            std::thread::yield_now();
        }
        three.finish(503, sizes);
        let four = profiler.start(HOSTILE, Method::Patch).with_request_id(HOSTILE);
        drop(four.phase(HOSTILE));
        drop(four);
        let options = Options { profiler: Some(profiler.clone()), ..options };
        Self { server: Server::start_with(routes(), options), profiler }
    }

    pub(crate) fn open() -> Self {
        Self::start(Options { tokens: Token::new("open-sesame").unwrap().into(), ..Options::default() })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        request(self.server.address, "GET", path, &[BEARER], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        request(self.server.address, "POST", path, &[BEARER], body.as_bytes())
    }

    /// The ids of a list.
    pub(crate) fn ids(&self, query: &str) -> Vec<String> {
        let answer = self.get(&format!("/debug/profile?{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let profiles = answer.json()["profiles"].take();
        profiles.as_array().unwrap().iter().map(|profile| profile["request_id"].as_str().unwrap().to_owned()).collect()
    }
}

/// What an error says.
pub(crate) fn told(answer: &Answer) -> String {
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {}", answer.text())).to_owned()
}
