//! The parts of the command-line tool `wsvet`, for its tests, its fuzz target and its benchmark.
//!
//! The tool is documented in its `README.md` and by `wsvet help`. To vet WebSocket traffic in a
//! program, use the crate `wsvet`: what is public here can change with every release.
//!
//! Data flows one way. [`input`] reads a file and recognises its format; [`transport`] takes packets
//! to the bytes of TCP streams; [`session`] judges a connection from its handshake to its verdict,
//! and tells a [report](session::report::Report) what it found; [`report`] prints that.

// Its types live for one run, and are not shown.
#![allow(missing_debug_implementations)]

pub mod transport;

pub mod session;

pub mod input;

pub mod report;

pub mod command;
