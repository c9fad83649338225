//! The body of a request, in one piece or, from a slow client, in two with a pause between them.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// What is still to be sent.
#[derive(Debug)]
pub(super) struct Upload {
    now: Bytes,
    later: Bytes,
    pause: Duration,
    /// Runs once `now` has been sent.
    pausing: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    /// Sends `body` at once, or the second half of it after `pause`.
    pub(super) fn new(mut body: Bytes, pause: Duration) -> Self {
        let later = if pause.is_zero() { Bytes::new() } else { body.split_off(body.len() / 2) };
        Self { now: body, later, pause, pausing: None }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if this.now.is_empty() && !this.later.is_empty() {
            ready!(this.pausing.get_or_insert_with(|| Box::pin(sleep(this.pause))).as_mut().poll(cx));
            this.now = std::mem::take(&mut this.later);
        }
        let now = std::mem::take(&mut this.now);
        Poll::Ready((!now.is_empty()).then(|| Ok(Frame::data(now))))
    }

    fn is_end_stream(&self) -> bool {
        self.now.is_empty() && self.later.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.now.len() + self.later.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_second_half_comes_after_the_pause() {
        let started = tokio::time::Instant::now();
        let mut upload = Upload::new(Bytes::from_static(b"12345"), Duration::from_millis(200));
        let mut sent = Vec::new();
        while let Some(frame) = upload.frame().await {
            sent.push((frame.unwrap().into_data().unwrap(), started.elapsed().as_millis()));
        }
        assert_eq!(sent, [(Bytes::from_static(b"12"), 0), (Bytes::from_static(b"345"), 200)]);
        assert!(upload.is_end_stream());
    }

    #[tokio::test]
    async fn without_a_pause_it_is_one_piece_and_an_empty_body_is_none() {
        let mut upload = Upload::new(Bytes::from_static(b"12345"), Duration::ZERO);
        assert_eq!(upload.size_hint().exact(), Some(5));
        assert_eq!(upload.frame().await.unwrap().unwrap().into_data().unwrap(), "12345");
        assert!(upload.is_end_stream());
        assert!(Upload::new(Bytes::new(), Duration::from_secs(1)).frame().await.is_none());
    }
}
