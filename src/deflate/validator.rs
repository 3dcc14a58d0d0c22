//! The validator of one direction of a connection with permessage-deflate.

use super::{Content, Parameters};
use crate::{Compression, Header, Policy, Violation};

/// A validator for one direction of a connection with permessage-deflate: for headers, and for
/// unmasked payloads in pieces of any size (RFC 7692 §6).
///
/// It is a [`crate::Validator`] that also inflates compressed messages, and is used in the same
/// way. [`payload`](Self::payload) and [`finish`](Self::finish) pass the content of the messages to
/// a closure.
///
/// The limit [`Policy::max_message`] counts the inflated bytes of a message. The validator stops
/// inflating as soon as the limit is exceeded, so a decompression bomb does not cost more than the
/// limit. On the wire, a compressed message may have 6 times as many bytes as the limit and 64
/// more, because data that does not compress grows.
///
/// The offset of a violation in a compressed message is that of the first byte of the frame's
/// payload, because inflated bytes have no offset on the wire.
///
/// ```
/// use wsvet::deflate::{Deflater, Parameters, Validator};
/// use wsvet::{CloseCode, Header, OpCode, Policy, Role, Rule};
///
/// // A few bytes that inflate to 1,000 bytes "a".
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
    /// Whether the open frame is a data frame.
    in_data: bool,
}

impl Validator {
    /// Creates a validator at the start of a stream that an endpoint with this policy receives, if
    /// the endpoints have negotiated permessage-deflate with these parameters.
    ///
    /// The function sets [`Policy::compression`] to [`Compression::Inflated`].
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

    /// Replaces the policy during the connection, as [`crate::Validator::set_policy`] does. The
    /// function ignores the compression of the new policy.
    ///
    /// # Panics
    ///
    /// Panics if the role or the RSV bits differ from those of the old policy.
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

    /// Begins the next frame, and validates its header, as [`crate::Validator::begin`] does.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the header breaks a rule, or if an earlier violation ended the stream.
    /// The function always returns the first violation of the stream.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
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

    /// Validates the first bytes of a header that has not arrived completely, as
    /// [`crate::Validator::cut_header`] does.
    ///
    /// # Errors
    ///
    /// A [`Violation`] as [`crate::Validator::cut_header`] returns it.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Rule, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// validator.cut_header(&[0xC1])?; // the first frame of a compressed message
    /// assert_eq!(validator.cut_header(&[0xC0]).unwrap_err().rule, Rule::UnexpectedContinuation);
    /// # Ok::<(), wsvet::Violation>(())
    /// ```
    pub fn cut_header(&mut self, start: &[u8]) -> Result<(), Violation> {
        self.frames.cut_header(start)
    }

    /// Validates the next piece of the payload, as [`crate::Validator::payload`] does, and calls
    /// `message` with the content of a message.
    ///
    /// `message` receives inflated bytes if the message is compressed, and the bytes of the piece
    /// if it is not. It is not called for a control frame.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if the piece breaks a rule, or if an earlier violation ended the stream. The
    /// function always returns the first violation of the stream. Before a violation in a
    /// compressed message, `message` receives only the bytes that break no rule.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if no frame has begun.
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

    /// Ends the frame, as [`crate::Validator::finish`] does. If a compressed message ends with the
    /// frame, the function calls `message` with the rest of the message.
    ///
    /// # Errors
    ///
    /// A [`Violation`] at the last byte of the frame if the message ends inside a DEFLATE block or
    /// inside a character. If an earlier violation ended the stream, the function returns that
    /// violation.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if no frame has begun.
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

    /// Validates a whole frame: calls [`begin`](Self::begin), [`payload`](Self::payload) and
    /// [`finish`](Self::finish).
    ///
    /// `plain` is the whole payload, unmasked.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the first of these calls that returns one.
    ///
    /// # Panics
    ///
    /// Panics with debug assertions if the previous frame is not finished.
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

    /// Validates the end of the stream, as [`crate::Validator::eof`] does.
    ///
    /// `unread` is the number of bytes of a cut header at the end of the stream.
    ///
    /// # Errors
    ///
    /// A [`Violation`] as [`crate::Validator::eof`] returns it.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, Rule, deflate::{Parameters, Validator}};
    /// let mut validator = Validator::new(Policy::new(Role::Client), Parameters::new());
    /// assert_eq!(validator.eof(0).unwrap_err().rule, Rule::EofWithoutClose);
    /// ```
    pub fn eof(&mut self, unread: usize) -> Result<(), Violation> {
        self.frames.eof(unread)
    }

    /// Returns the validator of the frames, which has the offset, the violation and the open
    /// message.
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
