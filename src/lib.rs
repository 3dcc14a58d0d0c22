//! **wsvet** vets WebSocket frames: it parses raw RFC 6455 frames without copying them, and says
//! of every byte stream which rule it breaks, at which byte, by which section, and with which
//! close code the receiver must answer. Above all **1003 Unsupported Data**, for a type of data
//! that an endpoint does not accept.
//!
//! ```
//! use wsvet::{Accepts, StreamDecoder, Event, Policy, Role, encode};
//!
//! // A server that takes text only, and a client that sends text and then binary.
//! let mut decoder = StreamDecoder::new(Policy::new(Role::Server).accepts(Accepts::TextOnly));
//! let mut received = *b"\x81\x82\x01\x02\x03\x04ik\x82\xFE\x10\x00\x05\x06\x07\x08";
//!
//! let mut chunk = &mut received[..];
//! let violation = loop {
//!     match decoder.decode(chunk) {
//!         Ok((used, event)) => {
//!             if let Some(Event::Data { bytes, .. }) = event {
//!                 assert_eq!(bytes, b"hi"); // unmasked where it lies, not copied
//!             }
//!             chunk = &mut chunk[used..];
//!         }
//!         Err(violation) => break violation, // at the header: none of its 4096 bytes is here
//!     }
//! };
//! assert_eq!(violation.offset, 8);
//!
//! if let Some(close) = violation.reply() {
//!     let mut out = [0; encode::MAX_CONTROL_LEN];
//!     let len = encode::close(&close, None, &mut out)?;
//!     assert_eq!(out[2..4], 1003u16.to_be_bytes());
//!     // socket.write_all(&out[..len])?;
//!     # let _ = len;
//! }
//! # Ok::<(), encode::Error>(())
//! ```
//!
//! Those who have a parser of their own use the [`Validator`] alone; those who only parse use
//! [`Header`], [`FrameRef`] or the nom parsers in [`parse`]. The [`guide`] has a chapter for each.
//!
//! # Features
//!
//! - `std` (default): `alloc`, and the standard library in `nom` and `bytes`.
//! - `alloc`: `FrameBuf`, frames taken off a `BytesMut` without a copy, and `Message`.
//! - `deflate`: permessage-deflate negotiated, inflated, judged and written.
//! - `codec`: frames and messages for `tokio_util::codec`.
//! - neither: everything else, without an allocator and on any target.
//! - `c`: the functions of `src/c/wsvet.h`, for programs in C; nothing for a program in Rust.
//! - `arbitrary`: `generate`, streams and whole connections to fuzz a stack with.
//! - `serde`: `Serialize` and `Deserialize` for [`CloseCode`], [`Rule`] (as its id), [`Violation`],
//!   [`Verdict`] and [`Policy`].
//! - `cli`: the command-line tool; nothing for a library user.

#![cfg_attr(not(test), no_std)]
// docs.rs says of each item which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// What the processor has is found out at run time.
#[cfg(all(feature = "std", not(test)))]
extern crate std;

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "c")]
mod c;
mod close;
mod closing;
mod code;
#[cfg(feature = "codec")]
pub mod codec;
mod conversation;
mod decoder;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod encode;
mod frame;
#[cfg(feature = "arbitrary")]
pub mod generate;
// Nothing but documentation.
#[cfg(doc)]
pub mod guide;
mod header;
mod kernel;
pub mod mask;
#[cfg(feature = "alloc")]
mod message;
mod opcode;
pub mod parse;
mod policy;
mod reader;
mod responder;
mod rule;
#[cfg(feature = "serde")]
mod serde;
mod subprotocol;
mod table;
mod utf8;
mod validator;
mod violation;

#[cfg(feature = "arbitrary")]
pub use arbitrary;
#[cfg(feature = "alloc")]
pub use bytes;
pub use nom;

pub use close::{CloseFrame, InvalidClose};
pub use closing::Closing;
pub use code::{Category, CloseCode, CodeInfo, Sender};
pub use conversation::{
    Abnormality, Act, Conversation, Direction, End, Observed, Sent, Step, Verdict,
};
pub use decoder::{Event, Found, StreamDecoder};
#[cfg(feature = "alloc")]
pub use frame::FrameBuf;
pub use frame::{Frame, FrameMut, FrameRef, Masked};
pub use header::{Header, Incomplete};
#[cfg(feature = "alloc")]
pub use message::{Assembler, Close, InvalidMessage, Message, Utf8Bytes};
pub use opcode::OpCode;
pub use policy::{Accepts, Compression, Policy, Role};
pub use reader::Reader;
pub use responder::Responder;
pub use rule::{Field, Place, Rule};
pub use subprotocol::Subprotocol;
pub use utf8::{InvalidUtf8, Utf8};
pub use validator::Validator;
pub use violation::{RuleSet, RuleSetIter, Violation};

/// The README's example, compiled and run.
#[cfg(all(doctest, feature = "codec"))]
#[doc = include_str!("../README.md")]
struct Readme;
