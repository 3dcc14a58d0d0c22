//! The guide: short chapters, each for those who want one thing, and each around one program that
//! the tests compile and run.
//!
//! | chapter | for whom |
//! |---|---|
//! | [`parsing`] | Those who want frames and judge nothing, or with rules of their own: monitors, logs, a nom grammar. |
//! | [`validating`] | Those who have a parser, and want to know which rule a stream breaks. |
//! | [`chunks`] | Those who read from a socket and want it all: parsed, unmasked and judged, in no memory but the buffer that was read into. |
#![cfg_attr(
    feature = "alloc",
    doc = "| [`messages`] | Those who want whole messages, on threads or on tokio, and no peer who fills their memory. |"
)]
#![cfg_attr(
    not(feature = "alloc"),
    doc = "| `messages` (feature `alloc`) | Those who want whole messages, on threads or on tokio, and no peer who fills their memory. |"
)]
#![cfg_attr(
    feature = "deflate",
    doc = "| [`compression`] | Those whose peers are browsers, which compress. |"
)]
#![cfg_attr(
    not(feature = "deflate"),
    doc = "| `compression` (feature `deflate`) | Those whose peers are browsers, which compress. |"
)]
//! | [`unsupported_data`] | Those who take text alone or binary alone, or ask why a socket was closed with 1003; and all who refuse, and want the peer to see with which code. |
//! | [`connections`] | Those who see both ends, in a test, a proxy or a capture, and ask whether the connection was closed as it must be. |
//! | [`without_std`] | Those whose target has no operating system or no allocator. |
//! | [`c`] | Those who write C or C++. |
//!
//! Who reads one alone reads [`chunks`]. The sections are those of RFC 6455, but where another
//! document is named.

#[doc = include_str!("parsing.md")]
pub mod parsing {}

#[doc = include_str!("validating.md")]
pub mod validating {}

#[doc = include_str!("chunks.md")]
pub mod chunks {}

#[cfg(feature = "alloc")]
#[doc = include_str!("messages.md")]
#[cfg_attr(feature = "codec", doc = include_str!("messages_on_tokio.md"))]
pub mod messages {}

#[cfg(feature = "deflate")]
#[doc = include_str!("compression.md")]
pub mod compression {}

#[doc = include_str!("unsupported_data.md")]
pub mod unsupported_data {}

#[doc = include_str!("connections.md")]
pub mod connections {}

#[doc = include_str!("without_std.md")]
pub mod without_std {}

#[doc = include_str!("c.md")]
pub mod c {}
