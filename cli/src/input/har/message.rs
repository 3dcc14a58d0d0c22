//! A message of a connection in a HAR file.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use wsvet::{CloseCode, Header, OpCode, Role};

use super::time;
use crate::session::report::Reported;

/// A message, or a row about an error or a Close.
#[derive(Deserialize)]
pub(super) struct Message {
    r#type: Type,
    time: Option<Value>,
    #[serde(alias = "opCode")]
    opcode: Option<Value>,
    data: Option<Value>,
    #[serde(alias = "closeCode", alias = "close_code")]
    code: Option<u16>,
    reason: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Type {
    #[serde(alias = "sent", alias = "request", alias = "outgoing")]
    Send,
    #[serde(alias = "received", alias = "response", alias = "incoming")]
    Receive,
    Error,
    Close,
    #[serde(other)]
    Other,
}

/// What a row tells.
pub(in crate::input) enum Told<'a> {
    /// A message as one frame: its sender, header and payload.
    Frame(Role, Header, Cow<'a, [u8]>),
    /// Bytes as they were on the wire.
    Wire(Role, Cow<'a, [u8]>),
    /// A frame of which only the header is known.
    Header(Role, Header),
    /// What the program says of the connection.
    Reported(Reported),
}

/// Returns what a header tells whose payload is not known. A Close without its code would be taken for one
/// that has none, so that it is told in words.
pub(in crate::input) fn header_alone(from: Role, header: Header) -> Told<'static> {
    let len = header.payload_len();
    if len == 0 {
        return Told::Frame(from, header, Cow::Borrowed(b""));
    }
    let is_legal = header.fin() && header.rsv() == 0 && (2..=125).contains(&len);
    let is_masked = header.is_masked() == (from == Role::Client);
    if header.opcode() != OpCode::Close || !is_legal || !is_masked {
        return Told::Header(from, header);
    }
    let text = format!("the {from} sent a Close, and the input does not have its code");
    Told::Reported(Reported { text, code: None, failed: false })
}

impl Message {
    /// Returns the time, if there is one.
    pub(super) fn time(&self) -> Option<Duration> {
        self.time.as_ref().and_then(time::parse)
    }

    /// Returns what the row tells.
    pub(super) fn told(&self) -> Result<Told<'_>, String> {
        let data = match &self.data {
            None | Some(Value::Null) => "",
            Some(Value::String(text)) => text,
            Some(_) => return Err("skipped: the data is not a string".to_owned()),
        };
        let from = match self.r#type {
            Type::Send => Role::Client,
            Type::Receive => Role::Server,
            Type::Error => {
                let text = if data.is_empty() { "an error without a reason" } else { data };
                let text = text.to_owned();
                return Ok(Told::Reported(Reported { text, code: None, failed: true }));
            }
            Type::Close if self.code.is_some() => {
                let text = self.reason.as_deref().unwrap_or(data).to_owned();
                let code = self.code.map(CloseCode);
                return Ok(Told::Reported(Reported { text, code, failed: false }));
            }
            Type::Close | Type::Other => {
                return Err("skipped: the type must be send or receive".to_owned());
            }
        };
        let opcode = self.opcode()?;
        let payload = match (opcode, self.code) {
            (OpCode::Text, _) => Cow::Borrowed(data.as_bytes()),
            (OpCode::Close, Some(code)) => {
                let reason = self.reason.as_deref().unwrap_or(data);
                Cow::Owned([&code.to_be_bytes(), reason.as_bytes()].concat())
            }
            _ => match BASE64_STANDARD.decode(data) {
                Ok(bytes) => Cow::Owned(bytes),
                Err(error) => return Err(format!("skipped: the data is not base64: {error}")),
            },
        };
        let header = Header::new(opcode, payload.len() as u64);
        let header = if from == Role::Client { header.masked([0; 4]) } else { header };
        Ok(Told::Frame(from, header, payload))
    }

    /// Returns the opcode. Programs that write none record text.
    fn opcode(&self) -> Result<OpCode, String> {
        let invalid = |opcode: &dyn std::fmt::Display| {
            Err(format!("skipped: invalid opcode {opcode}: must be 0 to 15"))
        };
        let number = match &self.opcode {
            None | Some(Value::Null) if self.code.is_some() => 8.0,
            None | Some(Value::Null) => 1.0,
            Some(Value::Number(number)) => number.as_f64().unwrap_or(-1.0),
            Some(Value::String(name)) => match name.to_ascii_lowercase().as_str() {
                "text" => 1.0,
                "binary" => 2.0,
                "close" => 8.0,
                "ping" => 9.0,
                "pong" => 10.0,
                other => match other.parse() {
                    Ok(number) => number,
                    Err(_) => return invalid(&name),
                },
            },
            Some(other) => return invalid(other),
        };
        if !(0.0..16.0).contains(&number) {
            return invalid(&number);
        }
        Ok(OpCode::from_low_bits(number as u8))
    }
}
