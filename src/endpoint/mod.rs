//! WebSocket endpoints that keep the rules by themselves (feature `endpoint`).
//!
//! - [`Endpoint`] does no I/O. It takes the bytes that arrive, returns whole messages, and collects
//!   the bytes to send.
#![cfg_attr(
    feature = "tokio",
    doc = "- [`WebSocket`] is an endpoint over a stream of tokio, with time limits. [`Receiver`] and [`Sender`] are its halves for two tasks."
)]
#![cfg_attr(
    not(feature = "tokio"),
    doc = "- `WebSocket` (feature `tokio`) is an endpoint over a stream of tokio, with time limits."
)]
//! - [`gateway::Gateway`] forwards what two endpoints send each other, and validates it.
//! - [`sync::WebSocket`] is an endpoint over a stream that reads and writes, such as a `TcpStream`.
//!
//! An endpoint answers Pings and Close frames. If the peer breaks a rule, it sends the Close frame
//! that is due, such as 1003 for a binary message at a text-only server. After that, it discards what
//! the peer still sends, until the peer has closed its side, so that no reset destroys the Close
//! frame on its way.
//!
//! # An echo server
//!
//! ```no_run
//! use std::net::TcpListener;
//! use wsvet::endpoint::sync::{Error, WebSocket};
//! use wsvet::handshake::Server;
//! use wsvet::{Accepts, Policy, Role};
//!
//! const POLICY: Policy = Policy::new(Role::Server).accepts(Accepts::TextOnly).max_message(1 << 20);
//!
//! fn main() -> std::io::Result<()> {
//!     for stream in TcpListener::bind("127.0.0.1:9001")?.incoming().flatten() {
//!         std::thread::spawn(move || -> Result<(), Error> {
//!             let mut socket = WebSocket::accept(stream, POLICY, &Server::new())?;
//!             while let Some(message) = socket.next()? {
//!                 if message.is_data() {
//!                     socket.feed(message)?;
//!                 }
//!             }
//!             Ok(())
//!         });
//!     }
//!     Ok(())
//! }
//! ```

mod error;
pub mod gateway;
#[cfg(feature = "tokio")]
mod on_tokio;
mod opening;
pub mod sync;
mod without_io;

pub use error::Error;
#[cfg(feature = "tokio")]
pub use on_tokio::{Receiver, Sender, WebSocket};
pub use without_io::Endpoint;
