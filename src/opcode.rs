//! The opcode of a frame: the low four bits of its first byte (RFC 6455 §5.2).

use core::fmt;

/// The opcode of a frame (RFC 6455 §5.2).
///
/// Each of the sixteen values of the four bits has a variant, so that every header decodes. RFC
/// 6455 reserves the values 3-7 and B-F. A [`Validator`](crate::Validator) refuses them with
/// [`Rule::ReservedOpcode`](crate::Rule::ReservedOpcode).
///
/// ```
/// use wsvet::OpCode;
///
/// assert_eq!(OpCode::from_low_bits(0x82), OpCode::Binary);
/// assert!(OpCode::Ping.is_control());
/// assert!(OpCode::Reserved3.is_reserved());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum OpCode {
    /// A further fragment of the open message (§5.4).
    Continuation = 0x0,
    /// A text message, or the first fragment of one (§5.6).
    Text = 0x1,
    /// A binary message, or the first fragment of one (§5.6).
    Binary = 0x2,
    /// Reserved for a further data frame.
    Reserved3 = 0x3,
    /// Reserved for a further data frame.
    Reserved4 = 0x4,
    /// Reserved for a further data frame.
    Reserved5 = 0x5,
    /// Reserved for a further data frame.
    Reserved6 = 0x6,
    /// Reserved for a further data frame.
    Reserved7 = 0x7,
    /// A Close frame. The sender must not send a data frame after it (§5.5.1).
    Close = 0x8,
    /// A Ping. The receiver must reply with a Pong (§5.5.2).
    Ping = 0x9,
    /// A Pong: the reply to a Ping, or unsolicited (§5.5.3).
    Pong = 0xA,
    /// Reserved for a further control frame.
    ReservedB = 0xB,
    /// Reserved for a further control frame.
    ReservedC = 0xC,
    /// Reserved for a further control frame.
    ReservedD = 0xD,
    /// Reserved for a further control frame.
    ReservedE = 0xE,
    /// Reserved for a further control frame.
    ReservedF = 0xF,
}

impl OpCode {
    /// All sixteen opcodes. The index of each opcode is its value (§5.2).
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert_eq!(OpCode::ALL[0x8], OpCode::Close);
    /// ```
    pub const ALL: [Self; 16] = [
        Self::Continuation,
        Self::Text,
        Self::Binary,
        Self::Reserved3,
        Self::Reserved4,
        Self::Reserved5,
        Self::Reserved6,
        Self::Reserved7,
        Self::Close,
        Self::Ping,
        Self::Pong,
        Self::ReservedB,
        Self::ReservedC,
        Self::ReservedD,
        Self::ReservedE,
        Self::ReservedF,
    ];

    /// Returns the opcode in the low four bits of `byte` (§5.2).
    ///
    /// The high four bits, FIN and RSV, are ignored.
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert_eq!(OpCode::from_low_bits(0x81), OpCode::Text);
    /// ```
    #[inline]
    #[must_use]
    pub const fn from_low_bits(byte: u8) -> Self {
        // Each value maps to itself, so this compiles to the mask alone. A table would need a load.
        match byte & 0xF {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x3 => Self::Reserved3,
            0x4 => Self::Reserved4,
            0x5 => Self::Reserved5,
            0x6 => Self::Reserved6,
            0x7 => Self::Reserved7,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            0xB => Self::ReservedB,
            0xC => Self::ReservedC,
            0xD => Self::ReservedD,
            0xE => Self::ReservedE,
            _ => Self::ReservedF,
        }
    }

    /// Returns whether this is the opcode of a control frame: 8-F, including the reserved opcodes
    /// (§5.5).
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert!(OpCode::Close.is_control() && !OpCode::Continuation.is_control());
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }

    /// Returns whether this is the opcode of a data frame: 0-7, including the reserved opcodes
    /// (§5.6).
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert!(OpCode::Continuation.is_data() && !OpCode::Ping.is_data());
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_data(self) -> bool {
        !self.is_control()
    }

    /// Returns whether a frame with this opcode belongs to a message: continuation, text or binary.
    #[inline]
    pub(crate) const fn belongs_to_message(self) -> bool {
        self as u8 <= Self::Binary as u8
    }

    /// Returns whether this opcode starts a message: text or binary (§5.6).
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert!(OpCode::Text.starts_message() && !OpCode::Continuation.starts_message());
    /// ```
    #[inline]
    #[must_use]
    pub const fn starts_message(self) -> bool {
        matches!(self, Self::Text | Self::Binary)
    }

    /// Returns whether RFC 6455 reserves this opcode: 3-7 and B-F (§5.2).
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert_eq!(OpCode::ALL.iter().filter(|opcode| opcode.is_reserved()).count(), 10);
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        self as u8 & 0x7 > 2
    }

    /// Returns the name of this opcode in RFC 6455, in lower case.
    ///
    /// The name of a reserved opcode is `reserved` and its hexadecimal digit.
    ///
    /// ```
    /// # use wsvet::OpCode;
    /// assert_eq!(OpCode::Binary.name(), "binary");
    /// assert_eq!(OpCode::ReservedB.name(), "reserved B");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Reserved3 => "reserved 3",
            Self::Reserved4 => "reserved 4",
            Self::Reserved5 => "reserved 5",
            Self::Reserved6 => "reserved 6",
            Self::Reserved7 => "reserved 7",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::ReservedB => "reserved B",
            Self::ReservedC => "reserved C",
            Self::ReservedD => "reserved D",
            Self::ReservedE => "reserved E",
            Self::ReservedF => "reserved F",
        }
    }
}

impl fmt::Display for OpCode {
    /// Writes the [`name`](Self::name).
    ///
    /// ```
    /// assert_eq!(wsvet::OpCode::Ping.to_string(), "ping");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl From<OpCode> for u8 {
    /// Returns the value of the opcode, 0 to 15.
    ///
    /// ```
    /// assert_eq!(u8::from(wsvet::OpCode::Pong), 0xA);
    /// ```
    fn from(opcode: OpCode) -> Self {
        opcode as Self
    }
}
