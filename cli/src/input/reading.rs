//! The options for reading inputs: the format, and what hex text and raw bytes do not tell.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};
use wsvet::Role;
use wsvet::deflate::{Fault, Parameters};

use crate::session::agreement::{answered, describe};

/// The options for reading inputs.
#[derive(Args)]
pub struct Reading {
    /// Read the inputs in this format instead of detecting it
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Name the endpoint that receives the bytes (hex and raw only)
    #[arg(long, value_name = "ROLE", default_value = "server")]
    pub receiver: Receiver,

    /// Assume that the endpoints negotiated permessage-deflate (hex and raw only)
    ///
    /// PARAMS are the parameters in the server's answer, for example
    /// `server_no_context_takeover; client_max_window_bits=10`. They may be left out. In a capture,
    /// the opening handshake contains them.
    #[arg(
        long,
        value_name = "PARAMS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = parameters
    )]
    pub permessage_deflate: Option<Parameters>,

    /// Name the port of a WebSocket server whose opening handshakes a capture lacks
    ///
    /// Connections to this port that begin in the middle are judged as WebSocket connections, from
    /// the first frame boundary that is found. May be given several times.
    #[arg(long, value_name = "PORT")]
    pub port: Vec<u16>,

    /// Decrypt TLS with the keys of this key log
    ///
    /// A browser or a library writes it while it connects: see `wsvet help tls`. May be given several
    /// times. Keys inside a pcapng capture are used, too, and without this option those of the file that
    /// the environment variable SSLKEYLOGFILE names.
    #[arg(long, value_name = "FILE")]
    pub tls_keylog: Vec<PathBuf>,

    /// Keep at most this much in memory of what is not judged yet
    ///
    /// The size is in bytes, or has a unit: K, M, G, KiB, MiB or GiB. What does not fit is named as not judged,
    /// the oldest first.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = bytes)]
    pub max_memory: u64,
}

/// The format of an input.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A packet capture: pcap or pcapng
    Pcap,
    /// A HAR file, exported by the developer tools of a browser or by a proxy
    Har,
    /// JSON lines: the output of --json, or the log of another program
    Json,
    /// Hex text: the bytes that one endpoint sent
    Hex,
    /// Raw bytes that one endpoint sent
    Raw,
}

/// The endpoint that receives the bytes of an input.
#[derive(Clone, Copy, ValueEnum)]
pub enum Receiver {
    /// The server: a client sent the bytes
    Server,
    /// The client: a server sent the bytes
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

/// Parses a number of bytes, with or without a unit.
fn bytes(text: &str) -> Result<u64, String> {
    let size = text.parse::<ByteSize>();
    size.map(|size| size.as_u64()).map_err(|_| "write for example 64MiB or 1G".to_owned())
}

/// Parses the parameters of an answer: the text after the name of the extension.
fn parameters(text: &str) -> Result<Parameters, String> {
    const NAME: &str = "permessage-deflate";
    if text.trim().is_empty() {
        return Ok(Parameters::new());
    }
    if let Some(at) = text.find(',') {
        return Err(format!("comma at byte {at}: separate parameters with semicolons"));
    }
    // Parsing one parameter more each time finds the first one that is wrong.
    let ends = text.match_indices(';').map(|(at, _)| at).chain([text.len()]);
    let mut read = Parameters::new();
    let mut start = 0;
    for end in ends {
        let answer = format!("{NAME};{}", &text[..end]);
        read = answered(&answer).map(Option::unwrap_or_default).map_err(|error| {
            let part = &text[start..end];
            let at = start + (part.len() - part.trim_start().len());
            match error.fault {
                Fault::Syntax => {
                    format!("invalid parameter at byte {at}: write `name` or `name=value`")
                }
                fault => describe(part.trim(), &format!("at byte {at}"), fault),
            }
        })?;
        start = end + 1;
    }
    Ok(read)
}
