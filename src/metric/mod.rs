//! What callers hold: handles that name slots, and families that find them by label values.
//!
//! [`counter`], [`float_counter`], [`gauge`], [`histogram`], [`gauge_histogram`], [`info`], [`summary`] and [`state_set`] are the
//! metrics; [`observe`] is how families of them take values, [`timer`] observes when it is dropped. [`bucket`] is the way from a value to
//! its bucket, [`quantile`] what a summary shows, [`exemplar`] keeps an observation that leads further. [`family`], [`label`],
//! [`table`] (with [`indexed`], [`hash_index`] and [`list`]), [`series`] and [`kept`] are the way from label values to a series,
//! [`reading`] what a snapshot takes of it,
//! [`typed`] the shorter one for labels that the compiler knows, with [`rows`] for strings among them. [`descriptor`] is what a family
//! is called, [`expiry`] when its series go.

pub(crate) mod bucket;
pub(crate) mod claims;
pub(crate) mod counter;
pub(crate) mod created;
pub(crate) mod descriptor;
pub(crate) mod exemplar;
pub(crate) mod expiry;
pub(crate) mod family;
pub(crate) mod float_counter;
pub(crate) mod gauge;
pub(crate) mod gauge_histogram;
pub(crate) mod hash_index;
pub(crate) mod histogram;
mod indexed;
pub(crate) mod info;
pub(crate) mod kept;
pub(crate) mod label;
mod list;
pub(crate) mod observe;
pub(crate) mod quantile;
pub(crate) mod reading;
pub(crate) mod rows;
pub(crate) mod series;
pub(crate) mod state_set;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod timer;
pub(crate) mod typed;
