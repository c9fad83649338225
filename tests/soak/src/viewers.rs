//! Open dashboards: some that stay, some that come and go, some that never read.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use flate2::write::GzDecoder;
use tokio::time::{Instant, timeout_at};

use crate::load::Load;
use crate::request::{EVENTS, Kind, Request};
use crate::wire::Connection;

/// What a viewer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Stays, and takes the stream as it is.
    Stays,
    /// Stays, and takes the stream in gzip.
    StaysPacked,
    /// Closes and comes again.
    ComesAndGoes,
    /// Reads the head and nothing more.
    NeverReads,
}

pub(crate) const TEN: [Habit; 10] = {
    use Habit::*;
    [Stays, Stays, Stays, StaysPacked, StaysPacked, StaysPacked, ComesAndGoes, ComesAndGoes, NeverReads, NeverReads]
};

const A_LOOK: Duration = Duration::from_secs(4);

pub(crate) async fn view(load: &Load, habit: Habit) {
    while !load.is_over() {
        if let Err(cause) = stream(load, habit).await {
            load.findings.tell(format!("a dashboard ({habit:?}): {cause}"));
            load.pause(Duration::from_millis(200)).await;
        }
    }
}

/// One stream, to the end of the look.
async fn stream(load: &Load, habit: Habit) -> io::Result<()> {
    let mut connection = match habit {
        Habit::NeverReads => Connection::open_narrow(load.address).await?,
        _ => Connection::open(load.address).await?,
    };
    let packed = if habit == Habit::StaysPacked { "Accept-Encoding: gzip\r\n" } else { "" };
    let request = Request::get(EVENTS, "/events", Kind::Open(&[200]), &format!("Accept: text/event-stream\r\n{packed}"));
    load.ledger.begin(EVENTS);
    let head = match connection.send(&request.bytes).await {
        Ok(()) => connection.head().await,
        Err(cause) => Err(cause),
    };
    let head = match head {
        Ok(head) => head,
        Err(cause) => {
            load.doubt(&request);
            return Err(cause);
        }
    };
    // A stream is observed with its head, before any of its bytes.
    load.see(&request, head.status, 0);
    let until = match habit {
        Habit::Stays | Habit::StaysPacked => load.until,
        Habit::ComesAndGoes => load.until.min(Instant::now() + A_LOOK),
        Habit::NeverReads => {
            load.pause(Duration::from_secs(50)).await;
            return Ok(());
        }
    };
    let mut reader =
        Reader { gzip: (head.field("content-encoding") == Some("gzip")).then(|| GzDecoder::new(Vec::new())), text: Vec::new() };
    while let Ok(chunk) = timeout_at(until, chunk(&mut connection)).await {
        let chunk = chunk?;
        if chunk.is_empty() {
            return Ok(());
        }
        let events = reader.take_in(&chunk)?;
        load.events.fetch_add(events, Ordering::Relaxed);
    }
    Ok(())
}

/// The next chunk; an empty one is the end.
async fn chunk(connection: &mut Connection) -> io::Result<Vec<u8>> {
    let size = connection.chunk_size().await?;
    let mut chunk = Vec::with_capacity(size + 2);
    connection.exactly(size + 2, &mut |bytes: &[u8]| chunk.extend_from_slice(bytes)).await?;
    chunk.truncate(size);
    Ok(chunk)
}

struct Reader {
    gzip: Option<GzDecoder<Vec<u8>>>,
    /// What has come and is no whole event yet.
    text: Vec<u8>,
}

impl Reader {
    /// Returns how many events have become whole; each has JSON as its data.
    fn take_in(&mut self, chunk: &[u8]) -> io::Result<u64> {
        match &mut self.gzip {
            None => self.text.extend_from_slice(chunk),
            Some(gzip) => {
                gzip.write_all(chunk)?;
                gzip.flush()?;
                self.text.append(gzip.get_mut());
            }
        }
        let mut events = 0;
        while let Some(end) = self.text.windows(2).position(|bytes| bytes == b"\n\n") {
            let event: Vec<u8> = self.text.drain(..end + 2).collect();
            let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
            if let Some(data) = data {
                serde_json::from_slice::<serde_json::Value>(data)?;
                events += 1;
            }
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_when_they_are_whole() {
        let mut reader = Reader { gzip: None, text: Vec::new() };
        assert_eq!(reader.take_in(b"retry: 1000\n\nevent: now\nda").unwrap(), 0);
        assert_eq!(reader.take_in(b"ta: {\"a\":1}\n\nevent: b\ndata: 2\n\nev").unwrap(), 2);
        assert!(reader.take_in(b"ent: c\ndata: {\n\n").is_err());
    }
}
