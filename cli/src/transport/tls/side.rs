//! One endpoint of a TLS connection.

use std::time::Duration;

use crate::transport::packet::Moment;
use crate::transport::tls::messages::Messages;
use crate::transport::tls::opener::Opener;
use crate::transport::tls::records::Records;

/// The keys that an endpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Epoch {
    /// None yet.
    Plain,
    /// Those for early data.
    Early,
    /// Those of the handshake of TLS 1.3.
    Handshake,
    /// Those of the data.
    Application,
}

/// One endpoint.
pub(super) struct Side {
    pub(super) records: Records,
    pub(super) messages: Messages,
    pub(super) epoch: Epoch,
    pub(super) opener: Option<Opener>,
    /// The number of records that were decrypted.
    pub(super) opened: u64,
    /// The number of records that were passed over, because a secret of the handshake is missing.
    pub(super) passed_over: u32,
    /// Whether it sent data.
    pub(super) has_data: bool,
    /// Whether its next record waits for keys, or for the other endpoint.
    pub(super) waits: bool,
    /// The packet of its last bytes.
    pub(super) at: Moment,
}

impl Side {
    pub(super) fn new() -> Self {
        Self {
            records: Records::default(),
            messages: Messages::default(),
            epoch: Epoch::Plain,
            opener: None,
            opened: 0,
            passed_over: 0,
            has_data: false,
            waits: false,
            at: Moment { packet: 0, time: Duration::ZERO },
        }
    }

    /// Uses other keys from the next record on.
    pub(super) fn enter(&mut self, epoch: Epoch, opener: Option<Opener>) {
        self.epoch = epoch;
        self.opener = opener;
    }

    /// Takes that the next bytes are missing.
    pub(super) fn lose(&mut self, missing: u64) {
        self.records.lose(missing);
        self.messages = Messages::default();
    }

    /// Returns the memory that it takes, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.records.memory() + self.messages.memory()
    }
}
