//! Streams, opening handshakes and whole connections to fuzz a WebSocket stack with (feature
//! `arbitrary`), and cases to probe a server with (feature `cases`).
//!
#![cfg_attr(
    feature = "cases",
    doc = "A [`Case`] is the bytes that a client sends and what the server must do, as data. `wsvet probe` runs all of them against a server."
)]
#![cfg_attr(
    not(feature = "cases"),
    doc = "A `Case` (feature `cases`) is the bytes that a client sends and what the server must do, as data."
)]
//!
//! A receiver refuses random bytes at their first frame, so they test little. The streams of this
//! module are legal under the policy of the receiver that is tested, or legal up to the frame that
//! breaks a rule of the caller's choice. Each stream also states what the receiver must find: the
//! messages, and the [`Violation`](crate::Violation) with its rule, its offset and its close code.
//!
#![cfg_attr(feature = "arbitrary", doc = "```")]
#![cfg_attr(not(feature = "arbitrary"), doc = "```ignore")]
//! use arbitrary::Unstructured;
//! use wsvet::generate::Stream;
//! use wsvet::{Accepts, Policy, Role, Rule};
//!
//! const POLICY: Policy = Policy::new(Role::Server).accepts(Accepts::TextOnly);
//!
//! /// A toy server that accepts only text. Returns the close code that it replies with. For a
//! /// binary message it uses the wrong one.
//! fn answer(received: &[u8]) -> Option<u16> {
//!     let opcode = received.first()? & 0x0F;
//!     (opcode == 2).then_some(1002)
//! }
//!
//! // The body of `fuzz_target!(|data: &[u8]| ...)`.
//! fn fuzz(data: &[u8]) -> arbitrary::Result<()> {
//!     let mut u = Unstructured::new(data);
//!     let stream = Stream::breaking(POLICY, Rule::UnsupportedData, &mut u)?;
//!     let due = stream.violation().and_then(|violation| violation.reply());
//!     assert_eq!(answer(stream.bytes()), due.map(|close| close.code.0), "{stream:?}");
//!     Ok(())
//! }
//!
//! let found = std::panic::catch_unwind(|| fuzz(&[0; 32]));
//! assert!(found.is_err()); // 1002 where 1003 is due
//! ```
//!
//! `examples/fuzz_a_server` fuzzes a server of a hundred lines that has one bug.
//!
//! Types of the crate such as [`Header`](crate::Header) and [`Policy`](crate::Policy) implement `Arbitrary` too. An arbitrary
//! header may be illegal.

#[cfg(feature = "cases")]
mod case;
#[cfg(feature = "arbitrary")]
mod connection;
#[cfg(feature = "arbitrary")]
mod content;
#[cfg(feature = "arbitrary")]
mod handshake;
#[cfg(feature = "arbitrary")]
mod stream;
#[cfg(feature = "arbitrary")]
mod values;

#[cfg(feature = "cases")]
pub use case::{Answer, Case, Level, Needs, Setup, Step};
#[cfg(feature = "arbitrary")]
pub use connection::Connection;
#[cfg(feature = "arbitrary")]
pub use handshake::Handshake;
#[cfg(feature = "arbitrary")]
pub use stream::Stream;
