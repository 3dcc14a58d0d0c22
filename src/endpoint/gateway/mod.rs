//! A gateway that validates what it forwards, without I/O.

#[cfg(feature = "tokio")]
mod on_tokio;
mod side;

use core::fmt;
use core::time::Duration;

use alloc::vec::Vec;

use bytes::BytesMut;

use side::{Flow, Side};

use crate::conversation::End;
#[cfg(feature = "deflate")]
use crate::deflate;
use crate::handshake::Agreement;
use crate::{CloseCode, CloseFrame, Conversation, Observed, Policy, Role, Violation, encode};

/// A gateway between a client and a server, which forwards the bytes of both unchanged as long as
/// they break no rule.
///
/// A gateway does no I/O. For each chunk that arrives from an endpoint, [`receive`](Self::receive)
/// returns the bytes to forward to the other endpoint. Data is forwarded as it arrives; a gateway holds
/// only a header until it is whole, and a control frame until it is whole: at most 131 bytes for each
/// direction.
///
/// If an endpoint breaks a rule, the frame is not forwarded any further, and both connections end:
///
/// - The endpoint that broke the rule is sent the Close frame that is due, such as 1003.
/// - The other endpoint is sent a Close frame with 1001, or [another one](Self::other_close), if it
///   has received whole frames only. If it has received a part of a frame, no Close frame can follow,
///   and its connection must be closed without one (RFC 6455 §7.1.7).
///
/// An endpoint that ends its stream without a Close frame counts like one that breaks a rule, but is
/// sent nothing. After both endpoints have sent Close frames, both connections end as well.
///
/// After each call, the caller writes the returned bytes, then those in [`to_send`](Self::to_send) of
/// both endpoints, and shuts down the write side of each connection that [is over](Self::is_over).
///
/// ```
/// use wsvet::endpoint::gateway::Gateway;
/// use wsvet::{Accepts, Policy, Role};
///
/// let server = Policy::new(Role::Server).accepts(Accepts::TextOnly);
/// let mut gateway = Gateway::new(Policy::new(Role::Client), server, [5, 6, 7, 8]);
///
/// let text = b"\x81\x82\x01\x02\x03\x04ik";
/// assert_eq!(gateway.receive(Role::Client, text).to_vec(), text);
///
/// let binary = b"\x82\x81\x01\x02\x03\x04\x00";
/// assert!(gateway.receive(Role::Client, binary).is_empty());
/// assert_eq!(gateway.to_send(Role::Client)[2..4], 1003_u16.to_be_bytes());
/// assert_eq!(gateway.to_send(Role::Server)[..6], [0x88, 0x92, 5, 6, 7, 8]); // 1001, masked
/// assert!(gateway.is_over(Role::Client) && gateway.is_over(Role::Server));
/// ```
#[derive(Debug)]
pub struct Gateway {
    conversation: Conversation,
    client: Side,
    server: Side,
    /// The masking key of the Close frame for the server.
    key: [u8; 4],
    other: CloseFrame<'static>,
    refused: Option<Refused>,
}

/// The bytes to forward for a chunk that has arrived: those that the gateway held before, and those of
/// the chunk.
///
/// ```
/// use wsvet::endpoint::gateway::Gateway;
/// use wsvet::{Policy, Role};
///
/// let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
/// let mut gateway = Gateway::new(client, server, [1, 2, 3, 4]);
/// assert!(gateway.receive(Role::Server, b"\x89").is_empty()); // a cut header
/// let forward = gateway.receive(Role::Server, b"\x00\x81");
/// assert_eq!(forward.parts(), [&b"\x89"[..], b"\x00"]);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "these bytes must be sent to the other endpoint"]
pub struct Forward<'a> {
    parts: [&'a [u8]; 2],
}

impl<'a> Forward<'a> {
    /// Returns the bytes in two parts, which are sent one after the other. Each can be empty.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// assert_eq!(gateway.receive(Role::Server, b"\x8A\x00").parts(), [&b""[..], b"\x8A\x00"]);
    /// ```
    #[must_use]
    pub const fn parts(&self) -> [&'a [u8]; 2] {
        self.parts
    }

    /// Returns whether there is nothing to forward.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// assert!(gateway.receive(Role::Server, b"").is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.parts[0].is_empty() && self.parts[1].is_empty()
    }

    /// Returns a copy of the bytes.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// assert_eq!(gateway.receive(Role::Server, b"\x8A\x00").to_vec(), b"\x8A\x00");
    /// ```
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts.concat()
    }
}

/// The violation that a [`Gateway`] refused, and what it could tell the endpoints.
///
/// Its `Display` is a sentence.
///
/// ```
/// use wsvet::endpoint::gateway::Gateway;
/// use wsvet::{Policy, Role};
///
/// let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
/// let mut gateway = Gateway::new(client, server, [1, 2, 3, 4]);
/// let _ = gateway.receive(Role::Server, b"\x81\x05He");
/// let _ = gateway.receive(Role::Server, b"\xFF");
/// assert_eq!(
///     gateway.refused().unwrap().to_string(),
///     "the server broke invalid-utf8 at byte 4 and was sent 1007; \
///      the client had a part of a frame, so its connection was closed without a Close",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Refused {
    /// The endpoint that broke the rule.
    pub from: Role,
    /// The rule and its place in the bytes of that endpoint.
    pub violation: Violation,
    /// Whether that endpoint was sent no Close frame: it had ended its stream, it had received a Close
    /// frame before, or it had received a part of a frame.
    pub untold: bool,
    /// Whether the other endpoint was sent no Close frame, because it had received a part of a frame.
    pub cut: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { rule, offset, .. } = self.violation;
        let (from, other) = (self.from, self.from.peer());
        write!(f, "the {from} broke {} at byte {offset}", rule.id())?;
        match self.untold {
            true => f.write_str(" and was sent no Close")?,
            false => write!(f, " and was sent {}", rule.close_code().0)?,
        }
        match self.cut {
            true => write!(
                f,
                "; the {other} had a part of a frame, so its connection was closed without a Close"
            ),
            false => Ok(()),
        }
    }
}

impl Gateway {
    /// Creates a gateway between endpoints that accept what these policies say.
    ///
    /// The policy of an endpoint applies to the frames that it receives, as for
    /// [`Conversation::new`]. `key` masks the only frame that the gateway itself sends to the server.
    /// It must be unpredictable (RFC 6455 §5.3).
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the role of `client` is not `Client`, or the role of `server` is
    /// not `Server`.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let gateway = Gateway::new(client, server, rand::random());
    /// assert!(!gateway.is_over(Role::Client));
    /// ```
    #[must_use]
    pub fn new(client: Policy, server: Policy, key: [u8; 4]) -> Self {
        Self::of(Conversation::new(client, server), key)
    }

    /// Creates a gateway between endpoints that have negotiated permessage-deflate with these
    /// parameters. The gateway inflates and validates compressed messages (RFC 7692 §6).
    ///
    /// Set [`Policy::max_message`] for both: it bounds what a message inflates to. Each direction
    /// keeps a window of 32 KiB (see [Memory](crate::deflate#memory)).
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// use wsvet::deflate::Parameters;
    /// use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    ///
    /// let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::deflate(client, server, Parameters::new(), [1, 2, 3, 4]);
    /// let _ = gateway.receive(Role::Server, b"\xC1\x02\xFF\xFF"); // not deflate
    /// assert_eq!(gateway.refused().unwrap().violation.rule.id(), "invalid-deflate");
    /// ```
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(
        client: Policy,
        server: Policy,
        parameters: deflate::Parameters,
        key: [u8; 4],
    ) -> Self {
        Self::of(Conversation::deflate(client, server, parameters), key)
    }

    /// Creates a gateway for what the endpoints agreed on in the opening handshake: with compression if
    /// permessage-deflate is in use, and with the type of data that the subprotocol is known to use.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway, handshake::Agreement};
    /// let (client, server) = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut agreement = Agreement::default();
    /// agreement.subprotocol = Some("mqtt".to_owned());
    /// let mut gateway = Gateway::agreed(client, server, &agreement, [1, 2, 3, 4]);
    /// let _ = gateway.receive(Role::Server, b"\x81"); // text
    /// assert_eq!(gateway.refused().unwrap().violation.rule.id(), "unsupported-data");
    /// ```
    #[must_use]
    pub fn agreed(client: Policy, server: Policy, agreement: &Agreement, key: [u8; 4]) -> Self {
        let [client, server] = [client, server].map(|policy| agreement.policy(policy));
        #[cfg(feature = "deflate")]
        if let Some(parameters) = agreement.permessage_deflate {
            return Self::deflate(client, server, parameters, key);
        }
        Self::new(client, server, key)
    }

    fn of(conversation: Conversation, key: [u8; 4]) -> Self {
        let other = CloseFrame { code: CloseCode::GOING_AWAY, reason: "the peer is gone" };
        let (client, server) = (Side::new(), Side::new());
        Self { conversation, client, server, key, other, refused: None }
    }

    /// Sets the Close frame for the endpoint that broke no rule.
    ///
    /// # Errors
    ///
    /// An [`encode::Error`] if the code must not be sent, such as 1006.
    ///
    /// ```
    /// # use wsvet::{CloseCode, CloseFrame, Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let bad_gateway = CloseFrame::new(CloseCode(1014), "");
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]).other_close(bad_gateway)?;
    /// let _ = gateway.receive(Role::Client, b"\x83");
    /// assert_eq!(gateway.to_send(Role::Server).len(), 8);
    /// # Ok::<(), wsvet::encode::Error>(())
    /// ```
    pub fn other_close(mut self, close: CloseFrame<'static>) -> Result<Self, encode::Error> {
        encode::close(&close, None, &mut [0; encode::MAX_CONTROL_LEN])?;
        self.other = close;
        Ok(self)
    }

    /// Sets the time of everything that arrives from now on, as [`Conversation::at`] does.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// Gateway::new(ends.0, ends.1, [1, 2, 3, 4]).at(Duration::from_secs(1));
    /// ```
    pub fn at(&mut self, time: Duration) {
        self.conversation.at(time);
    }

    /// Takes the next bytes from an endpoint, and returns the bytes to send to the other endpoint.
    ///
    /// After the connection of the other endpoint [is over](Self::is_over), there are none.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// let forward = gateway.receive(Role::Server, b"\x81\x05He");
    /// assert_eq!(forward.to_vec(), b"\x81\x05He"); // the rest of the frame has not arrived
    /// ```
    pub fn receive<'a>(&'a mut self, from: Role, chunk: &'a [u8]) -> Forward<'a> {
        let Self { conversation, client, server, .. } = self;
        let side = if from == Role::Client { client } else { server };
        if side.flow == Flow::Stopped {
            conversation.bytes(from, chunk);
            return Forward { parts: [&[], &[]] };
        }
        let (start, offset) = (side.forwarded, conversation.direction(from).offset());
        let (mut pending, mut goes_on, mut violation) = (None, true, None);
        conversation.observe(from, chunk, |seen| {
            if goes_on {
                goes_on = side.saw(&seen, start, &mut pending);
                if let Observed::Violation { violation: found, .. } = seen {
                    violation = Some(found);
                }
            }
        });
        if let Some(end) = pending {
            side.forwarded = end;
            side.inside = true;
        }
        let len = match side.forwarded > start {
            true => (side.forwarded - offset) as usize,
            false => 0,
        };
        side.released.len = 0;
        if len > 0 {
            core::mem::swap(&mut side.held, &mut side.released);
        }
        if goes_on {
            side.held.push(&chunk[len..]);
        }
        self.go_on(from, violation);
        let side = if from == Role::Client { &self.client } else { &self.server };
        Forward { parts: [side.released.bytes(), &chunk[..len]] }
    }

    /// Ends the stream of an endpoint. Returns the violation if the endpoint had not sent a Close frame
    /// (RFC 6455 §7.1.5).
    ///
    /// ```
    /// # use wsvet::{End, Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// assert!(gateway.end(Role::Server, End::Fin).is_some());
    /// assert_eq!(gateway.to_send(Role::Client)[2..4], 1001_u16.to_be_bytes());
    /// ```
    pub fn end(&mut self, from: Role, end: End) -> Option<Violation> {
        let violation = self.conversation.end(from, end, 0);
        match self.side(from).flow {
            Flow::Open => self.go_on(from, violation),
            Flow::Finishing => {
                // The rest of the frame does not arrive, so the other endpoint cannot be told.
                self.side(from).flow = Flow::Stopped;
                let told = self.side(from.peer());
                told.due.clear();
                told.over = true;
                if let Some(refused) = &mut self.refused {
                    refused.untold = true;
                }
            }
            Flow::Stopped => {}
        }
        violation
    }

    /// Closes both connections, for example because the gateway stops. Each endpoint is sent the Close
    /// frame after the frame of which it has a part.
    ///
    /// # Errors
    ///
    /// An [`encode::Error`] if the code must not be sent, such as 1006.
    ///
    /// ```
    /// # use wsvet::{CloseCode, CloseFrame, Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// let _ = gateway.receive(Role::Server, b"\x81\x05He");
    /// gateway.close(&CloseFrame::new(CloseCode::GOING_AWAY, ""))?;
    /// assert!(gateway.is_over(Role::Server) && !gateway.is_over(Role::Client));
    /// assert_eq!(gateway.receive(Role::Server, b"llo\x89").to_vec(), b"llo");
    /// assert_eq!(gateway.to_send(Role::Client)[..], *b"\x88\x02\x03\xE9");
    /// # Ok::<(), wsvet::encode::Error>(())
    /// ```
    pub fn close(&mut self, close: &CloseFrame<'_>) -> Result<(), encode::Error> {
        encode::close(close, None, &mut [0; encode::MAX_CONTROL_LEN])?;
        for to in [Role::Client, Role::Server] {
            self.tell(to, close);
        }
        Ok(())
    }

    /// Returns the bytes of the gateway's own Close frame for this endpoint. Send them after the bytes
    /// that [`receive`](Self::receive) returned, and clear the buffer.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert!(Gateway::new(ends.0, ends.1, [1, 2, 3, 4]).to_send(Role::Client).is_empty());
    /// ```
    pub fn to_send(&mut self, to: Role) -> &mut BytesMut {
        &mut self.side(to).to_send
    }

    /// Returns whether this endpoint is sent nothing more, after what is in
    /// [`to_send`](Self::to_send).
    ///
    /// Shut down the write side of its connection then, and discard what it sends until its end, so
    /// that no reset destroys the Close frame on its way (RFC 6455 §7.1.1).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let mut gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// let _ = gateway.receive(Role::Client, b"\x88\x80\x01\x02\x03\x04");
    /// let _ = gateway.receive(Role::Server, b"\x88\x00");
    /// assert!(gateway.is_over(Role::Client) && gateway.is_over(Role::Server));
    /// ```
    #[must_use]
    pub const fn is_over(&self, to: Role) -> bool {
        match to {
            Role::Client => self.client.over,
            Role::Server => self.server.over,
        }
    }

    /// Returns the violation that ended both connections, or `None` if there is none.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// assert_eq!(Gateway::new(ends.0, ends.1, [1, 2, 3, 4]).refused(), None);
    /// ```
    #[must_use]
    pub const fn refused(&self) -> Option<Refused> {
        self.refused
    }

    /// Returns the conversation of the endpoints, which knows the verdict. It does not contain the
    /// gateway's own Close frames.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Verdict, endpoint::gateway::Gateway};
    /// # let ends = (Policy::new(Role::Client), Policy::new(Role::Server));
    /// let gateway = Gateway::new(ends.0, ends.1, [1, 2, 3, 4]);
    /// assert_eq!(gateway.conversation().verdict(), Verdict::Open);
    /// ```
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Draws the consequences of what an endpoint has sent.
    fn go_on(&mut self, from: Role, violation: Option<Violation>) {
        if let Some(violation) = violation {
            self.refuse(from, violation);
        }
        let side = self.side(from);
        if side.flow == Flow::Finishing && !side.inside {
            side.flow = Flow::Stopped;
            let told = self.side(from.peer());
            let due = core::mem::take(&mut told.due);
            told.to_send.unsplit(due);
            told.over = true;
        }
        if self.client.closed && self.server.closed {
            for role in [Role::Client, Role::Server] {
                let side = self.side(role);
                side.flow = Flow::Stopped;
                side.over = true;
            }
        }
    }

    /// Ends both connections after a violation.
    fn refuse(&mut self, from: Role, violation: Violation) {
        let other = from.peer();
        let (closed, cut) = (self.side(from).closed, self.side(from).inside);
        self.side(from).flow = Flow::Stopped;
        if closed {
            // The endpoint has said goodbye. What follows is discarded (§1.4).
            return;
        }
        if !cut {
            let close = self.other;
            self.tell(other, &close);
        }
        self.side(other).over = true;
        // An endpoint that has received a Close frame cannot be sent a second one.
        let reply = violation.reply().filter(|_| !self.side(other).closed);
        let untold = reply.is_none();
        match reply {
            Some(close) => self.tell(from, &close),
            None => {
                self.side(from).over = true;
                self.side(other).flow = Flow::Stopped;
            }
        }
        self.refused.get_or_insert(Refused { from, violation, untold, cut });
    }

    /// Sends a Close frame to an endpoint, after the frame of which it has a part.
    fn tell(&mut self, to: Role, close: &CloseFrame<'_>) {
        let key = (to == Role::Server).then_some(self.key);
        let mut out = [0; encode::MAX_CONTROL_LEN];
        let Ok(len) = encode::close(close, key, &mut out) else { return };
        let from = self.side(to.peer());
        if from.closed || from.flow == Flow::Finishing {
            return; // It has received a Close frame, or will.
        }
        let waits = from.inside && from.flow == Flow::Open;
        from.flow = if waits { Flow::Finishing } else { Flow::Stopped };
        let told = self.side(to);
        if told.over {
            return;
        }
        let buffer = if waits { &mut told.due } else { &mut told.to_send };
        buffer.extend_from_slice(&out[..len]);
        told.over = !waits;
    }

    fn side(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }
}
