//! The events of JSON lines, with the keys that are read.

use std::time::Duration;

use serde::Deserialize;
use wsvet::{CloseCode, Finding, Header, Lapse, OpCode, Role, handshake};

use crate::input::hex;
use crate::session::agreement::{HandshakeFinding, Uncertain};
use crate::session::cause::Cause;
use crate::session::report::{GoAway, OverHttp2, Reported};
use crate::session::unjudged::{Stray, Unjudged};
use crate::transport::http2::ErrorCode;
use crate::transport::packet::time_of;

/// A JSON line.
#[derive(Deserialize)]
pub(super) struct Line {
    pub(super) connection: Option<u64>,
    pub(super) tcp_stream: Option<usize>,
    pub(super) packet: Option<u64>,
    pub(super) message: Option<u64>,
    pub(super) time: Option<f64>,
    #[serde(flatten)]
    pub(super) event: Event,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    Connection(Agreed),
    #[serde(alias = "close")]
    Frame(Frame),
    Handshake(Met),
    Violation(Part),
    Incomplete(Part),
    End {
        from: Sender,
        how: Option<How>,
    },
    Gap {
        from: Sender,
        missing: u64,
        #[serde(default)]
        passed_over: bool,
        resumed_at: Option<u64>,
    },
    Cause(Likely),
    Finding(Found),
    Verdict {
        outcome: Option<String>,
        #[serde(default)]
        timeline: Vec<Step>,
        #[serde(default)]
        reported: Vec<Said>,
        http2: Option<Http2>,
        #[serde(default)]
        gap: bool,
        until: Option<f64>,
    },
    Unjudged(Strayed),
    #[serde(other)]
    Other,
}

/// How the endpoints ended a stream of HTTP/2.
#[derive(Deserialize)]
pub(super) struct Http2 {
    stream: u32,
    #[serde(default)]
    end_stream: Vec<Sender>,
    #[serde(default)]
    rst_stream: Vec<Reset>,
    #[serde(default)]
    goaway: Vec<Gone>,
}

#[derive(Deserialize)]
struct Reset {
    from: Sender,
    code: u32,
}

#[derive(Deserialize)]
struct Gone {
    from: Sender,
    code: u32,
    #[serde(default)]
    debug: String,
    processed: bool,
}

impl Http2 {
    /// Returns what is known of the stream.
    pub(super) fn over(&self) -> OverHttp2 {
        let mut over = OverHttp2 { stream: self.stream, ..OverHttp2::default() };
        for from in &self.end_stream {
            over.ends[Role::from(*from) as usize] = true;
        }
        for Reset { from, code } in &self.rst_stream {
            over.resets[Role::from(*from) as usize] = Some(ErrorCode(*code));
        }
        for Gone { from, code, debug, processed } in &self.goaway {
            let (code, debug) = (ErrorCode(*code), debug.clone());
            over.goaways[Role::from(*from) as usize] =
                Some(GoAway { code, debug, processed: *processed });
        }
        over
    }
}

/// A connection that was not judged.
#[derive(Deserialize)]
pub(super) struct Strayed {
    why: String,
    detail: Option<String>,
    client: Option<String>,
    server: Option<String>,
    ends: Option<[Option<String>; 2]>,
    #[serde(default)]
    packets: u64,
}

/// What was not known of a connection.
#[derive(Deserialize)]
pub(super) struct Doubt {
    why: String,
    client: Option<u64>,
    server: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct Agreed {
    pub(super) client: Option<String>,
    pub(super) server: Option<String>,
    pub(super) target: Option<String>,
    pub(super) subprotocol: Option<String>,
    pub(super) offered: Option<Vec<String>>,
    #[serde(default)]
    pub(super) extensions: Vec<String>,
    pub(super) asked: Option<f64>,
    pub(super) opened: Option<bool>,
    pub(super) uncertain: Option<Doubt>,
    pub(super) http2_stream: Option<u32>,
}

#[derive(Deserialize)]
pub(super) struct Frame {
    pub(super) from: Sender,
    pub(super) opcode: Kind,
    pub(super) fin: Option<bool>,
    #[serde(default)]
    pub(super) rsv: u8,
    pub(super) masked: Option<bool>,
    pub(super) header_len: Option<usize>,
    pub(super) payload_len: Option<u64>,
    pub(super) payload: Option<String>,
    pub(super) text: Option<String>,
    pub(super) close_code: Option<u16>,
    pub(super) close_reason: Option<String>,
}

/// An opcode, as a number or a name.
#[derive(Deserialize, Clone, Copy)]
#[serde(untagged)]
pub(super) enum Kind {
    Number(u8),
    Name(Name),
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Name {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// How an endpoint ends its TCP stream.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    Fin,
    Reset,
}

/// What an input itself said of a connection.
#[derive(Deserialize)]
pub(super) struct Said {
    code: Option<u16>,
    text: String,
    #[serde(default)]
    failed: bool,
}

impl From<Said> for Reported {
    fn from(said: Said) -> Self {
        Self { text: said.text, code: said.code.map(CloseCode), failed: said.failed }
    }
}

/// A frame that breaks a rule or is incomplete, so that a part of it is unknown.
#[derive(Deserialize)]
pub(super) struct Part {
    pub(super) from: Sender,
    pub(super) offset: u64,
    pub(super) rule: Option<String>,
    pub(super) inflated: Option<u64>,
    pub(super) frame_offset: Option<u64>,
    pub(super) header: Option<String>,
    pub(super) payload: Option<String>,
}

/// A likely cause of a violation.
#[derive(Deserialize)]
pub(super) struct Likely {
    pub(super) from: Sender,
    pub(super) offset: u64,
    pub(super) cause: Option<String>,
    pub(super) text: Option<String>,
}

/// A duty that an endpoint neglected.
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) rule: Option<String>,
    pub(super) by: Option<Sender>,
    pub(super) since: Option<f64>,
    pub(super) waited: Option<f64>,
    pub(super) count: Option<u64>,
    pub(super) other_pongs: Option<u64>,
}

/// What was found in the opening handshake.
#[derive(Deserialize)]
pub(super) struct Met {
    pub(super) rule: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) status_before: Option<u16>,
    pub(super) declined: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(super) struct Step {
    pub(super) from: Sender,
    pub(super) act: String,
    pub(super) time: f64,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sender {
    Client,
    Server,
}

impl From<Sender> for Role {
    fn from(sender: Sender) -> Self {
        match sender {
            Sender::Client => Self::Client,
            Sender::Server => Self::Server,
        }
    }
}

impl Strayed {
    /// Returns the connection, or `None` if its reason is unknown.
    pub(super) fn stray(
        self,
        stream: Option<usize>,
        connection: Option<usize>,
        time: Duration,
    ) -> Option<Stray> {
        let Self { why, detail, client, server, ends, packets } = self;
        let why = Unjudged::from_id(&why)?;
        let has_roles = ends.is_none();
        let ends = ends.unwrap_or([client, server]);
        Some(Stray { stream, connection, ends, has_roles, why, detail, packets, time })
    }
}

impl Doubt {
    /// Returns what was not known, or `None` if its reason is unknown.
    pub(super) fn uncertain(&self) -> Option<Uncertain> {
        let why = Unjudged::from_id(&self.why)?;
        Some(Uncertain { why, skipped: [self.client, self.server] })
    }
}

impl Found {
    /// Returns the finding, or `None` if its rule is unknown.
    pub(super) fn finding(&self) -> Option<Finding> {
        let lapse = self.rule.as_deref().and_then(Lapse::from_id)?;
        let by = self.by.map(Role::from).or(lapse.debtor())?;
        let [at, waited] = [self.since, self.waited].map(|time| time_of(time.unwrap_or_default()));
        let mut finding = Finding::new(lapse, by, at, waited);
        finding.count = self.count.unwrap_or(finding.count);
        finding.other_pongs = self.other_pongs.unwrap_or_default();
        Some(finding)
    }
}

impl Likely {
    /// Returns the cause, or `None` if it is unknown.
    pub(super) fn cause(self) -> Option<Cause> {
        Cause::from_id(self.cause.as_deref()?, self.text?)
    }
}

impl Met {
    /// Returns what was found. Unknown rules and events of later versions are nothing.
    pub(super) fn found(self) -> Option<HandshakeFinding> {
        match self {
            Self { rule: Some(rule), .. } => {
                handshake::Rule::from_id(&rule).map(HandshakeFinding::Broken)
            }
            Self { status: Some(status), .. } => Some(HandshakeFinding::Refused(status)),
            Self { status_before: Some(status), .. } => {
                Some(HandshakeFinding::RefusedBefore(status))
            }
            Self { declined: Some(offered), .. } => Some(HandshakeFinding::Declined(offered)),
            _ => None,
        }
    }
}

impl Frame {
    /// Returns the most bytes of payload that the line may have.
    pub(super) fn len(&self) -> u64 {
        let texts = [&self.payload, &self.text, &self.close_reason];
        texts.into_iter().flatten().map(|text| text.len() as u64).sum()
    }

    /// Returns the header, and the known part of the payload.
    pub(super) fn wire(&self) -> Result<(Header, Option<Vec<u8>>), String> {
        let opcode = match self.opcode {
            Kind::Number(number) => number,
            Kind::Name(name) => name as u8,
        };
        if opcode > 15 {
            return Err(format!("invalid opcode {opcode}: must be 0 to 15"));
        }
        if self.rsv > 7 {
            return Err(format!("invalid rsv {}: must be 0 to 7", self.rsv));
        }
        let payload = match (&self.payload, &self.text, self.close_code) {
            (Some(hex), ..) => Some(octets(Some(hex))?),
            (None, Some(text), _) => Some(text.as_bytes().to_vec()),
            (None, None, Some(code)) => {
                let reason = self.close_reason.as_deref().unwrap_or_default();
                Some([&code.to_be_bytes(), reason.as_bytes()].concat())
            }
            (None, None, None) => None,
        };
        let known = payload.as_ref().map_or(0, Vec::len) as u64;
        let len = self.payload_len.unwrap_or(known);
        if known > len {
            return Err(format!("payload has {known} bytes, but payload_len is {len}"));
        }
        let from = Role::from(self.from);
        let masked = self.masked.unwrap_or(from == Role::Client);
        let mask = u8::from(masked) << 7;
        let first = u8::from(self.fin.unwrap_or(true)) << 7 | self.rsv << 4 | opcode;
        let minimal = Header::new(OpCode::Binary, len).second_byte();
        let second = match self.header_len.map(|len| len.saturating_sub(4 * usize::from(masked))) {
            Some(4) if len <= 0xFFFF => 126,
            Some(10) => 127,
            _ => minimal,
        };
        Ok((Header::from_wire(first, mask | second, len, [0; 4]), payload))
    }
}

/// Decodes hex text. Without a text, there are no bytes.
pub(super) fn octets(text: Option<&str>) -> Result<Vec<u8>, String> {
    hex::decode(text.unwrap_or_default().as_bytes())
        .map_err(|_| "header and payload must be hex digits, two for each byte".to_owned())
}
