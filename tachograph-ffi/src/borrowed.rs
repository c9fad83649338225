//! What callers pass pointers to: read while the call lasts, checked as far as it can be.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::TachographStatus;
use crate::failure::Failure;

/// A text: `len` bytes from `data` on, in UTF-8, without a zero byte at the end. `data` may be NULL when `len` is 0.
///
/// `tachograph_str` makes one of a string of C, and in C++ of what converts to a `std::string_view`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TachographStr {
    /// The first byte.
    pub data: *const std::ffi::c_char,
    /// How many bytes there are.
    pub len: usize,
}

impl TachographStr {
    /// For as long as `text` is there.
    pub(crate) fn of(text: &str) -> Self {
        Self { data: text.as_ptr().cast(), len: text.len() }
    }
}

/// What a handle points to.
///
/// # Safety
///
/// The handle is NULL, or alive while what is returned is used.
#[inline]
pub(crate) unsafe fn handle<'a, T>(handle: *const T, what: &str) -> Result<&'a T, Failure> {
    // SAFETY: as the caller promises.
    unsafe { handle.as_ref() }.ok_or_else(|| Failure::null(what))
}

/// Another handle of the same; NULL of NULL.
///
/// # Safety
///
/// The handle is NULL or alive.
pub(crate) unsafe fn cloned<T: Clone>(handle: *const T) -> *mut T {
    // SAFETY: as the caller promises.
    match unsafe { handle.as_ref() } {
        Some(shared) => crate::failure::made(|| Ok(shared.clone())),
        None => std::ptr::null_mut(),
    }
}

/// Takes a handle back.
///
/// # Safety
///
/// The handle is NULL, or alive and never used again.
pub(crate) unsafe fn taken<T>(handle: *mut T) -> Option<Box<T>> {
    // SAFETY: one that is not NULL came from `made`, out of `Box::into_raw`, and nobody else has it, as the caller promises.
    (!handle.is_null()).then(|| unsafe { Box::from_raw(handle) })
}

/// Frees a handle.
///
/// # Safety
///
/// As [`taken`].
pub(crate) unsafe fn freed<T>(handle: *mut T) {
    // SAFETY: as the caller promises.
    let handle = unsafe { taken(handle) };
    crate::failure::told((), || drop(handle));
}

/// # Safety
///
/// The bytes are there while what is returned is used.
#[inline]
unsafe fn bytes<'a>(text: TachographStr, what: &str) -> Result<&'a [u8], Failure> {
    if text.len == 0 {
        return Ok(&[]);
    }
    if text.data.is_null() {
        return Err(Failure::null(what));
    }
    if text.len > isize::MAX as usize {
        return Err(Failure::too_many(what, text.len));
    }
    // SAFETY: it is not NULL, no longer than memory is, and there, as the caller promises; bytes need no alignment.
    Ok(unsafe { std::slice::from_raw_parts(text.data.cast(), text.len) })
}

/// A text of the program's own: what is not UTF-8 is refused.
///
/// # Safety
///
/// The bytes are there while what is returned is used.
pub(crate) unsafe fn text<'a>(text: TachographStr, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { bytes(text, what) }?;
    str::from_utf8(bytes).map_err(|error| Failure::new(TachographStatus::InvalidUtf8, format!("{what} is no UTF-8: {error}")))
}

/// A text that may come from a client: what is not UTF-8 in it is shown as U+FFFD, so that nobody is left uncounted for it.
///
/// # Safety
///
/// As [`text`].
#[inline]
pub(crate) unsafe fn lossy<'a>(text: TachographStr, what: &str) -> Result<Cow<'a, str>, Failure> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { bytes(text, what) }?;
    // Looked at as a whole first: `from_utf8_lossy` is slower on what is right.
    Ok(str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed))
}

/// So many of an array; `items` may be NULL for none.
///
/// # Safety
///
/// As many are there as `count` says, while what is returned is used.
#[inline]
pub(crate) unsafe fn array<'a, T>(items: *const T, count: usize, what: &str) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if items.is_null() {
        return Err(Failure::null(what));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) || !items.is_aligned() {
        return Err(Failure::too_many(what, count));
    }
    // SAFETY: it is not NULL, aligned, no longer than memory is, and there, as the caller promises.
    Ok(unsafe { std::slice::from_raw_parts(items, count) })
}

/// Options: a struct of C that may grow.
///
/// # Safety
///
/// It is `repr(C)`, any bits are a value of each of its fields, and the first field is its size, a `usize`.
pub(crate) unsafe trait Options: Copy {
    /// All of them left to the library.
    const DEFAULT: Self;
}

/// The caller's options; NULL for those that are left to the library. A caller whose header is newer may have fields that are
/// not known here, as long as they are 0, which is what every field is that asks for nothing.
///
/// # Safety
///
/// `given` is NULL, or as many bytes are there as its `size` says.
pub(crate) unsafe fn options<T: Options>(given: *const T, what: &str) -> Result<T, Failure> {
    const MOST: usize = 4_096;
    if given.is_null() {
        return Ok(T::DEFAULT);
    }
    if !given.is_aligned() {
        return Err(Failure::argument(format!("{what} is not aligned")));
    }
    // SAFETY: the first field is the size, and is there, as the caller promises.
    let size = unsafe { given.cast::<usize>().read() };
    if !(size_of::<T>()..=MOST).contains(&size) {
        return Err(Failure::argument(format!("size of {what} is {size}: set it to the struct's sizeof, {}", size_of::<T>())));
    }
    // SAFETY: of these bytes the caller promises that they are there.
    let unknown = unsafe { array(given.add(1).cast::<u8>(), size - size_of::<T>(), what) }?;
    if unknown.iter().any(|&byte| byte != 0) {
        return Err(Failure::argument(format!("{what} asks for something that this version does not know")));
    }
    // SAFETY: it is there to its size, and any bits are a value, as the trait promises.
    Ok(unsafe { given.read() })
}

/// The same text for as long as the process lives, kept once: the engine wants names of labels and units so.
pub(crate) fn kept(text: &str) -> &'static str {
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    match kept.get(text) {
        Some(text) => text,
        None => {
            let text: &'static str = Box::leak(text.into());
            kept.insert(text);
            text
        }
    }
}
