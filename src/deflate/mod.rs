//! permessage-deflate: agreed on, inflated, judged and written (RFC 7692).
//!
//! - [`Parameters`] reads the handshake: a server accepts an offer with them, a client judges the
//!   answer, and a bystander both.
//! - [`Validator`] judges a direction with its compressed messages looked into: UTF-8 and
//!   [`Policy::max_message`](crate::Policy::max_message) count for what they inflate to.
//! - [`Content`] is its half that inflates, for those who have the frames judged already.
//! - [`Inflater`] and [`Deflater`] are for those who judge nothing.
//!
//! With the feature `codec`, `codec::Messages::deflate` does all of it.
//!
//! # Memory
//!
//! Nothing is kept before the first compressed message. Then a direction that is inflated keeps
//! about 80 KB, 32 KiB of them what came last; one that is deflated keeps as much as
//! [`Deflater::new`] says. Without context takeover nothing is kept between messages, but for one
//! inflater and one deflater of each thread.
//!
//! A connection of the codec that is idle has 461 KB by default, 219 KB where the server's window is
//! of 9 bits, and 248 bytes without context takeover.
//!
//! ```
//! use wsvet::deflate::{Inflater, Parameters};
//! use wsvet::{Header, OpCode, Policy, Role, deflate};
//!
//! // The server's side of the handshake.
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
#[cfg(feature = "codec")]
pub(crate) use content::Sink;
pub use deflater::Deflater;
pub use inflater::{Inflater, InvalidDeflate};
pub use negotiation::{Fault, InvalidExtension};
pub use parameters::Parameters;
pub use stream_decoder::StreamDecoder;
pub use validator::Validator;

/// What ends each compressed message, and is not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// The least and the most bits of a window (RFC 7692 §7.1.2).
const WINDOW_BITS: core::ops::RangeInclusive<u8> = 8..=15;

/// The bits of a window, where they are such.
const fn window_bits(bits: u8) -> u8 {
    assert!(
        *WINDOW_BITS.start() <= bits && bits <= *WINDOW_BITS.end(),
        "a window has 8 to 15 bits"
    );
    bits
}
