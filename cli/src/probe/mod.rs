//! Probes a live server, or the clients that connect: sends them the cases of `wsvet::generate`, and judges
//! what they do.
//!
//! [`play`] runs one case over a [`Link`](link::Link), which may be a TCP connection or a server in
//! memory. [`explore`] finds out what a peer is. [`campaign`] runs all cases against a server, several at
//! once, and [`listen`] those against the clients that connect.

pub mod call;
pub mod campaign;
pub mod connect;
mod ending;
pub mod explore;
mod going_on;
mod hello;
mod incoming;
pub mod link;
pub mod listen;
mod opening;
pub mod outcome;
mod page;
pub mod peer;
pub mod play;
mod refusing;
pub mod report;
mod sent;
pub mod stream;
pub mod tcp;
#[cfg(feature = "wss")]
pub mod tls;
mod turns;
mod visit;
mod window;
mod words;
