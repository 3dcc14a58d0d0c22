//! The messages of the handshake, and the keys after them.

use super::{ALERT, Decryptor, Early, Failure, Fault, HANDSHAKE};
use crate::transport::tls::alert;
use crate::transport::tls::hello::{
    ServerHello, TLS12, TLS13, accepts_early_data, client_hello, new_ticket, server_hello,
};
use crate::transport::tls::keylog::Label;
use crate::transport::tls::messages::{
    CLIENT_HELLO, ENCRYPTED_EXTENSIONS, END_OF_EARLY_DATA, FINISHED, KEY_UPDATE, Message,
    NEW_SESSION_TICKET, SERVER_HELLO,
};
use crate::transport::tls::opener::Opener;
use crate::transport::tls::side::{Epoch, Side};
use crate::transport::tls::suite::Suite;

impl Decryptor {
    /// Takes a record that is not encrypted.
    pub(super) fn plain(&mut self, from: usize, kind: u8) -> Result<(), Failure> {
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
    pub(super) fn change_cipher_spec(&mut self, from: usize) -> Result<(), Failure> {
        let opener = self.opener(from, Epoch::Application);
        if opener.is_none() {
            return Err(self.fault(from));
        }
        self.sides[from].enter(Epoch::Application, opener);
        self.keep_session();
        Ok(())
    }

    /// Keeps the secrets for connections that resume this session of TLS 1.2.
    fn keep_session(&mut self) {
        let session = self.server.as_ref().and_then(|server| server.session);
        let Some(secrets) = &self.secrets else { return };
        let mut keys = self.keys.borrow_mut();
        for session in session.into_iter().chain(self.ticket.take()) {
            keys.keep_session(session, secrets);
        }
    }

    /// Looks for the secrets of the session that this connection resumes, if the key log lacks them.
    fn resume_session(&mut self) {
        let (Some(hello), Some(server)) = (&self.hello, &self.server) else { return };
        if self.has_keys() || server.session.is_none() || server.session != hello.session {
            return;
        }
        let keys = self.keys.borrow();
        let mut sessions = hello.session.iter().chain(&hello.ticket);
        self.secrets = sessions.find_map(|session| keys.session(session)).copied().or(self.secrets);
    }

    /// Takes a message of the handshake.
    pub(super) fn message(
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
            NEW_SESSION_TICKET if self.version == Some(TLS12) => self.ticket = new_ticket(body),
            KEY_UPDATE if is_encrypted && epoch == Epoch::Application => {
                let side = &mut self.sides[from];
                side.opener = side.opener.as_ref().and_then(Opener::updated);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn server_hello(&mut self, from: usize, server: ServerHello) -> Result<(), Failure> {
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
            return Ok(());
        }
        if self.early == Early::Undecided {
            self.early = Early::Rejected;
        }
        self.resume_session();
        Ok(())
    }

    pub(super) fn enter(&mut self, from: usize, epoch: Epoch) {
        let opener = self.opener(from, epoch);
        self.sides[from].enter(epoch, opener);
    }

    /// Returns the first keys of an endpoint in this epoch, if their secret is known.
    pub(super) fn opener(&self, from: usize, epoch: Epoch) -> Option<Opener> {
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

    /// Takes an alert: its level and its description.
    pub(super) fn alert(
        &mut self,
        from: usize,
        [level, description]: [u8; 2],
    ) -> Result<(), Failure> {
        let is_fatal = level == 2 || self.version == Some(TLS13);
        let is_failure =
            is_fatal && !matches!(description, alert::CLOSE_NOTIFY | alert::USER_CANCELED);
        if !is_failure || self.sides.iter().any(|side| side.has_data) {
            return Ok(());
        }
        let who = self.name(from);
        let name = alert::name(description);
        self.note = Some(format!("the {who} sent the alert {name}"));
        Err(Failure::Fault(Fault::Failed))
    }
}

/// Returns the secret that the keys of this epoch are derived from, in TLS 1.3.
pub(super) fn label(is_client: bool, epoch: Epoch) -> Option<Label> {
    match (is_client, epoch) {
        (_, Epoch::Plain) | (false, Epoch::Early) => None,
        (true, Epoch::Early) => Some(Label::ClientEarly),
        (true, Epoch::Handshake) => Some(Label::ClientHandshake),
        (false, Epoch::Handshake) => Some(Label::ServerHandshake),
        (true, Epoch::Application) => Some(Label::ClientTraffic),
        (false, Epoch::Application) => Some(Label::ServerTraffic),
    }
}
