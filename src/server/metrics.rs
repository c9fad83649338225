//! `/metrics`: a fresh snapshot as text. Folding happens on the snapshot thread, rendering on a blocking thread, and the
//! text goes out of the snapshot itself, without a copy.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;

use super::respond::{self, Response};
use crate::exposition::TEXT_CONTENT_TYPE;
use crate::sync::Arc;
use crate::{Registry, Snapshot};

/// As long as Prometheus waits by default; a fold takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// A snapshot whose text has been rendered, as the owner of an answer's bytes.
struct Rendered(Arc<Snapshot>);

impl AsRef<[u8]> for Rendered {
    fn as_ref(&self) -> &[u8] {
        self.0.text().as_bytes()
    }
}

/// Answers with every increment that happened before the request.
pub(super) async fn scrape(registry: Registry) -> Response {
    let (give, take) = tokio::sync::oneshot::channel();
    // Nobody takes it when the client left meanwhile; the snapshot then simply goes.
    registry.snapshot_with(move |snapshot| drop(give.send(snapshot)));
    let Ok(Ok(snapshot)) = tokio::time::timeout(PATIENCE, take).await else {
        tracing::error!("the snapshot thread does not answer");
        return respond::error(StatusCode::SERVICE_UNAVAILABLE, "no snapshot could be taken, try again");
    };
    let rendering = tokio::task::spawn_blocking(move || {
        snapshot.text();
        Rendered(snapshot)
    });
    match rendering.await {
        Ok(rendered) => respond::plain(StatusCode::OK, TEXT_CONTENT_TYPE, Bytes::from_owner(rendered)),
        Err(cause) => {
            tracing::error!(%cause, "a snapshot could not be rendered");
            respond::error(StatusCode::INTERNAL_SERVER_ERROR, "the snapshot could not be rendered")
        }
    }
}
