//! The extension permessage-deflate: its negotiation, and the validation, inflating and compression
//! of messages (RFC 7692).
//!
//! - [`Parameters`] are the result of the negotiation in the opening handshake. With them, a server
//!   accepts an offer, a client checks the answer of the server, and a third party checks both.
//! - [`StreamDecoder`] parses, unmasks, inflates and validates chunks of a stream.
//! - [`Validator`] validates one direction and inflates compressed messages. It validates the
//!   inflated bytes as UTF-8, and [`Policy::max_message`](crate::Policy::max_message) counts them.
//! - [`Content`] is the part of the validator that inflates. It is for programs in which another
//!   validator validates the frames.
//! - [`Inflater`] and [`Deflater`] inflate and compress messages. They do not validate.
//!
//! With the feature `codec`, `codec::Messages::deflate` does all of this.
//!
//! # Memory
//!
//! Before the first compressed message, a direction keeps no memory. After it, a direction that is
//! inflated keeps about 97 KB, which include two copies of the window of 32 KiB. A direction that is
//! compressed keeps the memory that [`Deflater::new`] states. Without context takeover, a direction
//! keeps no memory between messages, but each thread keeps one inflater and one deflater.
//!
//! An idle connection of the codec has 477 KB by default, 235 KB if the server's window has 9 bits,
//! and 304 bytes without context takeover.
//!
//! ```
//! use wsvet::deflate::{Inflater, Parameters};
//! use wsvet::{Header, OpCode, Policy, Role, deflate};
//!
//! // The part of the server in the opening handshake.
//! let offered = "permessage-deflate; client_max_window_bits, x-other";
//! let parameters = Parameters::new().accept(offered).unwrap();
//! assert_eq!(parameters.to_string(), "permessage-deflate");
//!
//! // "Hello", compressed (§7.2.3.1).
//! let mut validator = deflate::Validator::new(Policy::new(Role::Server), parameters);
//! validator.begin(&Header::new(OpCode::Text, 7).with_rsv(4).masked([0; 4]))?;
//! let mut text = Vec::new();
//! validator.payload(b"\xF2\x48\xCD\xC9\xC9\x07\x00", |piece| text.extend_from_slice(piece))?;
//! validator.finish(|piece| text.extend_from_slice(piece))?;
//! assert_eq!(text, b"Hello");
//! # Ok::<(), wsvet::Violation>(())
//! ```

mod content;
mod deflater;
mod extension;
mod inflater;
mod negotiation;
mod parameters;
mod stream_decoder;
mod validator;

pub use content::Content;
pub(crate) use content::Sink;
pub use deflater::Deflater;
pub use inflater::{Inflater, InvalidDeflate};
pub use negotiation::{Fault, InvalidExtension};
pub use parameters::Parameters;
pub use stream_decoder::StreamDecoder;
pub use validator::Validator;

/// The last bytes of each compressed message, which are not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The range of the bits of a window (RFC 7692 §7.1.2).
const WINDOW_BITS: core::ops::RangeInclusive<u8> = 8..=15;

/// Returns `bits`.
///
/// # Panics
///
/// Panics if `bits` is not 8 to 15.
const fn window_bits(bits: u8) -> u8 {
    assert!(
        *WINDOW_BITS.start() <= bits && bits <= *WINDOW_BITS.end(),
        "a window has 8 to 15 bits"
    );
    bits
}
