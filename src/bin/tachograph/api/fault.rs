//! Faults on demand: a share of 503 answers, a delay, scenes that fail or do not come, memory that is held for nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::control::{Control, Refused};
use super::read_object;
use crate::editor::{Editor, Mode, Modes};

/// The longest delay that can be asked for.
const MAX_DELAY_MS: u64 = 60_000;
/// The most memory that can be asked for: enough to pass every limit that is watched.
const MAX_HOLD_MIB: usize = 4096;
/// What is held, many times over.
static PIECE: [u8; 1 << 16] = [1; 1 << 16];

/// What is injected into the scene API. What a setting leaves out is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Setting {
    /// Share of requests that are answered 503, from 0 to 1.
    error_share: f64,
    /// Milliseconds that every request waits first.
    delay_ms: u64,
    /// Whether every scene that is loaded fails.
    fail_scenes: bool,
    /// Milliseconds that every scene needs longer to load.
    load_delay_ms: u64,
    /// Mebibytes that the process holds for nothing.
    hold_mib: usize,
    /// How the demo's own debug adapter is; none if another is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    debug_adapter: Option<Mode>,
    /// How the demo's own language server is; none if another is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    language_server: Option<Mode>,
}

/// What one request has to suffer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Injected {
    pub(crate) delay: Duration,
    pub(crate) error: bool,
    pub(crate) fail_scene: bool,
    pub(crate) load_delay: Duration,
}

/// The present setting. A std mutex is enough: it is held for two additions.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    present: Mutex<Present>,
    ballast: Mutex<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Present {
    setting: Setting,
    /// The share of errors that is owed, below 1.
    owed: f64,
}

impl Setting {
    /// Reads a setting from JSON, and says what is wrong with it.
    fn parse(body: &[u8]) -> Result<Self, String> {
        let setting: Self = read_object(body)?;
        if !(0.0..=1.0).contains(&setting.error_share) {
            return Err("error_share must lie between 0 and 1".to_owned());
        }
        for (name, delay) in [("delay_ms", setting.delay_ms), ("load_delay_ms", setting.load_delay_ms)] {
            if delay > MAX_DELAY_MS {
                return Err(format!("{name} must be at most {MAX_DELAY_MS}"));
            }
        }
        if setting.hold_mib > MAX_HOLD_MIB {
            return Err(format!("hold_mib must be at most {MAX_HOLD_MIB}"));
        }
        Ok(setting)
    }

    /// What is to become of the demo's own debug adapter and language server.
    pub(crate) fn editor(&self) -> Modes {
        Modes { debug_adapter: self.debug_adapter, language_server: self.language_server }
    }

    /// The same with what they are.
    pub(crate) fn with_editor(self, modes: Modes) -> Self {
        Self { debug_adapter: modes.debug_adapter, language_server: modes.language_server, ..self }
    }
}

/// What `/demo/fault` turns.
pub(crate) struct FaultControl {
    pub(crate) faults: Arc<Faults>,
    editor: Arc<Editor>,
    /// Held by the one that sets: of two at once, one is first in all parts.
    setting: tokio::sync::Mutex<()>,
}

impl FaultControl {
    pub(crate) fn new(editor: &Arc<Editor>) -> Self {
        Self { faults: Arc::default(), editor: Arc::clone(editor), setting: tokio::sync::Mutex::default() }
    }
}

impl Control for FaultControl {
    type Setting = Setting;

    async fn post(self: Arc<Self>, body: &[u8]) -> Result<(), Refused> {
        let setting = Setting::parse(body).map_err(Refused::Wrong)?;
        self.editor.accepts(setting.editor()).map_err(Refused::Wrong)?;
        let _alone = self.setting.lock().await;
        let faults = Arc::clone(&self.faults);
        // Memory that is taken or given back takes its time.
        let set = tokio::task::spawn_blocking(move || faults.set(setting)).await;
        set.unwrap_or_else(|cause| Err(cause.to_string())).map_err(Refused::Failed)?;
        self.editor.set(setting.editor()).await.map_err(Refused::Failed)
    }

    async fn shown(&self) -> Setting {
        let setting = self.faults.present().setting;
        setting.with_editor(self.editor.modes().await)
    }
}

impl Faults {
    /// Sets the faults, and takes or gives back the memory, which may last some tenths of a second.
    ///
    /// # Errors
    ///
    /// When there is not so much memory. Then nothing is set.
    fn set(&self, setting: Setting) -> Result<(), String> {
        let bytes = setting.hold_mib << 20;
        let mut ballast = self.ballast.lock().unwrap_or_else(PoisonError::into_inner);
        // What is held already is kept: a second piece beside it would take both for a while.
        let more = bytes.saturating_sub(ballast.len());
        ballast.try_reserve_exact(more).map_err(|cause| format!("hold_mib cannot be had: {cause}"))?;
        // Ones: what is written to is resident, where zeros need not be.
        // Piece by piece, which is quick without optimisation too.
        ballast.truncate(bytes);
        while ballast.len() < bytes {
            let piece = PIECE.len().min(bytes - ballast.len());
            ballast.extend_from_slice(&PIECE[..piece]);
        }
        ballast.shrink_to_fit();
        *self.present() = Present { setting, owed: 0.0 };
        Ok(())
    }

    /// Decides for one request. The errors are spread evenly: of 100 requests with a share of 0.2 exactly 20 fail.
    pub(crate) fn inject(&self) -> Injected {
        let mut present = self.present();
        let Setting { error_share, delay_ms, fail_scenes, load_delay_ms, .. } = present.setting;
        present.owed += error_share;
        // A little less than 1, since ten times 0.1 is.
        let error = present.owed > 1.0 - 1e-9;
        if error {
            present.owed -= 1.0;
        }
        let load_delay = Duration::from_millis(load_delay_ms);
        Injected { delay: Duration::from_millis(delay_ms), error, fail_scene: fail_scenes, load_delay }
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        // Nothing under the lock can panic half way.
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_share_fails() {
        for (body, of, expected) in [("0", 100, 0), ("0.1", 100, 10), ("0.25", 100, 25), ("0.999", 1_000, 999), ("1", 100, 100)]
        {
            let faults = Faults::default();
            faults.set(Setting::parse(format!("{{\"error_share\": {body}}}").as_bytes()).unwrap()).unwrap();
            let failed = (0..of).filter(|_| faults.inject().error).count();
            assert_eq!(failed, expected, "share {body}");
        }
    }

    #[test]
    fn what_a_setting_leaves_out_is_off() {
        let faults = Faults::default();
        let all = br#"{"error_share": 1, "delay_ms": 5, "fail_scenes": true, "load_delay_ms": 7}"#;
        faults.set(Setting::parse(all).unwrap()).unwrap();
        let (delay, load_delay) = (Duration::from_millis(5), Duration::from_millis(7));
        assert_eq!(faults.inject(), Injected { delay, error: true, fail_scene: true, load_delay });
        faults.set(Setting::parse(b"{}").unwrap()).unwrap();
        assert_eq!(faults.inject(), Injected::default());
    }

    #[test]
    fn memory_is_held_as_long_as_a_setting_says() {
        let faults = Faults::default();
        faults.set(Setting::parse(br#"{"hold_mib": 3}"#).unwrap()).unwrap();
        assert_eq!(faults.ballast.lock().unwrap().len(), 3 << 20);
        faults.set(Setting::parse(br#"{"hold_mib": 2}"#).unwrap()).unwrap();
        assert_eq!(faults.ballast.lock().unwrap().capacity(), 2 << 20);
        faults.set(Setting::parse(b"{}").unwrap()).unwrap();
        assert_eq!(faults.ballast.lock().unwrap().capacity(), 0);
    }

    #[test]
    fn a_wrong_setting_is_told_what_is_wrong() {
        for (body, part) in [
            ("", "no JSON object"),
            ("[1]", "no JSON object"),
            (r#"{"error_share": 1.5}"#, "error_share must lie between 0 and 1"),
            (r#"{"error_share": -0.1}"#, "error_share must lie between 0 and 1"),
            (r#"{"delay_ms": -1}"#, "invalid value"),
            (r#"{"delay_ms": 60001}"#, "delay_ms must be at most 60000"),
            (r#"{"load_delay_ms": 60001}"#, "load_delay_ms must be at most 60000"),
            (r#"{"hold_mib": 4097}"#, "at most 4096"),
            (r#"{"fail_scenes": 1}"#, "expected a boolean"),
            (r#"{"debug_adapter": "dead"}"#, "unknown variant `dead`, expected one of `up`, `silent`, `down`"),
            (r#"{"errors": 1}"#, "unknown field `errors`"),
        ] {
            let told = Setting::parse(body.as_bytes()).unwrap_err();
            assert!(told.contains(part), "{body}: {told}");
        }
        let long = format!("{{\"{}\": 1}}", "é".repeat(100_000));
        let told = Setting::parse(long.as_bytes()).unwrap_err();
        assert!(told.contains("unknown field `éé") && told.ends_with("é…") && told.len() < 400, "{} bytes", told.len());
    }
}
