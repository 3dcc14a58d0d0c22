//! `wsvet probe`: sends cases to a live server or to the clients that connect, and prints what they do.

use std::io::{self, Write};
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use wsvet::generate::{Case, Setup};

use crate::command::status::Status;
use crate::command::told::{Stop, Told};
use crate::command::trust::Trust;
use crate::input::interrupt;
use crate::live::target::{self, Target};
#[cfg(feature = "wss")]
use crate::live::tls::{HTTP1, HTTP2};
use crate::probe::campaign::{self, Options};
use crate::probe::explore::explore;
use crate::probe::link::Link;
use crate::probe::listen::{Host, Limits};
use crate::probe::report;
use crate::probe::stream::Stream;
use crate::probe::tcp::Tcp;
use crate::session::limits::DataType;

pub(crate) const HELP: &str = "\
Probe only servers of your own. wsvet sends broken frames and requests on purpose, each on a connection of its \
own, and a faulty server may log errors, leak connections or crash. What can do harm to a server without limits is \
sent only with --stress.

How it judges:
  The server may be any: it need not send messages back. Where the connection must go on, wsvet sends a Ping and \
waits for its Pong. Where the server must refuse, wsvet waits for the Close frame or the end of TCP, and only then \
sends a Ping, to see whether the frame was accepted. If the server sends messages back, which wsvet finds out first, \
these must arrive whole and in order. Every frame of the server is judged by the rules of `wsvet rules`.
  A case that fails is run twice more, and is inconclusive if one of the runs does not fail.

Clients:
  With --listen, wsvet is the server, and each connection of a client is the next case: let the client connect until \
nobody listens. A browser only has to open http://ADDR/. The first two connections show what the client is.

Levels:
  must      the server goes on after a broken frame, delivers it, refuses what it must accept, or breaks a rule itself
  should    it refuses, but without a Close frame or with another code than the one that is due (§7.1.7)
  quality   the RFC permits it, but it could do better

What the server or the client accepts:
  Without --server-accepts or --client-accepts, the cases about types of data (1003) are sent only if the subprotocol that the server \
chose fixes the type. Without --max-message, no limit is tested (1009).

Exit status:
  2  wrong usage, or no WebSocket connection
  1  otherwise, if the peer breaks a MUST; with --strict, if it breaks a SHOULD; known failures of --baseline do \
not count
  0  otherwise

JSON lines:
  `server` or `client` first, then a line `case` for each case: `id`, `outcome` (pass, fail, inconclusive, skipped), `level` \
(must, should, quality: of the failure, or what the case can break), `rule` (that the case breaks), `broken` (that \
the peer broke), `sentence` (of the RFC, that the peer does not keep), `due`, `got`, `sent` and `received` (the first \
256 bytes after the opening handshake, in hex), `millis`; and `summary` at the end.

Examples:
  Probe a server on this machine:
    wsvet probe ws://127.0.0.1:9001/
  One that accepts only text, up to 1 MiB:
    wsvet probe --server-accepts text --max-message 1048576 ws://127.0.0.1:9001/chat
  Probe a browser:
    wsvet probe --listen 127.0.0.1:9001 --html report.html
  One that also speaks WebSocket over HTTP/2:
    wsvet probe --http2 ws://127.0.0.1:9001/
  Fail a build only for what is new:
    wsvet probe --json ws://127.0.0.1:9001/ > known.jsonl
    wsvet probe --baseline known.jsonl --junit report.xml ws://127.0.0.1:9001/";

#[derive(Args)]
pub(crate) struct Probe {
    /// URL of a server of your own: ws://HOST[:PORT]/PATH
    ///
    /// wss:// needs a wsvet that was built with the feature `wss`.
    #[arg(value_name = "URL", required_unless_present_any = ["list", "listen"], conflicts_with = "listen")]
    pub(crate) url: Option<String>,

    /// Probe the clients that connect to this address instead of a server: HOST:PORT
    ///
    /// Port 0 takes a free one. A browser that opens the address as a page probes itself.
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["server_accepts", "parallel"])]
    pub(crate) listen: Option<String>,

    /// Probe the server over HTTP/2 (RFC 8441): ws:// with prior knowledge, wss:// with ALPN
    ///
    /// The stream of an extended CONNECT takes the place of TCP. What HTTP/2 does not have is skipped, such as
    /// the key and Upgrade.
    #[arg(long, conflicts_with = "listen")]
    pub(crate) http2: bool,

    /// Add a header field to each request (with --listen: response), such as 'Authorization: Bearer ...'
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    pub(crate) header: Vec<(String, String)>,

    /// Ask for this subprotocol, or choose it if a client offers it
    #[arg(long, value_name = "NAME", value_parser = token)]
    pub(crate) subprotocol: Option<String>,

    /// Say which type of data the server accepts: it must refuse the other with 1003
    #[arg(long, value_name = "TYPE")]
    pub(crate) server_accepts: Option<DataType>,

    /// With --listen: say which type of data the client accepts
    #[arg(long, value_name = "TYPE", requires = "listen")]
    pub(crate) client_accepts: Option<DataType>,

    /// Say how long a message may be in bytes, at least 256: a longer one must be refused with 1009
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(256..))]
    pub(crate) max_message: Option<u64>,

    /// Send only the cases whose id contains this text; can be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) case: Vec<String>,

    /// List the cases, and send nothing
    #[arg(long)]
    pub(crate) list: bool,

    /// Run this many cases at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) parallel: u16,

    /// With --listen: stop after this many connections
    #[arg(long, value_name = "N", requires = "listen", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) until: Option<u64>,

    /// With --listen: stop if a client does not connect again within this many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds, requires = "listen")]
    pub(crate) idle: Duration,

    /// Wait this many seconds for what is due
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Also send what can do harm to a peer without limits
    ///
    /// Huge lengths, a message that inflates to 32 MiB, 100,000 empty fragments.
    #[arg(long)]
    pub(crate) stress: bool,

    /// Exit with status 1 also if a SHOULD is broken
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,

    /// Also write a report in the format of JUnit
    ///
    /// An existing file is overwritten only if it is empty or XML.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Also write an HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// Do not count failures that an earlier output of --json has
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) trust: Trust,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write NAME: VALUE")?;
    let (name, value) = (token(name.trim())?, value.trim());
    if value.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("a value has no line ends".to_owned());
    }
    let own = ["host", "upgrade", "connection"];
    let lower = name.to_ascii_lowercase();
    if own.contains(&&*lower) || lower.starts_with("sec-websocket-") {
        return Err(format!("{name} is set by the cases"));
    }
    Ok((name, value.to_owned()))
}

fn token(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(fits) {
        return Err("a name has letters, digits and - . _ only".to_owned());
    }
    Ok(text.to_owned())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "write a number of seconds")?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if (Duration::from_millis(10)..=Duration::from_secs(600)).contains(&time) => {
            Ok(time)
        }
        _ => Err("write 0.01 to 600".to_owned()),
    }
}

/// Probes the server, or the clients.
pub(crate) fn run(
    out: &mut impl Write,
    args: &Probe,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    match probe(out, args) {
        Ok(status) => Ok(status),
        Err(Stop::Output(error)) => Err(error),
        Err(Stop::Unusable(error)) => {
            complain(&error);
            Ok(Status::Unusable)
        }
    }
}

fn probe(out: &mut impl Write, args: &Probe) -> Result<Status, Stop> {
    let url = args.url.as_deref().unwrap_or("ws://localhost/");
    let target = Target::parse(url).map_err(|error| format!("{url}: {error}"))?;
    let mut setup = setup(args, &target);
    if args.list {
        let cases = Case::all(&setup);
        report::list(&chosen(&cases, args)?, out)?;
        return Ok(Status::Fine);
    }
    let mut told = Told::new(args)?;
    if let Some(address) = &args.listen {
        return listen(out, args, address, setup, told);
    }
    let addresses = target.resolve().map_err(|error| format!("{}: {error}", target.host))?;
    let connect = connector(args, &target, addresses)?;
    let found =
        explore(&mut setup, &connect, args.timeout).map_err(|error| format!("{url}: {error}"))?;
    let cases = cases(&setup, args)?;
    let options =
        Options { stress: args.stress, parallel: args.parallel.into(), patience: found.patience };
    told.begin(url, &found, cases.len())?;
    campaign::run(&cases, &found.peer, &connect, options, |case, ran| told.case(case, ran))?;
    told.end(out, url, &found, &cases)
}

/// Probes the clients that connect.
fn listen(
    out: &mut impl Write,
    args: &Probe,
    address: &str,
    setup: Setup,
    mut told: Told<'_>,
) -> Result<Status, Stop> {
    let wrong = |error: io::Error| format!("cannot listen on {address}: {error}");
    let addresses: Vec<_> = address.to_socket_addrs().map_err(wrong)?.collect();
    let limits = Limits { most: args.timeout, until: args.until, idle: args.idle };
    interrupt::listen();
    let host = Host::new(&addresses, setup, limits).map_err(wrong)?;
    let url = format!("ws://{}/", host.address().map_err(wrong)?);
    let page = url.replacen("ws", "http", 1);
    eprintln!("wsvet: waiting for a client of {url}, or for a browser at {page}");
    let (found, setup) = host.meet()?;
    let cases = cases(&setup, args)?;
    told.begin(&url, &found, cases.len())?;
    host.run(&cases, args.stress, |case, ran| told.case(case, ran))?;
    told.end(out, &format!("clients of {url}"), &found, &cases)
}

fn setup(args: &Probe, target: &Target) -> Setup {
    let mut setup = match args.listen {
        None => Setup::new(&target.authority, &target.path),
        Some(_) => Setup::client(),
    };
    for (name, value) in &args.header {
        setup = setup.header(name, value);
    }
    if let Some(name) = &args.subprotocol {
        setup = setup.subprotocol(name);
    }
    if let Some(accepts) = args.server_accepts.or(args.client_accepts) {
        setup = setup.accepts(accepts.into());
    }
    if let Some(bytes) = args.max_message {
        setup = setup.max_message(bytes);
    }
    setup
}

/// The cases to run.
fn cases(setup: &Setup, args: &Probe) -> Result<Vec<Case>, String> {
    let cases = Case::all(setup);
    Ok(chosen(&cases, args)?.into_iter().cloned().collect())
}

/// The cases that the arguments choose.
fn chosen<'c>(cases: &'c [Case], args: &Probe) -> Result<Vec<&'c Case>, String> {
    let is_chosen = |case: &&Case| {
        args.case.is_empty() || args.case.iter().any(|text| case.id.contains(text.as_str()))
    };
    let chosen: Vec<_> = cases.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        return Err("no case has this text in its id: --list shows the ids".to_owned());
    }
    Ok(chosen)
}

/// Returns what connects to the server.
fn connector<'a>(
    args: &'a Probe,
    target: &'a Target,
    addresses: Vec<std::net::SocketAddr>,
) -> Result<impl Fn() -> io::Result<Box<dyn Link>> + Sync + use<'a>, String> {
    let limit = args.timeout;
    #[cfg(feature = "wss")]
    let tls = args.trust.client(target, if args.http2 { HTTP2 } else { HTTP1 })?;
    #[cfg(not(feature = "wss"))]
    if target.tls {
        let without_tls = crate::command::trust::WITHOUT_TLS;
        return Err(format!("{without_tls}, or probe the server behind its TLS with ws://"));
    }
    Ok(move || -> io::Result<Box<dyn Link>> {
        let socket = target::connect(&addresses, limit)?;
        #[cfg(feature = "wss")]
        if let Some(tls) = &tls {
            let link = crate::probe::tls::connect(tls, socket, limit)?;
            return over(link, "https", args.http2, limit);
        }
        over(Tcp::new(socket, limit)?, "http", args.http2, limit)
    })
}

/// Returns the link, or a stream of HTTP/2 over it.
fn over(
    link: impl Link + 'static,
    scheme: &'static str,
    http2: bool,
    limit: Duration,
) -> io::Result<Box<dyn Link>> {
    match http2 {
        true => Ok(Box::new(Stream::open(link, scheme, limit)?)),
        false => Ok(Box::new(link)),
    }
}
