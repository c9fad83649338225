//! The terminal as a whole screen, and as it was before.

use std::io::{self, BufWriter, IsTerminal, Stdout};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{Event, KeyEvent, read};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal};

use crate::client::terminal::is_dumb;

/// The exit status of a program that has panicked.
const PANICKED: i32 = 101;

/// Bytes of a drawing that wait for the others: more than a large screen has.
const MOST_BUFFERED: usize = 256 * 1024;

/// Held while the screen is drawn, and to the end by a thread that has panicked: what it says is not drawn over.
static DRAWING: Mutex<()> = Mutex::new(());

/// The whole screen, drawn by who has taken it. When it is dropped, and if anything panics, the terminal is as before.
pub(super) struct Screen(Terminal<CrosstermBackend<BufWriter<Stdout>>>);

impl Screen {
    /// Takes the screen. Standard output must be a terminal that can be drawn on.
    pub(super) fn take() -> Result<Self, String> {
        if !io::stdout().is_terminal() {
            return Err("the dashboard needs a terminal, and standard output is none; \
                `tachograph metrics --watch` writes to files and pipes"
                .to_owned());
        }
        if is_dumb() {
            return Err("the dashboard needs a terminal that can be drawn on, and TERM is dumb; \
                `tachograph metrics --watch` needs none"
                .to_owned());
        }
        restore_on_panic();
        let cannot = |cause: io::Error| format!("the terminal cannot be drawn on: {cause}; is it the one that you look at?");
        enable_raw_mode().map_err(cannot)?;
        // A drawing is written at once, or nearly so: nobody looks at half of one.
        let written = BufWriter::with_capacity(MOST_BUFFERED, io::stdout());
        let taken = execute!(io::stdout(), EnterAlternateScreen).and_then(|()| Terminal::new(CrosstermBackend::new(written)));
        taken.map(Self).map_err(|cause| {
            restore();
            cannot(cause)
        })
    }
}

impl Screen {
    /// Blanks all, which another program may have written over: the next drawing draws all of it.
    pub(super) fn blank(&mut self) -> io::Result<()> {
        let _held = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        let size = self.0.size()?;
        // `clear` would ask the terminal where the cursor is, and the answer would come as a key.
        self.0.resize(Rect::new(0, 0, size.width, size.height))
    }

    /// Draws what has changed.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _held = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.draw(draw).map(|_drawn| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// The terminal as it was. If it is gone, there is nothing to restore.
fn restore() {
    let _gone = disable_raw_mode();
    let _gone = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

/// What a panic says is read on the screen as it was before. It ends the program, which without one of its threads would stand
/// still.
fn restore_on_panic() {
    let told = std::panic::take_hook();
    let drawer = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        // Who draws may hold it, and draws no more.
        let other = std::thread::current().id() != drawer;
        let _held = other.then(|| DRAWING.lock().unwrap_or_else(PoisonError::into_inner));
        restore();
        told(panic);
        std::process::exit(PANICKED);
    }));
}

/// What comes from outside of the server.
#[derive(Debug)]
pub(super) enum Input {
    Key(KeyEvent),
    Resized,
    /// No more keys can be read.
    Gone(String),
    /// A signal that ends a program.
    Signal(u8),
}

/// Reads keys in a thread of its own, until nobody takes them.
pub(super) fn read_keys<T: From<Input> + Send + 'static>(input: SyncSender<T>) -> Result<(), String> {
    let run = move || {
        loop {
            let told = match read() {
                Ok(Event::Key(key)) => Input::Key(key),
                Ok(Event::Resize(..)) => Input::Resized,
                Ok(_) => continue,
                Err(cause) => Input::Gone(format!("no keys can be read: {cause}; is the terminal gone?")),
            };
            let ended = matches!(told, Input::Gone(_));
            if input.send(told.into()).is_err() || ended {
                return;
            }
        }
    };
    start("keys", run)
}

/// Starts a thread that is not joined: it may be waiting for a key or an answer that does not come.
pub(super) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), String> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(|_detached| ()).map_err(|cause| format!("no thread can be started: {cause}; free some"))
}

/// Waits for the signals that end a program, in a thread of its own.
#[cfg(unix)]
pub(super) fn wait_for_signals<T: From<Input> + Send + 'static>(input: SyncSender<T>) -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let cannot = |cause: io::Error| format!("signals cannot be waited for: {cause}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let sources = {
        let _entered = runtime.enter();
        (|| Ok((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?)))()
    };
    let (mut interrupt, mut terminate, mut hangup) = sources.map_err(cannot)?;
    let run = move || {
        let number = runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => SignalKind::interrupt(),
                _ = terminate.recv() => SignalKind::terminate(),
                _ = hangup.recv() => SignalKind::hangup(),
            }
        });
        // Who has ended already need not be told.
        let _ended = input.send(Input::Signal(number.as_raw_value() as u8).into());
    };
    start("signals", run)
}

#[cfg(not(unix))]
pub(super) fn wait_for_signals<T: From<Input> + Send + 'static>(_input: SyncSender<T>) -> Result<(), String> {
    Ok(())
}
