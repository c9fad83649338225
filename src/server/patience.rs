//! An end to waiting for a client that takes nothing, or next to nothing: without it, one that asks and never reads, or reads a byte now and
//! then, holds its connection, and a scrape's place, for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::link::Link;
use super::refused::Closed;

/// Bytes that a client takes within the timeout at least, if there are as many for it: 9 KB a second by default.
const LEAST: usize = 256 * 1024;

/// An IO whose writes fail once they have not got on by `LEAST` for too long.
#[derive(Debug)]
pub(super) struct Patience<IO> {
    io: IO,
    link: Arc<Link>,
    /// Since the client was first waited for after `taken` began; none if it was not.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Bytes written since there was nothing left to write, or since they were `LEAST`: below `LEAST`.
    taken: usize,
    /// Whether it has failed for that.
    is_over: bool,
}

impl<IO> Patience<IO> {
    pub(super) fn new(io: IO, link: Arc<Link>) -> Self {
        Self { io, link, waiting: None, taken: 0, is_over: false }
    }
}

impl<IO: AsyncWrite + Unpin> Patience<IO> {
    /// Polls something of the IO, and fails when it has been waiting for too long.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut IO>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(done) = poll(Pin::new(&mut self.io), cx) {
            return Poll::Ready(done);
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(self.link.state.options().write_timeout)));
        if !self.is_over {
            ready!(waiting.as_mut().poll(cx));
            self.is_over = true;
            self.link.closed(Closed::SlowReader);
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes next to nothing of its answer")))
    }

    /// A write got on; is it enough to wait anew?
    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.taken += bytes;
            if self.taken >= LEAST {
                self.wait_anew();
            }
        }
        written
    }

    fn wait_anew(&mut self) {
        (self.waiting, self.taken) = (None, 0);
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Patience<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Patience<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.poll(cx, |io, cx| io.poll_write(cx, buf));
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.poll(cx, |io, cx| io.poll_write_vectored(cx, bufs));
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.poll(cx, |io, cx| io.poll_flush(cx));
        // hyper flushes once all that there is has been written.
        if flushed.is_ready() {
            self.wait_anew();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |io, cx| io.poll_shutdown(cx))
    }
}
