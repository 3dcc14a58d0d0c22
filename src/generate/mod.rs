//! Streams, opening handshakes and whole connections to fuzz a WebSocket stack with (feature
//! `arbitrary`).
//!
//! A receiver refuses random bytes at their first frame, so they test little. The streams of this
//! module are legal under the policy of the receiver that is tested, or legal up to the frame that
//! breaks a rule of the caller's choice. Each stream also states what the receiver must find: the
//! messages, and the [`Violation`](crate::Violation) with its rule, its offset and its close code.
//!
//! ```
//! use arbitrary::Unstructured;
//! use wsvet::generate::Stream;
//! use wsvet::{Accepts, Policy, Role, Rule};
//!
//! const POLICY: Policy = Policy::new(Role::Server).accepts(Accepts::TextOnly);
//!
//! /// A toy server that accepts only text. Returns the close code that it replies with. For a
//! /// binary message it uses the wrong one.
//! fn answer(received: &[u8]) -> Option<u16> {
//!     let opcode = received.first()? & 0x0F;
//!     (opcode == 2).then_some(1002)
//! }
//!
//! // The body of `fuzz_target!(|data: &[u8]| ...)`.
//! fn fuzz(data: &[u8]) -> arbitrary::Result<()> {
//!     let mut u = Unstructured::new(data);
//!     let stream = Stream::breaking(POLICY, Rule::UnsupportedData, &mut u)?;
//!     let due = stream.violation().and_then(|violation| violation.reply());
//!     assert_eq!(answer(stream.bytes()), due.map(|close| close.code.0), "{stream:?}");
//!     Ok(())
//! }
//!
//! let found = std::panic::catch_unwind(|| fuzz(&[0; 32]));
//! assert!(found.is_err()); // 1002 where 1003 is due
//! ```
//!
//! `examples/fuzz_a_server` fuzzes a server of a hundred lines that has one bug.
//!
//! Types of the crate such as [`Header`] and [`Policy`] implement [`Arbitrary`] too. An arbitrary
//! header may be illegal.

mod connection;
mod content;
mod handshake;
mod stream;

use arbitrary::{Arbitrary, Result, Unstructured};

pub use connection::Connection;
pub use handshake::Handshake;
pub use stream::Stream;

use crate::{Accepts, CloseCode, Header, OpCode, Policy, Role, Rule};

impl<'a> Arbitrary<'a> for OpCode {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_low_bits)
    }
}

impl<'a> Arbitrary<'a> for Header {
    /// Returns any header that can be on the wire, legal or not.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::Header;
    /// let header: Header = Unstructured::new(b"\x82\x7E\x05\0\0\0\0\0\0\0").arbitrary()?;
    /// assert!(!header.is_minimal());
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self::from_wire(u.arbitrary()?, u.arbitrary()?, u.arbitrary()?, u.arbitrary()?))
    }
}

impl<'a> Arbitrary<'a> for CloseCode {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        // Most codes are not defined. Half of the codes returned are in or near the range in which
        // most defined codes lie.
        Ok(Self(if u.arbitrary()? { u.int_in_range(998..=1017)? } else { u.arbitrary()? }))
    }
}

impl<'a> Arbitrary<'a> for Role {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(&[Self::Server, Self::Client]).copied()
    }
}

impl<'a> Arbitrary<'a> for Accepts {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(&[Self::Any, Self::TextOnly, Self::BinaryOnly]).copied()
    }
}

impl<'a> Arbitrary<'a> for Rule {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.choose(Self::ALL).copied()
    }
}

impl<'a> Arbitrary<'a> for Policy {
    /// Returns any policy. About half of its limits are small, and the others are not set.
    ///
    /// ```
    /// # use arbitrary::Unstructured;
    /// # use wsvet::{Policy, Role};
    /// let policy: Policy = Unstructured::new(&[]).arbitrary()?;
    /// assert_eq!(policy, Policy::new(Role::Server)); // of no bytes the simplest
    /// # Ok::<(), arbitrary::Error>(())
    /// ```
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let limit =
            |u: &mut Unstructured<'a>| -> Result<Option<u8>> { u.arbitrary::<Option<u8>>() };
        let [max_frame, max_message, max_fragments] = [limit(u)?, limit(u)?, limit(u)?];
        Ok(Self::new(u.arbitrary()?)
            .accepts(u.arbitrary()?)
            .permessage_deflate(u.arbitrary()?)
            .rsv(u.choose(&[0, 0, 1, 2, 3, 4, 7]).copied()?)
            .max_frame(max_frame.map_or(u64::MAX, u64::from))
            .max_message(max_message.map_or(u64::MAX, u64::from))
            .max_fragments(max_fragments.map_or(u32::MAX, u32::from)))
    }
}
