//! `/metrics`: a fresh snapshot in the form that the client asks for. Folding happens on the snapshot thread, rendering and compressing
//! on a blocking thread, once however many ask, and the bytes go out of the snapshot itself, without a copy.
//!
//! [`wish`] reads what a request asks for, [`refusal`] is what it gets when it cannot have it.

mod refusal;
mod wish;

use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_ENCODING, HeaderValue, VARY};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::options::Options;
use super::respond::{self, Response};
use crate::exposition::{Coding, Encoding};
use crate::http::served::Served;
use crate::{Registry, Snapshot};
use refusal::{Refusal, Refusals, Stage};
pub(super) use wish::Wish;

/// What the scrapes of one server share.
#[derive(Debug)]
pub(super) struct Scrapes {
    registry: Registry,
    created_timestamps: bool,
    /// None when there is no limit.
    places: Option<Arc<Semaphore>>,
    max_scrapes: usize,
    refusals: Refusals,
}

/// The place of a scrape, held from its request to the last byte handed over.
type Place = Option<OwnedSemaphorePermit>;

impl Scrapes {
    pub(super) fn new(registry: &Registry, served: &Served, options: &Options) -> Self {
        let places = |limit: usize| Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS)));
        Self {
            registry: registry.clone(),
            created_timestamps: options.created_timestamps,
            places: (options.max_scrapes > 0).then(|| places(options.max_scrapes)),
            max_scrapes: options.max_scrapes,
            refusals: Refusals::new(served),
        }
    }

    /// Answers with every increment that happened before the request.
    pub(super) async fn answer(self: Arc<Self>, wish: Wish) -> Response {
        let begun = Instant::now();
        match self.rendered(wish, begun).await {
            Ok(response) => response,
            Err(refusal) => self.refusals.answer(refusal),
        }
    }

    async fn rendered(&self, wish: Wish, begun: Instant) -> Result<Response, Refusal> {
        let Wish { encoding, coding, names, patience } = wish;
        let (encoding, names) = (encoding.with_created(self.created_timestamps), names?);
        let place = self.take_place()?;
        let deadline = begun + patience;
        let late = |stage| move |_| Refusal::Late { stage, waited: patience };

        let (give, take) = oneshot::channel();
        // Nobody takes it when the client left meanwhile; the snapshot then simply goes.
        self.registry.snapshot_with(move |snapshot| drop(give.send(snapshot)));
        let snapshot = timeout_at(deadline, take).await.map_err(late(Stage::Snapshot))?;
        let snapshot = snapshot.map_err(|_| Refusal::NoSnapshot)?;

        // Not waited for beyond the deadline, but finished: the next scrape may find it done.
        let rendering = tokio::task::spawn_blocking(move || {
            let form = match names {
                None => {
                    snapshot.compressed(encoding, coding);
                    Form::Shared { snapshot, encoding, coding }
                }
                Some(names) => {
                    Form::Own(coding.coded(snapshot.exposition_of(encoding, &|family| names.choose(family, encoding))))
                }
            };
            Rendered { form, _place: place }
        });
        let rendered = timeout_at(deadline, rendering).await.map_err(late(Stage::Rendering))?;
        let rendered = rendered.map_err(Refusal::NotRendered)?;

        let mut response = respond::plain(StatusCode::OK, encoding.content_type(), Bytes::from_owner(rendered));
        let headers = response.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
        if let Some(coding) = coding.content_encoding() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        Ok(response)
    }

    fn take_place(&self) -> Result<Place, Refusal> {
        let Some(places) = &self.places else {
            return Ok(None);
        };
        let place = Arc::clone(places).try_acquire_owned();
        place.map(Some).map_err(|_| Refusal::Busy { max_scrapes: self.max_scrapes })
    }
}

/// A rendered scrape, as the owner of an answer's bytes.
struct Rendered {
    form: Form,
    _place: Place,
}

enum Form {
    /// Rendered already, and shared by all who ask for it.
    Shared { snapshot: Arc<Snapshot>, encoding: Encoding, coding: Coding },
    /// Of this request alone.
    Own(Vec<u8>),
}

impl AsRef<[u8]> for Rendered {
    fn as_ref(&self) -> &[u8] {
        match &self.form {
            Form::Shared { snapshot, encoding, coding } => snapshot.compressed(*encoding, *coding),
            Form::Own(bytes) => bytes,
        }
    }
}
