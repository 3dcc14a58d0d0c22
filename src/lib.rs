//! **wsvet** is a zero-copy parser and a validator for WebSocket frames (RFC 6455). If a byte
//! stream breaks a rule, wsvet names the rule, the offset of the byte, the RFC section and the
//! close code that the receiver must reply with, above all **1003 Unsupported Data** for a type of
//! data that the endpoint does not accept.
//!
//! The crate does no I/O. The caller reads bytes from the socket and writes bytes to it.
//!
//! | I want to ... | Use |
//! |---|---|
//! | only parse frames | [`Header`], [`FrameRef`], [`FrameMut`], or [`parse`] for nom |
//! | validate the frames that my own parser reads | [`Validator`] |
//! | parse and validate chunks from a socket, and reply | [`StreamDecoder`] and [`Responder`] |
//! | receive whole messages | `Assembler` and `Message` (feature `alloc`) |
//! | receive and send whole messages on tokio | `codec::Messages` (feature `codec`) |
//! | follow both directions and get a verdict on how the connection was closed | [`Conversation`] |
//! | find Pings that nobody answers, and servers that do not close | [`Conversation::findings`] |
//! | lint recorded bytes: all rules that each header breaks | [`Conversation::observe`] |
//! | write frames | [`encode`] |
//! | validate the opening handshake, or answer it | [`handshake`] |
//! | compress messages with permessage-deflate | `deflate` (feature `deflate`) |
//! | fuzz a WebSocket stack | `generate` (feature `arbitrary`) |
//!
//! The [`guide`] has a chapter with a complete program for most of these uses.
//!
//! # Example
//!
//! A server that accepts only text refuses a binary message with close code 1003:
//!
//! ```
//! use wsvet::{Accepts, StreamDecoder, Event, Policy, Role, encode};
//!
//! // The server accepts only text. The client sends a text message, then a binary message.
//! let mut decoder = StreamDecoder::new(Policy::new(Role::Server).accepts(Accepts::TextOnly));
//! let mut received = *b"\x81\x82\x01\x02\x03\x04ik\x82\xFE\x10\x00\x05\x06\x07\x08";
//!
//! let mut chunk = &mut received[..];
//! let violation = loop {
//!     match decoder.decode(chunk) {
//!         Ok((used, event)) => {
//!             if let Some(Event::Data { bytes, .. }) = event {
//!                 assert_eq!(bytes, b"hi"); // unmasked in place, not copied
//!             }
//!             chunk = &mut chunk[used..];
//!         }
//!         Err(violation) => break violation, // at the header, before its 4096 bytes arrive
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
//! # Features
//!
//! - `std` (default): enables `alloc` and the `std` features of `nom` and `bytes`, and adds the
//!   module `codec`, with codecs of frames and of messages. On x86, masking and UTF-8 validation use
//!   SSE4.1, AVX2 or AVX-512 if the processor has them. NEON of 64-bit ARM, and SIMD128 of
//!   WebAssembly if the program is compiled for it, are used without `std`, too.
//! - `alloc`: adds `FrameBuf`, which takes frames off a `BytesMut` without a copy, `Message` and
//!   `Assembler`.
//! - `codec`: implements the traits of `tokio_util::codec` for the codecs in the module `codec`.
//! - `endpoint`: adds the module `endpoint`: a WebSocket that answers, closes and ends by itself.
//! - `tokio`: adds `endpoint::WebSocket`, the same on tokio, with time limits and halves for two tasks.
//! - `httparse`: adds `handshake::parse_request` and `parse_response`.
//! - `http`: adds conversions from and to the types of the crate `http` to the module `handshake`.
//! - `deflate`: adds the module `deflate`, which negotiates permessage-deflate (RFC 7692), inflates
//!   and validates compressed messages, and writes them.
//! - `arbitrary`: adds the module `generate`, with streams and whole connections to fuzz a
//!   WebSocket stack with.
//! - `cases`: adds `generate::Case`, the cases of `wsvet probe` as data.
//! - `serde`: implements `Serialize` and `Deserialize` for [`CloseCode`], for [`Rule`],
//!   [`handshake::Rule`] and [`Lapse`] (as their ids), [`Violation`], [`Verdict`], [`Finding`] and
//!   [`Policy`].
//! - `c`: adds the functions that `include/wsvet.h` declares, for programs in C. A program in Rust
//!   does not need it. It enables `deflate`.
//!
//! The features `codec`, `endpoint`, `tokio`, `http`, `deflate`, `arbitrary`, `cases` and `c` enable `std`. Without any feature the crate
//! has everything else. It then needs no allocator and runs on any target.
//!
//! # Minimum supported Rust version
//!
//! Rust 1.89.

#![cfg_attr(not(test), no_std)]
// On docs.rs the documentation shows which feature each item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

// The kernels detect the features of the processor at run time, which needs `std`.
#[cfg(all(feature = "std", not(test)))]
extern crate std;

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(feature = "c")]
mod c;
mod close;
mod closing;
mod code;
#[cfg(feature = "std")]
pub mod codec;
mod conversation;
mod decoder;
#[cfg(feature = "deflate")]
pub mod deflate;
pub mod encode;
#[cfg(feature = "endpoint")]
pub mod endpoint;
mod frame;
#[cfg(any(feature = "arbitrary", feature = "cases"))]
pub mod generate;
// This module contains only documentation.
#[cfg(doc)]
pub mod guide;
pub mod handshake;
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
    Abnormality, Act, Conversation, Direction, End, Finding, Lapse, Observed, Patience, Sent, Step,
    Unopened, Verdict, WaitingPings,
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

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "codec", feature = "endpoint"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// Compiles and runs the oracle of `docs/fuzzing.md`.
#[cfg(doctest)]
#[doc = include_str!("../docs/fuzzing.md")]
struct Fuzzing;
