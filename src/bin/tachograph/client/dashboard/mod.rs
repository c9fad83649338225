//! `tachograph dashboard`: a running service on the whole screen, live.
//!
//! `ask` fetches in threads of its own, `screen` is the terminal and its keys, `state` is all that is shown: it is computed
//! from what has come, by `found` and `service` (HTTP), `figures`, `families` (everything) and `history`. `keys` changes what
//! is looked at, `draw` draws it, and neither does any I/O.

mod ask;
mod draw;
mod families;
mod figures;
mod found;
mod history;
mod keys;
mod screen;
mod service;
mod state;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use super::Ended;
use super::target::Target;
use super::terminal::Terminal;
use crate::cli::DashboardOptions;
use ask::{News, PROFILES, Poke};
use draw::{Palette, draw};
use keys::{Then, press};
use screen::{Input, Screen};
use state::State;

/// News that wait at most until they are taken.
const WAITING: usize = 64;
/// The clock on the screen is moved so often if nothing else happens.
const CLOCK: Duration = Duration::from_secs(1);
/// The screen is drawn no oftener, however much happens.
const FRAME: Duration = Duration::from_millis(30);
/// What is added to a signal's number in an exit status.
const BY_SIGNAL: u8 = 128;
/// Ctrl-C, which quits as `q` does.
const INTERRUPT: u8 = 2;

/// All that can happen.
#[derive(Debug)]
enum Happened {
    News(News),
    Input(Input),
}

impl From<News> for Happened {
    fn from(news: News) -> Self {
        Self::News(news)
    }
}

impl From<Input> for Happened {
    fn from(input: Input) -> Self {
        Self::Input(input)
    }
}

/// Shows a service until it is told to end.
pub(crate) fn dashboard(options: &DashboardOptions) -> Result<ExitCode, Ended> {
    let target = Target::of(&options.connection)?;
    let has_token = target.has_token_for(PROFILES);
    let url = target.metrics_url().to_owned();
    let palette = Palette { colored: Terminal::of(options.output.color).colored };
    let (happened, happenings) = sync_channel(WAITING);
    // First, so that no signal finds the screen taken and nobody who gives it back.
    screen::wait_for_signals::<Happened>(happened.clone()).map_err(Ended::Failed)?;
    // Before anything is asked: without a terminal nothing is.
    let mut screen = Screen::take().map_err(Ended::Failed)?;
    screen::read_keys::<Happened>(happened.clone()).map_err(Ended::Failed)?;
    let pokes = ask_all(options, target, has_token, &happened)?;
    drop(happened);

    let mut state = State::new(url, options.seconds, has_token, SystemTime::now());
    loop {
        state.now = SystemTime::now();
        let drawn = Instant::now();
        screen.draw(|frame| draw(&state, palette, frame)).map_err(cannot_draw)?;
        let mut next = match happenings.recv_timeout(CLOCK) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err(Ended::Failed("all its parts have ended".to_owned())),
        };
        state.now = SystemTime::now();
        while let Some(happened) = next {
            match happened {
                Happened::News(news) => state.take(news),
                Happened::Input(Input::Key(key)) => match press(&mut state, key) {
                    Then::Stay => {}
                    Then::Quit => return Ok(ExitCode::SUCCESS),
                    Then::DrawAnew => screen.blank().map_err(cannot_draw)?,
                    Then::AskAnew => pokes.iter().for_each(Poke::ask),
                },
                Happened::Input(Input::Resized) => {}
                Happened::Input(Input::Signal(INTERRUPT)) => return Ok(ExitCode::SUCCESS),
                Happened::Input(Input::Signal(number)) => return Ok(ExitCode::from(BY_SIGNAL + number)),
                Happened::Input(Input::Gone(told)) => return Err(Ended::Failed(told)),
            }
            // Nothing more, or nobody who could tell more, which the next look finds.
            next = happenings.try_recv().ok();
        }
        std::thread::sleep(FRAME.saturating_sub(drawn.elapsed()));
    }
}

/// Starts what asks the server.
fn ask_all(
    options: &DashboardOptions,
    target: Target,
    has_token: bool,
    happened: &SyncSender<Happened>,
) -> Result<Vec<Poke>, Ended> {
    let every = options.seconds;
    // A connection of its own for each thread: none waits for another.
    let another = || Target::of(&options.connection).map_err(|failure| failure.told);
    let all = || {
        let mut pokes = vec![ask::scrapes(target, every, happened.clone())?];
        pokes.push(ask::health(another()?, every, happened.clone())?);
        if has_token {
            pokes.push(ask::profiles(another()?, every, happened.clone())?);
        }
        Ok(pokes)
    };
    all().map_err(Ended::Failed)
}

fn cannot_draw(cause: std::io::Error) -> Ended {
    Ended::Failed(format!("the terminal cannot be drawn on any more: {cause}"))
}
