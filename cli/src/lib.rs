//! The modules of the command-line tool `wsvet`, for its tests, its fuzz target and its benchmark.
//!
//! `README.md` and `wsvet help` document the tool. To judge WebSocket traffic in a program, use the
//! crate `wsvet`: the public items of this crate can change with every release.
//!
//! Data flows in one direction. [`input`] reads a file and detects its format. [`transport`] turns
//! packets into the bytes of TCP streams. [`session`] judges a connection from its opening handshake
//! to its verdict, and passes the results to a [report](session::report::Report). [`report`] prints
//! them. [`live`] parses the URL of a live server and does TLS with it. [`probe`] sends cases to such a
//! server. [`tap`] passes connections to it, and judges them.

// The types live for one run, and nothing prints them with Debug.
#![allow(missing_debug_implementations)]

pub mod transport;

pub mod session;

pub mod input;

pub mod report;

pub mod live;

pub mod probe;

#[cfg(unix)]
pub mod tap;

pub mod command;
