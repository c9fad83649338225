//! What a connection gives hyper to read, and how long it waits for it: for a first byte, for the end of a head, for the next request.
//!
//! hyper has one timeout for all three, and says nothing to a client that is too slow. So it gets none, and this tells what it waits
//! for: it hands out one head at a time, and then no more than that request's body. What a client sends ahead is kept until it is its
//! turn.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::chunks::Chunks;
use super::link::{Link, UNKNOWN};
use super::options::Options;
use super::patience::Patience;
use super::refused::{Closed, Refused};
use super::scan::Scan;
use super::state::Standing;
use crate::sync::Arc;

/// A surplus connection holds one of few places, so it must say quickly what it wants.
pub(super) const SURPLUS_PATIENCE: Duration = Duration::from_secs(2);
/// As good as for ever.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
/// Room for what is sent ahead that is kept once there was some.
const HELD_ROOM: usize = 8 * 1024;

/// The reading side of a connection.
#[derive(Debug)]
pub(super) struct Intake<IO> {
    io: Patience<IO>,
    link: Arc<Link>,
    part: Part,
    scan: Scan,
    /// Requests that had begun at the last look.
    begun: u64,
    /// What was sent ahead.
    held: BytesMut,
    timer: Option<Pin<Box<Sleep>>>,
    /// What the timer is set for.
    wait: Option<Wait>,
    /// Whether something was written and not flushed.
    unflushed: bool,
    refused: Option<Refused>,
    /// Whether the client is told nothing more, because it said nothing for too long.
    over: bool,
}

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Head,
    /// So many more bytes of a body.
    Body(u64),
    /// The rest of a body in chunks.
    Chunks(Chunks),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    FirstByte,
    NextRequest,
    EndOfHead,
}

impl<IO> Intake<IO> {
    pub(super) fn new(io: Patience<IO>, link: Arc<Link>) -> Self {
        Self {
            io,
            link,
            part: Part::Head,
            scan: Scan::default(),
            begun: 0,
            held: BytesMut::new(),
            timer: None,
            wait: None,
            unflushed: false,
            refused: None,
            over: false,
        }
    }

    /// Why the head under way was not read to its end, and is not answered yet. None where an answer could not be told from a part of
    /// the one before.
    pub(super) fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Whether all that was written has gone out.
    pub(super) fn is_flushed(&self) -> bool {
        !self.unflushed
    }

    /// What is known of the head that was read last.
    pub(super) fn scan(&self) -> &Scan {
        &self.scan
    }

    pub(super) fn io(&mut self) -> &mut Patience<IO> {
        &mut self.io
    }

    fn options(&self) -> &Options {
        self.link.state.options()
    }

    /// Whether a request's body has not come to its end.
    pub(super) fn is_amid_a_body(&mut self) -> bool {
        self.look();
        !matches!(self.part, Part::Head | Part::Body(0) | Part::Chunks(Chunks::End))
    }

    /// Finds out which part is being read.
    fn look(&mut self) {
        let progress = self.link.progress();
        if progress.begun != self.begun {
            self.begun = progress.begun;
            self.wait = None;
            self.part = if progress.body == UNKNOWN { Part::Chunks(Chunks::START) } else { Part::Body(progress.body) };
        }
        if progress.is_answered && matches!(self.part, Part::Body(0) | Part::Chunks(Chunks::End)) {
            self.begin_head();
        }
    }

    fn begin_head(&mut self) {
        self.part = Part::Head;
        self.scan = Scan::default();
        self.link.tell_length(false);
    }

    /// How many of these bytes hyper may have now.
    fn admit(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.part {
            Part::Body(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                Ok(taken)
            }
            Part::Chunks(chunks) => Ok(chunks.read(bytes)),
            Part::Head => {
                if self.scan.is_between() {
                    self.scan.begin_anew();
                }
                let (taken, _) = self.scan.read(bytes);
                if self.scan.length_told {
                    self.link.tell_length(true);
                }
                // hyper would find the head too large, and not see that it is for its first line alone.
                if self.scan.first_line >= self.options().max_head_bytes {
                    self.refused = Some(Refused::UriLong);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the request's first line is too long"));
                }
                Ok(taken)
            }
        }
    }

    /// What is waited for; none while a request is answered, whose time others measure. An answer is on its way until all of it has gone
    /// out, though hyper has taken it whole: then the client is waited for by [`Patience`].
    fn waits_for(&self) -> Option<Wait> {
        (self.part == Part::Head && self.is_flushed()).then(|| match (self.scan.has_begun(), self.begun) {
            (true, _) => Wait::EndOfHead,
            (false, 0) => Wait::FirstByte,
            (false, _) => Wait::NextRequest,
        })
    }

    fn patience(&self, wait: Wait) -> Duration {
        let options = self.options();
        match (self.link.standing, wait) {
            (Standing::Surplus(_), _) => SURPLUS_PATIENCE,
            (Standing::Admitted, Wait::FirstByte) => options.first_byte_timeout,
            (Standing::Admitted, Wait::NextRequest) => options.idle_timeout,
            (Standing::Admitted, Wait::EndOfHead) => options.header_timeout,
        }
    }

    /// Sets the timer for what is waited for, if it is not yet. True once it has run out.
    fn has_run_out(&mut self, wait: Wait, cx: &mut Context<'_>) -> bool {
        let patience = self.patience(wait).min(FAR);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
        if self.wait != Some(wait) {
            self.wait = Some(wait);
            timer.as_mut().reset(Instant::now() + patience);
        }
        timer.as_mut().poll(cx).is_ready()
    }

    /// There is nothing to read: waits, and ends the reading when that took too long.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(wait) = self.waits_for() else {
            return Poll::Pending;
        };
        if !self.has_run_out(wait, cx) {
            return Poll::Pending;
        }
        match wait {
            Wait::FirstByte => self.end(Closed::Silent),
            Wait::NextRequest => self.end(Closed::Idle),
            Wait::EndOfHead => {
                self.refused = Some(Refused::HeadLate);
                let late = io::Error::new(io::ErrorKind::TimedOut, "the request's head did not end in time");
                return Poll::Ready(Err(late));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// All has gone out. After an answer hyper asks for the next request only once there is something to read, or the time is over.
    fn begin_to_wait(&mut self, cx: &mut Context<'_>) {
        self.look();
        if self.held.is_empty()
            && let Some(wait) = self.waits_for()
            && self.wait != Some(wait)
            && self.has_run_out(wait, cx)
        {
            cx.waker().wake_by_ref();
        }
    }

    /// Ends the reading as if the client had.
    fn end(&mut self, reason: Closed) {
        self.link.closed(reason);
        self.over = true;
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Intake<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(Ok(()));
        }
        this.look();
        if !this.held.is_empty() {
            let mut held = std::mem::take(&mut this.held);
            let fits = held.len().min(buf.remaining());
            let admitted = this.admit(&held[..fits]);
            if let Ok(taken) = &admitted {
                buf.put_slice(&held[..*taken]);
                held.advance(*taken);
            }
            if !held.is_empty() || held.capacity() <= HELD_ROOM {
                this.held = held;
            }
            return this.given(cx, admitted);
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.io).poll_read(cx, buf) {
            Poll::Pending => this.wait(cx),
            Poll::Ready(Ok(())) if buf.filled().len() > before => {
                let read = &buf.filled()[before..];
                let admitted = this.admit(read);
                if let Ok(taken) = &admitted {
                    this.held.extend_from_slice(&read[*taken..]);
                    buf.set_filled(before + taken);
                }
                this.given(cx, admitted)
            }
            done => done,
        }
    }
}

impl<IO> Intake<IO> {
    /// Bytes were given to hyper. If there were none, it is to come back for what is held: no bytes would be the end.
    fn given(&self, cx: &Context<'_>, admitted: io::Result<usize>) -> Poll<io::Result<()>> {
        match admitted {
            Ok(0) => {
                self.link.wake_when_answered(cx.waker());
                Poll::Pending
            }
            admitted => Poll::Ready(admitted.map(drop)),
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Intake<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.unflushed = true;
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unflushed = true;
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        // hyper flushes once all that there is has been written.
        self.unflushed = false;
        self.begin_to_wait(cx);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The last word is not said yet, and hyper does not know that there is one: to it a head of which it has seen nothing is none.
        if self.refused.is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
