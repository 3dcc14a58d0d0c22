//! Reads HTTP/2 connections as far as WebSocket needs it (RFC 9113, RFC 8441).
//!
//! [`Http2`] takes the bytes of both directions, cut anywhere, and tells of the streams that an
//! extended CONNECT opened for WebSocket: their requests and responses, their bytes, and their ends. All
//! other streams are decompressed, because header blocks share a table, and dropped.

mod code;
mod connection;
mod fields;
mod frame;
mod malformed;
mod sniff;

pub use code::ErrorCode;
pub use connection::{Event, Http2, Seen};
pub use fields::Fields;
pub use frame::{Kind, PREFACE};
pub use malformed::{Fault, Malformed};
pub use sniff::{Sniffed, is_middle, sniff};
