//! Encrypted records.

use super::handshake::label;
use super::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Decryptor, Early, Failure, Fault, Found,
    HANDSHAKE, Sink, What,
};
use crate::transport::tls::hello::{TLS12, TLS13};
use crate::transport::tls::keylog::Secrets;
use crate::transport::tls::opener::{Opened, Opener};
use crate::transport::tls::records::HEAD;
use crate::transport::tls::side::{Epoch, Side};
use crate::transport::tls::suite::Suite;

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

impl Decryptor {
    /// Takes a record that is encrypted.
    pub(super) fn encrypted(
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
        let has_later = self.opener(from, Epoch::Application).is_some();
        let side = &mut self.sides[from];
        let is_rejected = is_client && self.early == Early::Rejected && side.opened == 0;
        let lacks_secret = side.epoch == Epoch::Handshake
            && side.opener.is_none()
            && has_later
            && side.passed_over < MAX_PASSED_OVER;
        if is_rejected || lacks_secret {
            side.passed_over += u32::from(!is_rejected);
            side.records.accept();
            return Ok(());
        }
        Err(self.fault(from))
    }

    /// Takes an encrypted record after bytes that are missing: seeks its number.
    pub(super) fn encrypted_after_gap(
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
    pub(super) fn encrypted_without_handshake(
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
    pub(super) fn opened(
        &mut self,
        from: usize,
        opened: Opened,
        sink: &mut Sink<'_>,
    ) -> Result<(), Failure> {
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
    pub(super) fn open(&mut self, from: usize, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if !self.is_open {
            self.is_open = true;
            if let Some(secrets) = &self.secrets {
                self.keys.borrow_mut().used(secrets);
            }
            self.is_whole =
                self.hello.is_some() && !self.sides.iter().any(|side| side.records.has_gap());
            let (at, is_whole) = (self.sides[from].at, self.is_whole);
            let from = self.client.unwrap_or_default();
            sink(Found { from, at, what: What::Open { is_whole } })?;
        }
        Ok(())
    }
}

/// Returns whether a record that is not encrypted is one of a handshake, and not other bytes.
pub(super) fn is_credible(kind: u8, body: &[u8]) -> bool {
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
