//! What the keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::{Sort, State, View};

/// Characters of a filter at most.
const MOST_FILTER: usize = 60;
/// Lines of a page.
const PAGE: usize = 10;

/// What is left to be done beside the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Stay,
    Quit,
    /// The screen is drawn as if nothing stood there.
    DrawAnew,
    /// All is asked anew, also what was not there.
    AskAnew,
}

/// Does what a key says.
pub(super) fn press(state: &mut State, key: KeyEvent) -> Then {
    if key.kind == KeyEventKind::Release {
        return Then::Stay;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control {
        return match key.code {
            KeyCode::Char('c') => Then::Quit,
            KeyCode::Char('l') => Then::DrawAnew,
            _ => Then::Stay,
        };
    }
    if state.typing {
        type_filter(state, key.code);
        return Then::Stay;
    }
    if state.help {
        state.help = false;
        return if key.code == KeyCode::Char('q') { Then::Quit } else { Then::Stay };
    }
    match key.code {
        KeyCode::Char('q') => return Then::Quit,
        KeyCode::Char('?' | 'h') | KeyCode::F(1) => state.help = true,
        KeyCode::Char('p' | ' ') if state.paused => state.resume(),
        KeyCode::Char('p' | ' ') => state.paused = true,
        KeyCode::Char('r') => {
            state.reset();
            return Then::AskAnew;
        }
        KeyCode::Char('s') => state.sort = next_sort(state.sort),
        KeyCode::Char('/') => {
            (state.view, state.picked, state.typing) = (View::Metrics, None, true);
        }
        KeyCode::Char(number @ '1'..='4') => state.view = View::ALL[usize::from(number as u8 - b'1')].0,
        KeyCode::Tab | KeyCode::Right => turn(state, 1),
        KeyCode::BackTab | KeyCode::Left => turn(state, View::ALL.len() - 1),
        KeyCode::Enter if state.view == View::Metrics && state.picked.is_none() => pick(state),
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Enter if state.picked.is_some() => put_back(state),
        KeyCode::Esc => state.filter.clear(),
        KeyCode::Up | KeyCode::Char('k') => state.move_to(state.cursor().saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => state.move_to(state.cursor() + 1),
        KeyCode::PageUp => state.move_to(state.cursor().saturating_sub(PAGE)),
        KeyCode::PageDown => state.move_to(state.cursor() + PAGE),
        KeyCode::Home | KeyCode::Char('g') => state.move_to(0),
        KeyCode::End | KeyCode::Char('G') => state.move_to(usize::MAX),
        _ => {}
    }
    Then::Stay
}

fn type_filter(state: &mut State, code: KeyCode) {
    match code {
        KeyCode::Enter => state.typing = false,
        KeyCode::Esc => {
            state.typing = false;
            state.filter.clear();
        }
        KeyCode::Backspace => {
            state.filter.pop();
        }
        KeyCode::Char(character) if state.filter.chars().count() < MOST_FILTER && !character.is_control() => {
            state.filter.push(character);
        }
        _ => {}
    }
    state.move_to(0);
}

fn next_sort(sort: Sort) -> Sort {
    match sort {
        Sort::Given => Sort::Name,
        Sort::Name => Sort::Rate,
        Sort::Rate => Sort::Value,
        Sort::Value => Sort::Given,
    }
}

fn turn(state: &mut State, by: usize) {
    let at = (state.view as usize + by) % View::ALL.len();
    state.view = View::ALL[at].0;
}

fn pick(state: &mut State) {
    let at = state.listed().get(state.cursor()).copied();
    let scrape = state.last.as_ref();
    state.picked = at.zip(scrape).map(|(at, scrape)| scrape.families[at].name.clone());
    state.move_to(0);
}

/// Back to the list, to the line that was picked.
fn put_back(state: &mut State) {
    let picked = state.family().map(|(at, _)| at);
    state.picked = None;
    let line = picked.and_then(|picked| state.listed().iter().position(|at| *at == picked));
    state.move_to(line.unwrap_or(0));
}
