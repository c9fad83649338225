//! Registries, and their scrapes.

use tachograph::Registry;
use tachograph::exposition::{Coding, Encoding};

use crate::body::Content;
use crate::borrowed::{array, cloned, freed, handle, text};
use crate::failure::{Failure, made, status};
use crate::{TachographBody, TachographStatus, TachographStr};

/// A set of families that are scraped together. Free it with `tachograph_registry_free`.
#[derive(Clone, Debug)]
pub struct TachographRegistry(pub(crate) Registry);

/// Makes an empty registry.
///
/// Threads: any.
/// Lifetimes: what is registered in it goes on when this handle is freed, as long as there are handles to it.
/// Errors: NULL only for a panic.
#[unsafe(no_mangle)]
pub extern "C" fn tachograph_registry_new() -> *mut TachographRegistry {
    made(|| Ok(TachographRegistry(Registry::new())))
}

/// Makes an empty registry whose series all carry these labels, `count` names and as many values: what tells one instance of a
/// service from others. A label whose value is empty is left out.
///
/// Threads: any.
/// Lifetimes: the texts are read before it returns.
/// Errors: NULL when a text is not UTF-8, or a name is not legal, is there twice, or is `le` or `quantile`.
///
/// # Safety
///
/// `names` and `values` are arrays of `count`, or NULL when that is 0; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_registry_with_labels(
    names: *const TachographStr,
    values: *const TachographStr,
    count: usize,
) -> *mut TachographRegistry {
    made(|| {
        // SAFETY: as the caller promises.
        let (names, values) = unsafe { (array(names, count, "names")?, array(values, count, "values")?) };
        let pairs = names.iter().zip(values).map(|(&name, &value)| {
            // SAFETY: as the caller promises.
            Ok(unsafe { (text(name, "a label's name")?, text(value, "a label's value")?) })
        });
        let pairs = pairs.collect::<Result<Vec<_>, Failure>>()?;
        Ok(TachographRegistry(Registry::with_labels(pairs)?))
    })
}

/// Makes a handle to the registry of the process, the same for all who link this copy of the library.
///
/// Threads: any.
/// Errors: NULL only for a panic.
#[unsafe(no_mangle)]
pub extern "C" fn tachograph_registry_global() -> *mut TachographRegistry {
    made(|| Ok(TachographRegistry(Registry::global().clone())))
}

/// Adds to the scrapes what the engine holds, costs and has refused, `tachograph_*`. Once is enough.
///
/// Threads: any.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_REFUSED` when one of the names is taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_registry_register_engine_metrics(registry: *const TachographRegistry) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let registry = unsafe { handle(registry, "registry") }?;
        Ok(registry.0.register_engine_metrics()?)
    })
}

/// Adds to the scrapes what the process uses, `process_*`: processor time, memory, descriptors, threads. Once is enough.
///
/// Threads: any. The first scrape that has them starts a thread, which sleeps between scrapes.
/// Errors: `TACHOGRAPH_STATUS_NULL_POINTER`; `TACHOGRAPH_STATUS_REFUSED` when one of the names is taken.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_registry_register_process_metrics(registry: *const TachographRegistry) -> TachographStatus {
    status(|| {
        // SAFETY: as the caller promises.
        let registry = unsafe { handle(registry, "registry") }?;
        Ok(registry.0.register_process_metrics()?)
    })
}

/// Takes a snapshot of the registry, waits for it, and renders it, for a program that has a server of its own. `accept` and
/// `accept_encoding` are what the scraper sent in the headers of these names, empty for none: they choose the format (text
/// 0.0.4, which is also for who sends none or nonsense, text 1.0.0, OpenMetrics 1.0, protobuf) and the coding (none, gzip,
/// zstd). Answer with the body's content type, with its content encoding if there is one, and with `Vary: Accept,
/// Accept-Encoding`.
///
/// It holds every increment that happened before the call. Who asks at the same time shares one snapshot.
///
/// Threads: any but one that must not wait, such as a frame's: it takes from a tenth of a millisecond on. The first call starts
/// the snapshot thread, which stays for as long as the process.
/// Lifetimes: the body stays as it is, whatever becomes of the registry.
/// Errors: NULL when `registry` is.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed; each text is as long as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_registry_render(
    registry: *const TachographRegistry,
    accept: TachographStr,
    accept_encoding: TachographStr,
) -> *mut TachographBody {
    made(|| {
        // SAFETY: as the caller promises.
        let registry = unsafe { handle(registry, "registry") }?;
        // A header that is not UTF-8 is nonsense as any other.
        // SAFETY: as the caller promises.
        let headers = unsafe { (text(accept, "accept"), text(accept_encoding, "accept_encoding")) };
        let (encoding, coding) = (Encoding::negotiate(headers.0.ok()), Coding::negotiate(headers.1.ok()));
        let snapshot = registry.0.snapshot();
        // Now, and not when somebody asks for the bytes: that would be a surprise.
        snapshot.compressed(encoding, coding);
        Ok(TachographBody(Content::Scrape { snapshot, encoding, coding }))
    })
}

/// Makes another handle of the same registry; NULL of NULL.
///
/// Threads: any.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_registry_clone(registry: *const TachographRegistry) -> *mut TachographRegistry {
    // SAFETY: as the caller promises.
    unsafe { cloned(registry) }
}

/// Frees a handle to a registry; NULL is nothing. What was registered goes on as long as there are handles to it, or to the
/// registry.
///
/// Threads: any.
///
/// # Safety
///
/// `registry` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_registry_free(registry: *mut TachographRegistry) {
    // SAFETY: as the caller promises.
    unsafe { freed(registry) }
}
