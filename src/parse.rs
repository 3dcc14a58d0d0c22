//! nom parsers for headers, frames and Close bodies, which compose with other nom parsers (RFC 6455
//! §5.2, §5.5.1).
//!
//! [`Header::decode`], [`FrameRef::decode`] and [`CloseFrame::decode`] do the same without nom.
//!
//! ```
//! use nom::sequence::preceded;
//! use nom::{IResult, Parser, bytes::streaming::tag};
//! use wsvet::{FrameRef, parse};
//!
//! // A frame that follows an application-defined prefix.
//! fn vetted(input: &[u8]) -> IResult<&[u8], FrameRef<'_>> {
//!     preceded(tag("vet:"), parse::frame).parse(input)
//! }
//!
//! let (rest, frame) = vetted(b"vet:\x81\x02hi\x8A")?;
//! assert_eq!(frame.plain().unwrap().payload, b"hi");
//! assert_eq!(rest, b"\x8A");
//! # Ok::<(), nom::Err<nom::error::Error<&[u8]>>>(())
//! ```

use nom::error::{ErrorKind, ParseError};
use nom::{Err, IResult, Needed};

use crate::{CloseFrame, FrameRef, Header, Incomplete, Rule};

/// Parses the header of a frame (§5.2).
///
/// # Errors
///
/// `Err::Incomplete(Needed::Size(n))` if `input` ends inside the header. At least `n` more bytes
/// are needed. There is no other error, because any bytes form a header.
///
/// ```
/// use nom::{Err, Needed};
/// use wsvet::{OpCode, parse};
///
/// let (rest, header) = parse::header::<()>(b"\x89\x00rest")?;
/// assert_eq!(header.opcode(), OpCode::Ping);
/// assert_eq!(rest, b"rest");
/// assert_eq!(parse::header::<()>(b"\x81\xFE\x01"), Err(Err::Incomplete(Needed::new(5))));
/// # Ok::<(), nom::Err<()>>(())
/// ```
#[inline]
pub fn header<'a, E: ParseError<&'a [u8]>>(input: &'a [u8]) -> IResult<&'a [u8], Header, E> {
    match Header::decode(input) {
        Ok((header, rest)) => Ok((rest, header)),
        Err(incomplete) => Err(needed(incomplete)),
    }
}

/// Parses a whole frame (§5.2).
///
/// The frame borrows its payload from `input`, as on the wire.
///
/// # Errors
///
/// `Err::Incomplete(Needed::Size(n))` if `input` ends inside the frame. At least `n` more bytes are
/// needed. If `input` contains the payload length, `n` is the exact number of missing bytes. There
/// is no other error.
///
/// ```
/// use nom::{Err, Needed};
/// use wsvet::parse;
///
/// let (rest, frame) = parse::frame::<()>(b"\x82\x03abc")?;
/// assert_eq!(frame.plain().unwrap().payload, b"abc");
/// assert!(rest.is_empty());
/// assert_eq!(parse::frame::<()>(b"\x82\x03a"), Err(Err::Incomplete(Needed::new(2))));
/// # Ok::<(), nom::Err<()>>(())
/// ```
#[inline]
pub fn frame<'a, E: ParseError<&'a [u8]>>(input: &'a [u8]) -> IResult<&'a [u8], FrameRef<'a>, E> {
    match FrameRef::decode(input) {
        Ok((frame, rest)) => Ok((rest, frame)),
        Err(incomplete) => Err(needed(incomplete)),
    }
}

/// Parses all of `input` as the whole, unmasked body of a Close frame (§5.5.1).
///
/// Returns `None` if `input` is empty. The function does not validate the code: see
/// [`CloseCode::is_sendable`](crate::CloseCode::is_sendable).
///
/// # Errors
///
/// - `Err::Incomplete(Needed::Size(1))` if `input` is one byte, which is half a code. If the body
///   is known to be whole, wrap the parser in nom's `complete` to get an `Err::Error` instead.
/// - `Err::Error` with `ErrorKind::Char` if the reason is not UTF-8. Its input starts at the byte
///   that proves this.
///
/// ```
/// use wsvet::{CloseCode, parse};
///
/// let (_, close) = parse::close::<()>(b"\x03\xE8bye")?;
/// assert_eq!(close.unwrap().code, CloseCode::NORMAL_CLOSURE);
/// assert_eq!(parse::close::<()>(b"")?.1, None);
/// # Ok::<(), nom::Err<()>>(())
/// ```
pub fn close<'a, E: ParseError<&'a [u8]>>(
    input: &'a [u8],
) -> IResult<&'a [u8], Option<CloseFrame<'a>>, E> {
    match CloseFrame::decode(input) {
        Ok(close) => Ok((&input[input.len()..], close)),
        Err(error) if error.rule == Rule::CloseBodyOneByte => Err(Err::Incomplete(Needed::new(1))),
        Err(error) => {
            let at = &input[error.index..];
            Err(Err::Error(E::from_error_kind(at, ErrorKind::Char)))
        }
    }
}

fn needed<E>(incomplete: Incomplete) -> Err<E> {
    Err::Incomplete(Needed::new(incomplete.needed()))
}
