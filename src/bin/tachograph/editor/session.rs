//! What a debug adapter and a language server say that have nothing to debug and no language.

use serde_json::{Value, json};

/// The errors of JSON-RPC, and the one that the Language Server Protocol adds.
const PARSE_ERROR: i64 = -32700;
const METHOD_NOT_FOUND: i64 = -32601;
const NOT_INITIALIZED: i64 = -32002;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    DebugAdapter,
    LanguageServer,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DebugAdapter => "debug adapter",
            Self::LanguageServer => "language server",
        }
    }
}

/// The dialogue with one client.
pub(super) struct Session {
    protocol: Protocol,
    initialized: bool,
    /// The number of the last message; those of a debug adapter have one.
    seq: u64,
}

impl Session {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self { protocol, initialized: false, seq: 0 }
    }

    /// What is to be said to a message; none when the client has said goodbye.
    pub(super) fn answer(&mut self, body: &[u8]) -> Option<Vec<Value>> {
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        match self.protocol {
            Protocol::DebugAdapter => Some(self.debug_adapter(&message)),
            Protocol::LanguageServer => self.language_server(&message),
        }
    }

    fn debug_adapter(&mut self, message: &Value) -> Vec<Value> {
        if message["type"] != "request" {
            return Vec::new();
        }
        let command = message["command"].as_str().unwrap_or_default();
        let body = match command {
            "initialize" | "disconnect" => Some(json!({})),
            "threads" => Some(json!({ "threads": [{ "id": 1, "name": "main" }] })),
            _ => None,
        };
        let mut response = json!({
            "seq": self.next(), "type": "response", "request_seq": message["seq"], "command": command,
            "success": body.is_some(),
        });
        match body {
            Some(body) => response["body"] = body,
            None => response["message"] = "unknown command".into(),
        }
        let mut messages = vec![response];
        if command == "initialize" {
            messages.push(json!({ "seq": self.next(), "type": "event", "event": "initialized" }));
        }
        messages
    }

    fn language_server(&mut self, message: &Value) -> Option<Vec<Value>> {
        if !message.is_object() {
            return Some(vec![error(&Value::Null, PARSE_ERROR, "that is no JSON object")]);
        }
        let method = message["method"].as_str().unwrap_or_default();
        let Some(id) = message.get("id").filter(|_| !method.is_empty()) else {
            return (method != "exit").then(Vec::new);
        };
        let result = match method {
            "initialize" => {
                self.initialized = true;
                json!({ "capabilities": {}, "serverInfo": { "name": "tachograph demo" } })
            }
            _ if !self.initialized => return Some(vec![error(id, NOT_INITIALIZED, "initialize comes first")]),
            "shutdown" => Value::Null,
            _ => return Some(vec![error(id, METHOD_NOT_FOUND, "there is no such method")]),
        };
        Some(vec![json!({ "jsonrpc": "2.0", "id": id, "result": result })])
    }

    fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }
}

fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(session: &mut Session, message: &Value) -> Vec<Value> {
        session.answer(message.to_string().as_bytes()).expect("nobody has said goodbye")
    }

    #[test]
    fn a_debug_adapter_answers_each_request_and_nothing_else() {
        let mut session = Session::new(Protocol::DebugAdapter);
        let ask = |session: &mut Session, seq: u64, command: &str| {
            said(session, &json!({ "seq": seq, "type": "request", "command": command }))
        };
        let response =
            json!({ "seq": 1, "type": "response", "request_seq": 5, "command": "initialize", "success": true, "body": {} });
        let event = json!({ "seq": 2, "type": "event", "event": "initialized" });
        assert_eq!(ask(&mut session, 5, "initialize"), [response, event]);
        assert_eq!(ask(&mut session, 6, "threads")[0]["body"]["threads"][0]["id"], 1);
        let refusal = &ask(&mut session, 7, "launch")[0];
        assert_eq!((&refusal["seq"], &refusal["request_seq"], &refusal["success"]), (&json!(4), &json!(7), &json!(false)));
        assert!(said(&mut session, &json!({ "type": "event" })).is_empty());
        assert_eq!(session.answer(b"nonsense"), Some(Vec::new()));
    }

    #[test]
    fn a_language_server_is_initialized_first_and_knows_no_method() {
        let mut session = Session::new(Protocol::LanguageServer);
        let ask = |session: &mut Session, id: Value, method: &str| {
            said(session, &json!({ "jsonrpc": "2.0", "id": id, "method": method })).remove(0)
        };
        let code = |answer: &Value| answer["error"]["code"].as_i64();
        assert_eq!(code(&ask(&mut session, json!(1), "$/x")), Some(NOT_INITIALIZED));
        let answer = ask(&mut session, json!("two"), "initialize");
        assert_eq!((&answer["id"], &answer["result"]["capabilities"]), (&json!("two"), &json!({})));
        assert!(said(&mut session, &json!({ "jsonrpc": "2.0", "method": "initialized" })).is_empty());
        assert_eq!(code(&ask(&mut session, json!(3), "$/x")), Some(METHOD_NOT_FOUND));
        assert_eq!(ask(&mut session, json!(4), "shutdown").get("result"), Some(&Value::Null));
        assert_eq!(code(&session.answer(b"[]").unwrap()[0]), Some(PARSE_ERROR));
        assert!(said(&mut session, &json!({ "jsonrpc": "2.0", "id": 1, "result": null })).is_empty(), "an answer to nothing");
        assert_eq!(session.answer(br#"{"jsonrpc":"2.0","method":"exit"}"#), None);
    }
}
