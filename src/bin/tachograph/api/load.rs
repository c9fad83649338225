//! Loading a scene: from the body of a request to the scene, or to what is wrong with it.
//!
//! It runs on blocking threads: a body may be 16 MiB of JSON, and a file takes as long as the disk.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tachograph::health::checks::Loads;
use tachograph::profile::OpenProfile;
use tachograph::server::{self, BodyError, Response, StatusCode};

use super::phase::{FILE_IO, FILE_READ, SCENE_PARSE, SCENE_VALIDATION};
use super::place::Places;
use super::{NO_DESCRIPTORS, RETRY_AFTER, read_object};
use crate::folder::{NotASceneName, ReadError, SceneFolder, SceneName};
use crate::scene::{ParseError, Scene};

/// A scene with the file it comes from, as the API tells it.
#[derive(Debug, Serialize)]
pub(crate) struct Loaded {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) scene: Scene,
}

/// The body of `POST /scene`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    path: String,
}

/// Why no scene was loaded; [`LoadError::label`] is how it is counted.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The body did not come whole: see the cause.
    Body(BodyError),
    /// The body is not the JSON that was asked for.
    Request(String),
    /// The path is no file name.
    Path(NotASceneName),
    /// There is no such scene, or its file cannot be read.
    File(ReadError),
    /// The file is no scene.
    Scene(ParseError),
    /// As many scenes as may be are being loaded, and none of them was done soon.
    Busy,
    /// Somebody asked for failing scenes at `/demo/fault`.
    Injected,
    /// The reader of scenes itself failed.
    Internal,
}

impl LoadError {
    /// Every label, so that each can be counted from the start.
    pub(crate) const LABELS: [&str; 9] = [
        "busy",
        "injected",
        "internal",
        "invalid_path",
        "invalid_request",
        "io_error",
        "not_found",
        "parse_error",
        "too_large",
    ];

    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Body(_) | Self::Request(_) => "invalid_request",
            Self::Path(_) | Self::File(ReadError::NotAFile) => "invalid_path",
            Self::File(ReadError::NotFound) => "not_found",
            Self::File(ReadError::TooLarge) => "too_large",
            Self::File(ReadError::Io(_) | ReadError::NoDescriptors | ReadError::Held) => "io_error",
            Self::File(ReadError::NotText) | Self::Scene(_) => "parse_error",
            Self::Busy => "busy",
            Self::Injected => "injected",
            Self::Internal => "internal",
        }
    }

    /// The answer to the client.
    pub(crate) fn answer(&self) -> Response {
        let response = server::error(self.status(), &self.to_string());
        match self {
            Self::Busy | Self::File(ReadError::NoDescriptors | ReadError::Held) => server::retry_after(response, RETRY_AFTER),
            _ => response,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Body(cause) => cause.status(),
            Self::Request(_) | Self::Path(_) | Self::File(ReadError::NotAFile) => StatusCode::BAD_REQUEST,
            Self::File(ReadError::NotFound) => StatusCode::NOT_FOUND,
            Self::File(ReadError::TooLarge | ReadError::NotText) | Self::Scene(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy | Self::Injected | Self::File(ReadError::NoDescriptors | ReadError::Held) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::File(ReadError::Io(_)) | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What the client is told. No path of the file system is in it.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(cause) => cause.fmt(f),
            Self::Request(told) => f.write_str(told),
            Self::Path(cause) => cause.fmt(f),
            Self::File(ReadError::NotFound) => f.write_str("there is no such scene, take one of GET /scenes"),
            Self::File(ReadError::NotAFile) => f.write_str("the path is no regular file, take one of GET /scenes"),
            Self::File(ReadError::TooLarge) => f.write_str("the scene file is too large to be loaded"),
            Self::File(ReadError::NotText) => f.write_str("the scene file is no UTF-8 text, save it again from the editor"),
            Self::File(ReadError::Io(_)) => f.write_str("the scene file cannot be read, the server's log says why"),
            Self::File(ReadError::NoDescriptors) => f.write_str(NO_DESCRIPTORS),
            Self::File(ReadError::Held) => f.write_str("another program holds the scene file, try again in a second"),
            Self::Busy => f.write_str("as many scenes are being loaded as may be at once, try again in a second"),
            Self::Scene(cause) => write!(f, "the scene is broken: {cause}"),
            Self::Injected => f.write_str("the scene failed because /demo/fault says so"),
            Self::Internal => f.write_str("the scene could not be loaded, this is a bug of the server"),
        }
    }
}

/// Loads the scene that `body` asks for, as phases of `profile`, in one of `places`. From when it is known to be one of the
/// folder it is among `loads`, where it waits for `delay` first.
pub(crate) async fn load(
    folder: &SceneFolder,
    body: impl AsRef<[u8]> + Send + 'static,
    profile: &Arc<OpenProfile>,
    places: &Places,
    loads: &Loads,
    delay: Duration,
) -> Result<Arc<Loaded>, LoadError> {
    let place = places.take().await.ok_or(LoadError::Busy)?;
    let known = {
        let (folder, profile) = (folder.clone(), Arc::clone(profile));
        // The place goes along with the work, which goes on though its client may have gone.
        move || validate(&folder, body.as_ref(), &profile).map(|name| (name, place))
    };
    let (name, place) = blocking(known).await?;
    let load = loads.begin(name.as_str());
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let (folder, profile) = (folder.clone(), Arc::clone(profile));
    let read = move || {
        // Go on for as long as this does.
        let (_load, _place) = (load, place);
        read(&folder, &name, &profile).map(|scene| Arc::new(Loaded { name: name.as_str().to_owned(), scene }))
    };
    blocking(read).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, LoadError> + Send + 'static) -> Result<T, LoadError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| {
        tracing::error!(%cause, "a scene could not be loaded");
        Err(LoadError::Internal)
    })
}

/// Returns the name of a scene that is there.
fn validate(folder: &SceneFolder, body: &[u8], profile: &OpenProfile) -> Result<SceneName, LoadError> {
    let _validation = profile.phase(SCENE_VALIDATION);
    let wanted: Wanted = read_object(body).map_err(LoadError::Request)?;
    let name = SceneName::parse(&wanted.path).map_err(LoadError::Path)?;
    folder.look(&name).map_err(|cause| file_error(&name, cause))?;
    Ok(name)
}

fn read(folder: &SceneFolder, name: &SceneName, profile: &OpenProfile) -> Result<Scene, LoadError> {
    let file_io = profile.phase(FILE_IO);
    let reading = file_io.phase(FILE_READ);
    let text = folder.read(name).map_err(|cause| file_error(name, cause))?;
    drop(reading);
    let _parsing = file_io.phase(SCENE_PARSE);
    crate::scene::parse(&text).map_err(LoadError::Scene)
}

fn file_error(name: &SceneName, cause: ReadError) -> LoadError {
    if let ReadError::Io(_) | ReadError::NoDescriptors | ReadError::Held = &cause {
        tracing::error!(scene = name.as_str(), %cause, "a scene file cannot be read");
    }
    LoadError::File(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_is_counted_under_a_known_label() {
        let io = || std::io::Error::other("disk on fire");
        for error in [
            LoadError::Body(BodyError::Large { limit: 1 }),
            LoadError::Request(String::new()),
            LoadError::Path(NotASceneName),
            LoadError::File(ReadError::NotFound),
            LoadError::File(ReadError::NotAFile),
            LoadError::File(ReadError::TooLarge),
            LoadError::File(ReadError::NotText),
            LoadError::File(ReadError::Io(io())),
            LoadError::File(ReadError::NoDescriptors),
            LoadError::File(ReadError::Held),
            LoadError::Busy,
            LoadError::Scene(ParseError::NoRoot { line: 1 }),
            LoadError::Injected,
            LoadError::Internal,
        ] {
            assert!(LoadError::LABELS.contains(&error.label()), "{error:?}");
            assert!(error.status().is_client_error() || error.status().is_server_error(), "{error:?}");
            assert!(!error.to_string().contains("disk on fire"), "the client learns nothing of the machine");
        }
    }
}
