//! The policy of an endpoint: its role, and what it accepts where RFC 6455 leaves the choice open.

use core::fmt;

use crate::OpCode;

/// The role of an endpoint: client or server.
///
/// In a [`Policy`] it is the role of the endpoint that receives the frames. A server receives
/// masked frames. A client receives frames that are not masked (RFC 6455 §5.1).
///
/// ```
/// use wsvet::Role;
///
/// assert_eq!(Role::Server.peer(), Role::Client);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// The client. It receives frames from the server.
    Client,
    /// The server. It receives frames from the client.
    Server,
}

impl Role {
    /// Returns the role of the peer: `Server` for `Client`, and `Client` for `Server`.
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

    /// Returns the mask bit of the frames that this endpoint receives, at its position in the
    /// second byte of a header.
    #[inline]
    pub(crate) const fn mask_bit(self) -> u8 {
        match self {
            Self::Client => 0,
            Self::Server => 0x80,
        }
    }

    /// Returns `"client"` or `"server"`.
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
    /// Writes the [`name`](Self::name).
    ///
    /// ```
    /// assert_eq!(wsvet::Role::Server.to_string(), "server");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The types of data that an endpoint accepts (RFC 6455 §7.4.1).
///
/// The endpoint refuses every other type with 1003.
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
    /// Only text messages. A binary message is refused with 1003.
    TextOnly,
    /// Only binary messages. A text message is refused with 1003.
    BinaryOnly,
}

impl Accepts {
    /// Returns whether the endpoint accepts the type of data of a frame with this opcode (§5.6).
    ///
    /// Only text and binary are types of data. The function returns `true` for every other opcode.
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

/// The policy of the receiving endpoint: its role, the types of data that it accepts, its limits
/// and the extensions that it has negotiated (RFC 6455 §5.1, §7.4.1, §9.1, §10.4).
///
/// A new policy has no extension and no limit, and accepts all types of data. Each method changes
/// one of these.
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
    /// The maximum payload length of a frame in bytes, for control frames too. `u64::MAX` means
    /// that no limit is set.
    pub max_frame: u64,
    /// The maximum payload length of a message in bytes: the sum of all its fragments. `u64::MAX`
    /// means that no limit is set.
    pub max_message: u64,
    /// The maximum number of frames of a message. An unfragmented message has one frame, and empty
    /// frames count. `u32::MAX` means that no limit is set.
    pub max_fragments: u32,
    /// The role of the receiving endpoint.
    pub role: Role,
    /// The types of data that the endpoint accepts.
    pub accepts: Accepts,
    /// The RSV bits that negotiated extensions other than permessage-deflate define: RSV1 = 4,
    /// RSV2 = 2, RSV3 = 1.
    pub rsv: u8,
    /// Whether permessage-deflate is negotiated, and which bytes of a compressed message
    /// [`max_message`](Self::max_message) limits.
    pub compression: Compression,
}

/// The limit that [`Policy::no_limit`] sets. No stream reaches it, because a length has at most 63
/// bits. It differs from `u64::MAX`, which means that no limit is set.
const UNREACHED: u64 = u64::MAX - 1;

/// The maximum payload length in bytes of a message or frame that is collected in memory, if the
/// policy sets no limit.
#[cfg(feature = "alloc")]
const DEFAULT_MAX_MESSAGE: u64 = 64 << 20;

/// The maximum number of frames of a message that is collected in memory, if the policy sets no
/// limit.
#[cfg(feature = "alloc")]
const DEFAULT_MAX_FRAGMENTS: u32 = 128 << 10;

/// Whether permessage-deflate is negotiated, and which bytes of a compressed message
/// [`Policy::max_message`] limits (RFC 7692 §6).
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
    /// permessage-deflate is negotiated, and compressed messages are not inflated. The limit counts
    /// the bytes on the wire. The content of a compressed message is not validated.
    Opaque,
    /// permessage-deflate is negotiated, and compressed messages are inflated. The limit counts the
    /// inflated bytes.
    ///
    /// On the wire, a compressed message may have 6 times as many bytes as the limit and 64 more,
    /// because data that does not compress grows.
    Inflated,
}

impl Policy {
    /// Creates a policy that allows everything that RFC 6455 allows, for an endpoint with this
    /// role.
    ///
    /// The policy sets no limit. The types that collect messages or frames in memory (`Assembler`,
    /// `codec::Messages` and `codec::Frames`) then have default limits: 64 MiB, and 131,072 frames
    /// a message. To replace them, set other limits or call [`no_limit`](Self::no_limit).
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

    /// Sets the types of data that the endpoint accepts. It refuses every other type with 1003
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

    /// Sets the maximum payload length of a frame in bytes, for control frames too (§10.4).
    ///
    /// A frame with a longer payload is refused with 1009 (§7.4.1). A limit below 125 also refuses
    /// legal control frames, such as a Close frame with a reason.
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).max_frame(4_096).max_frame, 4_096);
    /// ```
    #[must_use]
    pub const fn max_frame(self, bytes: u64) -> Self {
        Self { max_frame: bytes, ..self }
    }

    /// Sets the maximum payload length of a message in bytes: the sum of all its fragments (§10.4).
    ///
    /// A longer message is refused with 1009 (§7.4.1). The limit counts the bytes on the wire,
    /// except with [`Compression::Inflated`] (feature `deflate`): then it counts the bytes that a
    /// compressed message inflates to.
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).max_message(1 << 20).max_message, 1 << 20);
    /// ```
    #[must_use]
    pub const fn max_message(self, bytes: u64) -> Self {
        Self { max_message: bytes, ..self }
    }

    /// Sets the maximum number of frames of a message, including empty frames (§10.4).
    ///
    /// A message with more frames is refused with 1008 (§7.4.1).
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert_eq!(Policy::new(Role::Server).max_fragments(16).max_fragments, 16);
    /// ```
    #[must_use]
    pub const fn max_fragments(self, fragments: u32) -> Self {
        Self { max_fragments: fragments, ..self }
    }

    /// Removes all limits, including the default limits of the types that collect messages or
    /// frames in memory.
    ///
    /// A peer can then fill the memory.
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

    /// Returns whether the policy limits neither frames nor messages in bytes.
    pub(crate) const fn has_no_limit(&self) -> bool {
        self.max_frame >= UNREACHED && self.max_message >= UNREACHED
    }

    /// Returns the policy with the default limits for collecting messages, if it sets none.
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

    /// Returns the policy with the default limit for collecting frames, if it sets no limit for
    /// messages or frames.
    #[cfg(feature = "std")]
    pub(crate) const fn collecting_frames(self) -> Self {
        if self.max_message != u64::MAX {
            return self;
        }
        Self { max_frame: or(self.max_frame, DEFAULT_MAX_MESSAGE), ..self }
    }

    /// Sets whether permessage-deflate is negotiated (RFC 7692).
    ///
    /// If it is negotiated, RSV1 on the first frame of a message marks the message as compressed.
    /// `true` sets [`Compression::Opaque`]: compressed messages are not inflated, so their content
    /// is not validated. `false` sets [`Compression::None`].
    ///
    /// ```
    /// # use wsvet::{Policy, Role};
    /// assert!(Policy::new(Role::Server).permessage_deflate(true).negotiates_deflate());
    /// ```
    #[must_use]
    pub const fn permessage_deflate(self, negotiated: bool) -> Self {
        self.compression(if negotiated { Compression::Opaque } else { Compression::None })
    }

    /// Sets whether permessage-deflate is negotiated, and which bytes of a compressed message
    /// [`max_message`](Self::max_message) limits (RFC 7692).
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

    /// Sets the RSV bits that extensions other than permessage-deflate define: RSV1 = 4, RSV2 = 2,
    /// RSV3 = 1 (§5.2, §5.8).
    ///
    /// Every frame may have these bits set. Higher bits are ignored. The meaning of the payload is
    /// unknown if one of these bits is set, so a text message whose first frame has one set is not
    /// validated as UTF-8. If permessage-deflate is negotiated, RSV1 has the meaning that RFC 7692
    /// defines.
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

/// Returns `limit`, or `default` if no limit is set.
#[cfg(feature = "alloc")]
const fn or(limit: u64, default: u64) -> u64 {
    if limit == u64::MAX { default } else { limit }
}
