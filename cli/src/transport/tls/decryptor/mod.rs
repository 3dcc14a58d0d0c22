//! Follows both endpoints of a TLS connection, and decrypts what they send.

mod encrypted;
mod handshake;
mod waiting;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use crate::transport::packet::Moment;
use crate::transport::tls::hello::{ClientHello, ServerHello, Session, TLS13};
use crate::transport::tls::keylog::{KeyLog, Label, Secrets};
use crate::transport::tls::records::Records;
use crate::transport::tls::side::{Epoch, Side};
use crate::transport::tls::suite::Suite;

/// The types of records.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// What is found in a TLS connection.
pub struct Found<'a> {
    /// The endpoint that sent it: 0 or 1.
    pub from: usize,
    /// The packet that completed it.
    pub at: Moment,
    /// What it is.
    pub what: What<'a>,
}

/// What is found in a TLS connection.
pub enum What<'a> {
    /// The data starts. The endpoint is the client.
    Open {
        /// Whether the first data of both endpoints comes next.
        is_whole: bool,
    },
    /// Data.
    Bytes(&'a [u8]),
    /// Data that is missing, in bytes, if the records have no padding.
    Lost(u64),
    /// The end of the stream, by RST or not.
    End {
        /// Whether it is a RST.
        is_reset: bool,
    },
}

/// Receives what is found.
pub type Sink<'a> = dyn FnMut(Found<'_>) -> io::Result<()> + 'a;

/// Why a connection is not decrypted, or not to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no key log.
    NoKeyLog,
    /// The key log does not have its secrets.
    NoKeys,
    /// The first encrypted record is not proven by the secrets.
    WrongKeys,
    /// The version or the cipher suite is not known.
    Suite,
    /// A record is not proven, or no record.
    Broken,
    /// The handshake was not captured, and no secret fits.
    Begun,
    /// The handshake failed.
    Failed,
}

/// Why a connection goes no further.
#[derive(Debug)]
pub enum Failure {
    /// An error of the sink.
    Sink(io::Error),
    /// A fault of the connection.
    Fault(Fault),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Sink(error)
    }
}

/// What comes from an endpoint.
enum Input<'a> {
    Bytes(&'a [u8]),
    Lost(u64),
    End { is_reset: bool },
}

/// What waits.
struct Held {
    from: usize,
    at: Moment,
    what: HeldInput,
}

enum HeldInput {
    Bytes(Vec<u8>),
    Lost(u64),
    End { is_reset: bool },
}

/// What is done with a record.
#[derive(PartialEq, Eq)]
enum Way {
    Plain,
    Encrypted,
    Ignore,
    Wait,
}

/// Whether the client's early data counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Early {
    None,
    Undecided,
    Accepted,
    Rejected,
}

/// A TLS connection.
pub struct Decryptor {
    keys: Rc<RefCell<KeyLog>>,
    sides: [Side; 2],
    client: Option<usize>,
    hello: Option<ClientHello>,
    server: Option<ServerHello>,
    /// The ticket that the server gave last.
    ticket: Option<Session>,
    version: Option<u16>,
    suite: Option<Suite>,
    secrets: Option<Secrets>,
    /// The number of secrets in the key log at the last look.
    seen: u64,
    early: Early,
    /// Whether the data has started.
    is_open: bool,
    /// Whether all of the data is there.
    is_whole: bool,
    held: VecDeque<Held>,
    held_memory: usize,
    /// Whether nothing waits any longer.
    last_call: bool,
    /// What was wrong, for the user.
    note: Option<String>,
}

impl Decryptor {
    /// Creates a connection whose keys may be in this key log.
    pub fn new(keys: Rc<RefCell<KeyLog>>) -> Self {
        Self {
            keys,
            sides: [(); 2].map(|()| Side::new()),
            client: None,
            hello: None,
            server: None,
            ticket: None,
            version: None,
            suite: None,
            secrets: None,
            seen: 0,
            early: Early::None,
            is_open: false,
            is_whole: false,
            held: VecDeque::new(),
            held_memory: 0,
            last_call: false,
            note: None,
        }
    }

    /// Seeks the first record of each endpoint, because the capture begins in the middle.
    pub fn begins_in_the_middle(&mut self) {
        self.sides.iter_mut().for_each(|side| side.records = Records::in_the_middle());
    }

    /// Takes the next bytes of an endpoint.
    pub fn bytes(
        &mut self,
        from: usize,
        bytes: &[u8],
        at: Moment,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        self.input(from, at, Input::Bytes(bytes), sink)
    }

    /// Takes that the next bytes of an endpoint are missing.
    pub fn lost(
        &mut self,
        from: usize,
        missing: u64,
        at: Moment,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        self.input(from, at, Input::Lost(missing), sink)
    }

    /// Takes the end of the stream of an endpoint.
    pub fn end(
        &mut self,
        from: usize,
        is_reset: bool,
        at: Moment,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        self.input(from, at, Input::End { is_reset }, sink)
    }

    /// Takes that nothing more comes.
    pub fn finish(&mut self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        self.last_call = true;
        self.look_up(true);
        self.resume(None, sink)?;
        let has_all = self.sides.iter().all(|side| side.opened > 0);
        if self.is_open {
            let is_broken = |side: &Side| side.records.has_gap() && side.records.unread() > 0;
            return match self.sides.iter().position(is_broken) {
                Some(from) => Err(self.broken(from)),
                None => Ok(()),
            };
        }
        if has_all {
            return self.open(self.client.unwrap_or_default(), sink);
        }
        Err(if !self.keys.borrow().has_sources() {
            Failure::Fault(Fault::NoKeyLog)
        } else if self.hello.is_none() && self.version.is_none() {
            Failure::Fault(Fault::Begun)
        } else if self.secrets.is_none() {
            Failure::Fault(Fault::NoKeys)
        } else {
            self.note = Some("the handshake was not completed".to_owned());
            Failure::Fault(Fault::Failed)
        })
    }

    /// Returns the approximate memory that it takes, in bytes.
    pub fn memory(&self) -> usize {
        self.sides.iter().map(Side::memory).sum::<usize>() + self.held_memory
    }

    /// Returns which endpoint is the client, if it is known.
    pub fn client(&self) -> Option<usize> {
        self.client
    }

    /// Returns whether the data has started.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Returns what it is, and what was wrong: for example `TLS 1.3 to example.test`.
    pub fn describe(&self) -> String {
        let mut text = match self.version {
            Some(0x0300) => "SSL 3.0".to_owned(),
            Some(version @ 0x0301..=0x0304) => format!("TLS 1.{}", version - 0x0301),
            _ => "TLS".to_owned(),
        };
        if let Some(name) = self.hello.as_ref().and_then(|hello| hello.server_name.as_ref()) {
            text.push_str(" to ");
            text.push_str(name);
        }
        if let Some(note) = &self.note {
            text.push_str(", ");
            text.push_str(note);
        }
        text
    }

    /// Returns why the next record of an endpoint cannot be decrypted.
    fn fault(&mut self, from: usize) -> Failure {
        let is_client = self.client == Some(from);
        let side = &self.sides[from];
        let needed: &[Label] = match self.version {
            Some(TLS13) if side.epoch == Epoch::Application && is_client => &[Label::ClientTraffic],
            Some(TLS13) if side.epoch == Epoch::Application => &[Label::ServerTraffic],
            Some(TLS13) if side.epoch == Epoch::Early => &[Label::ClientEarly],
            // Only the server's EncryptedExtensions say whether early data counts.
            Some(TLS13) if is_client && self.early == Early::Undecided => &[Label::ServerHandshake],
            Some(TLS13) => &[Label::ClientTraffic, Label::ServerTraffic],
            _ => &[Label::Master],
        };
        let has = |secrets: &Secrets| needed.iter().all(|label| secrets.get(*label).is_some());
        let has_keys = self.secrets.as_ref().is_some_and(has);
        if !has_keys && self.keys.borrow().has_sources() {
            Failure::Fault(Fault::NoKeys)
        } else if has_keys && self.sides.iter().all(|side| side.opened == 0) {
            Failure::Fault(Fault::WrongKeys)
        } else {
            self.broken(from)
        }
    }

    /// Returns that the next record of an endpoint is broken, or that nothing of the connection can be
    /// decrypted.
    fn broken(&mut self, from: usize) -> Failure {
        if !self.keys.borrow().has_sources() {
            return Failure::Fault(Fault::NoKeyLog);
        }
        let side = &self.sides[from];
        let (number, packet) = (side.records.number(), side.at.packet);
        let who = self.name(from);
        self.note = Some(format!("record {number} of the {who}, packet {packet}"));
        Failure::Fault(Fault::Broken)
    }

    fn name(&self, from: usize) -> &'static str {
        if self.client == Some(from) { "client" } else { "server" }
    }
}
