//! Reads HTTP/2 connections as far as WebSocket needs it (RFC 9113, RFC 8441).
//!
//! [`Http2`] takes the bytes of both directions, cut anywhere, and tells of the streams that an
//! extended CONNECT opened for WebSocket: their requests and responses, their bytes, and their ends. All
//! other streams are decompressed, because header blocks share a table, and dropped.
//!
//! A client of a WebSocket stream writes its frames with [`append_frame`] and [`append_headers`].

mod code;
mod connection;
mod fields;
mod frame;
mod malformed;
mod sniff;
mod write;

pub use code::ErrorCode;
pub use connection::{Control, Event, Http2, Seen, settings};
pub use fields::Fields;
pub use frame::{ACK, END_HEADERS, END_STREAM, Kind, MAX_FRAME, PREFACE};
pub use malformed::{Fault, Malformed};
pub use sniff::{Sniffed, is_middle, sniff};
pub use write::{append_frame, append_headers, append_setting};
