//! Rounds of measurements.

use std::cell::RefCell;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use peers::work::{Shape, Work};
use peers::{Case, MAX_THREADS, Pool, Role, Scrape, Span, cases, scrapes};

use crate::folded::while_folded;
use crate::heap;

/// Numbers of threads at which a work is measured.
pub(crate) const THREADS: [usize; 4] = [1, 2, 4, MAX_THREADS];

/// Long enough that starting together does not show, short enough that `metrics`, which keeps each observation until it is drained,
/// stays within memory.
const LONGEST_RUN: Duration = Duration::from_millis(50);
/// Roles as [`Figures::line`] numbers them.
const ROLES: [Role; 4] = [Role::Floor, Role::Ours, Role::Peer, Role::Lesser];
/// Fewer have no median worth the name.
const FEWEST_ROUNDS: u32 = 5;

/// How often and how long each case runs at each number of threads.
#[derive(Debug)]
pub(crate) struct Plan {
    rounds: u32,
    run: Duration,
}

impl Plan {
    /// A plan for these works together to take about so long.
    pub(crate) fn for_works(works: &[Work], time: Duration) -> Self {
        let runs: usize = works.iter().map(|work| cases(*work).len() * THREADS.len()).sum::<usize>().max(1);
        let runs = runs as u32;
        // An odd number, so that the median is a round's own figure.
        let rounds = (time.div_duration_f64(LONGEST_RUN * runs) as u32).max(FEWEST_ROUNDS) | 1;
        Self { rounds, run: (time / runs / rounds).clamp(Duration::from_micros(100), LONGEST_RUN) }
    }
}

/// The figures of one case at one number of threads, one a round.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) threads: usize,
    /// CPU nanoseconds of all threads by all operations.
    cpu: Vec<f64>,
    /// Nanoseconds that passed, by the operations of one thread.
    wall: Vec<f64>,
}

impl Figures {
    fn new(name: &str, role: Role, threads: usize) -> Self {
        Self { name: name.to_owned(), role, threads, cpu: Vec::new(), wall: Vec::new() }
    }

    /// A line that [`parse`](Self::parse) reads in another process.
    pub(crate) fn line(&self) -> String {
        let role = ROLES.iter().position(|role| *role == self.role).expect("all roles are listed");
        let rounds = self.cpu.iter().zip(&self.wall).map(|(cpu, wall)| format!("{cpu},{wall}"));
        format!("{}\t{role}\t{}\t{}", self.name, self.threads, rounds.collect::<Vec<_>>().join(" "))
    }

    /// What [`line`](Self::line) wrote; `None` for anything else.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (name, role, threads) = (fields.next()?, fields.next()?.parse::<usize>().ok()?, fields.next()?.parse().ok()?);
        let mut figures = Self::new(name, *ROLES.get(role)?, threads);
        for round in fields.next()?.split(' ') {
            let (cpu, wall) = round.split_once(',')?;
            figures.cpu.push(cpu.parse().ok()?);
            figures.wall.push(wall.parse().ok()?);
        }
        Some(figures)
    }

    /// Adds a round in which each thread did so many operations.
    fn push(&mut self, span: Span, operations: u64) {
        let of_one = operations as f64;
        self.cpu.push(span.cpu.as_nanos() as f64 / (of_one * self.threads as f64));
        self.wall.push(span.wall.as_nanos() as f64 / of_one);
    }

    /// Median of the CPU time.
    pub(crate) fn cpu(&self) -> f64 {
        quantile(&self.cpu, 0.5)
    }

    /// Median of the time that passed.
    pub(crate) fn wall(&self) -> f64 {
        quantile(&self.wall, 0.5)
    }

    /// The middle half of the rounds' CPU times, as a share of their median.
    pub(crate) fn spread(&self) -> f64 {
        (quantile(&self.cpu, 0.75) - quantile(&self.cpu, 0.25)) / self.cpu()
    }
}

fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * at).round() as usize]
}

/// One writer alone and beside a reader.
#[derive(Debug)]
pub(crate) struct Folded {
    pub(crate) alone: Figures,
    pub(crate) folded: Figures,
    /// Readings a second, one a round.
    rates: Vec<f64>,
}

impl Folded {
    /// Median of the readings a second.
    pub(crate) fn rate(&self) -> f64 {
        quantile(&self.rates, 0.5)
    }
}

/// Whether the machine ran two threads side by side.
#[derive(Debug)]
pub(crate) struct Cores {
    /// How much longer two threads took, each in a loop of its own, than one: 1 when each had a core.
    pub(crate) median: f64,
    /// The same in the worst round.
    pub(crate) worst: f64,
}

/// The threads, and a loop that touches nothing but its own thread's memory.
#[derive(Debug)]
pub(crate) struct Bench {
    pool: Pool,
    private: Arc<Case>,
    private_operations: u64,
    two_by_one: RefCell<Vec<f64>>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let pool = Pool::new(MAX_THREADS);
        let private = cases(Work::Counter).into_iter().find(|case| case.role == Role::Floor).expect("the floor comes first");
        let private = Arc::new(private);
        let private_operations = operations(&pool, &private, 1, Duration::from_millis(10));
        Self { pool, private, private_operations, two_by_one: RefCell::default() }
    }

    /// Measures all subjects at a work, and checks that each counted every operation.
    pub(crate) fn work(&self, work: Work, plan: &Plan) -> Vec<Figures> {
        let cases: Vec<Arc<Case>> = cases(work).into_iter().map(Arc::new).collect();
        let all = THREADS.iter().flat_map(|&threads| cases.iter().map(move |case| (case, threads)));
        let mut runs: Vec<_> = all
            .map(|(case, threads)| {
                let figures = Figures::new(case.name, case.role, threads);
                (case, operations(&self.pool, case, threads, plan.run), figures)
            })
            .collect();
        for round in 0..plan.rounds as usize {
            self.compare_cores();
            for of_threads in runs.chunks_mut(cases.len()) {
                let first = round % of_threads.len();
                of_threads.rotate_left(first);
                for (case, operations, figures) in &mut *of_threads {
                    let span = self.pool.run(case, figures.threads, *operations);
                    figures.push(span, *operations);
                }
                of_threads.rotate_right(first);
            }
        }
        cases.iter().for_each(|case| case.verify());
        runs.into_iter().map(|(_, _, figures)| figures).collect()
    }

    /// Measures those who say how they are read out: one writer alone, and the same beside a reader, in turns for about `time`.
    pub(crate) fn folded(&self, work: Work, time: Duration) -> impl Iterator<Item = Folded> {
        let cases = cases(work).into_iter().filter(Case::can_fold);
        cases.map(move |case| {
            let case = Arc::new(case);
            let run = (time / 2 / FEWEST_ROUNDS).clamp(Duration::from_millis(1), LONGEST_RUN);
            let operations = operations(&self.pool, &case, 1, run);
            let mut folded = Folded {
                alone: Figures::new(case.name, case.role, 1),
                folded: Figures::new(case.name, case.role, 1),
                rates: Vec::new(),
            };
            let begun = Instant::now();
            while folded.rates.len() < FEWEST_ROUNDS as usize || begun.elapsed() < time {
                folded.alone.push(self.pool.run(&case, 1, operations), operations);
                let (span, rate) = while_folded(&case, || self.pool.run(&case, 1, operations));
                folded.folded.push(span, operations);
                folded.rates.push(rate);
            }
            case.verify();
            folded
        })
    }

    /// Lets each subject do each work once, on as many threads as are measured, and checks what it counted.
    pub(crate) fn test(&self) {
        for work in Work::ALL {
            for case in cases(work).into_iter().map(Arc::new) {
                self.pool.run(&case, MAX_THREADS, 500);
                while_folded(&case, || self.pool.run(&case, 1, 500));
                case.verify();
                println!("{case:?}: ok");
            }
        }
        for shape in [Shape::Counters(100), Shape::Histograms(10)] {
            for mut scrape in scrapes(shape) {
                scrape.verify(shape);
                println!("{scrape:?}, {shape}: ok");
            }
        }
        for (at, shape) in Shape::WEIGHED.into_iter().enumerate() {
            let weights = heap::weigh(at);
            assert!(weights.iter().all(|(_, bytes)| *bytes > 8.0), "{weights:?}: a series holds a cell at the least");
            println!("heap, {}: ok", heap::title(shape));
        }
    }

    fn compare_cores(&self) {
        let time = |threads| self.pool.run(&self.private, threads, self.private_operations).wall.as_secs_f64();
        self.two_by_one.borrow_mut().push(1.0 / time(1) * time(2));
    }

    /// What all rounds said about the machine.
    pub(crate) fn cores(&self) -> Cores {
        let mut ratios = self.two_by_one.borrow().clone();
        if ratios.is_empty() {
            ratios.push(f64::NAN);
        }
        Cores { median: quantile(&ratios, 0.5), worst: quantile(&ratios, 1.0) }
    }
}

/// Measures all subjects at a text for about `time`, and checks each text. A line is the operation; CPU time is that of the whole
/// process, because Tachograph folds on a thread of its own.
pub(crate) fn shape(shape: Shape, time: Duration) -> Vec<Figures> {
    let mut scrapes: Vec<Scrape> = scrapes(shape).collect();
    scrapes.iter_mut().for_each(|scrape| scrape.verify(shape));
    let mut all: Vec<_> = scrapes.iter().map(|scrape| Figures::new(scrape.name, scrape.role, 1)).collect();
    let lines = shape.lines() as f64;
    let (begun, mut rounds) = (Instant::now(), 0);
    // A round is never begun late by more than a round, so this ends.
    while rounds < FEWEST_ROUNDS as usize || rounds % 2 == 0 || begun.elapsed() < time {
        let count = scrapes.len();
        for at in (0..count).map(|at| (at + rounds) % count) {
            let (scrape, figures) = (&mut scrapes[at], &mut all[at]);
            // Once for nothing: else each pays for what the one before left behind, in caches and in the system's memory, and the floor, which
            // comes after the one who allocates most, up to ten times as much as by itself.
            scrape.prepare();
            black_box(scrape.render());
            scrape.prepare();
            let (cpu, wall) = (ProcessTime::now(), Instant::now());
            black_box(scrape.render());
            figures.wall.push(wall.elapsed().as_nanos() as f64 / lines);
            figures.cpu.push(cpu.elapsed().as_nanos() as f64 / lines);
        }
        rounds += 1;
    }
    all
}

/// Operations of one thread that take about `time` when so many threads run at once; finding out warms the case up.
fn operations(pool: &Pool, case: &Arc<Case>, threads: usize, time: Duration) -> u64 {
    let mut operations = 1_000;
    // 2^40 operations would take minutes on any machine.
    while operations < 1 << 40 {
        let wall = pool.run(case, threads, operations).wall;
        if wall * 4 >= time {
            let by = time.div_duration_f64(wall);
            return ((operations as f64 * by) as u64).max(1);
        }
        operations *= 2;
    }
    operations
}
