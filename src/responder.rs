//! What an endpoint must answer: Pong to Ping, Close to Close, and Close to a violation
//! (RFC 6455 §5.5, §7.1).

use crate::{CloseFrame, Event, OpCode, Violation, encode};

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
/// use wsvet::{Decoder, Policy, Responder, Role, encode};
///
/// let mut decoder = Decoder::new(Policy::new(Role::Server));
/// let mut responder = Responder::new();
/// let mut out = [0; encode::MAX_CONTROL_LEN];
///
/// let mut chunk = *b"\x89\x82\0\0\0\0hi\x88\x82\0\0\0\0\x03\xE8";
/// let (used, event) = decoder.decode(&mut chunk)?;
/// assert_eq!(responder.answer(&event.unwrap(), None, &mut out), b"\x8A\x02hi"); // Pong
/// let (_, event) = decoder.decode(&mut chunk[used..])?;
/// assert_eq!(responder.answer(&event.unwrap(), None, &mut out), b"\x88\x02\x03\xE8"); // Close
/// assert!(responder.is_done()); // the server closes the TCP connection
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Responder {
    sent: bool,
    received: bool,
}

impl Responder {
    /// The start of a connection: no Close was sent or received.
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().is_done());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { sent: false, received: false }
    }

    /// The answer to what was received: a Pong with the payload of a Ping (§5.5.3), a Close with
    /// the code of a Close (§5.5.1), and nothing to all else, or once a Close was sent.
    ///
    /// # Panics
    ///
    /// It may, for a Ping of over 125 bytes, which no [`Decoder`](crate::Decoder) gives (§5.5).
    ///
    /// ```
    /// # use wsvet::{Event, Responder, encode};
    /// let mut out = [0; encode::MAX_CONTROL_LEN];
    /// let answer = Responder::new().answer(&Event::Ping(b""), Some([1, 2, 3, 4]), &mut out);
    /// assert_eq!(answer, [0x8A, 0x80, 1, 2, 3, 4]);
    /// ```
    pub fn answer<'a>(
        &mut self,
        event: &Event<'_>,
        key: Option<[u8; 4]>,
        out: &'a mut [u8; encode::MAX_CONTROL_LEN],
    ) -> &'a [u8] {
        match event {
            Event::Ping(payload) if !self.sent => write(OpCode::Pong, payload, key, out),
            Event::Close(close) => {
                self.received = true;
                // What the peer's reason says it knows.
                let echo = close.map(|close| CloseFrame::new(close.code, ""));
                self.close(echo.as_ref(), key, out)
            }
            _ => &[],
        }
    }

    /// The Close that a violation must be answered with: with the code and the text of its rule;
    /// nothing for an end of the stream, which nobody is left to hear of (§7.1.7).
    ///
    /// ```
    /// # use wsvet::{Responder, Rule, Violation, encode};
    /// let violation = Violation { rule: Rule::UnsupportedData, offset: 0 };
    /// let mut out = [0; encode::MAX_CONTROL_LEN];
    /// let close = Responder::new().refuse(&violation, None, &mut out);
    /// assert_eq!(close[2..4], 1003u16.to_be_bytes());
    /// assert_eq!(&close[4..], Rule::UnsupportedData.text().as_bytes());
    /// ```
    pub fn refuse<'a>(
        &mut self,
        violation: &Violation,
        key: Option<[u8; 4]>,
        out: &'a mut [u8; encode::MAX_CONTROL_LEN],
    ) -> &'a [u8] {
        match violation.reply() {
            Some(close) => self.close(Some(&close), key, out),
            None => &[],
        }
    }

    /// A Close of one's own, with a code and a reason or without; nothing, where one was sent
    /// before (§7.1.2).
    ///
    /// ```
    /// # use wsvet::{CloseCode, CloseFrame, Responder, encode};
    /// let mut responder = Responder::new();
    /// let mut out = [0; encode::MAX_CONTROL_LEN];
    /// let close = CloseFrame::new(CloseCode::GOING_AWAY, "bye");
    /// assert_eq!(responder.close(Some(&close), None, &mut out), b"\x88\x05\x03\xE9bye");
    /// assert_eq!(responder.close(None, None, &mut out), b"");
    /// ```
    pub fn close<'a>(
        &mut self,
        close: Option<&CloseFrame<'_>>,
        key: Option<[u8; 4]>,
        out: &'a mut [u8; encode::MAX_CONTROL_LEN],
    ) -> &'a [u8] {
        if core::mem::replace(&mut self.sent, true) {
            return &[];
        }
        let mut body = [0; CloseFrame::MAX_BODY_LEN];
        let len = close.map_or(0, |close| close.encode(&mut body));
        write(OpCode::Close, &body[..len], key, out)
    }

    /// Whether a Close was sent: no data may follow (§5.5.1).
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().has_sent_close());
    /// ```
    #[must_use]
    pub const fn has_sent_close(&self) -> bool {
        self.sent
    }

    /// Whether both ends have sent a Close: the closing handshake is over, and the server closes
    /// the TCP connection (§7.1.1).
    ///
    /// ```
    /// assert!(!wsvet::Responder::new().is_done());
    /// ```
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.sent && self.received
    }
}

/// Writes a control frame.
fn write<'a>(
    opcode: OpCode,
    payload: &[u8],
    key: Option<[u8; 4]>,
    out: &'a mut [u8; encode::MAX_CONTROL_LEN],
) -> &'a [u8] {
    match encode::single(opcode, payload, key, out) {
        Ok(len) => &out[..len],
        Err(_) => unreachable!("a control frame fits"),
    }
}
