//! Follows both endpoints of a TLS connection, and decrypts what they send.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use tls_parser::TlsAlertDescription;

use crate::transport::packet::Moment;
use crate::transport::tls::hello::{
    ClientHello, ServerHello, TLS12, TLS13, accepts_early_data, client_hello, server_hello,
};
use crate::transport::tls::keylog::{KeyLog, Label, Secrets};
use crate::transport::tls::messages::{
    CLIENT_HELLO, ENCRYPTED_EXTENSIONS, END_OF_EARLY_DATA, FINISHED, KEY_UPDATE, Message,
    SERVER_HELLO,
};
use crate::transport::tls::opener::{Opened, Opener};
use crate::transport::tls::records::{HEAD, Next, Records};
use crate::transport::tls::side::{Epoch, Side};
use crate::transport::tls::suite::Suite;

/// The types of records.
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The most bytes that wait for keys, or for the other endpoint.
const MAX_HELD: usize = 4 << 20;

/// The most bytes that wait if there is no key log.
const MAX_HELD_IN_VAIN: usize = 64 << 10;

/// The approximate memory of what waits in addition to its bytes.
const HELD_COST: usize = 64;

/// The work that a search for the number of a record may take, in bytes that are decrypted.
const SEARCH: u64 = 32 << 20;

/// The approximate work for a record in addition to its bytes.
const RECORD_WORK: u64 = 64;

/// The most records before the first one that is captured, if the handshake was not captured.
const MAX_BEFORE: u64 = 1 << 10;

/// The most records that are tried to find the keys of a connection without a handshake.
const TRIES: u64 = 8;

/// The most connections of a key log among which those keys are sought.
const MOST_KEYS: usize = 256;

/// The most records that are passed over for want of a secret of the handshake.
const MAX_PASSED_OVER: u32 = 64;

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
        self.resume(sink)?;
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

    fn input(
        &mut self,
        from: usize,
        at: Moment,
        input: Input<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        if self.sides.iter().any(|side| side.waits) {
            self.look_up(true);
            self.resume(sink)?;
        }
        if self.sides[from].waits {
            self.hold(from, at, &input);
            let most = if self.keys.borrow().has_sources() { MAX_HELD } else { MAX_HELD_IN_VAIN };
            if self.held_memory <= most {
                return Ok(());
            }
            // What did not come until now does not come.
            self.last_call = true;
        } else if let Err(failure) = self.take(from, at, input, sink) {
            // What the other endpoint sent may go on with what came before the failure.
            let _ = self.resume(sink);
            return Err(failure);
        }
        self.resume(sink)
    }

    fn hold(&mut self, from: usize, at: Moment, input: &Input<'_>) {
        let (what, len) = match *input {
            Input::Bytes(bytes) => (HeldInput::Bytes(bytes.to_vec()), bytes.len()),
            Input::Lost(missing) => (HeldInput::Lost(missing), 0),
            Input::End { is_reset } => (HeldInput::End { is_reset }, 0),
        };
        self.held_memory += len + HELD_COST;
        self.held.push_back(Held { from, at, what });
    }

    /// Takes what comes from an endpoint that does not wait.
    fn take(
        &mut self,
        from: usize,
        at: Moment,
        input: Input<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let side = &mut self.sides[from];
        side.at = at;
        match input {
            Input::Bytes(bytes) => {
                side.records.push(bytes);
                self.read(from, sink)
            }
            Input::Lost(missing) => {
                side.lose(missing);
                Ok(())
            }
            Input::End { is_reset } => {
                let missing = side.records.unread();
                side.records = Records::default();
                if self.is_open {
                    if missing > 0 {
                        sink(Found { from, at, what: What::Lost(missing) })?;
                    }
                    sink(Found { from, at, what: What::End { is_reset } })?;
                }
                Ok(())
            }
        }
    }

    /// Goes on with what waits, as far as it may go on. After a failure of one endpoint, goes on with
    /// what the other one sent, so that the plaintext does not depend on the pieces of the input.
    fn resume(&mut self, sink: &mut Sink<'_>) -> Result<(), Failure> {
        let mut failed = None;
        loop {
            let mut goes_on = false;
            // The server decides about the client's early data.
            let client = self.client.unwrap_or_default();
            for from in [1 - client, client] {
                if self.sides[from].waits && !self.must_wait(from) {
                    self.sides[from].waits = false;
                    if let Err(failure) = self.read(from, sink) {
                        failed.get_or_insert((from, failure));
                    }
                    goes_on = true;
                }
            }
            let may = |held: &Held| !self.sides[held.from].waits;
            if self.held.iter().any(may) {
                self.held_memory = 0;
                for Held { from, at, what } in std::mem::take(&mut self.held) {
                    let input = match &what {
                        HeldInput::Bytes(bytes) => Input::Bytes(bytes),
                        HeldInput::Lost(missing) => Input::Lost(*missing),
                        HeldInput::End { is_reset } => Input::End { is_reset: *is_reset },
                    };
                    if failed.as_ref().is_some_and(|(failed, _)| *failed == from) {
                        continue;
                    }
                    if self.sides[from].waits {
                        self.hold(from, at, &input);
                    } else if let Err(failure) = self.take(from, at, input, sink) {
                        failed.get_or_insert((from, failure));
                    }
                }
                goes_on = true;
            }
            if !goes_on {
                return failed.map_or(Ok(()), |(_, failure)| Err(failure));
            }
        }
    }

    /// Reads the records that are there.
    fn read(&mut self, from: usize, sink: &mut Sink<'_>) -> Result<(), Failure> {
        loop {
            let head = match self.sides[from].records.next() {
                Next::More => return Ok(()),
                Next::Foreign => return Err(self.broken(from)),
                Next::Record(head) => head,
            };
            let way = self.way(from, head[0]);
            let Side { records, epoch, .. } = &mut self.sides[from];
            if records.seeks()
                && matches!(way, Way::Plain | Way::Ignore)
                && (*epoch != Epoch::Plain || !is_credible(head[0], records.body()))
            {
                records.reject();
                continue;
            }
            match way {
                Way::Wait => {
                    self.sides[from].waits = true;
                    return Ok(());
                }
                Way::Ignore => self.sides[from].records.accept(),
                Way::Plain => self.plain(from, head[0])?,
                Way::Encrypted => self.encrypted(from, head, sink)?,
            }
        }
    }

    fn must_wait(&mut self, from: usize) -> bool {
        match self.sides[from].records.next() {
            Next::Record(head) => self.way(from, head[0]) == Way::Wait,
            _ => false,
        }
    }

    /// Returns what is done with a record of this type.
    fn way(&self, from: usize, kind: u8) -> Way {
        let is_plain = self.sides[from].epoch == Epoch::Plain;
        let is_client = self.client == Some(from);
        match (self.version, kind) {
            (Some(TLS13), CHANGE_CIPHER_SPEC) => Way::Ignore,
            (Some(TLS13), HANDSHAKE) if !is_plain => Way::Ignore,
            (Some(TLS13), ALERT | HANDSHAKE) => Way::Plain,
            (Some(TLS13), _) if is_client && self.must_wait_for_server() => Way::Wait,
            (Some(TLS13), _) if self.must_wait_for_keys() => Way::Wait,
            (Some(TLS13), _) => Way::Encrypted,
            (Some(_), _) if !is_plain => Way::Encrypted,
            (Some(_), ALERT | HANDSHAKE) => Way::Plain,
            (Some(_), _) if self.must_wait_for_keys() => Way::Wait,
            (Some(_), CHANGE_CIPHER_SPEC) => Way::Plain,
            (Some(_), _) => Way::Encrypted,
            (None, ALERT | HANDSHAKE) => Way::Plain,
            // The answer of the server may come late.
            (None, _) if self.hello.is_some() && is_client && !self.last_call => Way::Wait,
            (None, CHANGE_CIPHER_SPEC) => Way::Ignore,
            (None, _) => Way::Encrypted,
        }
    }

    /// Returns whether the server may still say whether the early data counts.
    fn must_wait_for_server(&self) -> bool {
        let may_come = || self.held.iter().any(|held| self.client != Some(held.from));
        self.early == Early::Undecided && (!self.last_call || may_come())
    }

    /// Returns whether the keys may come later: the ClientHello, which names them, or their secrets.
    fn must_wait_for_keys(&self) -> bool {
        !self.last_call
            && !self.has_keys()
            && (self.hello.is_none() && self.secrets.is_none() || self.keys.borrow().may_grow())
    }

    /// Returns whether the secrets that the next records need are there.
    fn has_keys(&self) -> bool {
        let Some(secrets) = &self.secrets else { return false };
        let needed: &[Label] = match self.version {
            Some(TLS13) => &[Label::ClientTraffic, Label::ServerTraffic],
            _ => &[Label::Master],
        };
        needed.iter().all(|label| secrets.get(*label).is_some())
    }

    /// Looks for the secrets of the connection. `again` says whether files may have grown.
    fn look_up(&mut self, again: bool) {
        let Some(hello) = &self.hello else { return };
        let mut keys = self.keys.borrow_mut();
        if again && !self.is_open {
            keys.refresh();
        }
        if keys.count() != self.seen || !again {
            self.seen = keys.count();
            self.secrets = keys.get(&hello.random).copied();
        }
    }

    /// Takes a record that is not encrypted.
    fn plain(&mut self, from: usize, kind: u8) -> Result<(), Failure> {
        let Side { records, messages, .. } = &mut self.sides[from];
        match kind {
            HANDSHAKE => {
                let messages = messages.push(records.body());
                records.accept();
                messages.iter().try_for_each(|message| self.message(from, message, false))
            }
            ALERT => {
                let alert = records.body().first_chunk().copied();
                records.accept();
                match alert {
                    Some(alert) if self.hello.is_some() => self.alert(from, alert),
                    _ => Ok(()),
                }
            }
            _ => {
                records.accept();
                self.change_cipher_spec(from)
            }
        }
    }

    /// Uses the keys of TLS 1.2 from the next record on.
    fn change_cipher_spec(&mut self, from: usize) -> Result<(), Failure> {
        let opener = self.opener(from, Epoch::Application);
        if opener.is_none() {
            return Err(self.fault(from));
        }
        self.sides[from].enter(Epoch::Application, opener);
        Ok(())
    }

    /// Takes a message of the handshake.
    fn message(
        &mut self,
        from: usize,
        message: &Message,
        is_encrypted: bool,
    ) -> Result<(), Failure> {
        let Message { kind, body } = message;
        let is_tls13 = self.version == Some(TLS13);
        let epoch = self.sides[from].epoch;
        let is_client = self.client == Some(from);
        match *kind {
            CLIENT_HELLO if !(is_encrypted && is_tls13) => {
                if let Some(hello) = client_hello(body) {
                    if self.early == Early::None && hello.early_data && self.version.is_none() {
                        self.early = Early::Undecided;
                    }
                    self.client = Some(from);
                    self.hello = Some(hello);
                    self.look_up(false);
                }
            }
            SERVER_HELLO if !(is_encrypted && is_tls13) => {
                if let Some(server) = server_hello(body) {
                    return self.server_hello(from, server);
                }
            }
            ENCRYPTED_EXTENSIONS
                if is_encrypted && is_tls13 && !is_client && self.early == Early::Undecided =>
            {
                let accepted = accepts_early_data(body);
                self.early = if accepted { Early::Accepted } else { Early::Rejected };
                let epoch = if accepted { Epoch::Early } else { Epoch::Handshake };
                self.enter(1 - from, epoch);
            }
            END_OF_EARLY_DATA if is_encrypted && epoch == Epoch::Early => {
                self.enter(from, Epoch::Handshake);
            }
            FINISHED if is_encrypted && is_tls13 && epoch == Epoch::Handshake => {
                self.enter(from, Epoch::Application);
                if self.early == Early::Undecided && !is_client {
                    self.early = Early::Rejected;
                }
            }
            KEY_UPDATE if is_encrypted && epoch == Epoch::Application => {
                let side = &mut self.sides[from];
                side.opener = side.opener.as_ref().and_then(Opener::updated);
            }
            _ => {}
        }
        Ok(())
    }

    fn server_hello(&mut self, from: usize, server: ServerHello) -> Result<(), Failure> {
        self.client = Some(1 - from);
        if server.is_retry {
            if self.early == Early::Undecided {
                self.early = Early::Rejected;
            }
            return Ok(());
        }
        self.version = Some(server.version);
        let is_tls13 = server.version == TLS13;
        self.suite = Suite::of(server.suite, is_tls13);
        let known = self.suite.is_some() && matches!(server.version, TLS12 | TLS13);
        if !known {
            self.note = Some(Suite::name(server.suite));
            return Err(Failure::Fault(Fault::Suite));
        }
        self.server = Some(server);
        self.look_up(false);
        if is_tls13 {
            self.enter(from, Epoch::Handshake);
            if self.early != Early::Undecided {
                self.enter(1 - from, Epoch::Handshake);
            }
        } else if self.early == Early::Undecided {
            self.early = Early::Rejected;
        }
        Ok(())
    }

    fn enter(&mut self, from: usize, epoch: Epoch) {
        let opener = self.opener(from, epoch);
        self.sides[from].enter(epoch, opener);
    }

    /// Returns the first keys of an endpoint in this epoch, if their secret is known.
    fn opener(&self, from: usize, epoch: Epoch) -> Option<Opener> {
        let (suite, secrets) = (self.suite?, self.secrets.as_ref()?);
        let is_client = self.client? == from;
        if self.version == Some(TLS13) {
            return Opener::tls13(suite, secrets.get(label(is_client, epoch)?)?);
        }
        if epoch != Epoch::Application {
            return None;
        }
        let (hello, server) = (self.hello.as_ref()?, self.server.as_ref()?);
        let etm = hello.encrypt_then_mac && server.encrypt_then_mac;
        let master = secrets.get(Label::Master)?;
        Opener::tls12(suite, master, &hello.random, &server.random, is_client, etm)
    }

    /// Takes a record that is encrypted.
    fn encrypted(
        &mut self,
        from: usize,
        head: [u8; HEAD],
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        if self.version.is_none() || self.hello.is_none() && self.secrets.is_none() {
            return self.encrypted_without_handshake(from, head, sink);
        }
        if self.sides[from].opener.is_none() {
            self.sides[from].opener = self.opener(from, self.sides[from].epoch);
        }
        if self.sides[from].records.has_gap() {
            return self.encrypted_after_gap(from, head, sink);
        }
        let Side { records, opener, .. } = &mut self.sides[from];
        if let Some(opened) = opener.as_mut().and_then(|keys| keys.open(head, records.body())) {
            return self.opened(from, opened, sink);
        }
        for epoch in later(self.sides[from].epoch) {
            if let Some(mut opener) = self.opener(from, epoch)
                && let Some(opened) = opener.open(head, self.sides[from].records.body())
            {
                self.sides[from].enter(epoch, Some(opener));
                return self.opened(from, opened, sink);
            }
        }
        let is_client = self.client == Some(from);
        let side = &mut self.sides[from];
        let is_rejected = is_client && self.early == Early::Rejected && side.opened == 0;
        let lacks_secret = side.epoch == Epoch::Handshake
            && side.opener.is_none()
            && self.secrets.is_some()
            && side.passed_over < MAX_PASSED_OVER;
        if is_rejected || lacks_secret {
            side.passed_over += u32::from(!is_rejected);
            side.records.accept();
            return Ok(());
        }
        Err(self.fault(from))
    }

    /// Takes an encrypted record after bytes that are missing: seeks its number.
    fn encrypted_after_gap(
        &mut self,
        from: usize,
        head: [u8; HEAD],
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let epoch = self.sides[from].epoch;
        let mut tries: Vec<_> =
            later(epoch).filter_map(|epoch| Some((epoch, self.opener(from, epoch)?))).collect();
        let side = &mut self.sides[from];
        let expected = side.opener.as_ref().map_or(0, |opener| opener.number);
        if epoch == Epoch::Application {
            // A KeyUpdate may be missing.
            let updated = side.opener.as_ref().and_then(Opener::updated);
            tries.extend(updated.map(|opener| (epoch, opener)));
        }
        let current = side.opener.take().map(|opener| (epoch, opener));
        let len = side.records.body().len();
        let most = side.records.most_missing().min(SEARCH / (len as u64 + RECORD_WORK)) + 1;
        let is_current = current.is_some();
        for (index, (epoch, mut opener)) in current.into_iter().chain(tries).enumerate() {
            let first = opener.number;
            for number in first..first + most {
                if !self.keys.borrow_mut().may_search(len) {
                    break;
                }
                let Some(opened) = opener.open_at(number, head, side.records.body()) else {
                    continue;
                };
                let passed = side.records.passed();
                let missing = number - first;
                let data = if is_current && index == 0 {
                    passed.saturating_sub(missing * opener.overhead())
                } else {
                    passed
                };
                opener.number = number + 1;
                let had_data = side.epoch >= Epoch::Application || opened.kind == APPLICATION_DATA;
                side.enter(epoch, Some(opener));
                if had_data && data > 0 {
                    self.open(from, sink)?;
                    let Side { at, has_data, .. } = self.sides[from];
                    // A stream without a known start starts here.
                    if has_data || self.is_whole {
                        sink(Found { from, at, what: What::Lost(data) })?;
                    }
                }
                return self.opened(from, opened, sink);
            }
            if is_current && index == 0 {
                opener.number = expected;
                side.opener = Some(opener);
            }
        }
        side.records.reject();
        Ok(())
    }

    /// Takes an encrypted record of a connection of which a hello was not captured: seeks its secrets.
    fn encrypted_without_handshake(
        &mut self,
        from: usize,
        head: [u8; HEAD],
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        if !self.keys.borrow().has_sources() {
            return Err(Failure::Fault(Fault::NoKeyLog));
        }
        if self.hello.is_some() && self.secrets.is_none() {
            return Err(Failure::Fault(Fault::NoKeys));
        }
        if self.version.is_some_and(|version| version != TLS13) {
            return Err(Failure::Fault(Fault::Begun));
        }
        let mut keys = self.keys.borrow_mut();
        let all: Vec<Secrets> = match self.secrets {
            Some(secrets) => vec![secrets],
            None => keys.all().take(MOST_KEYS).copied().collect(),
        };
        let roles: &[bool] = match self.client {
            Some(client) => &[client == from],
            None => &[true, false],
        };
        let side = &mut self.sides[from];
        let len = side.records.body().len();
        for secrets in all {
            for is_client in roles {
                for epoch in [Epoch::Application, Epoch::Handshake] {
                    let secret = label(*is_client, epoch).and_then(|label| secrets.get(label));
                    let Some(secret) = secret else { continue };
                    let known = self.suite.map(|suite| vec![suite]);
                    let suites = known.unwrap_or_else(|| {
                        Suite::TLS13.iter().filter_map(|id| Suite::of(*id, true)).collect()
                    });
                    for suite in suites {
                        let Some(mut opener) = Opener::tls13(suite, secret) else { continue };
                        for number in 0..MAX_BEFORE {
                            if !keys.may_search(len) {
                                break;
                            }
                            let opened = opener.open_at(number, head, side.records.body());
                            let Some(opened) = opened else { continue };
                            opener.number = number + 1;
                            side.enter(epoch, Some(opener));
                            self.client = Some(if *is_client { from } else { 1 - from });
                            self.version = Some(TLS13);
                            self.suite = Some(suite);
                            self.secrets = Some(secrets);
                            drop(keys);
                            let other = 1 - from;
                            if self.sides[other].epoch == Epoch::Plain {
                                self.enter(other, Epoch::Handshake);
                                self.sides[other].records.may_follow(MAX_BEFORE);
                            }
                            return self.opened(from, opened, sink);
                        }
                    }
                }
            }
        }
        drop(keys);
        side.passed_over += 1;
        if u64::from(side.passed_over) >= TRIES && !self.keys.borrow().may_grow() {
            return Err(Failure::Fault(Fault::Begun));
        }
        side.records.reject();
        Ok(())
    }

    /// Takes a record that was decrypted.
    fn opened(&mut self, from: usize, opened: Opened, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if let Some(secrets) = &self.secrets
            && self.sides.iter().all(|side| side.opened == 0)
        {
            self.keys.borrow_mut().used(secrets);
        }
        let Opened { kind, content } = opened;
        self.sides[from].opened += 1;
        if kind == APPLICATION_DATA {
            if !content.is_empty() {
                self.open(from, sink)?;
                let Side { records, at, has_data, .. } = &mut self.sides[from];
                *has_data = true;
                let bytes = &records.body()[content];
                sink(Found { from, at: *at, what: What::Bytes(bytes) })?;
            }
            self.sides[from].records.accept();
            return Ok(());
        }
        let Side { records, messages, .. } = &mut self.sides[from];
        let content = &records.body()[content];
        match kind {
            HANDSHAKE => {
                let found = messages.push(content);
                records.accept();
                found.iter().try_for_each(|message| self.message(from, message, true))
            }
            ALERT => {
                let alert = content.first_chunk().copied();
                records.accept();
                alert.map_or(Ok(()), |alert| self.alert(from, alert))
            }
            CHANGE_CIPHER_SPEC if self.version == Some(TLS12) => {
                records.accept();
                self.change_cipher_spec(from)
            }
            _ => {
                records.accept();
                Ok(())
            }
        }
    }

    /// Tells that the data starts, once.
    fn open(&mut self, from: usize, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if !self.is_open {
            self.is_open = true;
            self.is_whole =
                self.hello.is_some() && !self.sides.iter().any(|side| side.records.has_gap());
            let (at, is_whole) = (self.sides[from].at, self.is_whole);
            let from = self.client.unwrap_or_default();
            sink(Found { from, at, what: What::Open { is_whole } })?;
        }
        Ok(())
    }

    /// Takes an alert: its level and its description.
    fn alert(&mut self, from: usize, [level, description]: [u8; 2]) -> Result<(), Failure> {
        const CLOSE_NOTIFY: u8 = 0;
        const USER_CANCELED: u8 = 90;
        let is_fatal = level == 2 || self.version == Some(TLS13);
        let is_failure = is_fatal && !matches!(description, CLOSE_NOTIFY | USER_CANCELED);
        if !is_failure || self.sides.iter().any(|side| side.has_data) {
            return Ok(());
        }
        let who = self.name(from);
        let name = snake(&TlsAlertDescription(description).to_string());
        self.note = Some(format!("the {who} sent the alert {name}"));
        Err(Failure::Fault(Fault::Failed))
    }

    /// Returns why the next record of an endpoint cannot be decrypted.
    fn fault(&mut self, from: usize) -> Failure {
        let is_client = self.client == Some(from);
        let side = &self.sides[from];
        let needed: &[Label] = match self.version {
            Some(TLS13) if side.epoch == Epoch::Application && is_client => &[Label::ClientTraffic],
            Some(TLS13) if side.epoch == Epoch::Application => &[Label::ServerTraffic],
            Some(TLS13) if side.epoch == Epoch::Early => &[Label::ClientEarly],
            Some(TLS13) => &[Label::ClientTraffic, Label::ServerTraffic],
            _ => &[Label::Master],
        };
        let has = |secrets: &Secrets| needed.iter().all(|label| secrets.get(*label).is_some());
        if !self.keys.borrow().has_sources() {
            Failure::Fault(Fault::NoKeyLog)
        } else if !self.secrets.as_ref().is_some_and(has) {
            Failure::Fault(Fault::NoKeys)
        } else if self.sides.iter().all(|side| side.opened == 0) {
            Failure::Fault(Fault::WrongKeys)
        } else {
            self.broken(from)
        }
    }

    /// Returns that the next record of an endpoint is broken.
    fn broken(&mut self, from: usize) -> Failure {
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

/// Returns the secret that the keys of this epoch are derived from, in TLS 1.3.
fn label(is_client: bool, epoch: Epoch) -> Option<Label> {
    match (is_client, epoch) {
        (_, Epoch::Plain) | (false, Epoch::Early) => None,
        (true, Epoch::Early) => Some(Label::ClientEarly),
        (true, Epoch::Handshake) => Some(Label::ClientHandshake),
        (false, Epoch::Handshake) => Some(Label::ServerHandshake),
        (true, Epoch::Application) => Some(Label::ClientTraffic),
        (false, Epoch::Application) => Some(Label::ServerTraffic),
    }
}

/// Returns whether a record that is not encrypted is one of a handshake, and not other bytes.
fn is_credible(kind: u8, body: &[u8]) -> bool {
    match (kind, body) {
        (CHANGE_CIPHER_SPEC, body) => *body == [1],
        (HANDSHAKE, [1 | 2 | 4 | 8 | 11..=16 | 20 | 22, 0, high, low, ..]) => {
            usize::from(u16::from_be_bytes([*high, *low])) <= 4 * body.len()
        }
        (ALERT, body) => matches!(body, [1 | 2, _]),
        _ => false,
    }
}

/// Returns the epochs after this one.
fn later(epoch: Epoch) -> impl Iterator<Item = Epoch> {
    [Epoch::Handshake, Epoch::Application].into_iter().filter(move |later| *later > epoch)
}

/// Returns a name as RFC 8446 §6 writes it: `unknown_ca` for `UnknownCa`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
