//! Finds out what a server is, before the cases: whether it answers, and whether it sends messages back.

use std::io;
use std::time::Duration;

use wsvet::generate::{Case, Setup};
use wsvet::{Accepts, CloseCode, OpCode};

use crate::probe::link::Link;
use crate::probe::play::{Patience, Server};
use crate::probe::visit::{Closed, NoResponse, Visit, closed};

/// What is sent to see whether it comes back.
const HELLO: &[u8] = b"wsvet";

/// The time in which a server that sends messages unprompted must send the first one.
const GREETING: Duration = Duration::from_millis(150);

/// The least time that a refusal may take.
const QUIET: Duration = Duration::from_millis(250);

/// The number of round trips that a refusal may take.
const TRIPS: u32 = 8;

/// What was found out of a server.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is known of it.
    pub server: Server,
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
    let mut server =
        Server { accepts: setup.accepts, max_message: setup.max_message, ..Server::default() };
    let mut trip = None;
    // A subprotocol may fix the type of data: the first connection shows which one is in use.
    let cases = Case::all(setup);
    let plain = &cases[0].request;
    for opcode in [OpCode::Text, OpCode::Binary] {
        if !server.accepts.unwrap_or_default().admits(opcode) {
            continue;
        }
        let mut link = connect().map_err(|error| format!("cannot connect: {error}"))?;
        let mut visit = Visit::new(&mut *link);
        let response = visit.open(plain, most).map_err(|why| no_response(&why, most))?;
        if response.status != 101 {
            return Err(refused(response.status));
        }
        server.broken = response.broken;
        if let Some(accepts) = response.subprotocol.as_deref().and_then(Accepts::for_subprotocol)
            && setup.accepts.is_none()
        {
            *setup = setup.clone().accepts(accepts);
            server.accepts = Some(accepts);
        }
        server.subprotocol = response.subprotocol;
        if !server.accepts.unwrap_or_default().admits(opcode) {
            continue;
        }
        greet(&mut visit, opcode, most, &mut server, &mut trip);
    }
    if let Some(case) = cases.iter().find(|case| case.needs.deflate) {
        let mut link = connect().map_err(|error| format!("cannot connect: {error}"))?;
        let mut visit = Visit::new(&mut *link);
        let response = visit.open(&case.request, most);
        server.deflates = response.is_ok_and(|response| response.parameters.is_some());
        visit.send_close(Some(CloseCode::NORMAL_CLOSURE));
    }
    if server.refuses_text && !server.refuses_binary {
        setup.data = OpCode::Binary;
    }
    let trip = trip.unwrap_or(most);
    let quiet = (trip * TRIPS).max(QUIET).min(most);
    Ok(Found { server, patience: Patience { most, quiet }, trip })
}

/// Sends a message and a Ping, and looks at what comes.
fn greet(
    visit: &mut Visit<'_>,
    opcode: OpCode,
    most: Duration,
    server: &mut Server,
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
            echo |= same;
            other |= !same;
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
    // A server that also says something else does not only send back.
    let echoes = echo && !other;
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

fn no_response(why: &NoResponse, most: Duration) -> String {
    match why {
        NoResponse::Late => {
            format!("no response within {} s: --timeout waits longer", most.as_secs_f32())
        }
        NoResponse::End(_) => {
            "the server ended TCP without a response: it may want wss://".to_owned()
        }
        NoResponse::Invalid(error) => error.clone(),
    }
}
