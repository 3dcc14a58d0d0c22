//! A client that has connected: its request, and what the prober responds.

use std::net::SocketAddr;
use std::time::Duration;

use wsvet::deflate::Parameters;
use wsvet::generate::{Case, Level};
use wsvet::handshake::{Headers, Request, Rule, parse_request};

use crate::probe::hello::{self, Flaw, values};
use crate::probe::link::{Link, Received};

const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
const PROTOCOLS: &str = "Sec-WebSocket-Protocol";

/// The most characters of a target or an offer that a report shows.
const MOST_SHOWN: usize = 100;

/// The request of a client.
#[derive(Clone, Debug)]
pub struct Call {
    /// The bytes of the head.
    head: Vec<u8>,
    /// What came after the head.
    rest: Vec<u8>,
    /// Whether it asks for a WebSocket connection.
    pub is_upgrade: bool,
    /// Whether the method is GET.
    pub is_get: bool,
    /// The target.
    pub target: String,
    /// The extensions and subprotocols that it offers.
    pub(super) offers: String,
    host: String,
    broken: Vec<Rule>,
    /// What is wrong with it, apart from the rules.
    pub(super) flaw: Option<Flaw>,
    pub(super) key: Vec<u8>,
    pub(super) offers_deflate: bool,
    pub(super) agent: Option<String>,
}

/// Waits for the request of a client. Returns `None` if there is none within the limit.
///
/// # Errors
///
/// What is wrong with a request that is not HTTP/1.
pub fn receive(link: &mut dyn Link, limit: Duration) -> Result<Option<Call>, String> {
    let end = link.elapsed() + limit;
    let mut buffer = Vec::new();
    loop {
        // The function alone is not general enough over lifetimes.
        #[expect(clippy::redundant_closure)]
        let parsed = parse_request(&buffer, |request| view(request));
        let parsed = parsed.map_err(|error| error.to_string())?;
        if let Some((len, mut call)) = parsed {
            call.rest = buffer.split_off(len);
            call.head = buffer;
            call.flaw = call.flaw.or_else(|| Flaw::of_lines(&call.head));
            return Ok(Some(call));
        }
        if buffer.len() > hello::MOST {
            return Err("a head of more than 64 KiB".to_owned());
        }
        let left = end.saturating_sub(link.elapsed());
        if left.is_zero() || link.receive(&mut buffer, left) != Received::Bytes {
            return Ok(None);
        }
    }
}

fn view<'h>(request: &Request<'h, impl Headers<'h>>) -> Call {
    let field = |name| values(request.headers().clone(), name);
    // A request that lacks a part of what an upgrade needs is judged, too.
    let is_upgrade = request.is_upgrade() || request.lost_upgrade() || request.key().is_some();
    let mut extensions = request.extensions();
    let flaw = flaw(request);
    Call {
        head: Vec::new(),
        rest: Vec::new(),
        is_upgrade,
        is_get: !request.broken().contains(Rule::MethodNotGet),
        target: request.target().to_owned(),
        offers: [EXTENSIONS, PROTOCOLS].map(field).join("; "),
        host: field("Host"),
        broken: request.broken().collect(),
        flaw,
        key: request.key().unwrap_or_default().to_vec(),
        offers_deflate: extensions.any(|offer| offer.starts_with("permessage-deflate")),
        agent: Some(field("User-Agent")).filter(|agent| !agent.is_empty()),
    }
}

/// Returns what is wrong with a target or with offers.
fn flaw<'h>(request: &Request<'h, impl Headers<'h>>) -> Option<Flaw> {
    let target = request.target();
    let is_websocket = ["ws://", "wss://"]
        .iter()
        .any(|scheme| target.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    if is_websocket {
        return Some(Flaw {
            level: Level::Must,
            due: "a path as the target, or a URL with http or https (§4.1)",
            got: format!("the target {}", target.chars().take(MOST_SHOWN).collect::<String>()),
        });
    }
    let is_invalid = |offer: &&str| {
        let name = offer.split(';').next().unwrap_or_default().trim();
        name == "permessage-deflate" && Parameters::new().accept(offer).is_none()
    };
    let offer = request.extensions().find(is_invalid)?;
    Some(Flaw {
        level: Level::Must,
        due: "offers of permessage-deflate that a server may accept (RFC 7692 §7.1)",
        got: format!("the offer {}", offer.chars().take(MOST_SHOWN).collect::<String>()),
    })
}

impl Call {
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The bytes that came after the request, before the response.
    pub(super) fn rest(&self) -> &[u8] {
        &self.rest
    }

    /// Looks whether Host has the port at which the client connected.
    pub(super) fn arrive_at(&mut self, local: SocketAddr) {
        let flaw = || Flaw::of_host(&self.host, local);
        self.flaw = self.flaw.take().or_else(flaw);
    }

    /// The rules that the request breaks.
    pub(super) fn broken(&self) -> &[Rule] {
        &self.broken
    }

    /// Returns the segments of the response in this case, if the case says something of this client.
    #[must_use]
    pub fn response(&self, case: &Case) -> Option<Vec<Vec<u8>>> {
        if case.needs.deflate && !self.offers_deflate {
            return None;
        }
        parse_request(&self.head, |request| case.respond(request)).ok()??.1
    }

    /// The reason why there is no response.
    pub const LACKS: &str =
        "the request of the client does not fit the case: what it offers or leaves out";
}
