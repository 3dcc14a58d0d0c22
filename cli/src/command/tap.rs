//! `wsvet tap`: passes live connections to a server, and judges them.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
#[cfg(feature = "wss")]
use std::sync::Arc;

use clap::Args;

use crate::command::overwriting::Kind;
use crate::command::page::Page;
use crate::command::reporting::{Reporting, Subject};
use crate::command::status::Status;
use crate::command::trust::Trust;
use crate::input::interrupt;
#[cfg(feature = "wss")]
use crate::live::identity::Identity;
use crate::live::target::Target;
#[cfg(feature = "wss")]
use crate::live::tls::HTTP1;
use crate::session::limits::Limits;
use crate::tap::{self, Pcapng, Route, SECTION};

pub(crate) const HELP: &str = "\
What passes:
  Every byte, the half-close and the reset of both endpoints, as they come. The request is not changed either: its \
path is the one that the client asks for, not that of URL, and its Host names what the client connected to. If the \
server wants its own name there, let the client connect with that name, for example by a line in /etc/hosts.
  An endpoint that does not read stops the other one, as it would without wsvet. A report that is slower than the \
traffic slows the traffic: --summary prints less.

How it judges:
  As `wsvet check` judges a capture of the connections between the clients and the server: rows as --follow prints \
them, and how each connection was closed as soon as it is. `wsvet help check` says what that means, and lists the \
lines of --json. `wsvet check` says the same of the capture that --write writes. wsvet is an end of both TCP \
connections, so it does not see whether the host of an endpoint has acknowledged what was sent to it.

What --enforce refuses:
  A frame that breaks a rule does not pass. Its sender is sent the Close frame that is due, for example 1003, and the \
other endpoint one with 1001, if it has whole frames only; both connections then end. The report shows the \
conversation as the sender of the frame sees it. The opening handshake passes as it is. So does HTTP/2, which is \
judged, but nothing in it is refused.

Exit status, also after Ctrl-C (SIGINT) or SIGTERM, which end wsvet with a summary:
  2  wrong usage; no connection that can be judged; or a file that cannot be written
  1  otherwise, as for `wsvet check`: if a rule is broken, or a verdict is marked with a cross
  0  otherwise

Examples:
  Stand between a browser and a server on this machine; open ws://127.0.0.1:9000/ in the browser:
    wsvet tap --listen 127.0.0.1:9000 ws://127.0.0.1:8080
  Only what is wrong, and a capture for Wireshark:
    wsvet tap --summary --write tap.pcapng --listen 127.0.0.1:9000 ws://127.0.0.1:8080
  Keep binary messages away from a server that accepts text only:
    wsvet tap --enforce --server-accepts text --listen 127.0.0.1:9000 ws://127.0.0.1:8080
  For clients that want wss://; Node trusts the certificate:
    wsvet tap --tls --write-cert tap.pem --listen 127.0.0.1:9000 wss://example.com
    NODE_EXTRA_CA_CERTS=tap.pem node client.js   # to wss://localhost:9000/
  In a test, for one connection:
    wsvet tap --once --json --listen 127.0.0.1:9000 ws://127.0.0.1:8080 > tap.jsonl";

const CAPTURE: Kind = Kind {
    option: "--write",
    name: "capture",
    form: "a pcapng capture",
    start: &SECTION.to_le_bytes(),
};

#[cfg(feature = "wss")]
const CERTIFICATE: Kind = Kind {
    option: "--write-cert",
    name: "certificate",
    form: "a certificate in PEM",
    start: b"-----BEGIN CERTIFICATE-----",
};

#[derive(Args)]
pub(crate) struct Tap {
    /// URL of the server: ws://HOST[:PORT]
    ///
    /// wss:// needs a wsvet that was built with the feature `wss`.
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Wait for clients at this address
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    pub(crate) listen: String,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Refuse what breaks a rule
    #[arg(long)]
    pub(crate) enforce: bool,

    #[command(flatten)]
    pub(crate) reporting: Reporting,

    /// Also write what passes as a pcapng capture
    ///
    /// The packets are made of what passes, with the times at which it came. What came over TLS is written without
    /// it. An existing file is overwritten only if it is empty or a pcapng capture.
    #[arg(long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,

    /// End after this many connections
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) connections: Option<u64>,

    /// End after one connection
    #[arg(long, conflicts_with = "connections")]
    pub(crate) once: bool,

    #[command(flatten)]
    pub(crate) trust: Trust,

    /// Wait for clients that want wss:// (feature `wss`)
    ///
    /// Without --tls-cert, wsvet makes a certificate for this run. It names localhost, the address of --listen and
    /// the host of URL.
    #[arg(long)]
    pub(crate) tls: bool,

    /// Write the certificate that --tls makes to this PEM file, so that clients can trust it
    ///
    /// An existing file is overwritten only if it is empty or a certificate in PEM.
    #[arg(long, value_name = "FILE", requires = "tls", conflicts_with = "tls_cert")]
    pub(crate) write_cert: Option<PathBuf>,

    /// As --tls, with the certificate in this PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of the certificate, in a PEM file (feature `wss`)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// Passes connections and judges them, until it is ended.
pub(crate) fn run(
    out: &mut impl Write,
    args: &Tap,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    match prepare(args) {
        Ok(prepared) => pass(out, args, prepared, complain),
        Err(error) => {
            complain(&error);
            Ok(Status::Unusable)
        }
    }
}

/// What is checked before the first connection.
struct Prepared {
    listener: TcpListener,
    route: Route,
    page: Option<Page>,
    capture: Option<Pcapng<BufWriter<File>>>,
}

fn prepare(args: &Tap) -> Result<Prepared, String> {
    let page = args.reporting.page()?;
    let route = route(args)?;
    let capture = args.write.as_deref().map(capture).transpose()?;
    let listener = TcpListener::bind(&*args.listen)
        .map_err(|error| format!("{}: cannot wait for clients here: {error}", args.listen))?;
    Ok(Prepared { listener, route, page, capture })
}

fn route(args: &Tap) -> Result<Route, String> {
    let target = Target::parse(&args.url).map_err(|error| format!("{}: {error}", args.url))?;
    let addresses = target.resolve().map_err(|error| format!("{}: {error}", target.host))?;
    #[cfg(feature = "wss")]
    let to_server = args.trust.client(&target, HTTP1)?;
    #[cfg(feature = "wss")]
    let to_client = tls_to_client(args, &target)?;
    #[cfg(not(feature = "wss"))]
    if target.tls || args.wants_tls() {
        return Err(crate::command::trust::WITHOUT_TLS.to_owned());
    }
    Ok(Route {
        addresses,
        #[cfg(feature = "wss")]
        to_server: to_server.map(Arc::new),
        #[cfg(feature = "wss")]
        to_client,
        enforced: args.enforce.then_some(args.limits),
    })
}

/// Returns what accepts clients over TLS, if that is wanted.
#[cfg(feature = "wss")]
fn tls_to_client(args: &Tap, target: &Target) -> Result<Option<Arc<rustls::ServerConfig>>, String> {
    if let Some((certificates, key)) = args.tls_cert.as_deref().zip(args.tls_key.as_deref()) {
        return Identity::read(certificates, key)?.server().map(Some);
    }
    if !args.tls {
        return Ok(None);
    }
    let address = args.listen.rsplit_once(':').map_or(&*args.listen, |(address, _)| address);
    let address = address.trim_start_matches('[').trim_end_matches(']');
    let (identity, pem) = Identity::create(["localhost", address, &target.host])?;
    if let Some(path) = &args.write_cert {
        let written = CERTIFICATE.create(path)?.write_all(pem.as_bytes());
        written.map_err(|error| CERTIFICATE.cannot_write(path, &error))?;
    }
    identity.server().map(Some)
}

impl Tap {
    fn wants_tls(&self) -> bool {
        self.tls || self.tls_cert.is_some()
    }
}

/// Starts a capture.
fn capture(path: &Path) -> Result<Pcapng<BufWriter<File>>, String> {
    let file = BufWriter::with_capacity(1 << 18, CAPTURE.create(path)?);
    Pcapng::new(file).map_err(|error| CAPTURE.cannot_write(path, &error))
}

fn pass(
    out: &mut impl Write,
    args: &Tap,
    prepared: Prepared,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    let Prepared { listener, route, page, capture } = prepared;
    args.reporting.print(out, Subject::Live, args.limits, page, complain, |judging, complain| {
        interrupt::listen();
        if !io::stdout().is_terminal() {
            interrupt::end_with_reader();
        }
        let address = listener.local_addr()?;
        let scheme = if args.wants_tls() { "wss" } else { "ws" };
        complain(&format!("waiting for clients at {scheme}://{address} (Ctrl-C ends)"));
        judging.report.input(&args.url)?;
        let most = if args.once { Some(1) } else { args.connections };
        tap::run(listener, route, most, capture, judging, complain)?;
        let mut notices = judging.skipped.take();
        if judging.tally.connections == 0 {
            judging.tally.unusable += 1;
            let why = judging.strays.why().unwrap_or_else(|| "no client connected".to_owned());
            notices.push(format!("no WebSocket connection was judged: {why}"));
        }
        judging.report.end_of_input(&notices)?;
        notices.iter().for_each(|notice| complain(notice));
        judging.report.finish(&judging.tally)
    })
}
