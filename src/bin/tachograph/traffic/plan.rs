//! Which request comes when: a fixed cycle, so that every kind of request comes soon and often enough at any rate.

use std::time::Duration;

use bytes::Bytes;

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    Traffic,
    Burst,
    Nothing,
    Wrong,
    Malformed,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) credential: Credential,
    content: String,
    /// Blanks after the content: JSON allows them, and a large body is needed that means nothing more.
    padding: usize,
    /// How long the client stops in the middle of the body.
    pub(super) pause: Duration,
}

/// What comes next: one request, or several at once.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) exchanges: Vec<Exchange>,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    List,
    Show,
    /// The next scene of the folder, the broken one among them.
    Load,
    MissingScene,
    Outside,
    BadJson,
    LargeBody,
    SlowUpload,
    NoToken,
    WrongToken,
    MalformedHeader,
    RateLimited,
    UnknownPath,
    WrongMethod,
}

/// Everything happens in the first sixteen steps, then it goes on with mostly good requests.
const CYCLE: [Kind; 49] = {
    use Kind::*;
    [
        List,
        Load,
        Show,
        NoToken,
        Load,
        RateLimited,
        MissingScene,
        WrongToken,
        Load,
        UnknownPath,
        LargeBody,
        SlowUpload,
        MalformedHeader,
        BadJson,
        WrongMethod,
        Outside,
        Load,
        Show,
        List,
        Show,
        Load,
        Show,
        Show,
        List,
        Load,
        Show,
        Show,
        List,
        Load,
        Show,
        NoToken,
        List,
        Load,
        RateLimited,
        Show,
        Load,
        List,
        Show,
        MissingScene,
        Show,
        Load,
        LargeBody,
        Show,
        List,
        Load,
        WrongToken,
        Show,
        UnknownPath,
        Load,
    ]
};

/// Requests that a client sends at once when it means to run into its limit of two.
const BURST: usize = 5;
/// Large enough for the upper buckets of the sizes, small enough to be no load.
const LARGE_BODY_BYTES: usize = 300_000;

/// Longer than what counts as slow by default.
const SLOW_PAUSE: Duration = Duration::from_millis(180);

/// Returns the step of that number; `scenes` are the names of the folder's files.
pub(super) fn step(number: usize, scenes: &[String]) -> Step {
    let kind = CYCLE[number % CYCLE.len()];
    let good = |method, path| Exchange {
        method,
        path,
        credential: Credential::Traffic,
        content: String::new(),
        padding: 0,
        pause: Duration::ZERO,
    };
    let load = |content: String| Exchange { content, ..good("POST", "/scene") };
    let scene = |name: &str| load(serde_json::json!({ "path": name }).to_string());
    let next_scene = || match scenes {
        [] => scene("none.tscn"),
        scenes => scene(&scenes[loads_before(number) % scenes.len()]),
    };
    let one = match kind {
        Kind::List => good("GET", "/scenes"),
        Kind::Show => good("GET", "/scene"),
        Kind::Load => next_scene(),
        Kind::MissingScene => scene("atlantis.tscn"),
        Kind::Outside => scene("../secret.tscn"),
        Kind::BadJson => load("{\"path\": ".to_owned()),
        Kind::LargeBody => Exchange { padding: LARGE_BODY_BYTES, ..next_scene() },
        Kind::SlowUpload => Exchange { pause: SLOW_PAUSE, ..next_scene() },
        Kind::NoToken => Exchange { credential: Credential::Nothing, ..next_scene() },
        Kind::WrongToken => Exchange { credential: Credential::Wrong, ..next_scene() },
        Kind::MalformedHeader => Exchange { credential: Credential::Malformed, ..next_scene() },
        Kind::RateLimited => {
            let impatient = Exchange { credential: Credential::Burst, ..good("GET", "/scene") };
            return Step { exchanges: vec![impatient; BURST] };
        }
        Kind::UnknownPath => good("GET", "/teapot"),
        Kind::WrongMethod => good("DELETE", "/scene"),
    };
    Step { exchanges: vec![one] }
}

/// Counts the loads before a step, so that they take the scenes in turn.
fn loads_before(number: usize) -> usize {
    let loads = |steps: &[Kind]| steps.iter().filter(|kind| **kind == Kind::Load).count();
    number / CYCLE.len() * loads(&CYCLE) + loads(&CYCLE[..number % CYCLE.len()])
}

impl Exchange {
    pub(super) fn body(&self) -> Bytes {
        let mut body = String::with_capacity(self.content.len() + self.padding);
        body.push_str(&self.content);
        body.extend(std::iter::repeat_n(' ', self.padding));
        body.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenes() -> Vec<String> {
        ["a.tscn", "b.tscn", "c.tscn"].map(str::to_owned).to_vec()
    }

    #[test]
    fn every_kind_comes_in_the_first_sixteen_steps() {
        for kind in CYCLE {
            assert!(CYCLE[..16].contains(&kind), "{kind:?}");
        }
    }

    #[test]
    fn most_requests_are_good() {
        let good = CYCLE
            .iter()
            .filter(|kind| matches!(kind, Kind::List | Kind::Show | Kind::Load | Kind::LargeBody | Kind::SlowUpload))
            .count();
        assert!(good * 3 >= CYCLE.len() * 2, "{good} of {}", CYCLE.len());
    }

    #[test]
    fn loads_take_the_scenes_in_turn_across_cycles() {
        let loaded: Vec<String> = (0..CYCLE.len() * 3)
            .filter(|number| CYCLE[number % CYCLE.len()] == Kind::Load)
            .map(|number| step(number, &scenes()).exchanges.remove(0).content)
            .collect();
        for (number, content) in loaded.iter().enumerate() {
            assert_eq!(*content, format!("{{\"path\":\"{}\"}}", scenes()[number % 3]));
        }
    }

    #[test]
    fn an_empty_folder_is_no_obstacle() {
        for number in 0..CYCLE.len() {
            assert!(!step(number, &[]).exchanges.is_empty());
        }
    }

    #[test]
    fn a_large_body_is_its_content_and_blanks() {
        let large = (0..CYCLE.len()).find(|number| CYCLE[*number] == Kind::LargeBody).unwrap();
        let body = step(large, &scenes()).exchanges.remove(0).body();
        assert!(body.len() > LARGE_BODY_BYTES);
        assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["path"].is_string());
    }
}
