//! How inputs are read: their format, and what hex and raw bytes do not say of themselves.

use clap::{Args, ValueEnum};
use wsvet::Role;
use wsvet::deflate::{Fault, Parameters};

use crate::session::handshake::answered;

/// How inputs are read.
#[derive(Args)]
pub struct Reading {
    /// What the inputs are, instead of guessing; pcap stands for pcapng too
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Hex and raw: who receives these bytes
    #[arg(long, value_name = "ROLE", default_value = "server")]
    pub receiver: Receiver,

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
    pub permessage_deflate: Option<Parameters>,
}

/// The format of an input.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A capture: pcap or pcapng
    Pcap,
    /// What the developer tools of a browser, or a proxy, have exported
    Har,
    /// JSON lines: the tool's own, or the log of a WebSocket stack
    Json,
    /// Hex text: the bytes that one end has sent
    Hex,
    /// The bytes that one end has sent
    Raw,
}

/// The end that receives the bytes of an input.
#[derive(Clone, Copy, ValueEnum)]
pub enum Receiver {
    /// The bytes come from a client
    Server,
    /// The bytes come from a server
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
