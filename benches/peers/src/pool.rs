//! Worker threads that live as long as the harness: the start of a thread is never in a time, and a subject that keeps things by
//! thread meets the same threads again.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use crate::case::Case;

/// Most threads a pool may have.
pub const MAX_THREADS: usize = 8;

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// Of the slowest thread, from the barrier to its last operation: divided by the operations of *one* thread it is nanoseconds an
    /// operation and thread, and stays the same with more threads as long as each has a core and none waits for another.
    pub wall: Duration,
    /// Of all threads together: divided by the operations of *all* threads it is what an operation costs.
    pub cpu: Duration,
}

struct Job {
    case: Arc<Case>,
    thread: usize,
    operations: u64,
    start: Arc<Barrier>,
    done: Sender<Span>,
}

/// The workers.
#[derive(Debug)]
pub struct Pool {
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Pool {
    /// A pool of so many threads.
    ///
    /// # Panics
    ///
    /// Above [`MAX_THREADS`].
    pub fn new(threads: usize) -> Self {
        assert!(threads <= MAX_THREADS, "subjects keep state for {MAX_THREADS} threads");
        Self { workers: (0..threads).map(|_| Worker::start()).collect() }
    }

    /// Runs `operations` of a case on each of `threads` threads at the same time.
    ///
    /// # Panics
    ///
    /// When the case does.
    pub fn run(&self, case: &Arc<Case>, threads: usize, operations: u64) -> Span {
        let start = Arc::new(Barrier::new(threads));
        let (done, spans) = mpsc::channel();
        for (thread, worker) in self.workers[..threads].iter().enumerate() {
            let job = Job { case: Arc::clone(case), thread, operations, start: Arc::clone(&start), done: done.clone() };
            worker.jobs.as_ref().expect("workers end with the pool").send(job).expect("a worker panicked");
        }
        drop(done);
        let spans: Vec<Span> = spans.iter().collect();
        assert_eq!(spans.len(), threads, "a worker panicked in {case:?}");
        case.settle();
        Span {
            wall: spans.iter().map(|span| span.wall).max().unwrap_or_default(),
            cpu: spans.iter().map(|span| span.cpu).sum(),
        }
    }
}

impl Worker {
    fn start() -> Self {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::spawn(move || {
            for Job { case, thread, operations, start, done } in inbox {
                start.wait();
                let (cpu, wall) = (ThreadTime::now(), Instant::now());
                case.run(thread, operations);
                let span = Span { wall: wall.elapsed(), cpu: cpu.elapsed() };
                // The pool hears of a panic by the senders' end, so a pool that is gone needs nothing.
                _ = done.send(span);
            }
        });
        Self { jobs: Some(jobs), thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the worker was reported when it happened.
            _ = thread.join();
        }
    }
}
