//! One point of the curves.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use peers::text;
use peers::work::{self, JOBS, LABELS, SECONDS, WAIT};
use stats_alloc::Region;
use tachograph::{Buckets, Counter, Histogram, Labels, Registry};

use crate::ALLOCATOR;

/// What the columns of a line are.
pub(crate) const COLUMNS: &str = "kind,threads,series,lines,first_fold_ns,fold_ns,text_ns,heap_bytes,text_bytes";

/// Scrapes of a point after the first one, of which the fastest counts: what else runs on the machine only makes them slower. Fewer
/// when they take long.
const SCRAPES: usize = 21;
const FEWEST: usize = 5;
/// How long it may take to have more than the fewest.
const LONGEST: Duration = Duration::from_secs(3);

/// What the series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Counters with three labels.
    Counter,
    /// Histograms of 11 bounds with one label.
    Histogram,
}

/// So many series, each counted in by so many threads.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Point {
    pub(crate) kind: Kind,
    pub(crate) threads: usize,
    pub(crate) series: usize,
}

/// What threads count in.
enum Handles {
    Counters(Vec<Counter>),
    Histograms(Vec<Histogram>),
}

impl Handles {
    fn register(registry: &Registry, Point { kind, series, .. }: Point) -> Self {
        const CLEAN: &str = "a new registry has no clashes";
        match kind {
            Kind::Counter => {
                let labels = Labels::new(LABELS).limit(series);
                let family = registry.counter_family(JOBS, "Jobs.", labels).expect(CLEAN);
                let handle = |at| {
                    let [endpoint, method, status] = &work::series_labels(at);
                    family.handle([endpoint, method, status])
                };
                Self::Counters((0..series).map(handle).collect())
            }
            Kind::Histogram => {
                let labels = Labels::new([LABELS[0]]).limit(series);
                let buckets = Buckets::seconds(&SECONDS).expect("the bounds are whole nanoseconds");
                let family = registry.histogram_family(WAIT, "Waiting.", labels, buckets).expect(CLEAN);
                Self::Histograms((0..series).map(|at| family.handle([&work::series_endpoint(at)])).collect())
            }
        }
    }

    /// Counts once in each series.
    fn touch(&self) {
        match self {
            Self::Counters(counters) => counters.iter().for_each(Counter::inc),
            Self::Histograms(histograms) => (0..).zip(histograms).for_each(|(at, one)| one.observe(at * 1_000_000)),
        }
    }
}

impl Point {
    /// The command line that measures this point.
    pub(crate) fn arguments(&self) -> [String; 3] {
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
        };
        [kind.to_owned(), self.threads.to_string(), self.series.to_string()]
    }

    /// Whether the engine has cells for it, and a machine memory for its text.
    pub(crate) fn fits(&self) -> bool {
        self.kind == Kind::Counter || self.series <= 100_000
    }

    /// Measures it, and gives a line.
    pub(crate) fn measure(self) -> String {
        let Self { threads, series, .. } = self;
        // What the process has once: the snapshot thread, and what its first fold keeps.
        Registry::new().snapshot();
        let [started, begin, counted, end] = [(); 4].map(|()| Barrier::new(threads + 1));
        let registry = Registry::new();
        let mut heap = Region::new(ALLOCATOR);
        let handles = Handles::register(&registry, self);
        let registered = heap.change_and_reset();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    started.wait();
                    begin.wait();
                    handles.touch();
                    counted.wait();
                    end.wait();
                });
            }
            started.wait();
            // The threads themselves are not the engine's.
            heap.reset();
            begin.wait();
            counted.wait();
            let touched = heap.change();
            let Scrapes { first, fold, text: texts } = scrapes(&registry);
            let text = registry.snapshot().text().to_owned();
            end.wait();
            self.check(&text);
            // The list of handles is the harness's.
            let own = match &handles {
                Handles::Counters(counters) => size_of_val(&**counters),
                Handles::Histograms(histograms) => size_of_val(&**histograms),
            };
            let held = |change: &stats_alloc::Stats| change.bytes_allocated as i64 - change.bytes_deallocated as i64;
            let heap = held(&registered) + held(&touched) - own as i64;
            let [kind, ..] = self.arguments();
            let (lines, bytes) = (text::samples(&text).count(), text.len());
            let [first, fold, text] = [first, fold, texts].map(|time| time.as_nanos());
            format!("{kind},{threads},{series},{lines},{first},{fold},{text},{heap},{bytes}")
        })
    }

    /// Everything that was counted must be there.
    fn check(&self, text: &str) {
        let name = match self.kind {
            Kind::Counter => JOBS.to_owned(),
            Kind::Histogram => format!("{WAIT}_count"),
        };
        assert_eq!(text::sum(text, &name), (self.threads * self.series) as u64, "{self:?}");
    }
}

/// What scrapes took.
struct Scrapes {
    /// The first fold, which also puts the series in order.
    first: Duration,
    /// The fastest of the folds after it.
    fold: Duration,
    /// The fastest of the texts.
    text: Duration,
}

fn scrapes(registry: &Registry) -> Scrapes {
    let fold = || {
        let start = Instant::now();
        let snapshot = registry.snapshot();
        (start.elapsed(), snapshot)
    };
    let (first, _) = fold();
    let mut fastest = Scrapes { first, fold: Duration::MAX, text: Duration::MAX };
    let begun = Instant::now();
    for scrape in 0..SCRAPES {
        if scrape >= FEWEST && begun.elapsed() > LONGEST {
            break;
        }
        let (took, snapshot) = fold();
        fastest.fold = fastest.fold.min(took);
        let start = Instant::now();
        snapshot.text();
        fastest.text = fastest.text.min(start.elapsed());
    }
    fastest
}
