//! What an endpoint must answer: Pong to Ping, Close to Close, and Close to a violation
//! (RFC 6455 §5.5, §7.1).

use crate::{CloseCode, CloseFrame, Closing, Event, OpCode, Violation, encode};

/// Writes the answers that an endpoint owes, and keeps the closing handshake: one Close is sent,
/// and nothing behind it.
///
/// It does no I/O: what a method gives is to be sent, and where it is empty there is nothing to
/// send. A client gives a fresh masking key each time, a server `None` (§5.1).
///
/// A peer that has broken a rule sees the code and the reason only if the Close reaches it. After
/// sending it, shut the sending half down and read on until the peer's end comes, for some seconds
/// at most: a socket that is closed with bytes unread is reset, and a reset can overtake the Close,
/// so that the peer is left with 1006 (§7.1.1).
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
    /// The start of a connection: no Close was sent or received.
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().is_done());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { closing: Closing::Open }
    }

    /// Returns the reply to what was received: a Pong with the payload of a Ping (§5.5.3), or a Close
    /// with the code of a Close (§5.5.1). It is empty for any other event, and after a Close was
    /// sent.
    ///
    /// A [`StreamDecoder`](crate::StreamDecoder) returns no Ping of more than 125 bytes and no Close with a code
    /// that must not be sent. If an event of another source is one, the Ping gets no reply, and the
    /// Close gets 1002.
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
                // The peer knows the reason that it sent.
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

    /// Returns the Close that a violation requires, with the code and the text of its rule. It is
    /// empty if the stream has ended, because then the peer is gone, and after a Close was sent
    /// (§7.1.7).
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

    /// Returns a Close to start the closing handshake with, with a code and a reason or without. It
    /// is empty after a Close was sent (§7.1.2).
    ///
    /// # Errors
    ///
    /// [`encode::Error::InvalidCloseCode`] if the code must not be on the wire, such as 1005 and
    /// 1006. No Close counts as sent then.
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

    /// Returns whether a Close was sent: no data may follow (§5.5.1).
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().has_sent_close());
    /// ```
    #[must_use]
    pub const fn has_sent_close(&self) -> bool {
        self.closing.has_sent()
    }

    /// Returns whether both ends have sent a Close: the closing handshake is over, and the server
    /// closes the TCP connection (§7.1.1).
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().is_done());
    /// ```
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.closing.is_done()
    }
}

/// Returns a reply as it was written; nothing, if it cannot be written.
fn written(reply: Result<&[u8], encode::Error>) -> &[u8] {
    reply.unwrap_or_default()
}
