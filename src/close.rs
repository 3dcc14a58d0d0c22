//! The body of a Close frame: code and reason, and the reply to a violation (RFC 6455 §5.5.1).

use core::fmt;
use core::str;

use crate::{CloseCode, Place, Rule, Utf8, Violation};

/// The body of a Close frame: a code and a reason (RFC 6455 §5.5.1).
///
/// An empty body has no code: it decodes to `None`, and 1005 is never made up for it.
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
    /// The status code; it need not be one that may be sent.
    pub code: CloseCode,
    /// The reason: empty where none is given.
    pub reason: &'a str,
}

impl<'a> CloseFrame<'a> {
    /// The most bytes a Close body has: 125, the most of any control frame (§5.5).
    ///
    /// ```
    /// assert_eq!(wsvet::CloseFrame::MAX_BODY_LEN, 125);
    /// ```
    pub const MAX_BODY_LEN: usize = 125;

    /// The most bytes a reason has: 123, so that it fits behind the code (§5.5.1).
    ///
    /// ```
    /// assert_eq!(wsvet::CloseFrame::MAX_REASON_LEN, 123);
    /// ```
    pub const MAX_REASON_LEN: usize = Self::MAX_BODY_LEN - 2;

    /// A code and a reason; the reason is cut at a character where it is over 123 bytes (§5.5).
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

    /// Reads the whole, unmasked body of a Close frame; an empty one is `None` (§5.5.1).
    ///
    /// The code is not judged: see [`CloseCode::is_sendable`].
    ///
    /// # Errors
    ///
    /// [`InvalidClose`] of [`Rule::CloseBodyOneByte`] or [`Rule::InvalidCloseReason`].
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

    /// Writes the body to the front of `out` and gives its length in bytes, 2 to 125 (§5.5.1).
    ///
    /// A reason over 123 bytes is cut at a character, as [`new`](Self::new) does.
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
        // Cut inside a character: the last byte proves it.
        Ok(()) => reason.len() - 1,
    };
    InvalidClose { rule: Rule::InvalidCloseReason, index: 2 + index }
}

/// A Close body that cannot be read: the rule it breaks, and the index of the byte in the body
/// (RFC 6455 §5.5.1).
///
/// ```
/// let error = wsvet::CloseFrame::decode(b"\x03").unwrap_err();
/// assert_eq!(error.to_string(), "close-body-one-byte at index 0 of the Close body");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidClose {
    /// The rule that the body breaks.
    pub rule: Rule,
    /// The index in bytes, from the start of the body.
    pub index: usize,
}

impl fmt::Display for InvalidClose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at index {} of the Close body", self.rule, self.index)
    }
}

impl core::error::Error for InvalidClose {}

impl Violation {
    /// The Close frame to answer with: the rule's code and text; `None` where nothing can be sent
    /// any more, because the stream has ended (§7.1.5, §7.1.7).
    ///
    /// Send it only where no Close was sent yet.
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
