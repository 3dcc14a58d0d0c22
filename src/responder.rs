//! The replies that an endpoint must send: a Pong to a Ping, a Close frame to a Close frame, and a
//! Close frame to a violation (RFC 6455 §5.5, §7.1).

use crate::{CloseCode, CloseFrame, Closing, Event, OpCode, Violation, encode};

/// A writer for the replies that an endpoint must send, which also tracks the closing handshake
/// (RFC 6455 §5.5, §7.1).
///
/// It writes at most one Close frame, and nothing after it.
///
/// A responder does no I/O. The caller sends the bytes that a method returns. If they are empty,
/// there is nothing to send. A client passes a fresh masking key to each call, a server passes
/// `None` (§5.1). A call that returns no bytes does not use the key.
///
/// A peer that breaks a rule sees the code and the reason only if the Close frame reaches it. After
/// you send the Close frame, shut down the sending half of the socket. Then read until the peer
/// ends the stream, for some seconds at most. If you close a socket that has unread bytes, the
/// operating system resets the connection. A reset can overtake the Close frame, and the peer then
/// reports 1006 (§7.1.1).
///
/// ```
/// use wsvet::{StreamDecoder, Policy, Responder, Role, encode};
///
/// let mut decoder = StreamDecoder::new(Policy::new(Role::Server));
/// let mut responder = Responder::new();
/// let mut out = [0; encode::MAX_CONTROL_LEN];
///
/// let mut chunk = *b"\x89\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8";
/// let (used, event) = decoder.decode(&mut chunk)?;
/// assert_eq!(responder.reply(&event.unwrap(), None, &mut out), b"\x8A\x02hi"); // Pong
/// let (_, event) = decoder.decode(&mut chunk[used..])?;
/// assert_eq!(responder.reply(&event.unwrap(), None, &mut out), b"\x88\x02\x03\xE8"); // Close
/// assert!(responder.is_done()); // the server closes the TCP connection
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Responder {
    closing: Closing,
}

impl Responder {
    /// Creates a responder at the start of a connection. No Close frame was sent or received.
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().is_done());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { closing: Closing::Open }
    }

    /// Returns the reply to a received event.
    ///
    /// The reply to a Ping is a Pong with the same payload (§5.5.3). The reply to a Close frame is
    /// a Close frame with the same code and no reason (§5.5.1). The reply is empty for every other
    /// event, and after a Close frame was sent.
    ///
    /// A [`StreamDecoder`](crate::StreamDecoder) returns no Ping with more than 125 bytes, and no
    /// Close frame with a code that must not be sent. An event from another source may have these
    /// faults. The reply to such a Ping is empty, and the reply to such a Close frame has the code
    /// 1002.
    ///
    /// ```
    /// # use wsvet::{Event, Responder, encode};
    /// let mut out = [0; encode::MAX_CONTROL_LEN];
    /// let reply = Responder::new().reply(&Event::Ping(b""), Some([1, 2, 3, 4]), &mut out);
    /// assert_eq!(reply, [0x8A, 0x80, 1, 2, 3, 4]);
    /// ```
    #[must_use = "the reply must be sent"]
    pub fn reply<'a>(
        &mut self,
        event: &Event<'_>,
        key: Option<[u8; 4]>,
        out: &'a mut [u8; encode::MAX_CONTROL_LEN],
    ) -> &'a [u8] {
        match event {
            Event::Ping(payload) if !self.closing.has_sent() => {
                written(encode::single(OpCode::Pong, payload, key, out).map(|len| &out[..len]))
            }
            Event::Close(close) => {
                self.closing = self.closing.receive();
                // The reply has no reason, because the peer knows the reason that it sent.
                let echo = close.map(|close| {
                    let sendable = close.code.is_sendable();
                    CloseFrame::new(
                        if sendable { close.code } else { CloseCode::PROTOCOL_ERROR },
                        "",
                    )
                });
                written(self.close(echo.as_ref(), key, out))
            }
            _ => &[],
        }
    }

    /// Returns the Close frame that a violation requires, with the close code and the text of its
    /// rule (§7.1.7).
    ///
    /// It is empty after a Close frame was sent. It is also empty for a violation at the end of the
    /// stream, because then the peer is gone.
    ///
    /// ```
    /// # use wsvet::{Responder, Rule, Violation, encode};
    /// let violation = Violation::new(Rule::UnsupportedData, 0);
    /// let mut out = [0; encode::MAX_CONTROL_LEN];
    /// let close = Responder::new().reply_to_violation(&violation, None, &mut out);
    /// assert_eq!(close[2..4], 1003u16.to_be_bytes());
    /// assert_eq!(&close[4..], Rule::UnsupportedData.text().as_bytes());
    /// ```
    #[must_use = "the Close must be sent"]
    pub fn reply_to_violation<'a>(
        &mut self,
        violation: &Violation,
        key: Option<[u8; 4]>,
        out: &'a mut [u8; encode::MAX_CONTROL_LEN],
    ) -> &'a [u8] {
        match violation.reply() {
            Some(close) => written(self.close(Some(&close), key, out)),
            None => &[],
        }
    }

    /// Returns a Close frame that starts the closing handshake (§7.1.2).
    ///
    /// If `close` is `None`, the body of the Close frame is empty. The returned bytes are empty
    /// after a Close frame was sent.
    ///
    /// # Errors
    ///
    /// [`encode::Error::InvalidCloseCode`] if a Close frame must not have the code, such as 1005
    /// and 1006. No Close frame then counts as sent.
    ///
    /// ```
    /// # use wsvet::{CloseCode, CloseFrame, Responder, encode};
    /// let mut responder = Responder::new();
    /// let mut out = [0; encode::MAX_CONTROL_LEN];
    /// let close = CloseFrame::new(CloseCode::GOING_AWAY, "bye");
    /// assert_eq!(responder.close(Some(&close), None, &mut out)?, b"\x88\x05\x03\xE9bye");
    /// assert_eq!(responder.close(None, None, &mut out)?, b"");
    /// # Ok::<(), encode::Error>(())
    /// ```
    pub fn close<'a>(
        &mut self,
        close: Option<&CloseFrame<'_>>,
        key: Option<[u8; 4]>,
        out: &'a mut [u8; encode::MAX_CONTROL_LEN],
    ) -> Result<&'a [u8], encode::Error> {
        if self.closing.has_sent() {
            return Ok(&[]);
        }
        let len = match close {
            Some(close) => encode::close(close, key, out)?,
            None => encode::single(OpCode::Close, &[], key, out)?,
        };
        self.closing = self.closing.send();
        Ok(&out[..len])
    }

    /// Returns the state of the closing handshake.
    ///
    /// ```
    /// use wsvet::{Closing, Responder};
    ///
    /// assert_eq!(Responder::new().closing(), Closing::Open);
    /// ```
    #[must_use]
    pub const fn closing(&self) -> Closing {
        self.closing
    }

    /// Returns whether a Close frame was sent. The endpoint must not send data after it (§5.5.1).
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().has_sent_close());
    /// ```
    #[must_use]
    pub const fn has_sent_close(&self) -> bool {
        self.closing.has_sent()
    }

    /// Returns whether both endpoints have sent a Close frame (§7.1.1).
    ///
    /// If they have, the closing handshake is complete, and the server closes the TCP connection.
    /// After a violation this stays `false`: then send the reply, and end the connection.
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().is_done());
    /// ```
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.closing.is_done()
    }
}

/// Returns the written reply, or nothing if it cannot be written.
fn written(reply: Result<&[u8], encode::Error>) -> &[u8] {
    reply.unwrap_or_default()
}
