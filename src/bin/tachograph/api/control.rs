//! What the user can turn in the running demo: `/demo/fault` and `/demo/engine`, for the user's token alone.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use tachograph::http::Method;
use tachograph::server::{self, Request, Response, StatusCode, Unauthorized};

use super::Demo;
use super::auth::Holder;

/// Something with a setting.
pub(crate) trait Control: Send + Sync + 'static {
    /// The setting, as it is told.
    type Setting: Serialize;

    /// Sets what the body of a POST says; or says what is wrong with it, and sets nothing. It may block.
    fn post(&self, body: &[u8]) -> Result<(), String>;

    /// The setting now.
    fn shown(&self) -> Self::Setting;
}

impl Demo {
    /// Answers with the setting of `control`, which a POST changes first.
    pub(super) async fn control(&self, control: Arc<impl Control>, mut request: Request) -> Response {
        let outcome = match self.tokens.identify(request.headers()) {
            Ok(Holder::Traffic | Holder::Burst) => Err(Unauthorized::WrongToken),
            outcome => outcome,
        };
        if let Some(refusal) = self.refusal(outcome) {
            return refusal;
        }
        if request.method() == Method::Post {
            let body = match request.body().await {
                Ok(body) => body,
                Err(cause) => return cause.into(),
            };
            let posted = Arc::clone(&control);
            let posting = tokio::task::spawn_blocking(move || posted.post(&body));
            if let Err(told) = posting.await.unwrap_or_else(|cause| Err(cause.to_string())) {
                return server::error(StatusCode::BAD_REQUEST, &told);
            }
        }
        server::json(StatusCode::OK, &json!(control.shown()))
    }
}
