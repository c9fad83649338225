//! The library's server with its page, and a reader of its stream that shares no code with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use flate2::write::GzDecoder;
use serde_json::Value;
use tachograph::Registry;
use tachograph::http::{HttpMetrics, HttpOptions};
use tachograph::page::{Page, PageOptions};
use tachograph::server::Options;

use crate::http::PATIENCE;
use crate::support::{Server, routes};

/// A server whose page ticks ten times a second.
pub(crate) struct Paged {
    pub(crate) server: Server,
    pub(crate) page: Page,
}

pub(crate) fn quick() -> PageOptions {
    PageOptions { tick: Duration::from_millis(100), ..PageOptions::default() }
}

impl Paged {
    pub(crate) fn start(options: PageOptions) -> Self {
        Self::start_with(Registry::new(), options, Options::default())
    }

    pub(crate) fn start_with(registry: Registry, options: PageOptions, limits: Options) -> Self {
        let metrics = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let page = Page::start(&registry, options).unwrap();
        let server = Server::start_on(registry, metrics, page.routes(routes()), limits);
        Self { server, page }
    }

    pub(crate) fn events(&self) -> Events {
        Events::open(self.server.address)
    }
}

/// An open stream.
pub(crate) struct Events {
    stream: BufReader<TcpStream>,
    pub(crate) head: String,
    /// Unpacks what comes in gzip.
    gzip: Option<GzDecoder<Vec<u8>>>,
    /// What has come and is no whole event yet.
    text: String,
}

impl Events {
    pub(crate) fn open(address: SocketAddr) -> Self {
        Self::open_with(address, "")
    }

    /// With more fields in the head of the request, each with its line feed.
    pub(crate) fn open_with(address: SocketAddr, fields: &str) -> Self {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}\r\n").unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(stream.read_line(&mut head).unwrap() > 0, "the head breaks off: {head:?}");
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let head = head.to_ascii_lowercase();
        let gzip = head.contains("\r\ncontent-encoding: gzip\r\n").then(|| GzDecoder::new(Vec::new()));
        Self { stream, head, gzip, text: String::new() }
    }

    /// The next event, its name and its data; `None` at the end of the stream.
    pub(crate) fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event == "retry: 1000" {
                    continue;
                }
                let (name, data) = event.split_once('\n').expect("two lines");
                let name = name.strip_prefix("event: ").expect("a name");
                let data = data.strip_prefix("data: ").expect("data");
                return Some((name.to_owned(), serde_json::from_str(data).expect("JSON of one line")));
            }
            let mut size = String::new();
            self.stream.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim_end(), 16).expect("a chunk");
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).unwrap();
            if size == 0 {
                return None;
            }
            chunk.truncate(size);
            if let Some(gzip) = &mut self.gzip {
                gzip.write_all(&chunk).and_then(|()| gzip.flush()).expect("gzip");
                chunk = std::mem::take(gzip.get_mut());
            }
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Panics if what came in gzip has not the end that gzip has, with its checksum.
    pub(crate) fn assert_whole(self) {
        self.gzip.expect("it comes in gzip").finish().expect("a whole stream of gzip");
    }

    /// The data of the next event of this name.
    pub(crate) fn of(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().expect("the stream goes on");
            if name == wanted {
                return data;
            }
        }
    }
}
