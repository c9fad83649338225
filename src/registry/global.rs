//! The registry of the process.

use std::sync::LazyLock;

use super::Registry;

static GLOBAL: LazyLock<Registry> = LazyLock::new(Registry::new);

impl Registry {
    /// The registry of the process, for code that is handed none: a `static` handle, a library deep inside. It is empty at first, and
    /// the same for all who link this version of the crate; another version has one of its own, whose series are not in this one's
    /// scrapes.
    ///
    /// A name is registered once, so keep the handle, as below. A library that takes a `&Registry` leaves the choice to its users, and
    /// to tests, which want one each.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::LazyLock;
    /// use tachograph::{Counter, Registry};
    ///
    /// static RETRIES: LazyLock<Counter> =
    ///     LazyLock::new(|| Registry::global().counter("retries_total", "Calls tried again.").expect("the name is ours"));
    ///
    /// RETRIES.inc();
    /// assert!(Registry::global().snapshot().text().ends_with("\nretries_total 1\n"));
    /// ```
    pub fn global() -> &'static Self {
        &GLOBAL
    }
}
