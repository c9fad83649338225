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

    /// Sets what the body of a POST says.
    fn post(self: Arc<Self>, body: &[u8]) -> impl Future<Output = Result<(), Refused>> + Send;

    /// The setting now.
    fn shown(&self) -> impl Future<Output = Self::Setting> + Send;
}

/// Why a setting is not set.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is wrong.
    Wrong(String),
    /// It cannot be had now.
    Failed(String),
}

impl Demo {
    /// Answers with the setting of `control`, which a POST changes first.
    pub(super) async fn control(&self, control: Arc<impl Control>, mut request: Request) -> Response {
        let outcome = match self.holders.identify(request.client(), request.headers()) {
            Ok(Holder::Traffic | Holder::Burst) => Err(Unauthorized::WrongToken),
            outcome => outcome,
        };
        if let Some(refusal) = self.refusal(outcome) {
            return refusal;
        }
        if request.method() == Method::Post {
            let path = request.uri().path().to_owned();
            let body = match request.body().await {
                Ok(body) => body,
                Err(cause) => return cause.into(),
            };
            match Arc::clone(&control).post(&body).await {
                Ok(()) => {
                    let setting = json!(control.shown().await);
                    tracing::warn!(path, %setting, "the demo is set otherwise");
                }
                Err(Refused::Wrong(told)) => return server::error(StatusCode::BAD_REQUEST, &told),
                Err(Refused::Failed(told)) => return server::error(StatusCode::SERVICE_UNAVAILABLE, &told),
            }
        }
        server::json(StatusCode::OK, &json!(control.shown().await))
    }
}
