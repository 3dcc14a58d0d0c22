//! Text in shared memory. Only this file can create one, so only this file must ensure that the
//! bytes are UTF-8.

use alloc::string::String;
use core::borrow::Borrow;
use core::cmp::Ordering;
use core::convert::Infallible;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use core::str::{self, FromStr, Utf8Error};

use bytes::Bytes;
#[cfg(feature = "std")]
use bytes::{Buf, BytesMut};

#[cfg(feature = "std")]
use crate::kernel;
use crate::kernel::{Ending, Text, judge, unmask_ascii};
#[cfg(feature = "deflate")]
use crate::{InvalidUtf8, Utf8};

/// A text in shared memory: bytes that are known to be UTF-8 (RFC 6455 §8.1).
///
/// The bytes are checked when the text is created. Reading it costs nothing, and a clone shares the
/// memory.
///
/// ```
/// use wsvet::Utf8Bytes;
///
/// let text = Utf8Bytes::from("grüße");
/// assert_eq!(text, "grüße");
/// assert_eq!(text.len(), 7);
/// assert!(Utf8Bytes::try_from(bytes::Bytes::from_static(b"\xFF")).is_err());
/// ```
#[derive(Clone, Default)]
pub struct Utf8Bytes(
    /// UTF-8. The field is private to this file, and each function that writes it must keep it
    /// UTF-8.
    Bytes,
);

impl Utf8Bytes {
    /// Creates a text from a static string, without an allocation or a copy.
    ///
    /// ```
    /// const HELLO: wsvet::Utf8Bytes = wsvet::Utf8Bytes::from_static("hello");
    /// assert_eq!(HELLO, "hello");
    /// ```
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// Creates a text from bytes of the peer, or returns `None` if they are not UTF-8.
    #[inline]
    pub(super) fn checked(bytes: Bytes) -> Option<Self> {
        is_utf8(0, &bytes[..]).then_some(Self(bytes))
    }

    /// Takes a frame of the peer off the front of `src`, and returns its payload. The frame ends at the
    /// byte `end`, and its payload starts at the byte `start`.
    ///
    /// The function unmasks and checks the payload in one pass. If it is not UTF-8, the function
    /// returns `None` and leaves the frame as it was.
    #[cfg(feature = "std")]
    #[inline]
    pub(crate) fn take(
        key: Option<u32>,
        start: usize,
        end: usize,
        src: &mut BytesMut,
    ) -> Option<Self> {
        let payload = &mut src[start..end];
        let checked = match key {
            Some(key) => is_utf8(key, &mut *payload),
            None => is_utf8(0, &*payload),
        };
        if checked {
            let mut text = src.split_to(end).freeze();
            text.advance(start);
            return Some(Self(text));
        }
        if let Some(key) = key {
            kernel::mask(key, payload);
        }
        None
    }

    /// Returns the text without a check.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").as_str(), "hi");
    /// ```
    #[inline]
    #[must_use]
    #[allow(unsafe_code)]
    pub fn as_str(&self) -> &str {
        // SAFETY: the bytes are UTF-8. The field is private to this file, and every function that
        // writes it checks the bytes, takes them from a `str`, or cuts a text at the start of a
        // character. No method of `Bytes` that this type exposes can change the bytes.
        unsafe { str::from_utf8_unchecked(&self.0) }
    }

    /// Returns the bytes of the text.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("é").as_bytes(), b"\xC3\xA9");
    /// ```
    #[inline]
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes of the text without a copy.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").into_bytes(), "hi");
    /// ```
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Cuts the text to at most `max` bytes, at the end of a character.
    pub(super) fn truncate(&mut self, max: usize) {
        let mut end = max.min(self.len());
        while !self.is_char_boundary(end) {
            end -= 1;
        }
        self.0.truncate(end);
    }
}

/// A text that grows piece by piece. Each piece is checked when it is appended, so that the whole
/// text need not be checked again.
#[cfg(feature = "deflate")]
#[derive(Debug, Default)]
pub(crate) struct GrowingText {
    /// UTF-8 if `invalid` is not set, except that the last character may be cut. `utf8` holds the
    /// start of that character. The field is private to this file.
    bytes: BytesMut,
    utf8: Utf8,
    /// Whether a piece was not UTF-8, so that there is no text to take.
    invalid: bool,
}

#[cfg(feature = "deflate")]
impl GrowingText {
    /// Appends the next piece. It may start or end inside a character.
    ///
    /// # Errors
    ///
    /// An [`InvalidUtf8`] if the text is not UTF-8. Its index is that of the first byte of the
    /// piece that proves it. [`take`](Self::take) then returns `None`.
    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let judged = self.utf8.push(piece);
        self.invalid |= judged.is_err();
        if !self.invalid {
            self.bytes.extend_from_slice(piece);
        }
        judged
    }

    /// Returns the length and the capacity of the buffer in bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.bytes.len(), self.bytes.capacity())
    }

    /// Returns whether the text ends with a whole character, or is empty.
    pub(crate) fn is_complete(&self) -> bool {
        self.utf8.is_complete()
    }

    /// Takes the text, and leaves an empty one. Returns `None` if a piece was not UTF-8, or if the
    /// text ends inside a character.
    pub(crate) fn take(&mut self) -> Option<Utf8Bytes> {
        let Self { bytes, utf8, invalid } = core::mem::take(self);
        (!invalid && utf8.is_complete()).then(|| Utf8Bytes(bytes.freeze()))
    }
}

/// Returns whether all of the text is UTF-8, and unmasks all of it if it can be written.
///
/// Most text is short and ASCII, so the function tries that first.
#[inline]
fn is_utf8(key: u32, mut text: impl Text) -> bool {
    unmask_ascii(key, text.again()) || is_long_utf8(key, text)
}

#[inline(never)]
fn is_long_utf8(key: u32, text: impl Text) -> bool {
    judge(key, text) == Ending::Whole
}

impl Deref for Utf8Bytes {
    type Target = str;

    /// Returns the text, as [`as_str`](Self::as_str) does.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("grüße").chars().count(), 5);
    /// ```
    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Utf8Bytes {
    /// Returns the text.
    ///
    /// ```
    /// let text = wsvet::Utf8Bytes::from("hi");
    /// assert_eq!(AsRef::<str>::as_ref(&text), "hi");
    /// ```
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<[u8]> for Utf8Bytes {
    /// Returns the bytes of the text.
    ///
    /// ```
    /// let text = wsvet::Utf8Bytes::from("hi");
    /// assert_eq!(AsRef::<[u8]>::as_ref(&text), b"hi");
    /// ```
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<str> for Utf8Bytes {
    /// Returns the text. `Utf8Bytes` has the equality, the order and the hash of `str`.
    ///
    /// ```
    /// # use std::collections::HashSet;
    /// # use wsvet::Utf8Bytes;
    /// let rooms = HashSet::from([Utf8Bytes::from("lobby")]);
    /// assert!(rooms.contains("lobby"));
    /// ```
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Hash for Utf8Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq for Utf8Bytes {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Utf8Bytes {}

impl PartialOrd for Utf8Bytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Utf8Bytes {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

/// Implements the comparisons with the strings of the standard library, in both directions.
macro_rules! compared_with {
    ($($string:ty, $example:literal;)*) => {$(
        impl PartialEq<$string> for Utf8Bytes {
            /// Compares the text with a string.
            ///
            /// ```
            #[doc = concat!("assert!(wsvet::Utf8Bytes::from(\"hi\") == ", $example, ");")]
            /// ```
            fn eq(&self, other: &$string) -> bool {
                let other: &str = other.as_ref();
                self.as_str() == other
            }
        }

        impl PartialEq<Utf8Bytes> for $string {
            /// Compares a string with a text.
            ///
            /// ```
            #[doc = concat!("assert!(", $example, " == wsvet::Utf8Bytes::from(\"hi\"));")]
            /// ```
            fn eq(&self, other: &Utf8Bytes) -> bool {
                other == self
            }
        }
    )*};
}

compared_with! {
    str, "*\"hi\"";
    &str, "\"hi\"";
    String, "String::from(\"hi\")";
}

impl fmt::Debug for Utf8Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Utf8Bytes {
    /// Writes the text as it is.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").to_string(), "hi");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<&str> for Utf8Bytes {
    /// Creates a text from a copy of the string.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from("hi").len(), 2);
    /// ```
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Utf8Bytes {
    /// Creates a text from the string without a copy.
    ///
    /// ```
    /// assert_eq!(wsvet::Utf8Bytes::from(format!("{}!", "hi")), "hi!");
    /// ```
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl FromStr for Utf8Bytes {
    type Err = Infallible;

    /// Creates a text from a copy of the string.
    ///
    /// ```
    /// assert_eq!("hi".parse(), Ok(wsvet::Utf8Bytes::from("hi")));
    /// ```
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

impl TryFrom<Bytes> for Utf8Bytes {
    type Error = Utf8Error;

    /// Creates a text from the bytes without a copy, after a check that they are UTF-8.
    ///
    /// # Errors
    ///
    /// A [`Utf8Error`] if the bytes are not UTF-8.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use wsvet::Utf8Bytes;
    /// assert_eq!(Utf8Bytes::try_from(Bytes::from_static(b"hi")), Ok("hi".into()));
    /// assert_eq!(Utf8Bytes::try_from(Bytes::from_static(b"h\xFF")).unwrap_err().valid_up_to(), 1);
    /// ```
    fn try_from(bytes: Bytes) -> Result<Self, Self::Error> {
        if is_utf8(0, &bytes[..]) {
            return Ok(Self(bytes));
        }
        // The error says where the text is invalid. Only this slow path computes it.
        str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }
}

impl From<Utf8Bytes> for Bytes {
    /// Returns the bytes of the text without a copy.
    ///
    /// ```
    /// assert_eq!(bytes::Bytes::from(wsvet::Utf8Bytes::from("hi")), "hi");
    /// ```
    fn from(text: Utf8Bytes) -> Self {
        text.0
    }
}

impl From<Utf8Bytes> for String {
    /// Returns a copy of the text.
    ///
    /// ```
    /// assert_eq!(String::from(wsvet::Utf8Bytes::from("hi")), "hi");
    /// ```
    fn from(text: Utf8Bytes) -> Self {
        text.as_str().into()
    }
}

#[cfg(all(test, feature = "deflate"))]
mod tests {
    use super::GrowingText;

    /// UTF-8 in any pieces is a text, and anything else is none.
    #[test]
    fn a_text_that_grows_is_utf8_or_none() {
        let pieces: [&[u8]; 8] =
            [b"", b"a", b"\xC3", b"\xA9", b"(", b"\xF0\x9F", b"\x98\x80", b"\xFF"];
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let whole = [first, second, third].concat();
                    let mut text = GrowingText::default();
                    let valid = [first, second, third].iter().all(|piece| text.push(piece).is_ok());
                    let taken = text.take();
                    assert_eq!(taken.as_deref(), str::from_utf8(&whole).ok(), "{whole:?}");
                    assert!(valid || taken.is_none(), "{whole:?}");
                    text.push(b"next").unwrap();
                    assert_eq!(text.take().as_deref(), Some("next"), "{whole:?}");
                }
            }
        }
    }
}
