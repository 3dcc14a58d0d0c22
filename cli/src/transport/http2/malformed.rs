//! What makes an HTTP/2 connection unreadable, and where.

use std::fmt;

use crate::transport::http2::frame::Kind;

/// Bytes of one direction after which its frames cannot be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Malformed {
    /// The byte of the direction: that of the frame, or the first wrong byte of the preface.
    pub offset: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The bytes are not the connection preface of the client (RFC 9113 §3.4).
    Preface,
    /// A frame of this kind is longer than the peer allows: its length, and the limit (§4.2).
    TooLong(Kind, u32, u32),
    /// A frame of this kind has an impossible length (§6).
    Length(Kind, u32),
    /// A frame of this kind has the stream 0, or must have it (§6).
    Stream(Kind, u32),
    /// The padding of a frame of this kind is as long as the frame, or longer (§6.1).
    Padding(Kind),
    /// A frame of this kind comes inside a header block of this stream (§6.10).
    InsideBlock(Kind, u32),
    /// A CONTINUATION without a header block before it (§6.10).
    NoBlock,
    /// A header block is longer than this, so that it is not kept.
    LongBlock(usize),
    /// The field lines of a header block are longer than this, so that they are not kept.
    LongFields(usize),
    /// A header block cannot be decompressed (RFC 7541).
    Compression(loona_hpack::decoder::DecoderError),
    /// The first request of this stream comes after a later stream (§5.1.1).
    Reopened(u32),
    /// DATA of this stream, which has no request (§5.1).
    Idle(u32),
    /// The response on this stream has no valid `:status` (§8.3.2).
    Status(u32),
    /// A setting has a value that it cannot have: its number, and the value (§6.5.2).
    Setting(u16, u32),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}: {}", self.offset, self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preface => f.pad("not the connection preface `PRI * HTTP/2.0`"),
            Self::TooLong(kind, len, most) => {
                write!(f, "a {kind} frame of {len} B, and the peer allows {most} B")
            }
            Self::Length(kind, len) => write!(f, "a {kind} frame cannot have {len} B"),
            Self::Stream(kind, 0) => write!(f, "a {kind} frame cannot have the stream 0"),
            Self::Stream(kind, id) => {
                write!(f, "a {kind} frame must have the stream 0, and has {id}")
            }
            Self::Padding(kind) => write!(f, "the padding of a {kind} frame exceeds the frame"),
            Self::InsideBlock(kind, id) => {
                write!(f, "a {kind} frame inside the header block of stream {id}")
            }
            Self::NoBlock => f.pad("a CONTINUATION frame without a header block before it"),
            Self::LongBlock(most) => write!(f, "a header block of more than {most} B"),
            Self::LongFields(most) => write!(f, "field lines of more than {most} B"),
            Self::Compression(error) => {
                write!(f, "a header block that cannot be decompressed (HPACK): {error}")
            }
            Self::Reopened(id) => write!(f, "a request on stream {id}, which was used before"),
            Self::Idle(id) => write!(f, "a DATA frame of stream {id}, which has no request"),
            Self::Status(id) => write!(f, "a response without a valid :status on stream {id}"),
            Self::Setting(id, value) => write!(f, "the setting 0x{id:x} cannot be {value}"),
        }
    }
}
