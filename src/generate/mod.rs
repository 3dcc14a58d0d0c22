//! Streams and whole connections to fuzz with: legal ones, and ones that break a named rule
//! (feature `arbitrary`).
//!
//! Random bytes are refused at their first frame, and so test little. What is made here
//! is legal up to the very frame that breaks the rule it is asked to break, under the policy of the
//! receiver that is tested; and it says what that receiver must find: its messages, and the
//! [`Violation`](crate::Violation) with its rule, byte and close code.
//!
//! ```
//! use arbitrary::Unstructured;
//! use wsvet::generate::Stream;
//! use wsvet::{Accepts, Policy, Role, Rule};
//!
//! const POLICY: Policy = Policy::new(Role::Server).accepts(Accepts::TextOnly);
//!
//! /// A toy server, for text only: the code of the Close with which it answers. It has taken the
//! /// wrong one for a binary message.
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
//! `examples/fuzz_a_server` does this to a server of a hundred lines that gets one thing wrong.
//!
//! The crate's own types are [`Arbitrary`] too: any [`Header`], legal or not, any [`Policy`], and
//! so on.

mod connection;
mod content;
mod stream;

use arbitrary::{Arbitrary, Result, Unstructured};

pub use connection::Connection;
pub use stream::Stream;

use crate::{Accepts, CloseCode, Header, OpCode, Policy, Role, Rule};

impl<'a> Arbitrary<'a> for OpCode {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        u.arbitrary().map(Self::from_low_bits)
    }
}

impl<'a> Arbitrary<'a> for Header {
    /// Any header that can stand on the wire.
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
        // Most of the codes have no meaning, and few of those that have one are far apart.
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
    /// Any policy; half of its limits are small, the others none.
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
