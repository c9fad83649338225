//! What is said to a debug adapter and to a language server, and what is made of their answers. Nothing here touches a socket.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Characters of a peer's own words that a message repeats.
const TOLD: usize = 120;
const REFUSED: &str = "this client answers no requests";

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    DebugAdapter,
    LanguageServer,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The first of a connection.
    Initialize,
    /// Each later one: something that every peer answers, and that changes nothing there.
    Alive,
}

/// What a message of the peer is to us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The answer to our request.
    Answer,
    /// Something that it tells of its own accord.
    Aside,
    /// It asks something itself, and this is to be sent: one that waits for an answer would look dead.
    Asked(Vec<u8>),
}

/// The fields of both protocols, as they stand in the message: what nobody looks at is not taken apart.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    seq: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    command: Option<&'a RawValue>,
    #[serde(borrow)]
    request_seq: Option<&'a RawValue>,
    #[serde(borrow)]
    success: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct DebugRefusal<'a> {
    seq: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    request_seq: &'a RawValue,
    command: Option<&'a RawValue>,
    success: bool,
    message: &'static str,
}

#[derive(Serialize)]
struct LanguageRefusal<'a> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    error: Value,
}

impl Protocol {
    /// As in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DebugAdapter => "debug adapter",
            Self::LanguageServer => "language server",
        }
    }

    /// What the question is called there.
    ///
    /// Both questions after life are requests that each peer answers, if with an error: `threads` needs no session, and by the
    /// rules of JSON-RPC a method that a server does not have is refused. It begins with no `$/`: those Godot drops unanswered.
    pub(super) fn question(self, question: Question) -> &'static str {
        match (self, question) {
            (_, Question::Initialize) => "initialize",
            (Self::DebugAdapter, Question::Alive) => "threads",
            (Self::LanguageServer, Question::Alive) => "tachograph/ping",
        }
    }

    /// A request of that number.
    pub(super) fn request(self, question: Question, number: u64) -> Vec<u8> {
        let name = self.question(question);
        let mut request = match self {
            Self::DebugAdapter => json!({ "seq": number, "type": "request", "command": name }),
            Self::LanguageServer => json!({ "jsonrpc": "2.0", "id": number, "method": name }),
        };
        match (self, question) {
            (_, Question::Alive) => {}
            (Self::DebugAdapter, Question::Initialize) => {
                request["arguments"] = json!({
                    "clientID": "tachograph", "clientName": "Tachograph", "adapterID": "tachograph",
                    "linesStartAt1": true, "columnsStartAt1": true, "pathFormat": "path",
                });
            }
            (Self::LanguageServer, Question::Initialize) => {
                // No process id: a server that is shared must not end with us. Godot takes it that there are root paths.
                request["params"] = json!({
                    "processId": null, "clientInfo": { "name": "Tachograph" },
                    "rootPath": null, "rootUri": null, "capabilities": {},
                });
            }
        }
        request.to_string().into_bytes()
    }

    /// What is to be sent once `initialize` is answered.
    pub(super) fn initialized(self) -> Option<Vec<u8>> {
        (self == Self::LanguageServer)
            .then(|| json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }).to_string().into_bytes())
    }

    /// Tells what a message is when the question has that number. `free` is a number for what we send.
    pub(super) fn hear(self, body: &[u8], question: Question, number: u64, free: u64) -> Result<Heard, String> {
        // Asked first, because serde takes an array for an object whose fields stand in order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err("what came is no JSON object".to_owned());
        }
        let message: Message<'_> = serde_json::from_slice(body)
            .map_err(|cause| format!("what came is no JSON object: {}", told(&cause.to_string())))?;
        match self {
            Self::DebugAdapter => message.hear_debug_adapter(question, number, free),
            Self::LanguageServer => message.hear_language_server(question, number),
        }
    }
}

impl Message<'_> {
    fn hear_debug_adapter(&self, question: Question, number: u64, free: u64) -> Result<Heard, String> {
        match (self.kind.map(RawValue::get), self.seq, self.request_seq) {
            (Some("\"event\""), ..) => Ok(Heard::Aside),
            (Some("\"request\""), Some(request_seq), _) => {
                let (command, success) = (self.command, false);
                let refusal = DebugRefusal { seq: free, kind: "response", request_seq, command, success, message: REFUSED };
                Ok(Heard::Asked(written(&refusal)))
            }
            (Some("\"response\""), _, Some(answered)) if is_number(answered, number) => {
                let refused = self.success.map(RawValue::get) != Some("true");
                answer(question, refused.then(|| self.message.map_or("no reason", RawValue::get)))
            }
            (Some("\"response\""), _, answered) => Err(stray(answered, number)),
            (kind, ..) => Err(format!("a message of type {} came", told(kind.unwrap_or("null")))),
        }
    }

    fn hear_language_server(&self, question: Question, number: u64) -> Result<Heard, String> {
        match (self.method, self.id) {
            (Some(_), None) => Ok(Heard::Aside),
            (Some(_), Some(id)) => {
                let error = json!({ "code": -32601, "message": REFUSED });
                Ok(Heard::Asked(written(&LanguageRefusal { jsonrpc: "2.0", id, error })))
            }
            (None, Some(id)) if is_number(id, number) => answer(question, self.error.map(RawValue::get)),
            // So it answers what it could not read.
            (None, None) if self.error.is_some() => Err(format!("it says {}", told(self.error.map_or("", RawValue::get)))),
            (None, id) => Err(stray(id, number)),
        }
    }
}

/// Any answer is a sign of life, but who refuses to be initialized will be of no use.
fn answer(question: Question, refused: Option<&str>) -> Result<Heard, String> {
    match refused {
        Some(reason) if question == Question::Initialize => Err(format!("it refuses: {}", told(reason))),
        _ => Ok(Heard::Answer),
    }
}

fn stray(answered: Option<&RawValue>, number: u64) -> String {
    let answered = told(answered.map_or("null", RawValue::get));
    format!("the answer to request {answered} came, asked was {number}")
}

/// Whether it is that number, however it is written: Godot has 1.0 for 1.
fn is_number(raw: &RawValue, number: u64) -> bool {
    raw.get().parse() == Ok(number as f64)
}

fn written(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("numbers, texts and what was JSON before")
}

/// The beginning of a peer's own words.
fn told(words: &str) -> String {
    words.chars().take(TOLD).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Protocol::{DebugAdapter, LanguageServer};
    use super::Question::{Alive, Initialize};
    use super::*;

    fn parsed(body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn requests_have_what_the_protocols_demand() {
        let request = parsed(&DebugAdapter.request(Initialize, 1));
        assert_eq!(
            (&request["seq"], &request["type"], &request["command"]),
            (&json!(1), &json!("request"), &json!("initialize"))
        );
        assert!(request["arguments"]["adapterID"].is_string());
        assert_eq!(parsed(&DebugAdapter.request(Alive, 7)), json!({ "seq": 7, "type": "request", "command": "threads" }));

        let request = parsed(&LanguageServer.request(Initialize, 1));
        assert_eq!((&request["jsonrpc"], &request["id"], &request["method"]), (&json!("2.0"), &json!(1), &json!("initialize")));
        for (param, value) in [("processId", Value::Null), ("rootUri", Value::Null), ("capabilities", json!({}))] {
            assert_eq!(request["params"].get(param), Some(&value), "{param}");
        }
        assert_eq!(
            parsed(&LanguageServer.request(Alive, 7)),
            json!({ "jsonrpc": "2.0", "id": 7, "method": "tachograph/ping" })
        );
        assert_eq!(DebugAdapter.initialized(), None);
        assert_eq!(parsed(&LanguageServer.initialized().unwrap())["method"], "initialized");
    }

    #[test]
    fn answers_and_asides_are_told_apart() {
        for (protocol, question, body, expected) in [
            (DebugAdapter, Initialize, r#"{"type":"response","request_seq":3,"success":true}"#, Heard::Answer),
            (
                DebugAdapter,
                Initialize,
                r#" {"success":true,"request_seq":3.0,"seq":9,"type":"response","body":[[]]}"#,
                Heard::Answer,
            ),
            (DebugAdapter, Alive, r#"{"type":"response","request_seq":3,"success":false,"message":"not now"}"#, Heard::Answer),
            (DebugAdapter, Alive, r#"{"type":"event","event":"output","request_seq":3}"#, Heard::Aside),
            (LanguageServer, Initialize, r#"{"id":3,"result":{"capabilities":{}}}"#, Heard::Answer),
            (LanguageServer, Initialize, r#"{"id":3.0,"result":null,"error":null}"#, Heard::Answer),
            (LanguageServer, Alive, r#"{"id":3,"error":{"code":-32601}}"#, Heard::Answer),
            (LanguageServer, Alive, r#"{"method":"window/logMessage","params":{"id":3}}"#, Heard::Aside),
        ] {
            assert_eq!(protocol.hear(body.as_bytes(), question, 3, 4), Ok(expected), "{body}");
        }
    }

    #[test]
    fn what_a_peer_asks_is_refused_under_its_own_number() {
        let asked = |protocol: Protocol, body: &str| match protocol.hear(body.as_bytes(), Alive, 3, 4) {
            Ok(Heard::Asked(refusal)) => parsed(&refusal),
            other => panic!("{other:?}"),
        };
        let refusal = asked(DebugAdapter, r#"{"type":"request","seq":3,"command":"runInTerminal","arguments":{}}"#);
        let expected = json!({ "seq": 4, "type": "response", "request_seq": 3, "command": "runInTerminal", "success": false,
            "message": REFUSED });
        assert_eq!(refusal, expected);
        let refusal = asked(LanguageServer, r#"{"id":"a\"3","method":"client/registerCapability"}"#);
        let expected = json!({ "jsonrpc": "2.0", "id": "a\"3", "error": { "code": -32601, "message": REFUSED } });
        assert_eq!(refusal, expected);
    }

    #[test]
    fn what_is_no_answer_is_told_why() {
        let deep = format!("{{\"id\":{}", "[".repeat(100_000));
        for (protocol, question, body, expected) in [
            (DebugAdapter, Alive, "", "what came is no JSON object"),
            (DebugAdapter, Alive, "[3]", "what came is no JSON object"),
            (DebugAdapter, Alive, "{\"type\":", "what came is no JSON object: EOF while parsing a value at line 1 column 8"),
            (DebugAdapter, Alive, "{}", "a message of type null came"),
            (DebugAdapter, Alive, r#"{"type":"reply"}"#, "a message of type \"reply\" came"),
            (DebugAdapter, Alive, r#"{"type":"request"}"#, "a message of type \"request\" came"),
            (DebugAdapter, Alive, r#"{"type":"response"}"#, "the answer to request null came, asked was 3"),
            (DebugAdapter, Alive, r#"{"type":"response","request_seq":"3"}"#, "the answer to request \"3\" came, asked was 3"),
            (DebugAdapter, Initialize, r#"{"type":"response","request_seq":3}"#, "it refuses: no reason"),
            (
                DebugAdapter,
                Initialize,
                r#"{"type":"response","request_seq":3,"success":false,"message":"full"}"#,
                "it refuses: \"full\"",
            ),
            (LanguageServer, Alive, "{}", "the answer to request null came, asked was 3"),
            (LanguageServer, Alive, r#"{"id":2,"result":1}"#, "the answer to request 2 came, asked was 3"),
            (LanguageServer, Alive, r#"{"id":null,"error":{"code":-32700}}"#, r#"it says {"code":-32700}"#),
            (LanguageServer, Initialize, r#"{"id":3,"error":{"code":1}}"#, r#"it refuses: {"code":1}"#),
            (
                LanguageServer,
                Alive,
                r#"{"id":3,"id":3}"#,
                "what came is no JSON object: duplicate field `id` at line 1 column 12",
            ),
            (LanguageServer, Alive, &deep, "what came is no JSON object: EOF while parsing a list at line 1 column 100006"),
        ] {
            assert_eq!(protocol.hear(body.as_bytes(), question, 3, 4), Err(expected.to_owned()), "{protocol:?} {body:.60}");
        }
        let told = LanguageServer.hear(format!("{{\"id\":{:0>9999}}}", 1).as_bytes(), Alive, 3, 4).unwrap_err();
        assert!(told.len() < 300, "{told}");
    }

    proptest! {
        #[test]
        fn nothing_panics_and_only_our_number_is_answered(
            fields in prop::collection::vec((
                prop::sample::select(&["id", "method", "type", "seq", "request_seq", "success", "error"]),
                prop::sample::select(&["\"response\"", "\"request\"", "\"event\"", "2", "3", "30", "3.5", "null", "{}"]),
            ), 0..5),
            noise in "\\PC{0,20}",
        ) {
            let body: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let body = format!("{{{}}}", body.join(","));
            for protocol in [DebugAdapter, LanguageServer] {
                prop_assert!(protocol.hear(noise.as_bytes(), Alive, 3, 4).is_err());
                let heard = protocol.hear(body.as_bytes(), Alive, 3, 4);
                let ours = fields.contains(&("id", "3")) || fields.contains(&("request_seq", "3"));
                prop_assert!(heard != Ok(Heard::Answer) || ours, "{body}");
            }
        }
    }
}
