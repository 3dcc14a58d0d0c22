//! The command line: commands, options and their help texts.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::command::probe::{self, Probe};
use crate::command::reporting::Reporting;
#[cfg(unix)]
use crate::command::tap::{self, Tap};
use crate::input::reading::Reading;
use crate::session::limits::Limits;

/// Judge WebSocket captures by RFC 6455
///
/// For each violation, wsvet names the rule, the byte, the section of the RFC, and the close code
/// that the receiver must send.
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Choose when to print colours; auto respects NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 100)]
    pub(crate) color: Color,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Judge a built-in recording: a client sends binary to a text-only server
    Demo,
    /// Judge captures, HAR files, JSON lines, hex text or raw bytes
    #[command(after_help = CHECK_HELP)]
    Check(Check),
    /// Send cases to a live server of your own, or to clients, and judge what they do
    #[command(after_help = probe::HELP)]
    Probe(Box<Probe>),
    /// Pass live connections to a server, and judge them
    #[cfg(unix)]
    #[command(after_help = tap::HELP)]
    Tap(Box<Tap>),
    /// Measure how fast this machine decodes and judges frames
    Bench(Bench),
    /// Explain a close code or a rule
    Explain {
        /// Close code, its name, or a rule: for example 1003 or unsupported-data
        #[arg(value_name = "CODE|RULE")]
        what: String,
    },
    /// Compare two close codes, and say when to use which
    Compare {
        /// First close code
        #[arg(value_name = "CODE")]
        left: u16,
        /// Second close code
        #[arg(value_name = "CODE")]
        right: u16,
    },
    /// List the close codes of the IANA registry
    Codes,
    /// List the rules, in the order of their precedence
    Rules,
    /// Say how to get the key log that decrypts wss
    #[command(after_help = TLS_HELP)]
    Tls,
}

const HELP: &str = "\
Run 'wsvet help check' for the input formats, the exit status and examples.";

const CHECK_HELP: &str = "\
Exit status:
  2  wrong usage; an input that cannot be read, or has no connection that can be judged; with --strict, a \
connection that cannot be judged beside others
  1  otherwise, if a rule is broken, a duty was neglected while time passed, or the verdict on a connection \
is marked with a cross: wrongly refused, refused with another code, let pass, a broken Close, an abnormal end \
(1006), or never opened for any cause
  0  otherwise
  After the first Ctrl-C (SIGINT) or SIGTERM, wsvet prints what it has judged so far, and then ends by that \
signal; the second ends it at once. If the reader of the output leaves, judging goes on for the exit status \
and the page, except with --follow.

Verdicts, in the field `outcome` of the line `verdict` of --json:
  clean, refused, refused-otherwise, let-pass, wrongly-refused, own-limit, broken-close, abnormal, \
never-opened, open. The field `why` says more of abnormal (in-frame, without-close, reset, unanswered, \
reset-unanswered) and of never-opened (refused, no-answer, dropped, reset, broken-response).

Opening handshake:
  --json prints a line `handshake` for each rule that the request or the response breaks (`rule`), for a \
refusal (`status`), for one of an earlier request on the connection (`status_before`), and if the server chose none of the subprotocols that the client offered (`declined`).

Duties over time:
  A ping without a pong, although the other endpoint sent other frames more than 1 s later, or 5 s passed \
before the end, is `unanswered-ping`. If no end of TCP follows within 2 s after both Close frames, that is \
`server-left-open`. Nobody is blamed if the answer may be among what was not captured. --json prints a \
line `finding` for each.

Causes:
  Below a violation, `looks like` says what may have caused it, if the bytes show it: for example an HTTP \
request, a length in characters, or a text that is cut inside a character. It changes no verdict. --json \
prints a line `cause` for each, with the `rule` and the `offset` of the violation, the id `cause` and a \
`text`. It follows the line `violation`, not always at once.

Compression:
  If the endpoints negotiated permessage-deflate, wsvet inflates the messages and judges the result. \
The row of a message's last frame shows the inflated length. --json prints a line `message` for each \
message.
  If the server's answer is one that the client must reject, this counts as a violation. --json prints \
a line `negotiation` for it.

HTTP/2:
  In the clear, each stream that an extended CONNECT opens for WebSocket (RFC 8441) is judged as a connection \
of its own: its end is END_STREAM or RST_STREAM, and the status 2xx opens it. The line `connection` of --json \
has its `http2_stream`; the line `verdict` has `http2`, with the codes of RST_STREAM and GOAWAY.

Connections that are not judged:
  They are named at the end of each input, by their reasons; --json prints a line `unjudged` for each, whose \
`why` is a fixed name, and whose `perhaps_websocket` says whether it may be a WebSocket connection. A \
connection that begins in the middle is judged from the first plausible frame boundary; what is not known \
of it stands in `uncertain` of its line `connection`. What else of an input was not judged, such as truncated \
packets, is told on standard error; --json prints a line `notice` for each, with its `text`, and for the \
reason why an input cannot be judged. A connection goes on in the next capture if its packets \
there follow.
Hex text and raw bytes:
  Hex text may be digits, or what `xxd`, `hexdump`, `od`, `tcpdump -X` and Wireshark print, or an array, \
a string or a Buffer of a programming language, or base64. Offsets and text columns are not data. Packets \
with IP and TCP headers are judged as a capture. Several labelled lines are the parts of one stream. The \
HTTP heads of the opening handshake before the frames are skipped and used.
  Bytes in no known format are judged if the lengths of their headers lead from frame to frame, or if they \
are fewer than 64. --format raw and --format hex judge any bytes. --json prints a line `input` that says \
how an input was read.

HAR files:
  What a browser or a proxy reports of a connection, such as an error or a close code, is in the field \
`reported` of the line `verdict` of --json.

JSON lines:
  wsvet reads the output of --json, and logs of other programs with one JSON object per line. Every \
line needs `event`; a line `frame` also needs `from` and `opcode`; a line `end` also needs `from`. \
Examples of the lines:
  {\"event\":\"connection\",\"connection\":0,\"target\":\"/chat\",\"subprotocol\":\"mqtt\",\"time\":1.5}
  {\"event\":\"frame\",\"connection\":0,\"from\":\"client\",\"opcode\":2,\"fin\":true,\"payload\":\"00ff\"}
  {\"event\":\"frame\",\"connection\":0,\"from\":\"server\",\"opcode\":\"text\",\"text\":\"hi\"}
  {\"event\":\"end\",\"connection\":0,\"from\":\"server\",\"how\":\"fin\"}

Examples:
  Judge a capture of a server that accepts only text messages:
    wsvet check --server-accepts text capture.pcap
  Write a page with sequence diagrams, too:
    wsvet check --html conversation.html capture.pcap
  Judge one frame from a client, written in hex:
    echo '82 83 37 fa 21 3d 36 f8 22' | wsvet check --server-accepts text -
  Judge the raw bytes that a server sent:
    wsvet check --receiver client --format raw from-the-server.bin";

const TLS_HELP: &str = "\
A key log has the secrets of TLS connections, one a line, as SSLKEYLOGFILE asks for them. One of the two \
endpoints writes it while it connects. It cannot be made afterwards, and neither a certificate nor its private \
key does the same. Who has it and the capture can read the connections: keep it like a password.

Write a key log:
  Chrome, Edge    end all of its processes, then: chrome --ssl-key-log-file=/tmp/keys.log
  Firefox         SSLKEYLOGFILE=/tmp/keys.log firefox
  curl            SSLKEYLOGFILE=/tmp/keys.log curl ...
  OpenSSL         openssl s_client -keylogfile /tmp/keys.log ...
  Node            node --tls-keylog=/tmp/keys.log program.js
  Python          SSLKEYLOGFILE=/tmp/keys.log python program.py, if the program uses \
ssl.create_default_context(); or context.keylog_filename = '/tmp/keys.log'
  Go              tls.Config{KeyLogWriter: file}
  Rust (rustls)   config.key_log = Arc::new(rustls::KeyLogFile::new()), then SSLKEYLOGFILE=/tmp/keys.log
  Java            java -javaagent:AGENT.jar=/tmp/keys.log, with an agent such as extract-tls-secrets or jSSLKEYLOG
  HAProxy         tune.ssl.keylog on, and a log format with the fetches %[ssl_fc_...secret]

Use it:
  wsvet check --tls-keylog /tmp/keys.log capture.pcapng
  tcpdump -i any -U -w - 'tcp port 443' | wsvet check --follow --tls-keylog /tmp/keys.log -
  Put the keys into the capture: editcap --inject-secrets tls,/tmp/keys.log capture.pcapng with-keys.pcapng
  Without --tls-keylog, wsvet uses the keys in the capture, then those of the file that SSLKEYLOGFILE names. It \
says which were used.

What is decrypted:
  TLS 1.3, and TLS 1.2 with AES in GCM, CCM or CBC mode or ChaCha20-Poly1305; with resumption, early data and key \
updates. Other versions and cipher suites are named. If the capture begins after the handshake, TLS 1.3 is \
decrypted if a key fits. Records that are missing are passed over.";

#[derive(Args)]
pub(crate) struct Check {
    /// Files to judge; - reads standard input
    ///
    /// wsvet detects the format: pcap, pcapng, HAR, JSON lines, hex text or raw bytes.
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: Reading,

    #[command(flatten)]
    pub(crate) limits: Limits,

    #[command(flatten)]
    pub(crate) reporting: Reporting,

    /// Print each frame as soon as it is read, while the capture still grows
    ///
    /// If the last input is a regular file, it is read as it grows, until Ctrl-C, or until the file is
    /// truncated, removed or replaced. How the connections were closed is printed at the end of the
    /// input, and after Ctrl-C.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Prints how to get a key log.
pub(crate) fn print_tls(out: &mut impl Write) -> io::Result<()> {
    let width = terminal_size::terminal_size().map_or(100, |(width, _)| width.0.min(100));
    let options = textwrap::Options::new(width.into()).subsequent_indent("    ");
    TLS_HELP.lines().try_for_each(|line| writeln!(out, "{}", textwrap::fill(line, &options)))
}

#[derive(Args)]
pub(crate) struct Bench {
    /// Files with the frames to replay; without a file, a built-in mix of frames
    ///
    /// Only complete frames that break no rule are replayed.
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) reading: Reading,

    /// Measure each stage N times
    #[arg(long, value_name = "N", default_value = "30", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repetitions: u32,

    /// Print one JSON object per line
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
