//! What is read out: a scrape, a report. Whoever has it has all of its bytes for as long as it wants.

use std::sync::Arc;

use tachograph::Snapshot;
use tachograph::exposition::{Coding, Encoding};

use crate::TachographStr;
use crate::borrowed::freed;
use crate::failure::told;

/// Bytes that the library has made, and what they are. Free it with `tachograph_body_free`.
#[derive(Debug)]
pub struct TachographBody(pub(crate) Content);

#[derive(Debug)]
pub(crate) enum Content {
    /// Of a snapshot, which renders it once for all who ask.
    Scrape { snapshot: Arc<Snapshot>, encoding: Encoding, coding: Coding },
    /// Made for this one, with its content type.
    Report(Vec<u8>, &'static str),
}

impl TachographBody {
    pub(crate) fn report(bytes: impl Into<Vec<u8>>, content_type: &'static str) -> Self {
        Self(Content::Report(bytes.into(), content_type))
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Content::Scrape { snapshot, encoding, coding } => snapshot.compressed(*encoding, *coding),
            Content::Report(bytes, _) => bytes,
        }
    }

    fn content_type(&self) -> &'static str {
        match &self.0 {
            Content::Scrape { encoding, .. } => encoding.content_type(),
            Content::Report(_, content_type) => content_type,
        }
    }

    fn content_encoding(&self) -> &'static str {
        match &self.0 {
            Content::Scrape { coding, .. } => coding.content_encoding().unwrap_or_default(),
            Content::Report(..) => "",
        }
    }
}

/// What a body that is asked for tells; nothing of NULL.
///
/// # Safety
///
/// It is NULL or alive.
unsafe fn of_body<T>(body: *const TachographBody, otherwise: T, tell: impl FnOnce(&TachographBody) -> T) -> T {
    // SAFETY: as the caller promises.
    match unsafe { body.as_ref() } {
        Some(body) => told(otherwise, || tell(body)),
        None => otherwise,
    }
}

/// Tells where the bytes are; NULL if `body` is. They do not end in a zero byte.
///
/// Threads: any, also several at once.
/// Lifetimes: the bytes stay until the body is freed.
///
/// # Safety
///
/// `body` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_body_data(body: *const TachographBody) -> *const u8 {
    // SAFETY: as the caller promises.
    unsafe { of_body(body, std::ptr::null(), |body| body.bytes().as_ptr()) }
}

/// Tells how many bytes there are; 0 if `body` is NULL.
///
/// Threads: any, also several at once.
///
/// # Safety
///
/// `body` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_body_len(body: *const TachographBody) -> usize {
    // SAFETY: as the caller promises.
    unsafe { of_body(body, 0, |body| body.bytes().len()) }
}

/// Tells the value of the header `Content-Type`; empty if `body` is NULL.
///
/// Threads: any, also several at once.
/// Lifetimes: the text stays for as long as the process.
///
/// # Safety
///
/// `body` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_body_content_type(body: *const TachographBody) -> TachographStr {
    // SAFETY: as the caller promises.
    TachographStr::of(unsafe { of_body(body, "", TachographBody::content_type) })
}

/// Tells the value of the header `Content-Encoding`; empty when there is to be none.
///
/// Threads: any, also several at once.
/// Lifetimes: the text stays for as long as the process.
///
/// # Safety
///
/// `body` is NULL or a handle that is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_body_content_encoding(body: *const TachographBody) -> TachographStr {
    // SAFETY: as the caller promises.
    TachographStr::of(unsafe { of_body(body, "", TachographBody::content_encoding) })
}

/// Frees a body; NULL is nothing.
///
/// Threads: any.
/// Lifetimes: what `tachograph_body_data` told ends here.
///
/// # Safety
///
/// `body` is NULL or a handle that is not freed, and nobody uses it now or later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tachograph_body_free(body: *mut TachographBody) {
    // SAFETY: as the caller promises.
    unsafe { freed(body) }
}
