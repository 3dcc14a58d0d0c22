//! The order in which the bytes of both endpoints are read.

use super::encrypted::is_credible;
use super::{
    ALERT, CHANGE_CIPHER_SPEC, Decryptor, Early, Failure, Found, HANDSHAKE, Held, HeldInput, Input,
    Sink, Way, What,
};
use crate::transport::packet::Moment;
use crate::transport::tls::hello::TLS13;
use crate::transport::tls::keylog::Label;
use crate::transport::tls::records::{Next, Records};
use crate::transport::tls::side::{Epoch, Side};

/// The most bytes that wait for keys, or for the other endpoint.
const MAX_HELD: usize = 4 << 20;

/// The most bytes that wait if there is no key log.
const MAX_HELD_IN_VAIN: usize = 64 << 10;

/// The approximate memory of what waits in addition to its bytes.
const HELD_COST: usize = 64;

impl Decryptor {
    pub(super) fn input(
        &mut self,
        from: usize,
        at: Moment,
        input: Input<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        if self.sides.iter().any(|side| side.waits) {
            self.look_up(true);
            self.resume(None, sink)?;
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
            return self.resume(Some((from, failure)), sink);
        }
        self.resume(None, sink)
    }

    pub(super) fn hold(&mut self, from: usize, at: Moment, input: &Input<'_>) {
        let (what, len) = match *input {
            Input::Bytes(bytes) => (HeldInput::Bytes(bytes.to_vec()), bytes.len()),
            Input::Lost(missing) => (HeldInput::Lost(missing), 0),
            Input::End { is_reset } => (HeldInput::End { is_reset }, 0),
        };
        self.held_memory += len + HELD_COST;
        self.held.push_back(Held { from, at, what });
    }

    /// Takes what comes from an endpoint that does not wait.
    pub(super) fn take(
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
    /// `failed` is the endpoint that has failed before.
    pub(super) fn resume(
        &mut self,
        mut failed: Option<(usize, Failure)>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
        let mut is_over = [0, 1].map(|from| failed.as_ref().is_some_and(|(one, _)| *one == from));
        loop {
            // Both go on before what came later, so that it stays in order.
            let client = self.client.unwrap_or_default();
            if let Some(from) = [client, 1 - client].into_iter().find(|from| self.may_go_on(*from))
            {
                self.go_on(from, &mut failed, &mut is_over, sink);
                continue;
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
                    if is_over[from] {
                        continue;
                    }
                    if self.sides[from].waits {
                        self.hold(from, at, &input);
                    } else if let Err(failure) = self.take(from, at, input, sink) {
                        is_over[from] = true;
                        failed.get_or_insert((from, failure));
                    }
                }
            } else {
                return failed.map_or(Ok(()), |(_, failure)| Err(failure));
            }
        }
    }

    /// Returns whether an endpoint that waits need not wait any longer.
    fn may_go_on(&mut self, from: usize) -> bool {
        self.sides[from].waits && !self.must_wait(from)
    }

    /// Reads the records of an endpoint that has waited.
    fn go_on(
        &mut self,
        from: usize,
        failed: &mut Option<(usize, Failure)>,
        is_over: &mut [bool; 2],
        sink: &mut Sink<'_>,
    ) {
        self.sides[from].waits = false;
        if let Err(failure) = self.read(from, sink) {
            is_over[from] = true;
            failed.get_or_insert((from, failure));
        }
    }

    /// Reads the records that are there.
    pub(super) fn read(&mut self, from: usize, sink: &mut Sink<'_>) -> Result<(), Failure> {
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
            // The client goes on first, as it does if the input ends with this record.
            let client = self.client.unwrap_or_default();
            if from != client && self.may_go_on(client) {
                self.sides[from].waits = true;
                return Ok(());
            }
        }
    }

    pub(super) fn must_wait(&mut self, from: usize) -> bool {
        match self.sides[from].records.next() {
            Next::Record(head) => self.way(from, head[0]) == Way::Wait,
            _ => false,
        }
    }

    /// Returns what is done with a record of this type.
    pub(super) fn way(&self, from: usize, kind: u8) -> Way {
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
    pub(super) fn must_wait_for_server(&self) -> bool {
        let may_come = || self.held.iter().any(|held| self.client != Some(held.from));
        self.early == Early::Undecided && (!self.last_call || may_come())
    }

    /// Returns whether the keys may come later: the ClientHello, which names them, or their secrets.
    pub(super) fn must_wait_for_keys(&self) -> bool {
        !self.last_call
            && !self.has_keys()
            && (self.hello.is_none() && self.secrets.is_none() || self.keys.borrow().may_grow())
    }

    /// Returns whether the secrets that the next records need are there.
    pub(super) fn has_keys(&self) -> bool {
        let Some(secrets) = &self.secrets else { return false };
        let needed: &[Label] = match self.version {
            Some(TLS13) => &[Label::ClientTraffic, Label::ServerTraffic],
            _ => &[Label::Master],
        };
        needed.iter().all(|label| secrets.get(*label).is_some())
    }

    /// Looks for the secrets of the connection. `again` says whether files may have grown.
    pub(super) fn look_up(&mut self, again: bool) {
        let Some(hello) = &self.hello else { return };
        let mut keys = self.keys.borrow_mut();
        if again && !self.is_open {
            keys.refresh();
        }
        if keys.count() != self.seen || !again {
            self.seen = keys.count();
            // Those of a session that is resumed hold, although the key log lacks them.
            let found = keys.get(&hello.random).copied();
            self.secrets = found.or(self.secrets.filter(|_| again));
        }
    }
}
