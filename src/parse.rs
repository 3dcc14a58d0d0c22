//! The grammar as nom parsers: they compose with any other (RFC 6455 §5.2, §5.5.1).
//!
//! Where nom is not wanted the same doors are open without it: [`Header::decode`],
//! [`FrameRef::decode`] and [`CloseFrame::decode`].
//!
//! ```
//! use nom::sequence::preceded;
//! use nom::{IResult, Parser, bytes::streaming::tag};
//! use wsvet::{FrameRef, parse};
//!
//! // A frame behind a preface of one's own.
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

/// Parses the header of a frame: any bytes are one, or too few of one (§5.2).
///
/// # Errors
///
/// `Err::Incomplete(Needed::Size(n))` where `n` bytes more are certainly needed; nothing else.
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

/// Parses a whole frame: its payload lies inside `input`, masked as on the wire (§5.2).
///
/// # Errors
///
/// `Err::Incomplete(Needed::Size(n))` where `n` bytes more are certainly needed: all that are
/// missing, once the length has arrived. Nothing else.
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

/// Parses the whole, unmasked body of a Close frame: all of `input`; an empty one is `None`
/// (§5.5.1).
///
/// The code is not judged: see [`CloseCode::is_sendable`](crate::CloseCode::is_sendable).
///
/// # Errors
///
/// `Err::Incomplete(Needed::Size(1))` for one byte, which is half a code (`complete` makes an error
/// of it where the body is known to be whole), and `Err::Error` of `ErrorKind::Char`, at the byte
/// that proves it, for a reason that is not UTF-8.
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
