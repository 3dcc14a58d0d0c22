//! The guide: short chapters, one for each use of the crate. Each chapter has a complete program that
//! the tests compile and run.
//!
//! | chapter | read it if |
//! |---|---|
//! | [`parsing`] | You want frames and no checks, or only checks of your own: for a monitor, a log, or a nom grammar. |
//! | [`validating`] | You have a parser, and want to know which rule a stream breaks. |
//! | [`chunks`] | You read from a socket, and want frames parsed, unmasked and checked in your read buffer, without an allocation. |
#![cfg_attr(
    feature = "alloc",
    doc = "| [`messages`] | You want whole messages, and a limit on the memory that a peer can fill; on tokio in particular. |"
)]
#![cfg_attr(
    not(feature = "alloc"),
    doc = "| `messages` (feature `alloc`) | You want whole messages, and a limit on the memory that a peer can fill; on tokio in particular. |"
)]
#![cfg_attr(
    feature = "endpoint",
    doc = "| [`endpoint`] | You want a WebSocket that answers and closes by itself, for a server or a client on threads or on tokio. |"
)]
#![cfg_attr(
    not(feature = "endpoint"),
    doc = "| `endpoint` (feature `endpoint`) | You want a WebSocket that answers and closes by itself, for a server or a client on threads or on tokio. |"
)]
#![cfg_attr(
    feature = "tokio",
    doc = "| [`migrating`] | You have a program on tungstenite, fastwebsockets or `axum::extract::ws`. |"
)]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "| `migrating` (feature `tokio`) | You have a program on tungstenite, fastwebsockets or `axum::extract::ws`. |"
)]
//! | [`handshake`] | You write a server, on threads or on tokio, and need the opening handshake and a whole program. |
#![cfg_attr(
    feature = "deflate",
    doc = "| [`compression`] | Your peers compress messages, as browsers do. |"
)]
#![cfg_attr(
    not(feature = "deflate"),
    doc = "| `compression` (feature `deflate`) | Your peers compress messages, as browsers do. |"
)]
//! | [`unsupported_data`] | You accept only text or only binary messages, you want to know why a socket was closed with 1003, or you want the peer to receive the close code of a refusal. |
#![cfg_attr(
    feature = "tokio",
    doc = "| [`misuse`] | You want to know what a wrong call does: an error, a panic, or a program that does not compile. |"
)]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "| `misuse` (feature `tokio`) | You want to know what a wrong call does: an error, a panic, or a program that does not compile. |"
)]
//! | [`connections`] | You see both directions, in a test, a proxy or a capture, and want to know whether the connection was closed correctly. |
//! | [`without_std`] | Your target has no operating system or no allocator. |
//! | [`c`] | You write C or C++. |
//!
//! If you read only one chapter, read [`handshake`] for a server, and [`chunks`] for anything else. Section numbers are those of RFC 6455, unless
//! another document is named.

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

#[cfg(feature = "endpoint")]
#[doc = include_str!("endpoint.md")]
#[cfg_attr(feature = "tokio", doc = include_str!("endpoint_on_tokio.md"))]
pub mod endpoint {}

#[cfg(feature = "tokio")]
#[doc = include_str!("migrating.md")]
pub mod migrating {}

#[cfg(feature = "tokio")]
#[doc = include_str!("misuse.md")]
pub mod misuse {}

#[cfg_attr(feature = "alloc", doc = include_str!("handshake.md"))]
#[cfg_attr(
    not(feature = "alloc"),
    doc = "The module [`handshake`](crate::handshake) has the opening handshake. This chapter needs the feature `alloc`."
)]
#[cfg_attr(feature = "codec", doc = include_str!("handshake_on_tokio.md"))]
pub mod handshake {}

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
