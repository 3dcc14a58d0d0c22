//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::input::reading::Reading;
use crate::session::limits::Limits;

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
