//! The requests: their bytes, how each may be answered, and what the server must count for it beside the request itself.

use std::net::Ipv4Addr;

use crate::dice::Dice;
use crate::tally::{Effect, Target};

/// The bearer token of the demo that is driven.
pub(crate) const TOKEN: &str = "soak-token";

pub(crate) const SCENE: Target = Target { endpoint: "/scene", method: "GET" };
pub(crate) const SCENES: Target = Target { endpoint: "/scenes", method: "GET" };
pub(crate) const LOAD: Target = Target { endpoint: "/scene", method: "POST" };
pub(crate) const METRICS: Target = Target { endpoint: "/metrics", method: "GET" };
pub(crate) const EVENTS: Target = Target { endpoint: "/events", method: "GET" };

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anybody may ask; only the request is counted.
    Open(&'static [u16]),
    /// Anybody may ask, as often as the limit allows.
    Limited(&'static [u16]),
    /// A scene that can be loaded.
    Load(&'static str),
    /// A load that fails with this status and type of error.
    Fails(u16, &'static str),
    /// A load without the right token, with the result that is counted.
    Stranger(&'static str),
    /// With the token, where no limit is.
    Trusted(&'static [u16]),
    /// Where no limit is, without the right token.
    Refused(&'static str),
    /// With a wrong token where none is needed: the attempt is counted, and anybody's answer is given.
    Guessed(&'static [u16]),
}

/// A request that can be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    pub(crate) bytes: Vec<u8>,
    /// Where the body begins.
    pub(crate) head: usize,
}

impl Kind {
    /// What is counted beside the request when it is answered so; `None` if it never must be.
    pub(crate) fn effects(self, target: Target, status: u16) -> Option<Vec<Effect>> {
        let limited = vec![Effect { family: "rate_limit_hits_total", label: target.endpoint }];
        let auth = |label| Effect { family: "auth_attempts_total", label };
        match self {
            Self::Limited(_) | Self::Load(_) | Self::Fails(..) if status == 429 => Some(limited),
            // A guess is counted before the limit is asked.
            Self::Stranger(result) if status == 429 => Some([limited, vec![auth(result)]].concat()),
            Self::Open(statuses) | Self::Limited(statuses) => statuses.contains(&status).then(Vec::new),
            Self::Load(scene) => {
                (status == 200).then(|| vec![auth("success"), Effect { family: "scene_loads_total", label: scene }])
            }
            Self::Fails(with, label) => {
                (status == with).then(|| vec![auth("success"), Effect { family: "scene_load_errors_total", label }])
            }
            Self::Stranger(result) | Self::Refused(result) => (status == 401).then(|| vec![auth(result)]),
            Self::Trusted(statuses) => statuses.contains(&status).then(|| vec![auth("success")]),
            Self::Guessed(statuses) => statuses.contains(&status).then(|| vec![auth("wrong_token")]),
        }
    }

    /// All that may be counted beside the request when nobody waits for its answer.
    pub(crate) fn possible(self, target: Target) -> Vec<Effect> {
        let statuses: &[u16] = match self {
            Self::Open(_) => return Vec::new(),
            Self::Limited(_) => &[429],
            Self::Load(_) => &[200, 429],
            Self::Fails(status, _) => &[status, 429],
            Self::Stranger(_) => &[429],
            Self::Trusted(statuses) | Self::Guessed(statuses) => &statuses[..1],
            Self::Refused(_) => &[401],
        };
        let mut possible: Vec<Effect> = statuses.iter().filter_map(|status| self.effects(target, *status)).flatten().collect();
        if matches!(self, Self::Load(_)) {
            // Its body may break off.
            possible.push(Effect { family: "scene_load_errors_total", label: "invalid_request" });
        }
        possible
    }
}

impl Request {
    /// Puts a request together. `method` is what is sent, which the target may name otherwise.
    pub(crate) fn new(target: Target, method: &str, path: &str, kind: Kind, fields: &str, body: &[u8]) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{fields}");
        match kind {
            Kind::Load(_) | Kind::Fails(..) | Kind::Trusted(_) => head += &format!("Authorization: Bearer {TOKEN}\r\n"),
            Kind::Stranger("wrong_token") | Kind::Refused("wrong_token") | Kind::Guessed(_) => {
                head += "Authorization: Bearer guess\r\n"
            }
            Kind::Stranger("malformed_header") | Kind::Refused("malformed_header") => head += "Authorization: Basic Zzo=\r\n",
            Kind::Open(_) | Kind::Limited(_) | Kind::Stranger(_) | Kind::Refused(_) => {}
        }
        if method == "POST" || !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        let at = head.len();
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        Self { target, kind, bytes, head: at }
    }

    pub(crate) fn get(target: Target, path: &str, kind: Kind, fields: &str) -> Self {
        Self::new(target, target.method, path, kind, fields, b"")
    }

    /// A load of that scene, whose body has so many blanks more than it needs.
    pub(crate) fn load(scene: &'static str, blanks: usize, fields: &str) -> Self {
        let mut body = format!("{{\"path\":\"{scene}\"}}").into_bytes();
        body.resize(body.len() + blanks, b' ');
        Self::new(LOAD, "POST", "/scene", Kind::Load(scene), fields, &body)
    }

    /// Whether the answer has no body whatever its head says.
    pub(crate) fn is_head(&self) -> bool {
        self.target.method == "HEAD"
    }
}

/// Makes the requests of one client, one after the other, ever new ones.
#[derive(Debug)]
pub(crate) struct Mix {
    client: u16,
    number: u64,
    dice: Dice,
}

const SMALL: [&str; 4] = ["arena.tscn", "gallery.tscn", "lobby.tscn", "workshop.tscn"];

impl Mix {
    pub(crate) fn new(client: u16) -> Self {
        Self { client, number: 0, dice: Dice::new(u64::from(client) + 1) }
    }

    /// The next one. `fields` are those that all requests of this client have.
    pub(crate) fn next(&mut self, fields: &str) -> Request {
        self.number += 1;
        let fields = &self.fields(fields);
        let load = |body: &[u8], kind| Request::new(LOAD, "POST", "/scene", kind, fields, body);
        let number = self.number;
        let name = format!("{}-{number}", self.client);
        match self.dice.below(1_000) {
            0..500 => Request::get(SCENE, "/scene", Kind::Limited(&[200, 404]), fields),
            500..620 => Request::get(SCENES, "/scenes", Kind::Limited(&[200]), fields),
            620..700 => Request::load(SMALL[self.dice.below(SMALL.len() as u64) as usize], 0, fields),
            // Five hundred times as large as the others.
            700..701 => Request::load("city.tscn", 0, fields),
            701..715 => load(b"{\"path\":\"broken.tscn\"}", Kind::Fails(422, "parse_error")),
            715..735 => load(format!("{{\"path\":\"{name}.tscn\"}}").as_bytes(), Kind::Fails(404, "not_found")),
            735..745 => load(format!("{{\"path\":\"../{name}.tscn\"}}").as_bytes(), Kind::Fails(400, "invalid_path")),
            745..755 => load(b"{\"path\": ", Kind::Fails(400, "invalid_request")),
            755..775 => load(b"{\"path\":\"lobby.tscn\"}", Kind::Stranger("missing_token")),
            775..795 => load(b"{\"path\":\"lobby.tscn\"}", Kind::Stranger("wrong_token")),
            795..805 => load(b"{\"path\":\"lobby.tscn\"}", Kind::Stranger("malformed_header")),
            805..835 => self.unknown(&name, fields),
            835..845 => {
                let target = Target { endpoint: "/scene", method: "DELETE" };
                Request::new(target, "DELETE", "/scene", Kind::Open(&[405]), fields, b"")
            }
            845..915 => {
                let target = Target { endpoint: "/scene", method: "HEAD" };
                Request::get(target, "/scene", Kind::Limited(&[200, 404]), fields)
            }
            915..945 => {
                let target = Target { endpoint: "/scenes", method: "HEAD" };
                Request::get(target, "/scenes", Kind::Limited(&[200]), fields)
            }
            945..950 => {
                let target = Target { endpoint: "unmatched", method: "GET" };
                Request::get(target, &format!("/debug/{name}"), Kind::Refused("missing_token"), fields)
            }
            950..955 => {
                let target = Target { endpoint: "/debug/profile", method: "GET" };
                Request::get(target, "/debug/profile?limit=1", Kind::Refused("wrong_token"), fields)
            }
            955..975 => {
                let target = Target { endpoint: "/health/quick", method: "GET" };
                Request::get(target, "/health/quick", Kind::Open(&[200, 503]), fields)
            }
            975..990 => {
                let blanks = self.dice.below(64 * 1024) as usize;
                Request::load("lobby.tscn", blanks, fields)
            }
            _ => {
                let target = Target { endpoint: "/health/live", method: "GET" };
                Request::get(target, "/health/live", Kind::Open(&[200, 503]), fields)
            }
        }
    }

    /// A path that nobody has ever asked for.
    fn unknown(&mut self, name: &str, fields: &str) -> Request {
        let methods =
            [("GET", "GET"), ("HEAD", "HEAD"), ("POST", "POST"), ("PATCH", "PATCH"), ("DELETE", "DELETE"), ("BREW", "other")];
        let (sent, method) = methods[self.dice.below(methods.len() as u64) as usize];
        let target = Target { endpoint: "unmatched", method };
        Request::new(target, sent, &format!("/soak/{name}?of={name}"), Kind::Open(&[404]), fields, b"")
    }

    /// Who the client says it is: mostly the same, each with room of its own under the limit of rate; now and then somebody
    /// new, and some requests have an id and a trace that nobody has had before.
    fn fields(&mut self, fields: &str) -> String {
        let address = match self.dice.below(50) {
            0 => Ipv4Addr::from(0xC612_0000 | self.dice.below(1 << 17) as u32),
            _ => Ipv4Addr::from(0x0A00_0000 | u32::from(self.client) << 8 | 1),
        };
        let mut all = format!("{fields}X-Forwarded-For: {address}\r\n");
        if self.dice.below(8) == 0 {
            let (client, number) = (self.client, self.number);
            all += &format!(
                "X-Request-Id: soak-{client}-{number}\r\ntraceparent: 00-{client:016x}{number:016x}-{number:016x}-01\r\n"
            );
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_follows_kind_and_status() {
        let effects = |kind: Kind, status| kind.effects(LOAD, status);
        let effect = |family, label| Effect { family, label };
        let success = effect("auth_attempts_total", "success");
        assert_eq!(effects(Kind::Load("a"), 200), Some(vec![success, effect("scene_loads_total", "a")]));
        assert_eq!(effects(Kind::Load("a"), 429), Some(vec![effect("rate_limit_hits_total", "/scene")]));
        assert_eq!(effects(Kind::Load("a"), 500), None);
        assert_eq!(
            effects(Kind::Fails(422, "parse_error"), 422),
            Some(vec![success, effect("scene_load_errors_total", "parse_error")])
        );
        assert_eq!(effects(Kind::Stranger("wrong_token"), 401), Some(vec![effect("auth_attempts_total", "wrong_token")]));
        assert_eq!(effects(Kind::Stranger("wrong_token"), 429).map(|effects| effects.len()), Some(2));
        assert_eq!(effects(Kind::Open(&[200]), 429), None);
        assert_eq!(effects(Kind::Refused("wrong_token"), 429), None, "there is no limit");
        assert_eq!(Kind::Limited(&[200]).possible(SCENE), vec![effect("rate_limit_hits_total", "/scene")]);
        assert_eq!(Kind::Load("a").possible(LOAD).len(), 4);
    }

    #[test]
    fn a_request_says_where_its_body_begins() {
        let request = Request::load("lobby.tscn", 3, "A: b\r\n");
        assert_eq!(&request.bytes[request.head..], b"{\"path\":\"lobby.tscn\"}   ");
        let head = str::from_utf8(&request.bytes[..request.head]).unwrap();
        assert!(
            head.starts_with("POST /scene HTTP/1.1\r\nHost: localhost\r\nA: b\r\nAuthorization: Bearer soak-token\r\n"),
            "{head}"
        );
        assert!(head.ends_with("Content-Length: 24\r\n\r\n"), "{head}");
    }

    #[test]
    fn a_client_never_asks_for_the_same_unknown_path_again() {
        let mut mix = Mix::new(3);
        let mut paths = std::collections::HashSet::new();
        for _ in 0..20_000 {
            let request = mix.next("");
            if request.target.endpoint == "unmatched" {
                let line = request.bytes.split(|byte| *byte == b'\r').next().unwrap().to_vec();
                assert!(paths.insert(line));
            }
        }
        assert!(paths.len() > 300, "{}", paths.len());
    }
}
