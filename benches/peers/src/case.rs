//! One subject doing one work.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::text;
use crate::work::{Shape, Work};

/// What a subject is to the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The hand-written minimum.
    Floor,
    /// Tachograph.
    Ours,
    /// Another crate.
    Peer,
    /// Another crate that does less than the work: of a histogram it shows how many values there were, but neither these bounds nor
    /// the sum. It is told, but nobody is compared with it.
    Lesser,
}

/// One subject doing one work, on any thread.
pub struct Case {
    /// The subject, and the way in which it does it if there are several.
    pub name: &'static str,
    /// What the subject is.
    pub role: Role,
    work: Work,
    run: Box<dyn Fn(usize, usize) + Send + Sync>,
    settle: Box<dyn Fn() + Send + Sync>,
    fold: Option<Box<dyn Fn() + Send + Sync>>,
    text: Box<dyn Fn() -> String + Send + Sync>,
    /// Operations so far, by the harness's own account.
    asked: AtomicU64,
}

impl Case {
    /// A case whose operation number `i` is `operation(i)`; `text` tells what was counted.
    pub fn new(
        work: Work,
        (name, role): (&'static str, Role),
        operation: impl Fn(usize) + Send + Sync + 'static,
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        let run = move |first, n| (first..first + n).for_each(&operation);
        Self::batched(work, (name, role), move |_, first, n| run(first, n), text)
    }

    /// A case that runs many operations at once: `run(thread, first, n)`, for what keeps its state by thread.
    pub fn batched(
        work: Work,
        (name, role): (&'static str, Role),
        run: impl Fn(usize, usize, usize) + Send + Sync + 'static,
        text: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        // Threads start at different places of the lists, so that they do not walk through them in step.
        let run = move |thread: usize, n| run(thread, thread * 131, n);
        Self {
            name,
            role,
            work,
            run: Box::new(run),
            settle: Box::new(|| ()),
            fold: None,
            text: Box::new(text),
            asked: AtomicU64::new(0),
        }
    }

    /// Has `settle` called after each run, outside the time.
    pub fn settling(mut self, settle: impl Fn() + Send + Sync + 'static) -> Self {
        self.settle = Box::new(settle);
        self
    }

    /// Says how its counts are read out while others count.
    pub fn folded_by(mut self, fold: impl Fn() + Send + Sync + 'static) -> Self {
        self.fold = Some(Box::new(fold));
        self
    }

    /// Whether it said how.
    pub fn can_fold(&self) -> bool {
        self.fold.is_some()
    }

    /// Reads the counts out once.
    pub fn fold(&self) {
        if let Some(fold) = &self.fold {
            fold();
        }
    }

    /// Runs `n` operations on the calling thread, which is the harness's thread number `thread`.
    pub fn run(&self, thread: usize, n: u64) {
        (self.run)(thread, usize::try_from(n).expect("no run is longer than memory"));
        self.asked.fetch_add(n, Ordering::Relaxed);
    }

    /// Puts away what a run left behind.
    pub fn settle(&self) {
        (self.settle)();
    }

    /// What the subject says it counted.
    pub fn text(&self) -> String {
        (self.text)()
    }

    /// Checks that the subject counted each operation that was asked of it, and none besides.
    ///
    /// # Panics
    ///
    /// When it did not. Nobody is drained beside writers here, so nobody may lose any.
    pub fn verify(&self) {
        let asked = self.asked.load(Ordering::Relaxed);
        let text = self.text();
        // A name that is not there sums up to 0, and so would pass unseen.
        assert!(asked == 0 || text::samples(&text).next().is_some(), "{self:?}: the text has no samples");
        assert_eq!(self.work.counted(&text), asked, "{self:?} counted wrongly");
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} doing {}", self.name, self.work)
    }
}

/// One subject rendering one text.
pub struct Scrape {
    /// The subject, and what of it is in the time.
    pub name: &'static str,
    /// What the subject is.
    pub role: Role,
    prepare: Box<dyn FnMut()>,
    render: Box<dyn FnMut() -> usize>,
    text: Box<dyn Fn() -> String>,
}

impl Scrape {
    /// A scrape; `render` writes the text to a place of its own and gives its length, `text` gives the text itself.
    pub fn new(
        (name, role): (&'static str, Role),
        render: impl FnMut() -> usize + 'static,
        text: impl Fn() -> String + 'static,
    ) -> Self {
        Self { name, role, prepare: Box::new(|| ()), render: Box::new(render), text: Box::new(text) }
    }

    /// Has `prepare` called before each rendering, outside the time.
    pub fn prepared(mut self, prepare: impl FnMut() + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Gets ready for a rendering.
    pub fn prepare(&mut self) {
        (self.prepare)();
    }

    /// Renders, and gives the length of the text.
    pub fn render(&mut self) -> usize {
        (self.render)()
    }

    /// Checks that the text is that of the shape, filled as all are.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn verify(&mut self, shape: Shape) {
        let text = (self.text)();
        let name = self.name;
        assert_eq!(text::samples(&text).count() as u64, shape.lines(), "{name}: sample lines of {shape}");
        assert_eq!(shape.counted(&text), shape.expected(), "{name}: total of {shape}");
        self.prepare();
        assert_eq!(self.render(), text.len(), "{name}: what is measured is not the text that was checked");
    }
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
