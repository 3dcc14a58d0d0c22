//! What is known of the endpoint that is probed.

use std::time::Duration;

use wsvet::generate::Case;
use wsvet::handshake::Rule;
use wsvet::{Accepts, OpCode, Role};

use crate::probe::connect::Connect;

/// How long the prober waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For what is due.
    pub most: Duration,
    /// For a refusal, before a Ping asks whether what was sent was accepted.
    pub quiet: Duration,
}

/// What is known of the endpoint that is probed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Whether it is a server or a client.
    pub role: Role,
    /// Whether it sends texts back.
    pub echoes_text: bool,
    /// Whether it sends binary messages back.
    pub echoes_binary: bool,
    /// Whether it sends empty messages back.
    pub echoes_empty: bool,
    /// Whether it sends messages unprompted.
    pub is_chatty: bool,
    /// Whether it answers Pings.
    pub pongs: bool,
    /// Whether it refused a text with 1003.
    pub refuses_text: bool,
    /// Whether it refused a binary message with 1003.
    pub refuses_binary: bool,
    /// The type of data that it accepts, as the user says.
    pub accepts: Option<Accepts>,
    /// The length of the longest message that it accepts, in bytes, as the user says.
    pub max_message: Option<u64>,
    /// The rules that each of its responses breaks, or of its requests.
    pub broken: Vec<Rule>,
    /// Whether it accepts permessage-deflate. A client offers it.
    pub deflates: bool,
    /// The subprotocol that was agreed on.
    pub subprotocol: Option<String>,
    /// What a client says that it is, in User-Agent.
    pub agent: Option<String>,
    /// Whether a client sends the same key again.
    pub repeats_key: bool,
    /// Whether a client masks frames with a key that it used before.
    pub repeats_masking_key: bool,
    /// The request over HTTP/2 with nothing but what is needed, if the server is asked so.
    pub http2: Option<Connect>,
}

impl Peer {
    /// Creates a peer of which nothing is known but its role.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            echoes_text: false,
            echoes_binary: false,
            echoes_empty: false,
            is_chatty: false,
            pongs: false,
            refuses_text: false,
            refuses_binary: false,
            accepts: None,
            max_message: None,
            broken: Vec::new(),
            deflates: false,
            subprotocol: None,
            agent: None,
            repeats_key: false,
            repeats_masking_key: false,
            http2: None,
        }
    }

    /// Returns whether it sends back messages of this type.
    #[must_use]
    pub const fn echoes(&self, opcode: OpCode) -> bool {
        match opcode {
            OpCode::Text => self.echoes_text,
            _ => self.echoes_binary,
        }
    }

    /// Returns the reason not to run a case, if there is one.
    #[must_use]
    pub fn cannot(&self, case: &Case, stress: bool) -> Option<String> {
        let (needs, accepts) = (&case.needs, self.accepts.unwrap_or_default());
        if case.stress && !stress {
            return Some("only with --stress".to_owned());
        }
        let name = self.role.name();
        // Without --server-accepts, what the server refused with 1003 is what it does not accept.
        let [no_text, no_binary] = match self.accepts {
            None => [self.refuses_text, self.refuses_binary],
            Some(_) => [OpCode::Text, OpCode::Binary].map(|opcode| !accepts.admits(opcode)),
        };
        if needs.text && no_text {
            return Some(format!("the {name} does not accept text messages"));
        }
        if needs.binary && no_binary {
            return Some(format!("the {name} does not accept binary messages"));
        }
        if needs.deflate && self.role == Role::Client && !self.deflates {
            return Some("the client does not offer permessage-deflate".to_owned());
        }
        self.http2.as_ref()?.cannot(case)
    }
}
