//! The frame loop on demand: paused, or slowed.

use std::sync::Arc;

use super::control::{Control, Refused};
use super::read_object;
use crate::engine::{Engine, MAX_FPS, Setting};

impl Control for Engine {
    type Setting = Setting;

    async fn post(self: Arc<Self>, body: &[u8]) -> Result<(), Refused> {
        let setting = parse(body).map_err(Refused::Wrong)?;
        self.apply(setting);
        Ok(())
    }

    async fn shown(&self) -> Setting {
        self.setting()
    }
}

fn parse(body: &[u8]) -> Result<Setting, String> {
    let setting: Setting = read_object(body)?;
    if !(1..=MAX_FPS).contains(&setting.fps) {
        return Err(format!("fps must lie between 1 and {MAX_FPS}"));
    }
    Ok(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_setting_leaves_out_is_as_at_the_start() {
        let start = Setting { paused: false, fps: 60 };
        assert_eq!(parse(b"{}"), Ok(start));
        assert_eq!(parse(br#"{"paused": true}"#), Ok(Setting { paused: true, ..start }));
        assert_eq!(parse(br#"{"fps": 240}"#), Ok(Setting { fps: 240, ..start }));
    }

    #[test]
    fn a_wrong_setting_is_told_what_is_wrong() {
        for (body, part) in [
            ("", "no JSON object"),
            ("[true, 60]", "no JSON object"),
            (r#"{"fps": 0}"#, "fps must lie between 1 and 240"),
            (r#"{"fps": 241}"#, "fps must lie between 1 and 240"),
            (r#"{"fps": 59.94}"#, "invalid type"),
            (r#"{"fps": -1}"#, "invalid value"),
            (r#"{"paused": 1}"#, "expected a boolean"),
            (r#"{"speed": 1}"#, "unknown field `speed`"),
        ] {
            let told = parse(body.as_bytes()).unwrap_err();
            assert!(told.contains(part), "{body}: {told}");
        }
    }
}
