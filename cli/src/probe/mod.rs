//! Probes a live server: sends it the cases of `wsvet::generate`, and judges what it does.
//!
//! [`play`] runs one case over a [`Link`](link::Link), which may be a TCP connection or a server in
//! memory. [`explore`] finds out what a server is. [`campaign`] runs all cases, several at once.

pub mod campaign;
pub mod explore;
mod hello;
mod incoming;
pub mod link;
pub mod outcome;
pub mod play;
pub mod report;
pub mod tcp;
#[cfg(feature = "wss")]
pub mod tls;
mod visit;
mod words;
