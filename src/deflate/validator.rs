//! One direction of a connection, judged with its compressed messages looked into.

use super::{Content, Parameters};
use crate::{Compression, Header, Policy, Violation};

/// Judges one direction of a connection on which permessage-deflate was agreed: headers, and plain
/// payloads in pieces of any size (RFC 7692 §6).
///
/// It is a [`crate::Validator`] that looks into compressed messages, and is called as that one is;
/// [`payload`](Self::payload) and [`finish`](Self::finish) give what the messages hold. The limit
/// [`Policy::max_message`] counts for what a message inflates to, and is found as soon as that is
/// too much, so that a bomb costs no more than the limit. As it stands on the wire a compressed
/// message may be six times as long, since what does not compress grows.
///
/// The byte of a violation inside a compressed message is the first of the frame's payload: what
/// comes out has no bytes of its own on the wire.
///
/// ```
/// use wsvet::deflate::{Deflater, Parameters, Validator};
/// use wsvet::{CloseCode, Header, OpCode, Policy, Role, Rule};
///
/// // A few bytes that inflate to 1,000 times "a".
/// let mut bomb = Vec::new();
/// Deflater::new(15, true).deflate(&[b'a'; 1_000], true, &mut bomb);
/// assert!(bomb.len() < 30);
///
/// let policy = Policy::new(Role::Client).max_message(500);
/// let mut validator = Validator::new(policy, Parameters::new());
/// validator.begin(&Header::new(OpCode::Text, bomb.len() as u64).with_rsv(4))?;
/// let violation = validator.payload(&bomb, |_| {}).unwrap_err();
/// assert_eq!((violation.rule, violation.offset), (Rule::MessageTooBig, 2));
/// assert_eq!(violation.rule.close_code(), CloseCode::MESSAGE_TOO_BIG);
/// # Ok::<(), wsvet::Violation>(())
/// ```
#[derive(Debug)]
pub struct Validator {
    frames: crate::Validator,
    content: Content,
    /// A data frame has begun.
    in_data: bool,
}

impl Validator {
    /// The start of a stream that is received under this policy, on which permessage-deflate was
    /// agreed with these parameters.
    ///
    /// ```
    /// use wsvet::deflate::{Parameters, Validator};
    /// use wsvet::{Policy, Role};
    ///
    /// let validator = Validator::new(Policy::new(Role::Server), Parameters::new());
    /// assert_eq!(validator.frames().offset(), 0);
    /// ```
    #[must_use]
    pub fn new(policy: Policy, parameters: Parameters) -> Self {
        let policy = policy.compression(Compression::Inflated);
        Self {
            frames: crate::Validator::new(policy),
            content: Content::new(policy, parameters),
            in_data: false,
        }
    }

    /// Changes what is accepted during the connection, as [`crate::Validator::set_policy`] does. What
    /// the policy says of compression does not count.
    ///
    /// # Panics
    ///
    /// If the role or the RSV bits differ.
    ///
    /// ```
    /// use wsvet::deflate::{Parameters, Validator};
    /// use wsvet::{Policy, Role};
    ///
    /// let mut validator = Validator::new(Policy::new(Role::Server).max_message(1), Parameters::new());
    /// validator.set_policy(Policy::new(Role::Server).max_message(1 << 20));
    /// assert_eq!(validator.frames().policy().max_message, 1 << 20);
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        self.frames.set_policy(policy.compression(Compression::Inflated));
        self.content.set_max_message(&self.frames, policy.max_message);
    }

    /// Judges a header, as [`crate::Validator::begin`] does.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of the stream.
    ///
    /// # Panics
    ///
    /// With debug assertions, where the frame before was not finished.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Rule, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// let ping = Header::new(OpCode::Ping, 0).with_rsv(4);
    /// assert_eq!(validator.begin(&ping).unwrap_err().rule, Rule::MisplacedRsv1);
    /// ```
    pub fn begin(&mut self, header: &Header) -> Result<(), Violation> {
        self.frames.begin(header)?;
        self.content.begin(&self.frames, header);
        self.in_data = header.opcode().belongs_to_message();
        Ok(())
    }

    /// Judges the next piece of the payload, as [`crate::Validator::payload`] does, and gives what
    /// it holds of a message: inflated, or as it is. Of a control frame nothing is given.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of the stream. What breaks a rule in a compressed message is not given.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame was begun.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Rule, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// validator.begin(&Header::new(OpCode::Text, 2).with_rsv(4))?;
    /// let violation = validator.payload(b"\xFF\xFF", |_| {}).unwrap_err();
    /// assert_eq!((violation.rule, violation.offset), (Rule::InvalidDeflate, 2));
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn payload(
        &mut self,
        plain: &[u8],
        mut message: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.frames.payload(plain)?;
        if self.content.is_compressed() {
            return self
                .content
                .payload(plain, message)
                .map_err(|found| self.frames.refuse_with(found));
        }
        if self.in_data {
            message(plain);
        }
        Ok(())
    }

    /// Ends the frame, as [`crate::Validator::finish`] does; what is left of a compressed message
    /// that ends with it is given.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of the stream: at the last byte of the frame, where a message ends
    /// inside a block or a character.
    ///
    /// # Panics
    ///
    /// With debug assertions, where no frame was begun.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, Rule, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// validator.begin(&Header::new(OpCode::Text, 0).with_rsv(4))?;
    /// assert_eq!(validator.finish(|_| {}).unwrap_err().rule, Rule::InvalidDeflate);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn finish(&mut self, message: impl FnMut(&[u8])) -> Result<(), Violation> {
        self.frames.finish()?;
        let found = self.content.finish(&self.frames, message);
        found.map_err(|found| self.frames.refuse_with(found))
    }

    /// Judges a whole frame: [`begin`](Self::begin), [`payload`](Self::payload) and
    /// [`finish`](Self::finish) in one. `plain` is its whole payload, unmasked.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the first of the three that finds one.
    ///
    /// # Panics
    ///
    /// With debug assertions, where the frame before was not finished.
    ///
    /// ```
    /// # use wsvet::{Header, OpCode, Policy, Role, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// let mut held = Vec::<u8>::new();
    /// let header = Header::new(OpCode::Text, 7).with_rsv(4);
    /// validator.frame(&header, b"\xF2\x48\xCD\xC9\xC9\x07\x00", |piece| held.extend(piece))?;
    /// assert_eq!(held, b"Hello");
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn frame(
        &mut self,
        header: &Header,
        plain: &[u8],
        mut message: impl FnMut(&[u8]),
    ) -> Result<(), Violation> {
        self.begin(header)?;
        self.payload(plain, &mut message)?;
        self.finish(message)
    }

    /// Judges the end of the stream, as [`crate::Validator::eof`] does.
    ///
    /// # Errors
    ///
    /// The [`Violation`] that it is.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Rule, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// assert_eq!(validator.eof(0).unwrap_err().rule, Rule::EofWithoutClose);
    /// ```
    pub fn eof(&mut self, unread: usize) -> Result<(), Violation> {
        self.frames.eof(unread)
    }

    /// The validator of the frames: its offset and its violation, and what is open.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, deflate::{Parameters, Validator}};
    /// let validator = Validator::new(Policy::new(Role::Server), Parameters::new());
    /// assert_eq!(validator.frames().violation(), None);
    /// ```
    #[must_use]
    pub const fn frames(&self) -> &crate::Validator {
        &self.frames
    }
}
