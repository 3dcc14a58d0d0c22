//! The body of a Close frame, and the reply to a violation (RFC 6455 §5.5.1).

use core::fmt;
use core::str;

use crate::{CloseCode, Place, Rule, Utf8, Violation};

/// The body of a Close frame: a close code and a reason (RFC 6455 §5.5.1).
///
/// An empty body has no close code. It decodes to `None`, never to 1005.
///
/// ```
/// use wsvet::{CloseCode, CloseFrame};
///
/// let close = CloseFrame::decode(b"\x03\xEBtext only")?.unwrap();
/// assert_eq!(close.code, CloseCode::UNSUPPORTED_DATA);
/// assert_eq!(close.reason, "text only");
/// assert_eq!(CloseFrame::decode(b"")?, None);
/// # Ok::<(), wsvet::InvalidClose>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CloseFrame<'a> {
    /// The close code. It may be a code that must not be sent.
    pub code: CloseCode,
    /// The reason. It is empty if there is none.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// The maximum length of a Close body in bytes: 125, as for every control frame (§5.5).
    ///
    /// ```
    /// assert_eq!(wsvet::CloseFrame::MAX_BODY_LEN, 125);
    /// ```
    pub const MAX_BODY_LEN: usize = 125;

    /// The maximum length of a reason in bytes: 123, so that it fits after the code (§5.5.1).
    ///
    /// ```
    /// assert_eq!(wsvet::CloseFrame::MAX_REASON_LEN, 123);
    /// ```
    pub const MAX_REASON_LEN: usize = Self::MAX_BODY_LEN - 2;

    /// Creates a Close body from a code and a reason (§5.5).
    ///
    /// A reason over 123 bytes is cut at the end of a character.
    ///
    /// ```
    /// use wsvet::{CloseCode, CloseFrame};
    ///
    /// let long = "ü".repeat(100);
    /// let close = CloseFrame::new(CloseCode::GOING_AWAY, &long);
    /// assert_eq!(close.reason.len(), 122);
    /// ```
    #[must_use]
    pub fn new(code: CloseCode, reason: &'a str) -> Self {
        let mut end = reason.len().min(Self::MAX_REASON_LEN);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        Self { code, reason: &reason[..end] }
    }

    /// Decodes the whole, unmasked body of a Close frame, or returns `None` if it is empty
    /// (§5.5.1).
    ///
    /// The function does not validate the code: see [`CloseCode::is_sendable`].
    ///
    /// # Errors
    ///
    /// [`InvalidClose`] with [`Rule::CloseBodyOneByte`] if the body is one byte long, and with
    /// [`Rule::InvalidCloseReason`] if the reason is not UTF-8.
    ///
    /// ```
    /// use wsvet::{CloseFrame, Rule};
    ///
    /// let error = CloseFrame::decode(b"\x03\xE8a\xFF").unwrap_err();
    /// assert_eq!((error.rule, error.index), (Rule::InvalidCloseReason, 3));
    /// ```
    pub fn decode(body: &'a [u8]) -> Result<Option<Self>, InvalidClose> {
        let (code, reason) = match body {
            [] => return Ok(None),
            [_] => return Err(InvalidClose { rule: Rule::CloseBodyOneByte, index: 0 }),
            [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        };
        match str::from_utf8(reason) {
            Ok(reason) => Ok(Some(Self { code: CloseCode(code), reason })),
            Err(_) => Err(invalid_reason(reason)),
        }
    }

    /// Writes the body to the front of `out`, and returns its length in bytes, 2 to 125 (§5.5.1).
    ///
    /// A reason over 123 bytes is cut at the end of a character, as by [`new`](Self::new).
    ///
    /// ```
    /// use wsvet::{CloseCode, CloseFrame};
    ///
    /// let mut out = [0; CloseFrame::MAX_BODY_LEN];
    /// let len = CloseFrame::new(CloseCode::NORMAL_CLOSURE, "bye").encode(&mut out);
    /// assert_eq!(&out[..len], b"\x03\xE8bye");
    /// ```
    pub fn encode(&self, out: &mut [u8; CloseFrame::MAX_BODY_LEN]) -> usize {
        let reason = Self::new(self.code, self.reason).reason.as_bytes();
        let len = 2 + reason.len();
        out[..2].copy_from_slice(&self.code.0.to_be_bytes());
        out[2..len].copy_from_slice(reason);
        len
    }
}

#[cold]
fn invalid_reason(reason: &[u8]) -> InvalidClose {
    let index = match Utf8::new().push(reason) {
        Err(error) => error.index,
        // The reason ends inside a character. Its last byte proves that.
        Ok(()) => reason.len() - 1,
    };
    InvalidClose { rule: Rule::InvalidCloseReason, index: 2 + index }
}

/// An error for a Close body that cannot be decoded (RFC 6455 §5.5.1).
///
/// [`CloseFrame::decode`] returns it.
///
/// ```
/// let error = wsvet::CloseFrame::decode(b"\x03").unwrap_err();
/// assert_eq!(error.to_string(), "close-body-one-byte at index 0 of the Close body");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidClose {
    /// The rule that the body breaks.
    pub rule: Rule,
    /// The index in the body of the byte that breaks the rule.
    pub index: usize,
}

impl fmt::Display for InvalidClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at index {} of the Close body", self.rule, self.index)
    }
}

impl core::error::Error for InvalidClose {}

impl Violation {
    /// Returns the Close frame to reply with, which has the close code and the text of the rule
    /// (§7.1.7).
    ///
    /// Returns `None` if the stream has ended, because then nothing can be sent (§7.1.5). Do not
    /// send the Close frame if you have sent one before.
    ///
    /// ```
    /// use wsvet::{CloseCode, Rule, Violation};
    ///
    /// let reply = Violation::new(Rule::UnsupportedData, 0).reply().unwrap();
    /// assert_eq!(reply.code, CloseCode::UNSUPPORTED_DATA);
    /// assert_eq!(Violation::new(Rule::EofInFrame, 9).reply(), None);
    /// ```
    #[must_use]
    pub fn reply(&self) -> Option<CloseFrame<'static>> {
        match self.rule.place() {
            Place::End => None,
            _ => Some(CloseFrame { code: self.rule.close_code(), reason: self.rule.text() }),
        }
    }
}
