//! What an endpoint is and what it accepts: the side of the rules that the RFC leaves open.

use core::fmt;

use crate::OpCode;

/// Which end of the connection we are: the receiver of the frames that are judged.
///
/// A server receives masked frames, a client unmasked ones (RFC 6455 §5.1).
///
/// ```
/// use wsvet::Role;
///
/// assert_eq!(Role::Server.peer(), Role::Client);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// We are the client: the frames come from the server.
    Client,
    /// We are the server: the frames come from the client.
    Server,
}

impl Role {
    /// The other end: the sender of the frames that are judged (§5.1).
    ///
    /// ```
    /// # use wsvet::Role;
    /// assert_eq!(Role::Client.peer(), Role::Server);
    /// ```
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The mask bit of the frames that it receives, where that stands in a header's second byte.
    #[inline]
    pub(crate) const fn mask_bit(self) -> u8 {
        match self {
            Self::Client => 0,
            Self::Server => 0x80,
        }
    }

    /// `"client"` or `"server"`.
    ///
    /// ```
    /// # use wsvet::Role;
    /// assert_eq!(Role::Client.name(), "client");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Role {
    /// The [`name`](Self::name).
    ///
    /// ```
    /// assert_eq!(wsvet::Role::Server.to_string(), "server");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The types of data that an endpoint accepts; the others are answered with 1003 (RFC 6455 §7.4.1).
///
/// ```
/// use wsvet::{Accepts, OpCode};
///
/// assert!(!Accepts::TextOnly.admits(OpCode::Binary));
/// assert!(Accepts::TextOnly.admits(OpCode::Ping));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Accepts {
    /// Text and binary messages.
    #[default]
    Any,
    /// Text messages; a binary message is refused with 1003.
    TextOnly,
    /// Binary messages; a text message is refused with 1003.
    BinaryOnly,
}

impl Accepts {
    /// Whether a frame with this opcode is of a type that is accepted. Only text and binary are
    /// types of data; every other opcode is admitted here (§5.6).
    ///
    /// ```
    /// # use wsvet::{Accepts, OpCode};
    /// assert!(!Accepts::BinaryOnly.admits(OpCode::Text));
    /// ```
    #[must_use]
    pub const fn admits(self, opcode: OpCode) -> bool {
        !matches!(
            (self, opcode),
            (Self::TextOnly, OpCode::Binary) | (Self::BinaryOnly, OpCode::Text)
        )
    }
}

/// What the receiving endpoint is, accepts, has negotiated and limits (RFC 6455 §5.1, §7.4.1, §9.1,
/// §10.4).
///
/// It starts with no extension, no limit and all types of data accepted; each method narrows or
/// widens one thing.
///
/// ```
/// use wsvet::{Accepts, Policy, Role};
///
/// const POLICY: Policy = Policy::new(Role::Server)
///     .accepts(Accepts::TextOnly)
///     .max_message(1 << 20)
///     .max_fragments(1_000);
/// assert_eq!(POLICY.max_frame, u64::MAX);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// The most payload bytes of one frame, control frames included.
    pub max_frame: u64,
    /// The most payload bytes of one message, all its fragments together.
    pub max_message: u64,
    /// The most frames of one message; an unfragmented one has one, and empty frames count.
    pub max_fragments: u32,
    /// Which end we are.
    pub role: Role,
    /// The types of data that are accepted.
    pub accepts: Accepts,
    /// The RSV bits that negotiated extensions other than permessage-deflate define.
    pub rsv: u8,
    /// Whether permessage-deflate is negotiated, and what [`max_message`](Self::max_message) counts
    /// for a compressed message.
    pub compression: Compression,
}

/// A limit that is set and that no stream reaches: a length has at most 63 bits. `u64::MAX` says that
/// no limit is set.
const UNREACHED: u64 = u64::MAX - 1;

/// The most payload bytes of a message, or of a frame, that is collected without a limit being set.
#[cfg(feature = "alloc")]
pub(crate) const DEFAULT_MAX_MESSAGE: u64 = 64 << 20;

/// The most frames of a message that is collected without a limit being set.
#[cfg(feature = "alloc")]
pub(crate) const DEFAULT_MAX_FRAGMENTS: u32 = 128 << 10;

/// What is negotiated about compression, and what [`Policy::max_message`] counts for a compressed
/// message (RFC 7692 §6).
///
/// ```
/// use wsvet::{Compression, Policy, Role};
///
/// let policy = Policy::new(Role::Server).permessage_deflate(true);
/// assert_eq!(policy.compression, Compression::Opaque);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Compression {
    /// permessage-deflate is not negotiated.
    #[default]
    None,
    /// permessage-deflate is negotiated, and nobody inflates: the limit counts the bytes on the
    /// wire, and the content of a compressed message is not judged.
    Opaque,
    /// permessage-deflate is negotiated, and messages are inflated: the limit counts what comes out.
    ///
    /// A compressed message may have 6 times as many bytes on the wire, and 64 more: what does not
    /// compress grows.
    Inflated,
}

impl Policy {
    /// Everything that RFC 6455 allows, received at this end.
    ///
    /// It sets no limit. What collects messages or frames in memory (`Assembler`, `codec::Messages`
    /// and `codec::Frames`) has limits of its own then: 64 MiB, and 131,072 frames a message. Set
    /// other limits, or [`no_limit`](Self::no_limit).
    ///
    /// ```
    /// # use wsvet::{Accepts, Policy, Role};
    /// assert_eq!(Policy::new(Role::Client).accepts, Accepts::Any);
    /// ```
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            max_frame: u64::MAX,
            max_message: u64::MAX,
            max_fragments: u32::MAX,
            role,
            accepts: Accepts::Any,
            rsv: 0,
            compression: Compression::None,
        }
    }

    /// The same policy with these types of data accepted; the others are refused with 1003
    /// (§7.4.1).
    ///
    /// ```
    /// # use wsvet::{Accepts, Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).accepts(Accepts::TextOnly).accepts, Accepts::TextOnly);
    /// ```
    #[must_use]
    pub const fn accepts(self, accepts: Accepts) -> Self {
        Self { accepts, ..self }
    }

    /// The same policy with at most `bytes` of payload in one frame, control frames included;
    /// more is refused with 1009 (§7.4.1, §10.4).
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).max_frame(4_096).max_frame, 4_096);
    /// ```
    #[must_use]
    pub const fn max_frame(self, bytes: u64) -> Self {
        Self { max_frame: bytes, ..self }
    }

    /// The same policy with at most `bytes` of payload in one message, all its fragments together
    /// and as they stand on the wire; more is refused with 1009 (§7.4.1, §10.4). For those who inflate
    /// (feature `deflate`) it counts for what a compressed message inflates to.
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).max_message(1 << 20).max_message, 1 << 20);
    /// ```
    #[must_use]
    pub const fn max_message(self, bytes: u64) -> Self {
        Self { max_message: bytes, ..self }
    }

    /// The same policy with at most `fragments` frames in one message, empty ones counted; more
    /// is refused with 1008 (§7.4.1, §10.4).
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).max_fragments(16).max_fragments, 16);
    /// ```
    #[must_use]
    pub const fn max_fragments(self, fragments: u32) -> Self {
        Self { max_fragments: fragments, ..self }
    }

    /// Removes all limits, also those that hold by default where memory is collected: a peer can fill
    /// the memory.
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// let policy = Policy::new(Role::Server).max_message(1 << 20).no_limit();
    /// assert!(policy.max_message > 1 << 63); // more than a frame can have
    /// ```
    #[must_use]
    pub const fn no_limit(self) -> Self {
        Self {
            max_frame: UNREACHED,
            max_message: UNREACHED,
            max_fragments: UNREACHED as u32,
            ..self
        }
    }

    /// The policy with the limits by default of what collects messages.
    #[cfg(feature = "alloc")]
    pub(crate) const fn collecting_messages(self) -> Self {
        Self {
            max_message: or(self.max_message, DEFAULT_MAX_MESSAGE),
            max_fragments: if self.max_fragments == u32::MAX {
                DEFAULT_MAX_FRAGMENTS
            } else {
                self.max_fragments
            },
            ..self
        }
    }

    /// The policy with the limit by default of what collects frames.
    #[cfg(feature = "codec")]
    pub(crate) const fn collecting_frames(self) -> Self {
        if self.max_message != u64::MAX {
            return self;
        }
        Self { max_frame: or(self.max_frame, DEFAULT_MAX_MESSAGE), ..self }
    }

    /// Sets whether permessage-deflate is negotiated (RFC 7692).
    ///
    /// If it is, RSV1 marks a compressed message, on its first frame alone. This is
    /// [`Compression::Opaque`]: compressed messages are not inflated, so their content is not judged.
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert!(Policy::new(Role::Server).permessage_deflate(true).negotiates_deflate());
    /// ```
    #[must_use]
    pub const fn permessage_deflate(self, negotiated: bool) -> Self {
        self.compression(if negotiated { Compression::Opaque } else { Compression::None })
    }

    /// Sets what is negotiated about compression, and what [`max_message`](Self::max_message) counts
    /// for a compressed message (RFC 7692).
    ///
    /// ```
    /// use wsvet::{Compression, Header, OpCode, Policy, Role, Validator};
    ///
    /// let policy = Policy::new(Role::Client).max_message(5);
    /// let hello = Header::new(OpCode::Text, 7).with_rsv(4); // "Hello", compressed
    /// let inflated = policy.compression(Compression::Inflated);
    /// assert!(Validator::new(inflated).begin(&hello).is_ok());
    /// let opaque = policy.compression(Compression::Opaque);
    /// assert!(Validator::new(opaque).begin(&hello).is_err()); // 7 bytes are over the limit
    /// ```
    #[must_use]
    pub const fn compression(self, compression: Compression) -> Self {
        Self { compression, ..self }
    }

    /// Returns whether permessage-deflate is negotiated (RFC 7692).
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert!(!Policy::new(Role::Server).negotiates_deflate());
    /// ```
    #[inline]
    #[must_use]
    pub const fn negotiates_deflate(self) -> bool {
        !matches!(self.compression, Compression::None)
    }

    /// The same policy with these RSV bits defined by other extensions, on any frame: RSV1 = 4,
    /// RSV2 = 2, RSV3 = 1; higher bits do not count (§5.2, §5.8).
    ///
    /// What they mean for the payload is unknown, so text whose first frame has one set is not
    /// judged as UTF-8. With permessage-deflate RSV1 keeps the meaning that RFC 7692 gives it.
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).rsv(2).rsv, 2);
    /// ```
    #[must_use]
    pub const fn rsv(self, bits: u8) -> Self {
        Self { rsv: bits & 7, ..self }
    }
}

/// A limit, or this one if none is set.
#[cfg(feature = "alloc")]
const fn or(limit: u64, default: u64) -> u64 {
    if limit == u64::MAX { default } else { limit }
}
