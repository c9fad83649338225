//! All that is shown, computed from what has come and from nothing else.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::ask::{Checked, News, Profiled};
use super::families::Families;
use super::figures::{self, Figure, figures};
use super::history::{History, POINTS};
use super::service::Service;
use crate::client::health::report::{Level, Report};
use crate::client::profile::answer::Listing;
use crate::client::scrape::{Family, Scrape, Since};
use crate::fetch::{Failure, FailureKind};

/// A server that is asked thrice and takes so much longer is slow.
const SILENCE: Duration = Duration::from_secs(2);
/// Checks whose past is kept.
const MOST_CHECKS: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Overview,
    Routes,
    Health,
    Metrics,
}

impl View {
    pub(super) const ALL: [(Self, &'static str); 4] =
        [(Self::Overview, "overview"), (Self::Routes, "routes"), (Self::Health, "health"), (Self::Metrics, "metrics")];
}

/// What is known of the server's health.
#[derive(Debug)]
pub(super) enum Health {
    NotAsked,
    /// It has no such path that is known.
    Absent,
    Failed(String),
    Known(Box<Report>),
}

/// What is known of its slow requests.
#[derive(Debug)]
pub(super) enum Slow {
    NotAsked,
    /// There is no token for them.
    NoToken,
    Absent,
    Failed(String),
    Known(Box<Listing>),
}

/// A server that is away.
#[derive(Debug)]
pub(super) struct Away {
    /// When it answered last.
    pub(super) since: Option<SystemTime>,
    /// It answers, but with no metrics.
    pub(super) answers: bool,
    pub(super) told: String,
}

/// The order of the list of all families, and of the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// As the scrape has them; of routes the slowest first.
    Given,
    Name,
    Rate,
    Value,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) url: String,
    pub(super) every: Duration,
    pub(super) has_token: bool,
    /// The time that ages are told by.
    pub(super) now: SystemTime,

    pub(super) view: View,
    pub(super) help: bool,
    pub(super) paused: bool,
    /// Scrapes that have come while it was paused.
    missed: usize,
    pub(super) filter: String,
    /// The filter is being typed.
    pub(super) typing: bool,
    pub(super) sort: Sort,
    /// The chosen line of each view.
    pub(super) cursors: [usize; 4],
    /// The family whose series are shown.
    pub(super) picked: Option<String>,

    pub(super) last: Option<Scrape>,
    answered: Option<SystemTime>,
    pub(super) away: Option<Away>,
    /// Another process answered than before.
    pub(super) restarts: u64,
    pub(super) service: Service,
    pub(super) figures: Vec<Figure>,
    pub(super) families: Families,
    pub(super) health: Health,
    pub(super) level: History,
    pub(super) levels: HashMap<String, History>,
    pub(super) slow: Slow,
}

impl State {
    pub(super) fn new(url: String, every: Duration, has_token: bool, now: SystemTime) -> Self {
        Self {
            url,
            every,
            has_token,
            now,
            view: View::Overview,
            help: false,
            paused: false,
            missed: 0,
            filter: String::new(),
            typing: false,
            sort: Sort::Given,
            cursors: [0; 4],
            picked: None,
            last: None,
            answered: None,
            away: None,
            restarts: 0,
            service: Service::default(),
            figures: figures(),
            families: Families::default(),
            health: Health::NotAsked,
            level: History::default(),
            levels: HashMap::new(),
            slow: if has_token { Slow::NotAsked } else { Slow::NoToken },
        }
    }

    /// Takes what has come. While it is paused nothing changes, but that it is counted what was missed.
    pub(super) fn take(&mut self, news: News) {
        match news {
            News::Scraped(_) | News::Unanswered(_) if self.paused => self.missed += 1,
            _ if self.paused => {}
            News::Scraped(scrape) => self.scraped(*scrape),
            News::Unanswered(failure) => self.unanswered(failure),
            News::Checked(checked) => self.checked(checked),
            News::Profiled(profiled) => {
                self.slow = match profiled {
                    Profiled::Known(listing) => Slow::Known(listing),
                    Profiled::Absent => Slow::Absent,
                    Profiled::Failed(told) => Slow::Failed(told),
                }
            }
        }
    }

    fn scraped(&mut self, scrape: Scrape) {
        let last = self.last.take();
        let since = last.as_ref().map(|last| Since::new(last, &scrape));
        self.restarts += u64::from(since.as_ref().is_some_and(|since| since.restarted));
        self.service.take(&scrape, since.as_ref());
        figures::take(&mut self.figures, &scrape, since.as_ref());
        self.families.take(&scrape, since.as_ref());
        if self.answered.is_none() && !self.service.found && self.figures().next().is_none() {
            // There is nothing for an overview: all there is are the metrics.
            self.view = View::Metrics;
        }
        (self.answered, self.away) = (Some(self.now), None);
        self.last = Some(scrape);
        self.restrain();
    }

    /// The figures of the service that this scrape has.
    pub(super) fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(|figure| figure.group == figures::Group::Service && !figure.history.is_blank())
    }

    fn unanswered(&mut self, failure: Failure) {
        let answers = matches!(failure.kind, FailureKind::Status(_) | FailureKind::Unreadable);
        self.away = Some(Away { since: self.answered, answers, told: failure.told });
        self.miss();
    }

    fn miss(&mut self) {
        self.service.miss();
        figures::miss(&mut self.figures);
        self.families.miss();
    }

    fn checked(&mut self, checked: Checked) {
        self.health = match checked {
            Checked::Known(report) => Health::Known(report),
            Checked::Absent => Health::Absent,
            Checked::Failed(told) => Health::Failed(told),
        };
        let height = |level: Level| match level {
            Level::Healthy => 0.0,
            Level::Degraded => 1.0,
            Level::Unhealthy => 2.0,
        };
        let Health::Known(report) = &self.health else {
            self.level.push(None);
            self.levels.values_mut().for_each(|history| history.push(None));
            return;
        };
        let before = self.level.len();
        self.level.push(Some(height(report.status)));
        self.levels.retain(|name, _| report.checks.iter().any(|check| check.name == *name));
        for check in report.checks.iter().take(MOST_CHECKS) {
            let history = self.levels.entry(check.name.clone()).or_insert_with(|| History::after(before));
            history.push(check.status.map(height));
        }
    }

    /// Goes on after a pause: what came meanwhile is a gap.
    pub(super) fn resume(&mut self) {
        self.paused = false;
        for _ in 0..std::mem::take(&mut self.missed).min(POINTS) {
            self.miss();
        }
    }

    /// Forgets all that has been, as if it began now; what is looked at stays.
    pub(super) fn reset(&mut self) {
        let fresh = Self::new(std::mem::take(&mut self.url), self.every, self.has_token, self.now);
        let old = std::mem::replace(self, fresh);
        (self.view, self.sort, self.filter, self.picked) = (old.view, old.sort, old.filter, old.picked);
        (self.health, self.slow, self.cursors) = (old.health, old.slow, old.cursors);
        // Else it would choose its view as it did first.
        self.answered = old.answered;
    }

    /// The places of the families that the filter takes, in order.
    pub(super) fn listed(&self) -> Vec<usize> {
        let Some(scrape) = &self.last else { return Vec::new() };
        let wanted = self.filter.to_lowercase();
        let mut listed: Vec<usize> = (0..scrape.families.len())
            .filter(|at| {
                let family = &scrape.families[*at];
                wanted
                    .split_whitespace()
                    .all(|word| family.name.to_lowercase().contains(word) || family.help.to_lowercase().contains(word))
            })
            .collect();
        let line = |at: &usize| &self.families.lines[*at];
        let falling = |one: f64, other: f64| other.total_cmp(&one);
        match self.sort {
            Sort::Given => {}
            Sort::Name => listed.sort_by(|one, other| scrape.families[*one].name.cmp(&scrape.families[*other].name)),
            Sort::Rate => listed.sort_by(|one, other| {
                falling(line(one).rate.unwrap_or(f64::NEG_INFINITY), line(other).rate.unwrap_or(f64::NEG_INFINITY))
            }),
            Sort::Value => listed.sort_by(|one, other| {
                let order = |at| Some(line(at).order).filter(|order| !order.is_nan()).unwrap_or(f64::NEG_INFINITY);
                falling(order(one), order(other))
            }),
        }
        listed
    }

    /// The picked family, if the scrape still has it.
    pub(super) fn family(&self) -> Option<(usize, &Family)> {
        let picked = self.picked.as_ref()?;
        self.last.as_ref()?.families.iter().enumerate().find(|(_, family)| family.name == *picked)
    }

    /// Lines that the cursor can be on in this view.
    pub(super) fn lines(&self) -> usize {
        match self.view {
            View::Overview => 0,
            View::Routes => self.service.routes.len(),
            View::Health => match &self.slow {
                Slow::Known(listing) => listing.profiles.len(),
                _ => 0,
            },
            View::Metrics => match self.family() {
                Some((_, family)) => family.series.len(),
                None => self.listed().len(),
            },
        }
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursors[self.view as usize]
    }

    /// Moves the cursor, as far as there are lines.
    pub(super) fn move_to(&mut self, line: usize) {
        self.cursors[self.view as usize] = line.min(self.lines().saturating_sub(1));
    }

    /// Keeps the cursor on a line when there are fewer.
    fn restrain(&mut self) {
        self.move_to(self.cursor());
    }

    /// Since when there has been no answer, if that is longer than it should be, though nothing says that none will come.
    pub(super) fn silent(&self) -> Option<SystemTime> {
        let answered = self.answered?;
        let patience = self.every * 3 + SILENCE;
        let passed = self.now.duration_since(answered).unwrap_or_default();
        (passed >= patience && !self.paused).then_some(answered)
    }

    /// Since when the process runs, as the scrape tells.
    pub(super) fn uptime(&self) -> Option<f64> {
        let began = self.last.as_ref()?.number("process_start_time_seconds")?;
        let now = self.now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64();
        (began > 0.0 && began.is_finite()).then(|| (now - began).max(0.0))
    }
}
