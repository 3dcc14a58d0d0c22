//! The oracle of the prober: a server that breaks no rule fails no case, whatever it accepts, however its
//! bytes are cut, and whatever it says in addition.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use arbitrary::{Result, Unstructured};
use wsvet::deflate::Parameters;
use wsvet::endpoint::Endpoint;
use wsvet::generate::{Case, Setup};
use wsvet::handshake::Server;
use wsvet::{Accepts, End, Message, Policy, Role};
use wsvet_cli::probe::explore::explore;
use wsvet_cli::probe::link::{Link, Received};
use wsvet_cli::probe::outcome::Outcome;
use wsvet_cli::probe::play::play;

/// How many cases are played with each server.
const CASES: usize = 16;

/// What a server accepts, and what it does.
#[derive(Clone)]
struct Kind {
    policy: Policy,
    server: Server,
    echoes: bool,
    /// What it says in addition, in turn: bit 0 is a Ping before a message that comes back, bit 1 a message
    /// before it, bit 2 a Ping at a segment, bit 3 a message after one that comes back.
    extras: Vec<u8>,
    /// The lengths of the pieces in which its bytes arrive, in turn.
    cuts: Vec<u8>,
}

/// The cases that are played say nothing bad of the server that these bytes choose.
pub fn probe(data: &[u8]) {
    // What is not chosen is the default, so no bytes are in vain.
    let _ = judge(&mut Unstructured::new(data));
}

fn judge(choices: &mut Unstructured<'_>) -> Result<()> {
    let mut setup = Setup::new("example.com", "/");
    let kind = kind(choices, &mut setup)?;
    let connect = || Ok(Box::new(Memory::new(&kind)) as Box<dyn Link>);
    let found = explore(&mut setup, &connect, Duration::from_secs(2));
    let found = found.unwrap_or_else(|error| panic!("{error}"));
    let cases = Case::all(&setup);
    for _ in 0..CASES {
        let case = choices.choose(&cases)?;
        if found.peer.cannot(case, false).is_some() {
            continue;
        }
        let ran = play(case, &found.peer, &mut Memory::new(&kind), found.patience);
        let is_failure = matches!(ran.outcome, Outcome::Fail(_));
        assert!(!is_failure, "{}: due {}, got {}", case.id, ran.due, ran.got);
    }
    Ok(())
}

/// A server, of which `setup` is told a part.
fn kind(choices: &mut Unstructured<'_>, setup: &mut Setup) -> Result<Kind> {
    let mut policy = Policy::new(Role::Server);
    let accepts = *choices.choose(&[Accepts::Any, Accepts::TextOnly, Accepts::BinaryOnly])?;
    policy = policy.accepts(accepts);
    if choices.arbitrary()? {
        *setup = setup.clone().accepts(accepts);
    }
    if choices.arbitrary()? {
        let most = choices.int_in_range(256..=200_000)?;
        policy = policy.max_message(most);
        if choices.arbitrary()? {
            *setup = setup.clone().max_message(most);
        }
    }
    let mut server = Server::new();
    if choices.arbitrary()? {
        let mut parameters = Parameters::new()
            .server_no_context_takeover(choices.arbitrary()?)
            .client_no_context_takeover(choices.arbitrary()?);
        if choices.arbitrary()? {
            parameters = parameters.server_max_window_bits(choices.int_in_range(9..=15)?);
        }
        if choices.arbitrary()? {
            parameters = parameters.client_max_window_bits(choices.int_in_range(9..=15)?);
        }
        server = server.permessage_deflate(parameters);
    }
    let echoes = choices.arbitrary()?;
    let [extras, cuts] = [choices.arbitrary()?, choices.arbitrary()?];
    Ok(Kind { policy, server, echoes, extras, cuts })
}

/// A connection with a server in memory.
struct Memory {
    kind: Kind,
    /// Before the request came, it only keeps what is received.
    endpoint: Endpoint,
    opened: bool,
    sent: VecDeque<u8>,
    end: Option<End>,
    now: Duration,
    said: usize,
    pieces: usize,
}

impl Memory {
    fn new(kind: &Kind) -> Self {
        let endpoint = Endpoint::new(kind.policy);
        let (kind, sent, now) = (kind.clone(), VecDeque::new(), Duration::ZERO);
        Self { kind, endpoint, opened: false, sent, end: None, now, said: 0, pieces: 0 }
    }

    fn run(&mut self) {
        if !self.opened {
            let received = self.endpoint.received();
            let Kind { policy, server, .. } = &self.kind;
            let Some((endpoint, _)) = Endpoint::accept(received, *policy, server) else { return };
            (self.endpoint, self.opened) = (endpoint, true);
        }
        if self.extra() & 4 != 0 {
            self.say(Message::Ping(vec![self.said as u8].into()));
        }
        // After an error, the Close that is due is there to be sent.
        while let Ok(Some(message)) = self.endpoint.next() {
            if !message.is_data() || !self.kind.echoes {
                continue;
            }
            let extra = self.extra();
            if extra & 1 != 0 {
                self.say(Message::Ping(vec![0; 125].into()));
            }
            if extra & 2 != 0 {
                self.say_something();
            }
            self.say(message);
            if extra & 8 != 0 {
                self.say_something();
            }
        }
    }

    fn say_something(&mut self) {
        let own = format!("own {}", self.said);
        self.say(match self.kind.policy.accepts {
            Accepts::BinaryOnly => Message::binary(own),
            _ => Message::text(own),
        });
    }

    fn extra(&mut self) -> u8 {
        self.said += 1;
        in_turn(&self.kind.extras, self.said).unwrap_or(0)
    }

    /// Sends a message, unless the connection is closing.
    fn say(&mut self, message: Message) {
        let _ = self.endpoint.send(message);
    }

    fn flush(&mut self) {
        self.sent.extend(&self.endpoint.to_send().split()[..]);
        if self.endpoint.is_done() {
            self.end.get_or_insert(End::Fin);
        }
    }
}

impl Link for Memory {
    fn send(&mut self, segment: &[u8]) -> io::Result<()> {
        if self.end.is_none() {
            self.endpoint.received().extend_from_slice(segment);
            self.run();
            self.flush();
        }
        Ok(())
    }

    fn end_sending(&mut self) -> io::Result<()> {
        if self.end.is_none() {
            let _ = self.endpoint.end();
            self.flush();
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        if self.sent.is_empty() {
            self.now += wait;
            return self.end.map_or(Received::Late, Received::End);
        }
        self.pieces += 1;
        let cut =
            in_turn(&self.kind.cuts, self.pieces).map_or(usize::MAX, |cut| usize::from(cut) + 1);
        buffer.extend(self.sent.drain(..cut.min(self.sent.len())));
        Received::Bytes
    }

    fn elapsed(&self) -> Duration {
        self.now
    }
}

fn in_turn(bytes: &[u8], number: usize) -> Option<u8> {
    bytes.get(number.checked_rem(bytes.len())?).copied()
}
