//! Profiles of requests, and what is read out of them.

use std::time::Duration;

use tachograph::profile::flame::{FlameGraph, chrome_trace, pprof, speedscope};
use tachograph::profile::query::{Format, Query, Wanted};
use tachograph::profile::{ProfileOptions, Profiler, report};

use crate::borrowed::{Options, cloned, freed, handle, options, text};
use crate::failure::{Failure, made, status, told};
use crate::{TachographBody, TachographRegistry, TachographStatus, TachographStr};

/// Keeps the profiles of the last requests, and of the slowest and of those that exemplars name beside them, in a fixed memory.
/// Free it with `tachograph_profiler_free`.
#[derive(Clone, Debug)]
pub struct TachographProfiler(pub(crate) Profiler);

/// How a profiler is set up. Set all of it to 0 and then `size`; what is 0 is left to the library.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographProfilerOptions {
    /// `sizeof(TachographProfilerOptions)`.
    pub size: usize,
    /// Profiles of the last requests, 392 bytes each; 0 is 1000. At most 1000000.
    pub capacity: usize,
    /// How long a request takes that is slow, in milliseconds; 0 is 100.
    pub slow_threshold_ms: u64,
}

// SAFETY: it is `repr(C)`, its size comes first, and all else are integers.
unsafe impl Options for TachographProfilerOptions {
    const DEFAULT: Self = Self { size: size_of::<Self>(), capacity: 0, slow_threshold_ms: 0 };
}

/// Beyond it a mistake is likelier than a wish, and memory that there is not ends the process.
const MOST_PROFILES: usize = 1_000_000;

/// Makes a profiler and allocates its memory, 500 KB by default. `options` may be NULL.
///
/// Threads: any.
/// Errors: NULL when the options are not right.
///
/// # Safety
///
/// `options` is NULL or as large as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_new(options: *const TachographProfilerOptions) -> *mut TachographProfiler {
    made(|| {
        // SAFETY: as the caller promises.
        let given = unsafe { self::options(options, "options") }?;
        if given.capacity > MOST_PROFILES {
            return Err(Failure::argument(format!("capacity is {}, {MOST_PROFILES} is the most", given.capacity)));
        }
        let mut options = ProfileOptions::default();
        if given.capacity > 0 {
            options.capacity = given.capacity;
        }
        if given.slow_threshold_ms > 0 {
            options.slow_threshold = Duration::from_millis(given.slow_threshold_ms);
        }
        Ok(TachographProfiler(Profiler::new(options)))
    })
}

/// Adds to the scrapes what the profiler costs and has lost, `tachograph_profile*`. A registry has one profiler.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_REFUSED` when the names are taken.
///
/// # Safety
///
/// Both are NULL or handles that are not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_register_metrics(
    profiler: *const TachographProfiler,
    registry: *const TachographRegistry,
) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let (profiler, registry) = unsafe { (handle(profiler, "profiler")?, handle(registry, "registry")?) };
        Ok(profiler.0.register_metrics(&registry.0)?)
    })
}

/// What a query of a caller asks for.
///
/// # Safety
///
/// `profiler` is NULL or alive, the text is as long as it says.
unsafe fn asked<'a>(
    profiler: *const TachographProfiler,
    query: TachographStr,
    wanted: Wanted,
) -> Result<(&'a Profiler, Query), Failure> {
    // SAFETY: as the caller promises.
    let (TachographProfiler(profiler), query) = unsafe { (handle(profiler, "profiler")?, text(query, "query")?) };
    Ok((profiler, Query::from_json(wanted, profiler.most(), query.as_bytes())?))
}

/// Writes the profiles that a query asks for as JSON, with the statistics of all that match. `query` is a JSON object of
/// filters, such as `{"endpoint": "/scene", "sort": "slowest", "limit": 5}`, or empty for all: the same that `POST
/// /debug/profile` takes.
///
/// Threads: any but one that must not wait: it takes milliseconds.
/// Lifetimes: the body is a copy.
/// Errors: NULL when `profiler` is, or the query makes no sense.
///
/// # Safety
///
/// `profiler` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_listing(
    profiler: *const TachographProfiler,
    query: TachographStr,
) -> *mut TachographBody {
    made(|| {
        // SAFETY: as the caller promises.
        let (profiler, query) = unsafe { asked(profiler, query, Wanted::Profiles) }?;
        Ok(TachographBody::report(report::listing(&query, profiler.profiles()), "application/json"))
    })
}

/// Writes a flame graph of the profiles that a query asks for, as `tachograph_profiler_listing`. The filter `format` is one of
/// `json` (d3-flame-graph, the default), `folded`, `svg`, `speedscope`, `trace` and `pprof`; `compare` is a span, such as
/// `-10m..-5m`, whose requests these are compared with.
///
/// Threads, lifetimes and errors: as `tachograph_profiler_listing`.
///
/// # Safety
///
/// `profiler` is NULL or a handle that is not freed; the text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_flame_graph(
    profiler: *const TachographProfiler,
    query: TachographStr,
) -> *mut TachographBody {
    made(|| {
        // SAFETY: as the caller promises.
        let (profiler, query) = unsafe { asked(profiler, query, Wanted::FlameGraph) }?;
        let all = profiler.profiles();
        let chosen = |query: &Query| {
            let matching = query.matching(all.clone());
            query.page(&matching).to_vec()
        };
        let profiles = chosen(&query);
        let graph = || match query.before() {
            Some(before) => FlameGraph::difference(&profiles, &chosen(&before)),
            None => FlameGraph::of(&profiles),
        };
        Ok(match query.format {
            Format::Json => TachographBody::report(graph().d3(), "application/json"),
            Format::Folded => TachographBody::report(graph().folded(), "text/plain; charset=utf-8"),
            Format::Svg => TachographBody::report(graph().svg(&format!("{} requests", profiles.len())), "image/svg+xml"),
            Format::Speedscope => TachographBody::report(speedscope(&profiles), "application/json"),
            Format::Trace => TachographBody::report(chrome_trace(&profiles), "application/json"),
            Format::Pprof => TachographBody::report(pprof(&profiles), "application/octet-stream"),
        })
    })
}

/// Forgets all profiles that have ended by now, and tells how many there were; 0 of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `profiler` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_clear(profiler: *const TachographProfiler) -> usize {
    // SAFETY: as the caller promises.
    unsafe { profiler.as_ref() }.map_or(0, |profiler| told(0, || profiler.0.clear()))
}

/// Makes another handle of the same profiler; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `profiler` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_clone(profiler: *const TachographProfiler) -> *mut TachographProfiler {
    // SAFETY: as the caller promises.
    unsafe { cloned(profiler) }
}

/// Frees a handle to a profiler; NULL is nothing. Requests that are open keep it until they have ended.
///
/// Threads: any.
///
/// # Safety
///
/// `profiler` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_profiler_free(profiler: *mut TachographProfiler) {
    // SAFETY: as the caller promises.
    unsafe { freed(profiler) }
}
