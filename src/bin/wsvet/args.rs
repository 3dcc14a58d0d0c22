//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wsvet::deflate::{Content, Fault, Parameters};
use wsvet::{Accepts, Compression, Conversation, Policy, Role};

use crate::http::{Agreement, answered};

/// Vets WebSocket frames: says which rule of RFC 6455 is broken, at which byte, and with which
/// close code the receiver must answer.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge a recorded conversation that is built in: binary sent to a text-only server
    Demo,
    /// Judge captures, hex text or raw bytes
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    /// Measure how fast frames are decoded and judged on this machine
    Bench(Bench),
    /// Explain a close code or a rule
    Explain {
        /// A close code (1003) or a rule (unsupported-data)
        #[arg(value_name = "CODE|RULE")]
        what: String,
    },
    /// Compare two close codes side by side: which one to use when
    Compare {
        /// A close code
        #[arg(value_name = "CODE")]
        left: u16,
        /// Another close code
        #[arg(value_name = "CODE")]
        right: u16,
    },
    /// List the close codes of the IANA registry
    Codes,
    /// List the rules
    Rules,
}

const CHECK_HELP: &str = "\
Exit status: 0 nothing is broken; 1 at least one violation; 2 wrong usage, or input that cannot be \
read or holds no WebSocket traffic.

Where permessage-deflate was agreed on, messages are inflated and judged: the row of the last frame \
says how many bytes a message holds, and --json has a line `message` for each. An answer of the server \
that the client must not take counts as a violation; --json has a line `negotiation` for it.

A log of one's own is read as JSON lines, one event each; all but `event`, `from` and `opcode` may be \
left out:
  {\"event\":\"connection\",\"connection\":0,\"target\":\"/chat\",\"subprotocol\":\"mqtt\",\"time\":1.5}
  {\"event\":\"frame\",\"connection\":0,\"from\":\"client\",\"opcode\":2,\"fin\":true,\"payload\":\"00ff\"}
  {\"event\":\"frame\",\"connection\":0,\"from\":\"server\",\"opcode\":\"text\",\"text\":\"hi\"}
  {\"event\":\"end\",\"connection\":0,\"from\":\"server\",\"how\":\"fin\"}

Examples:
  wsvet check --server-accepts text capture.pcap
  wsvet check --html conversation.html capture.pcap
  echo '82 83 37 fa 21 3d 36 f8 22' | wsvet check --server-accepts text -
  wsvet check --receiver client --format raw from-the-server.bin";

#[derive(Args)]
pub(crate) struct Check {
    /// Files to judge: pcap, pcapng, HAR, JSON lines of --json, hex text or raw bytes; - is
    /// standard input
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: Reading,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Print each frame's payload, unmasked
    #[arg(long)]
    pub(crate) payload: bool,

    /// Judge on after the first violation of a direction, wherever the frame boundaries allow it
    #[arg(long)]
    pub(crate) keep_going: bool,

    /// Print no frames but those that break a rule: how each connection was closed, and why
    #[arg(long)]
    pub(crate) summary: bool,

    /// Print frames as they come, of a capture that still goes on; what is said of whole
    /// connections comes last
    #[arg(long)]
    pub(crate) follow: bool,

    /// Print one JSON object a line
    #[arg(long, conflicts_with = "summary")]
    pub(crate) json: bool,

    /// Write a page for a browser too: each connection as a sequence diagram
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Bench {
    /// Files whose whole, legal frames are replayed; without one, a mix that is built in
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: Reading,

    /// How often each stage is measured
    #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repetitions: u32,

    /// Print one JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

/// How inputs are read.
#[derive(Args)]
pub(crate) struct Reading {
    /// What the inputs are, instead of guessing; pcap stands for pcapng too
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,

    /// Hex and raw: who receives these bytes
    #[arg(long, value_name = "ROLE", default_value = "server")]
    pub(crate) receiver: Receiver,

    /// Hex and raw: permessage-deflate was agreed on, with these parameters of the server's answer
    /// (`server_no_context_takeover; client_max_window_bits=10`) or none; in a capture the handshake
    /// says so
    #[arg(
        long,
        value_name = "PARAMS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = parameters
    )]
    pub(crate) permessage_deflate: Option<Parameters>,
}

/// What the endpoints accept.
#[derive(Args, Clone, Copy)]
pub(crate) struct Limits {
    /// The types of data that the server accepts; others are refused with 1003 [default: what the
    /// subprotocol's specification fixes, or any]
    #[arg(long, value_name = "TYPE")]
    pub(crate) server_accepts: Option<DataType>,

    /// The types of data that the client accepts; others are refused with 1003 [default: what the
    /// subprotocol's specification fixes, or any]
    #[arg(long, value_name = "TYPE")]
    pub(crate) client_accepts: Option<DataType>,

    /// The most payload bytes of a frame, control frames included; more are refused with 1009
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(crate) max_frame: Option<u64>,

    /// The most payload bytes of a message, inflated where it is compressed; more are refused with
    /// 1009
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub(crate) max_message: Option<u64>,

    /// The most frames of a message; more are refused with 1008
    #[arg(long, value_name = "FRAMES", allow_negative_numbers = true)]
    pub(crate) max_fragments: Option<u32>,
}

impl Limits {
    /// No limits, and all types of data accepted.
    pub(crate) const NONE: Self = Self {
        server_accepts: None,
        client_accepts: None,
        max_frame: None,
        max_message: None,
        max_fragments: None,
    };

    /// No limits, and a server that accepts text only.
    pub(crate) const TEXT_ONLY_SERVER: Self =
        Self { server_accepts: Some(DataType::Text), ..Self::NONE };

    /// The start of a conversation between ends with these limits that have agreed on this.
    pub(crate) fn conversation(&self, agreement: &Agreement) -> Conversation {
        let [client, server] =
            [Role::Client, Role::Server].map(|role| self.policy(role, agreement));
        Conversation::new(client, server)
    }

    /// The judge of what compressed messages hold that this end receives, where that was agreed on.
    pub(crate) fn content(&self, receiver: Role, agreement: &Agreement) -> Option<Content> {
        let parameters = agreement.permessage_deflate()?;
        Some(Content::new(self.policy(receiver, agreement), parameters))
    }

    /// The policy of the endpoint that receives.
    fn policy(&self, receiver: Role, agreement: &Agreement) -> Policy {
        let accepts = match receiver {
            Role::Server => self.server_accepts,
            Role::Client => self.client_accepts,
        };
        let fixed = || agreement.subprotocol.as_deref().and_then(Accepts::for_subprotocol);
        let policy = Policy::new(receiver);
        policy
            .accepts(accepts.map(Accepts::from).or_else(fixed).unwrap_or_default())
            .compression(match agreement.permessage_deflate() {
                Some(_) => Compression::Inflated,
                None => Compression::None,
            })
            .max_frame(self.max_frame.unwrap_or(policy.max_frame))
            .max_message(self.max_message.unwrap_or(policy.max_message))
            .max_fragments(self.max_fragments.unwrap_or(policy.max_fragments))
    }
}

/// The parameters of an answer: what stands behind the name of the extension.
fn parameters(text: &str) -> Result<Parameters, String> {
    const NAME: &str = "permessage-deflate";
    if text.trim().is_empty() {
        return Ok(Parameters::new());
    }
    if let Some(at) = text.find(',') {
        return Err(format!("byte {at} is a comma: between parameters there is a semicolon"));
    }
    // The first parameter that is wrong, alone or behind those before it.
    let ends = text.match_indices(';').map(|(at, _)| at).chain([text.len()]);
    let mut read = Parameters::new();
    let mut start = 0;
    for end in ends {
        let answer = format!("{NAME};{}", &text[..end]);
        read = answered(&answer).map(Option::unwrap_or_default).map_err(|error| {
            let part = &text[start..end];
            let at = start + (part.len() - part.trim_start().len());
            match error.fault {
                Fault::Syntax => format!("what starts at byte {at} is no parameter"),
                fault => format!("what starts at byte {at} {fault}"),
            }
        })?;
        start = end + 1;
    }
    Ok(read)
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Pcap,
    Har,
    Json,
    Hex,
    Raw,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Receiver {
    Server,
    Client,
}

impl From<Receiver> for Role {
    fn from(receiver: Receiver) -> Self {
        match receiver {
            Receiver::Server => Self::Server,
            Receiver::Client => Self::Client,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DataType {
    Any,
    Text,
    Binary,
}

impl From<DataType> for Accepts {
    fn from(data: DataType) -> Self {
        match data {
            DataType::Any => Self::Any,
            DataType::Text => Self::TextOnly,
            DataType::Binary => Self::BinaryOnly,
        }
    }
}
