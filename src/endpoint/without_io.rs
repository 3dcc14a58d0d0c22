//! An endpoint without I/O.

use core::fmt;
use std::boxed::Box;

#[cfg(feature = "tokio")]
use bytes::Bytes;
use bytes::{Buf, BytesMut};

use crate::codec::{Budget, Error, Messages, Prepared};
use crate::handshake::Agreement;
use crate::{CloseCode, Closing, Message, Policy, Utf8Bytes};

/// The length of the bytes to send from which only the newest Pong is kept, in bytes.
const MOST_PONGS: usize = 16 << 10;

/// A WebSocket endpoint without I/O (RFC 6455 §5 to §7; feature `endpoint`).
///
/// [`accept`](Self::accept) and [`connect`](Self::connect) create one from the opening handshake. A
/// program puts the bytes that it receives into [`received`](Self::received), takes the messages
/// with [`next`](Self::next), and sends what is in [`to_send`](Self::to_send). The endpoint answers
/// Pings and Close frames, and sends the Close frame that is due if the peer breaks a rule.
///
/// When [`is_done`](Self::is_done) returns `true`, the program sends the rest of
/// [`to_send`](Self::to_send), closes its side of the stream, and reads and discards until the peer
/// has closed the other side, or a time limit has passed (§7.1.1).
///
/// ```
/// use wsvet::endpoint::Endpoint;
/// use wsvet::{Accepts, Message, Policy, Role};
///
/// let mut server = Endpoint::new(Policy::new(Role::Server).accepts(Accepts::TextOnly));
/// server.received().extend_from_slice(b"\x89\x81\x01\x02\x03\x04i\x81\x82\x01\x02\x03\x04ik");
/// assert_eq!(server.next()?, Some(Message::Ping("h".into())));
/// assert_eq!(server.next()?, Some(Message::text("hi")));
/// assert_eq!(server.next()?, None); // more bytes are needed
/// assert_eq!(server.to_send().split(), &b"\x8A\x01h"[..]); // the Pong
///
/// server.received().extend_from_slice(b"\x82\x80\x01\x02\x03\x04");
/// assert!(server.next().is_err());
/// assert!(server.is_done());
/// assert_eq!(server.to_send()[..4], *b"\x88\x31\x03\xEB"); // 1003
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
pub struct Endpoint {
    messages: Messages,
    /// `None` if nothing is in them, so that an idle endpoint is small.
    buffers: Option<Box<Buffers>>,
    answers_pings: bool,
    answers_closes: bool,
    /// Whether a violation or the end of the stream was returned.
    over: bool,
}

#[derive(Default)]
struct Buffers {
    received: BytesMut,
    to_send: BytesMut,
    /// The payload of the Pong that follows when less waits to be sent.
    pong: Option<Box<[u8]>>,
}

impl Endpoint {
    /// Creates an endpoint without compression. The policy is that of the endpoint: it says what the
    /// endpoint accepts.
    ///
    /// The limits are those of [`Messages::new`]: 64 MiB for each message, unless the policy sets
    /// another limit or none.
    ///
    /// # Panics
    ///
    /// Panics if the policy has an extension, as [`Messages::new`] does.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let mut server = Endpoint::new(Policy::new(Role::Server));
    /// assert!(server.to_send().is_empty());
    /// ```
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::with_messages(Messages::new(policy))
    }

    /// Creates an endpoint for what was agreed on in the opening handshake: with compression if
    /// permessage-deflate is in use, and with the type of data that the subprotocol is known to use.
    ///
    /// # Panics
    ///
    /// Panics if the policy has an extension, as [`Messages::new`] does.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint, handshake::Agreement};
    /// let mut agreement = Agreement::default();
    /// agreement.subprotocol = Some("mqtt".to_owned());
    /// let mut server = Endpoint::agreed(Policy::new(Role::Server), &agreement);
    /// server.received().extend_from_slice(b"\x81\x80\x01\x02\x03\x04"); // text
    /// assert!(server.next().unwrap_err().to_string().starts_with("unsupported-data"));
    /// ```
    #[must_use]
    pub fn agreed(policy: Policy, agreement: &Agreement) -> Self {
        let policy = agreement.policy(policy);
        #[cfg(feature = "deflate")]
        if let Some(parameters) = agreement.permessage_deflate {
            return Self::with_messages(Messages::deflate(policy, parameters));
        }
        Self::new(policy)
    }

    /// Creates an endpoint over a codec, for settings that only the codec has.
    ///
    /// ```
    /// # use wsvet::{Message, Policy, Role, codec::Messages, endpoint::Endpoint};
    /// let messages = Messages::new(Policy::new(Role::Server)).fragments_of(2);
    /// let mut server = Endpoint::with_messages(messages);
    /// server.send("abc")?;
    /// assert_eq!(server.to_send()[..], *b"\x01\x02ab\x80\x01c");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub fn with_messages(messages: Messages) -> Self {
        Self { messages, buffers: None, answers_pings: true, answers_closes: true, over: false }
    }

    /// Creates an endpoint of a connection that was refused: it is done.
    pub(super) fn refusing(policy: Policy) -> Self {
        Self { over: true, ..Self::new(policy) }
    }

    /// Sets the bytes that have arrived after the opening handshake.
    pub(super) fn after(mut self, received: BytesMut) -> Self {
        if !received.is_empty() {
            self.buffers().received = received;
        }
        self
    }

    /// Adds a response to the bytes to send.
    pub(super) fn sending(mut self, response: &[u8]) -> Self {
        self.buffers().to_send.extend_from_slice(response);
        self
    }

    /// Sets the source of the masking keys of a client. Each key must be unpredictable (§5.3).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let mut client = Endpoint::new(Policy::new(Role::Client)).with_keys(rand::random);
    /// client.send("hi")?;
    /// assert_eq!(client.to_send()[..2], *b"\x81\x82");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub fn with_keys(self, keys: impl FnMut() -> [u8; 4] + Send + Sync + 'static) -> Self {
        Self { messages: self.messages.with_keys(keys), ..self }
    }

    /// Limits the memory of unfinished messages by a budget that many connections share.
    ///
    /// If the budget has too little left, [`next`](Self::next) returns an [`Error::OverBudget`], and the
    /// Close frame that is due is in [`to_send`](Self::to_send): 1013 from a server, and 1009 from a
    /// client.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, codec::Budget, endpoint::Endpoint};
    /// let budget = Budget::new(1 << 20); // for all connections
    /// let mut server = Endpoint::new(Policy::new(Role::Server)).with_budget(&budget);
    /// // The start of a message of 32 MiB, of which 2 MiB have arrived.
    /// server.received().extend_from_slice(b"\x82\xFF\0\0\0\0\x02\0\0\0\x01\x02\x03\x04");
    /// server.received().extend_from_slice(&[0; 2 << 20]);
    /// assert!(server.next().is_err());
    /// assert_eq!(server.to_send()[2..4], 1013_u16.to_be_bytes());
    /// assert_eq!(budget.used(), 0);
    /// ```
    #[must_use]
    pub fn with_budget(mut self, budget: &Budget) -> Self {
        self.set_budget(budget);
        self
    }

    /// Sets the budget, as [`with_budget`](Self::with_budget) does.
    pub(super) fn set_budget(&mut self, budget: &Budget) {
        self.messages.set_budget(budget);
    }

    /// Sets whether the endpoint answers Pings. If not, the program sends the Pongs (§5.5.2).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let mut client = Endpoint::new(Policy::new(Role::Client)).answer_pings(false);
    /// client.received().extend_from_slice(b"\x89\x00");
    /// assert!(client.next()?.is_some_and(|message| message.is_ping()));
    /// assert!(client.to_send().is_empty());
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub const fn answer_pings(mut self, answers: bool) -> Self {
        self.answers_pings = answers;
        self
    }

    /// Sets whether the endpoint answers Close frames. If not, the program sends the answer, and may
    /// send messages before it (§5.5.1). The Close frame that is due for a violation is sent in any
    /// case.
    ///
    /// ```
    /// # use wsvet::{Closing, Policy, Role, endpoint::Endpoint};
    /// let mut server = Endpoint::new(Policy::new(Role::Server)).answer_closes(false);
    /// server.received().extend_from_slice(b"\x88\x80\x01\x02\x03\x04");
    /// let close = server.next()?.unwrap();
    /// assert_eq!(server.closing(), Closing::Received);
    /// server.send("the last words")?;
    /// server.send(close.reply().unwrap())?;
    /// assert!(server.is_done());
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub const fn answer_closes(mut self, answers: bool) -> Self {
        self.answers_closes = answers;
        self
    }

    /// Changes the policy during the connection, as [`Messages::set_policy`] does: for example after a
    /// login, or for the target of the request.
    ///
    /// # Panics
    ///
    /// Panics if the role or the RSV bits differ from those of the old policy.
    ///
    /// ```
    /// # use wsvet::{Accepts, Policy, Role, endpoint::Endpoint};
    /// let policy = Policy::new(Role::Server);
    /// let mut server = Endpoint::new(policy);
    /// server.set_policy(policy.accepts(Accepts::TextOnly));
    /// server.received().extend_from_slice(b"\x82\x80\x01\x02\x03\x04"); // binary
    /// assert!(server.next().unwrap_err().to_string().starts_with("unsupported-data"));
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        self.messages.set_policy(policy);
    }

    /// Returns the buffer for the bytes that arrive. Append to it; [`next`](Self::next) takes whole
    /// messages off its front.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let mut client = Endpoint::new(Policy::new(Role::Client));
    /// client.received().extend_from_slice(b"\x82\x00");
    /// assert!(client.next()?.is_some());
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn received(&mut self) -> &mut BytesMut {
        &mut self.buffers().received
    }

    /// Returns the bytes to send. Take off its front what was sent.
    ///
    /// It grows with every message that is sent. If 16 KiB or more wait in it, the endpoint answers
    /// only the newest Ping (§5.5.3), after the rest was sent, so Pings cannot fill the memory.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let mut server = Endpoint::new(Policy::new(Role::Server));
    /// server.send("hi")?;
    /// assert_eq!(server.to_send().split(), &b"\x81\x02hi"[..]);
    /// assert!(server.to_send().is_empty());
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn to_send(&mut self) -> &mut BytesMut {
        if self.unsent() < MOST_PONGS {
            self.send_pong();
        }
        &mut self.buffers().to_send
    }

    /// Returns the next message that has arrived, or `None` if more bytes are needed or the
    /// connection [is done](Self::is_done).
    ///
    /// Control frames are returned, too, after the endpoint has answered them: a program may ignore
    /// them.
    ///
    /// # Errors
    ///
    /// An [`Error::Violation`] if the peer broke a rule, or an [`Error::OverBudget`]. The Close frame
    /// that is due is then in [`to_send`](Self::to_send). The error is returned once.
    ///
    /// ```
    /// # use wsvet::{Message, Policy, Role, endpoint::Endpoint};
    /// let mut client = Endpoint::new(Policy::new(Role::Client)).with_keys(rand::random);
    /// client.received().extend_from_slice(b"\x88\x02\x03\xE9");
    /// assert!(client.next()?.is_some_and(|message| message.is_close()));
    /// assert_eq!(client.to_send().len(), 8); // the Close frame with the same code
    /// assert!(client.is_done());
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    // An iterator would end at the first `None`.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        let received = &mut self.buffers.get_or_insert_default().received;
        if self.over {
            received.clear();
            return Ok(None);
        }
        let message = match self.messages.decode(received) {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(None),
            Err(error) => return Err(self.fail(error)),
        };
        if message.is_control() {
            self.answer(&message)?;
        }
        Ok(Some(message))
    }

    /// Returns the next message if it is data in a single frame, without compression, and has arrived
    /// whole. [`next`](Self::next) returns all others.
    #[cfg(feature = "tokio")]
    #[inline(always)]
    pub(super) fn next_data(&mut self) -> Option<Message> {
        if self.over {
            return None;
        }
        self.messages.take_data(&mut self.buffers.as_mut()?.received)
    }

    /// Tells the endpoint that the peer has closed its side of the stream.
    ///
    /// # Errors
    ///
    /// An [`Error::Violation`] of `eof-in-frame` or `eof-without-close` if the peer did not send a
    /// Close frame before. An application is told the code 1006 (§7.1.5).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let mut client = Endpoint::new(Policy::new(Role::Client));
    /// assert!(client.end().unwrap_err().to_string().starts_with("eof-without-close"));
    /// assert!(client.is_done());
    /// ```
    pub fn end(&mut self) -> Result<(), Error> {
        let received = &mut self.buffers.get_or_insert_default().received;
        let ended = self.messages.decode_eof(received);
        let told = core::mem::replace(&mut self.over, true);
        match ended {
            Err(error) if !told => Err(error),
            _ => Ok(()),
        }
    }

    /// Adds a message to the bytes [to send](Self::to_send).
    ///
    /// # Errors
    ///
    /// - [`Error::Closed`] if the message is data or a Close frame, and a Close frame was sent or the
    ///   connection is done. A Ping or a Pong after a Close frame is left out.
    /// - [`Error::Unmasked`] if a client has no [keys](Self::with_keys).
    /// - [`Error::Encode`] if the message is illegal: a Ping or a Pong with more than 125 bytes, or a
    ///   close code that must not be sent.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Message, Policy, Role, codec::Error, endpoint::Endpoint};
    /// let mut server = Endpoint::new(Policy::new(Role::Server));
    /// server.close(CloseCode::GOING_AWAY, "restart")?;
    /// assert!(matches!(server.send("hi"), Err(Error::Closed)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.send_message(&message.into())
    }

    /// Does what [`send`](Self::send) does.
    #[inline]
    pub(super) fn send_message(&mut self, message: &Message) -> Result<(), Error> {
        let is_late = match message {
            Message::Text(_) | Message::Binary(_) => self.over,
            Message::Close(_) => self.over || self.closing().has_sent(),
            // They can cross the peer's Close frame, and are left out after this endpoint's.
            Message::Ping(_) | Message::Pong(_) => false,
        };
        if is_late {
            return Err(Error::Closed);
        }
        self.encode(message)
    }

    /// Adds a prepared message to the bytes [to send](Self::to_send), as
    /// [`Messages::encode_prepared`] writes it.
    ///
    /// # Errors
    ///
    /// - [`Error::Closed`] if a Close frame was sent or the connection is done.
    /// - [`Error::Unmasked`] if a client has no [keys](Self::with_keys).
    ///
    /// ```
    /// # use wsvet::{CloseCode, Policy, Role, codec::{Error, Prepared}, endpoint::Endpoint};
    /// let prepared = Prepared::text("hi");
    /// let mut server = Endpoint::new(Policy::new(Role::Server));
    /// server.send_prepared(&prepared)?;
    /// assert_eq!(server.to_send()[..], *b"\x81\x02hi");
    /// server.close(CloseCode::GOING_AWAY, "restart")?;
    /// assert!(matches!(server.send_prepared(&prepared), Err(Error::Closed)));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        if self.over {
            return Err(Error::Closed);
        }
        let buffers = self.buffers.get_or_insert_default();
        self.messages.encode_prepared(prepared, &mut buffers.to_send)
    }

    /// Returns the frame of a prepared message if it can be sent as it is, and nothing waits before it.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(super) fn prepared_frame<'a>(&self, prepared: &'a Prepared) -> Option<&'a Bytes> {
        if self.over || self.has_unsent() {
            return None;
        }
        self.messages.prepared_frame(prepared).ok().flatten()
    }

    /// Sends a Close frame (§7.1.2). The peer answers it; messages can arrive before the answer.
    ///
    /// A reason of more than 123 bytes is cut between two characters. After the first Close frame
    /// nothing is sent.
    ///
    /// # Errors
    ///
    /// - [`Error::Closed`] if a Close frame was sent before, or the connection is done.
    /// - [`Error::Encode`] if the code must not be sent, such as 1006.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Policy, Role, endpoint::Endpoint};
    /// let mut server = Endpoint::new(Policy::new(Role::Server));
    /// server.close(CloseCode::NORMAL_CLOSURE, "")?;
    /// assert_eq!(server.to_send()[..], *b"\x88\x02\x03\xE8");
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn close(&mut self, code: CloseCode, reason: impl Into<Utf8Bytes>) -> Result<(), Error> {
        self.send(Message::close(code, reason))
    }

    /// Returns the state of the closing handshake (§7.1.2 to §7.1.4).
    ///
    /// ```
    /// # use wsvet::{CloseCode, Closing, Policy, Role, endpoint::Endpoint};
    /// let mut server = Endpoint::new(Policy::new(Role::Server));
    /// server.close(CloseCode::NORMAL_CLOSURE, "")?;
    /// assert_eq!(server.closing(), Closing::Sent);
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    #[must_use]
    pub fn closing(&self) -> Closing {
        self.messages.frames().closing()
    }

    /// Returns whether no message can arrive any more: both Close frames were exchanged, the peer
    /// broke a rule, or the stream has ended.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// assert!(!Endpoint::new(Policy::new(Role::Server)).is_done());
    /// ```
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.over || self.closing().is_done()
    }

    /// Returns the codec.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// let server = Endpoint::new(Policy::new(Role::Server));
    /// assert_eq!(server.messages().frames().validator().offset(), 0);
    /// ```
    #[must_use]
    pub const fn messages(&self) -> &Messages {
        &self.messages
    }

    /// Answers a Ping or a Close frame.
    #[inline(never)]
    fn answer(&mut self, message: &Message) -> Result<(), Error> {
        let answers = if message.is_ping() { self.answers_pings } else { self.answers_closes };
        match message.reply().filter(|_| answers) {
            Some(Message::Pong(payload)) if self.unsent() >= MOST_PONGS => {
                self.buffers().pong = Some(payload[..].into());
                Ok(())
            }
            Some(reply) => self.encode(&reply),
            None => Ok(()),
        }
    }

    /// Adds the Close frame that is due for a violation, and returns the error.
    #[cold]
    fn fail(&mut self, error: Error) -> Error {
        self.over = true;
        if let Some(close) = error.reply() {
            // A Close frame that cannot be written changes nothing: the connection is over.
            let _ = self.encode(&close);
        }
        error
    }

    fn buffers(&mut self) -> &mut Buffers {
        self.buffers.get_or_insert_default()
    }

    /// Adds a message to the bytes to send, after the Pong that waits.
    #[inline]
    fn encode(&mut self, message: &Message) -> Result<(), Error> {
        if self.buffers.as_ref().is_some_and(|buffers| buffers.pong.is_some()) {
            self.send_pong();
        }
        let buffers = self.buffers.get_or_insert_default();
        self.messages.encode_copied(message, &mut buffers.to_send)
    }

    /// Adds the Pong that waits to the bytes to send.
    #[cold]
    fn send_pong(&mut self) {
        let Some(buffers) = &mut self.buffers else { return };
        if let Some(payload) = buffers.pong.take() {
            // It can be written: there are keys, because other bytes were written before.
            let pong = Message::Pong(payload.into());
            let _ = self.messages.encode(pong, &mut buffers.to_send);
        }
    }

    /// Returns the number of bytes that have arrived and were not taken.
    pub(super) fn unread(&self) -> usize {
        self.buffers.as_ref().map_or(0, |buffers| buffers.received.len())
    }

    /// Returns the number of bytes that wait to be sent, without the Pong that waits.
    pub(super) fn unsent(&self) -> usize {
        self.buffers.as_ref().map_or(0, |buffers| buffers.to_send.len())
    }

    /// Takes bytes off the front that were sent. If all were, their memory is used again from its start.
    pub(super) fn sent(&mut self, len: usize) {
        let to_send = &mut self.buffers().to_send;
        if len == to_send.len() {
            to_send.clear();
        } else {
            to_send.advance(len);
        }
    }

    /// Returns whether anything waits to be sent, also a Pong.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(super) fn has_unsent(&self) -> bool {
        let waits = |buffers: &Buffers| !buffers.to_send.is_empty() || buffers.pong.is_some();
        self.buffers.as_deref().is_some_and(waits)
    }

    /// Releases the memory of empty buffers: passes the one of the received bytes, and the one of
    /// the bytes to send, to these functions.
    #[cfg(feature = "tokio")]
    pub(super) fn release(&mut self, received: impl FnOnce(BytesMut), sent: impl FnOnce(BytesMut)) {
        let Some(buffers) = &mut self.buffers else { return };
        let is_read = buffers.received.is_empty();
        if is_read {
            received(core::mem::take(&mut buffers.received));
        }
        if buffers.to_send.is_empty() && buffers.pong.is_none() {
            sent(core::mem::take(&mut buffers.to_send));
            if is_read {
                self.buffers = None;
            }
        }
    }

    /// Sets whether the endpoint answers Pings, and whether it answers Close frames.
    #[cfg(feature = "tokio")]
    pub(super) fn set_answers(&mut self, pings: Option<bool>, closes: Option<bool>) {
        self.answers_pings = pings.unwrap_or(self.answers_pings);
        self.answers_closes = closes.unwrap_or(self.answers_closes);
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("closing", &self.closing())
            .field("received", &self.unread())
            .field("to_send", &self.unsent())
            .finish_non_exhaustive()
    }
}
