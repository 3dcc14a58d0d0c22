//! Arbitrary values of the types of the crate.

use arbitrary::{Arbitrary, Result, Unstructured};

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
