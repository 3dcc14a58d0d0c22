//! Finds out what a peer is, before the cases: whether it answers, and whether it sends messages back.

use std::io;
use std::time::Duration;

use wsvet::generate::{Case, Setup};
use wsvet::{Accepts, CloseCode, OpCode, Role};

use crate::probe::call::Call;
use crate::probe::connect::Connect;
use crate::probe::link::Link;
use crate::probe::peer::{Patience, Peer};
use crate::probe::visit::{Closed, NoResponse, Visit, closed};

/// What is sent to see whether it comes back.
const HELLO: &[u8] = b"wsvet";

/// The time in which a server that sends messages unprompted must send the first one.
const GREETING: Duration = Duration::from_millis(150);

/// The least time that a refusal may take.
const QUIET: Duration = Duration::from_millis(250);

/// The number of round trips that a refusal may take.
const TRIPS: u32 = 8;

/// What was found out of a peer.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is known of it.
    pub peer: Peer,
    /// How long to wait for it.
    pub patience: Patience,
    /// The time from a Ping to its Pong.
    pub trip: Duration,
}

/// Finds out what a server is. `setup` says what is known, and is told which type of data to send.
///
/// # Errors
///
/// Why there is no WebSocket connection.
pub fn explore(
    setup: &mut Setup,
    connect: &dyn Fn() -> io::Result<Box<dyn Link>>,
    most: Duration,
) -> Result<Found, String> {
    let mut server = peer(setup);
    let mut trip = None;
    // A subprotocol may fix the type of data: the first connection shows which one is in use.
    let cases = Case::all(setup);
    let plain = &cases[0];
    for opcode in [OpCode::Text, OpCode::Binary] {
        if !server.accepts.unwrap_or_default().admits(opcode) {
            continue;
        }
        let mut link = connect().map_err(|error| format!("cannot connect: {error}"))?;
        server.http2 = link.tunnel().and_then(|_| Connect::of(plain).ok());
        let mut visit = Visit::new(&mut *link, Role::Server);
        let response = visit.open(plain, most);
        let response = response.map_err(|why| no_response(&why, visit.ending(), most))?;
        if !response.accepted {
            return Err(refused(response.status));
        }
        server.broken = response.broken;
        agree(response.agreed.subprotocol, setup, &mut server);
        if !server.accepts.unwrap_or_default().admits(opcode) {
            continue;
        }
        greet(&mut visit, opcode, most, &mut server, &mut trip);
    }
    if let Some(case) = cases.iter().find(|case| case.needs.deflate) {
        let mut link = connect().map_err(|error| format!("cannot connect: {error}"))?;
        let mut visit = Visit::new(&mut *link, Role::Server);
        let response = visit.open(case, most);
        server.deflates = response.is_ok_and(|response| response.agreed.parameters.is_some());
        visit.send_close(Some(CloseCode::NORMAL_CLOSURE));
    }
    Ok(found(server, setup, trip, most))
}

/// What the user says of a peer.
fn peer(setup: &Setup) -> Peer {
    let (accepts, max_message) = (setup.accepts, setup.max_message);
    Peer { accepts, max_message, ..Peer::new(setup.role) }
}

/// Notes the subprotocol, which may fix the type of data.
fn agree(subprotocol: Option<String>, setup: &mut Setup, peer: &mut Peer) {
    if let Some(accepts) = subprotocol.as_deref().and_then(Accepts::for_subprotocol)
        && setup.accepts.is_none()
    {
        *setup = setup.clone().accepts(accepts);
        peer.accepts = Some(accepts);
    }
    peer.subprotocol = subprotocol;
}

fn found(peer: Peer, setup: &mut Setup, trip: Option<Duration>, most: Duration) -> Found {
    if peer.refuses_text && !peer.refuses_binary {
        setup.data = OpCode::Binary;
    }
    let trip = trip.unwrap_or(most);
    let quiet = (trip * TRIPS).max(QUIET).min(most);
    Found { peer, patience: Patience { most, quiet }, trip }
}

/// Finds out what a client is, on the first of its connections.
#[derive(Debug)]
pub struct Meeting {
    peer: Peer,
    trip: Option<Duration>,
    keys: Vec<Vec<u8>>,
    masking_keys: Vec<[u8; 4]>,
    /// The types of data that were not yet sent.
    types: Vec<OpCode>,
    most: Duration,
}

impl Meeting {
    /// Creates a meeting with a client. `setup` says what is known of it.
    #[must_use]
    pub fn new(setup: &Setup, most: Duration) -> Self {
        let types = vec![OpCode::Binary, OpCode::Text];
        let (keys, masking_keys) = (Vec::new(), Vec::new());
        Self { peer: peer(setup), trip: None, keys, masking_keys, types, most }
    }

    /// Uses one connection of the client. Returns what was found out, if that was the last one that is
    /// needed. `setup` is told which type of data to send.
    pub fn meet(&mut self, call: &Call, link: &mut dyn Link, setup: &mut Setup) -> Option<Found> {
        let Self { peer, trip, keys, masking_keys, types, most } = self;
        let mut visit = Visit::new(link, Role::Client);
        let cases = Case::all(setup);
        let response = call.response(&cases[0]).unwrap_or_default();
        let agreed = visit.respond(call.head(), &response, call.rest());
        peer.broken = call.broken().to_vec();
        peer.deflates |= call.offers_deflate;
        peer.agent.clone_from(&call.agent);
        peer.repeats_key |= !call.key.is_empty() && keys.contains(&call.key);
        keys.push(call.key.clone());
        agree(agreed.subprotocol, setup, peer);
        let accepts = peer.accepts.unwrap_or_default();
        types.retain(|opcode| accepts.admits(*opcode));
        if let Some(opcode) = types.pop() {
            greet(&mut visit, opcode, *most, peer, trip);
        }
        visit.end_sending();
        visit.wait(QUIET, |incoming| incoming.end);
        for key in visit.incoming.masking_keys() {
            peer.repeats_masking_key |= masking_keys.contains(key);
            masking_keys.push(*key);
        }
        types.is_empty().then(|| found(peer.clone(), setup, *trip, *most))
    }
}

/// Sends a message and a Ping, and looks at what comes.
fn greet(
    visit: &mut Visit<'_>,
    opcode: OpCode,
    most: Duration,
    server: &mut Peer,
    trip: &mut Option<Duration>,
) {
    let greeting = visit.wait(GREETING, |incoming| incoming.next_message());
    server.is_chatty |= greeting.is_some();
    let start = visit.elapsed();
    // The Ping goes first: a program may close because of the message.
    let payload = visit.ping();
    visit.send_frame(opcode, HELLO);
    let mut echo = false;
    let mut other = false;
    let mut look = |incoming: &mut super::incoming::Incoming| {
        while let Some(message) = incoming.next_message() {
            let same = message.0 == opcode && message.1 == HELLO;
            other |= echo || !same;
            echo |= same;
        }
    };
    let pong = visit.wait(most, |incoming| {
        look(incoming);
        if incoming.has_pong(&payload, &mut None) {
            return Some(true);
        }
        closed(incoming).map(|_| false)
    });
    if pong == Some(true) {
        server.pongs = true;
        let took = visit.elapsed().saturating_sub(start);
        *trip = Some(trip.map_or(took, |trip| trip.min(took)));
        // The message comes after the Pong.
        visit.wait(GREETING, |incoming| {
            look(incoming);
            closed(incoming)
        });
    }
    // A code that says that a rule is broken is wrong here, and the cases will show it.
    let refused = match closed(&visit.incoming) {
        Some(Closed::With(Some(code))) => ![
            CloseCode::PROTOCOL_ERROR,
            CloseCode::INVALID_FRAME_PAYLOAD_DATA,
            CloseCode::MESSAGE_TOO_BIG,
        ]
        .contains(&code),
        _ => false,
    };
    // A server that also says something else does not only send back, nor one that does so once.
    let mut echoes = echo && !other;
    if echoes && closed(&visit.incoming).is_none() {
        visit.send_frame(opcode, HELLO);
        let again = visit.wait(most, |incoming| {
            incoming.next_message().map(Some).or_else(|| closed(incoming).map(|_| None))
        });
        echoes = again.flatten() == Some((opcode, HELLO.to_vec()));
    }
    if echoes && !server.echoes_empty && closed(&visit.incoming).is_none() {
        visit.send_frame(opcode, b"");
        let empty = |incoming: &mut super::incoming::Incoming| incoming.next_message();
        server.echoes_empty = visit.wait(GREETING, empty) == Some((opcode, Vec::new()));
    }
    match opcode {
        OpCode::Text => (server.echoes_text, server.refuses_text) = (echoes, refused),
        _ => (server.echoes_binary, server.refuses_binary) = (echoes, refused),
    }
    visit.send_close(Some(CloseCode::NORMAL_CLOSURE));
    visit.wait(GREETING, |incoming| closed(incoming));
}

fn refused(status: u16) -> String {
    let advice = match status {
        301 | 302 | 307 | 308 => ": probe the URL that it redirects to",
        401 | 403 => ": --header adds credentials, such as 'Authorization: Bearer ...'",
        404 => ": the path may be another one",
        400 | 426 => ": the path may be no WebSocket endpoint, or a proxy may remove the upgrade",
        _ => "",
    };
    format!("the server refused the connection with HTTP {status}{advice}")
}

/// `ending` is how the server ended a stream of HTTP/2.
fn no_response(why: &NoResponse, ending: Option<&str>, most: Duration) -> String {
    match why {
        NoResponse::Late => {
            format!("no response within {} s: --timeout waits longer", most.as_secs_f32())
        }
        NoResponse::End(_) if ending.is_some() => {
            format!("no response: {}", ending.unwrap_or_default())
        }
        NoResponse::End(_) => {
            "the server ended TCP without a response: it may want wss://".to_owned()
        }
        NoResponse::Invalid(error) => error.clone(),
    }
}
