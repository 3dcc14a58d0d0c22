//! THE TABLE of rules: one row a rule, and nothing about a rule stands anywhere else.
//!
//! The order of the rows is their precedence: where a frame breaks several rules, the first row
//! counts. A broken header (1002) comes before the type (1003), that before limits (1009, 1008),
//! and those before content (1007).

use core::fmt;

use crate::CloseCode;
#[cfg(feature = "c")]
use crate::c::text::{RuleText, c_str};

/// Which byte a broken rule points at.
///
/// ```
/// use wsvet::{Place, Rule};
///
/// assert_eq!(Rule::UnsupportedData.place(), Place::FirstByte);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Place {
    /// The first byte of the header: FIN, RSV, opcode.
    FirstByte,
    /// The second byte of the header: MASK and the 7-bit length.
    SecondByte,
    /// The first byte of the extended length.
    ExtendedLength,
    /// The byte of the payload that proves it; of a close code its first byte, and of a compressed
    /// message the first byte of the frame's payload. Where content is cut off at the end of a frame,
    /// that is the last byte of the frame, which for an empty frame belongs to the header.
    Payload,
    /// The end of the stream: the number of bytes that it had.
    End,
}

/// Writes the enum, its order and its rows from one table.
macro_rules! rules {
    ($($rule:ident $id:literal $rfc:literal $section:literal $code:ident $place:ident
        breaks $breaks:literal text $text:literal explain $explain:literal resolve $resolve:literal)*) => {
        /// A rule of the protocol, or of the endpoint's [`Policy`](crate::Policy), that a stream
        /// can break.
        ///
        /// The order of the variants is their precedence. Their numbers may change with a version;
        /// [`id`](Self::id) does not.
        ///
        /// ```
        /// use wsvet::{CloseCode, Rule};
        ///
        /// let rule = Rule::UnsupportedData;
        /// assert_eq!(rule.id(), "unsupported-data");
        /// assert_eq!(rule.section(), "7.4.1");
        /// assert_eq!(rule.close_code(), CloseCode::UNSUPPORTED_DATA);
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum Rule {
            $(
                #[doc = concat!("`", $id, "`, RFC ", $rfc, " §", $section, ": ", $breaks, ".")]
                $rule,
            )*
        }

        const ALL: &[Rule] = &[$(Rule::$rule),*];

        static ROWS: [Row; ALL.len()] = [$(Row {
            id: $id,
            rfc: $rfc,
            section: $section,
            close_code: CloseCode::$code,
            place: Place::$place,
            breaks: $breaks,
            text: $text,
            explain: $explain,
            resolve: $resolve,
        }),*];

        #[cfg(feature = "c")]
        static C_ROWS: [RuleText; ALL.len()] = [$(RuleText {
            id: c_str(concat!($id, "\0")),
            section: c_str(concat!($section, "\0")),
            breaks: c_str(concat!($breaks, "\0")),
            text: c_str(concat!($text, "\0")),
            explain: c_str(concat!($explain, "\0")),
            resolve: c_str(concat!($resolve, "\0")),
        }),*];

        // A reason is at most 123 bytes (§5.5): two of the 125 are the code's.
        $(const _: () = assert!($text.len() <= 123, $id);)*
    };
}

struct Row {
    id: &'static str,
    rfc: u16,
    section: &'static str,
    close_code: CloseCode,
    place: Place,
    breaks: &'static str,
    text: &'static str,
    explain: &'static str,
    resolve: &'static str,
}

rules! {
    ReservedBits "reserved-bits" 6455 "5.2" PROTOCOL_ERROR FirstByte
    breaks "an RSV bit is set that no negotiated extension defines"
    text "RSV bit set without an extension that defines it"
    explain "RSV1, RSV2 and RSV3 belong to extensions. Without one that was agreed on in the handshake they must be 0."
    resolve "Negotiate the extension (permessage-deflate owns RSV1), or do not set the bit. A header that looks random is often a receiver that lost the frame boundary: look at the frame before."

    ReservedOpcode "reserved-opcode" 6455 "5.2" PROTOCOL_ERROR FirstByte
    breaks "the opcode is one of 3-7 or B-F"
    text "reserved opcode"
    explain "Opcodes 3-7 and B-F have no meaning yet. They are no type of data, so the answer is 1002 and not 1003."
    resolve "Send continuation (0), text (1), binary (2), close (8), ping (9) or pong (A)."

    FragmentedControl "fragmented-control" 6455 "5.5" PROTOCOL_ERROR FirstByte
    breaks "a control frame has FIN clear"
    text "control frame is fragmented"
    explain "A close, ping or pong is one frame. It may stand between the fragments of a message, but has none of its own."
    resolve "Set FIN on every control frame."

    OversizedControl "oversized-control" 6455 "5.5" PROTOCOL_ERROR SecondByte
    breaks "the payload of a control frame is over 125 bytes"
    text "control frame payload is over 125 bytes"
    explain "The payload of a close, ping or pong is at most 125 bytes, so that it fits the 7-bit length and any buffer."
    resolve "Cut the reason of a Close to 123 bytes, at a character; send larger data as a message."

    UnexpectedContinuation "unexpected-continuation" 6455 "5.4" PROTOCOL_ERROR FirstByte
    breaks "a continuation frame continues no message"
    text "continuation frame without a message to continue"
    explain "A continuation frame needs a message whose first fragment, text or binary, had FIN clear."
    resolve "Send the first fragment with its type and FIN clear, and set FIN on the last fragment alone."

    InterruptedMessage "interrupted-message" 6455 "5.4" PROTOCOL_ERROR FirstByte
    breaks "a text or binary frame comes while a fragmented message is open"
    text "new message inside a fragmented message"
    explain "The fragments of one message must not be mixed with those of another. An empty first fragment opens a message too. Only control frames may stand between."
    resolve "Finish the message with a continuation frame that has FIN set, then start the next. Two threads that write to one socket are the usual cause."

    MisplacedRsv1 "misplaced-rsv1" 7692 "6" PROTOCOL_ERROR FirstByte
    breaks "with permessage-deflate negotiated, RSV1 is set on a control or continuation frame"
    text "RSV1 on a frame that does not start a message"
    explain "With permessage-deflate RSV1 says that a message is compressed. It stands on the message's first frame alone; control frames are never compressed."
    resolve "Set RSV1 on the first frame of a compressed message only."

    UnmaskedClientFrame "unmasked-client-frame" 6455 "5.1" PROTOCOL_ERROR SecondByte
    breaks "a client sends a frame that is not masked"
    text "frame from the client is not masked"
    explain "A client masks every frame, so that a page cannot choose the bytes that a proxy sees. The server must close the connection."
    resolve "Set the mask bit and mask the payload with a fresh random key, for control frames and empty frames too."

    MaskedServerFrame "masked-server-frame" 6455 "5.1" PROTOCOL_ERROR SecondByte
    breaks "a server sends a frame that is masked"
    text "frame from the server is masked"
    explain "A server masks no frame. The client must close the connection."
    resolve "Clear the mask bit and send the payload as it is. Check that the endpoint knows its own role."

    NonMinimalLength "non-minimal-length" 6455 "5.2" PROTOCOL_ERROR SecondByte
    breaks "the length is not in its shortest form"
    text "payload length is not in its shortest form"
    explain "Up to 125 bytes the length is in 7 bits, up to 65535 in 16, and only above in 64."
    resolve "Choose the form by the length of the payload."

    LengthOverflow "length-overflow" 6455 "5.2" PROTOCOL_ERROR ExtendedLength
    breaks "the top bit of a 64-bit length is set"
    text "top bit of the 64-bit payload length is set"
    explain "A 64-bit length has its most significant bit 0, so that it fits a signed number."
    resolve "Write the length big-endian. A negative length, or one in the wrong byte order, is the usual cause."

    DataAfterClose "data-after-close" 6455 "5.5.1" PROTOCOL_ERROR FirstByte
    breaks "a data frame comes after a Close frame"
    text "data frame after a Close frame"
    explain "After its Close frame an endpoint sends no more data."
    resolve "Stop writing once a Close is sent; empty the send queue before it, not after."

    UnsupportedData "unsupported-data" 6455 "7.4.1" UNSUPPORTED_DATA FirstByte
    breaks "a text message comes to an endpoint that accepts only binary, or the other way round"
    text "this endpoint does not accept this type of data"
    explain "The frame is well formed and its type is known, but this endpoint does not accept it. That is what 1003 is for: 1000 would call it a success, 1002 would blame the framing, 1007 the content, and 1006 says nothing at all. It is decided by the opcode, before the payload is read."
    resolve "Send the type that the endpoint accepts (in a browser a string goes as text, a Blob or ArrayBuffer as binary), or let the endpoint accept both."

    FrameTooBig "frame-too-big" 6455 "7.4.1" MESSAGE_TOO_BIG SecondByte
    breaks "the payload of a frame is over the endpoint's limit"
    text "frame is too big for this endpoint"
    explain "The header says more payload bytes than the endpoint allows one frame. It is decided before the payload is read."
    resolve "Send smaller frames, or raise the endpoint's limit."

    MessageTooBig "message-too-big" 6455 "7.4.1" MESSAGE_TOO_BIG SecondByte
    breaks "the fragments of a message add up to more than the endpoint's limit"
    text "message is too big for this endpoint"
    explain "With this frame the payload bytes of the message go over what the endpoint allows. It is decided before the payload is read, but for a compressed message: that is inflated until it is too big."
    resolve "Send less in one message, or raise the endpoint's limit; fragments do not help."

    TooManyFragments "too-many-fragments" 6455 "7.4.1" POLICY_VIOLATION FirstByte
    breaks "a message has more fragments than the endpoint's limit"
    text "message has too many fragments for this endpoint"
    explain "Each fragment costs work, empty ones too, so the endpoint limits their number."
    resolve "Send larger fragments, or raise the endpoint's limit."

    InvalidUtf8 "invalid-utf8" 6455 "8.1" INVALID_FRAME_PAYLOAD_DATA Payload
    breaks "a text message is not UTF-8, or ends inside a character"
    text "text message is not valid UTF-8"
    explain "A text message is UTF-8 as a whole. A fragment may end inside a character; the message may not. Surrogates, overlong forms and what lies above U+10FFFF are not UTF-8."
    resolve "Encode the text as UTF-8, or send bytes as a binary message."

    InvalidDeflate "invalid-deflate" 7692 "7.2.2" INVALID_FRAME_PAYLOAD_DATA Payload
    breaks "a compressed message is not DEFLATE, or does not end with a block"
    text "compressed message cannot be inflated"
    explain "The payload of a compressed message is DEFLATE without the four bytes 00 00 FF FF that end it. With those put back it must inflate, and end where a block ends. It may reach back to messages before only where context takeover was agreed on."
    resolve "Flush each message with an empty block and take its last four bytes off (Z_SYNC_FLUSH in zlib). Drop the window between messages where no_context_takeover was agreed on; keep it where it was not: a message that was compressed has to be sent."

    CloseBodyOneByte "close-body-one-byte" 6455 "5.5.1" PROTOCOL_ERROR SecondByte
    breaks "the body of a Close frame is one byte long"
    text "Close body of one byte"
    explain "A Close body is empty, or starts with a code of two bytes."
    resolve "Send the code as two bytes, the high one first, or no body at all."

    InvalidCloseCode "invalid-close-code" 6455 "7.4" PROTOCOL_ERROR Payload
    breaks "the code of a Close frame may not stand on the wire"
    text "close code may not be sent"
    explain "1000-1003, 1007-1014 and 3000-4999 may be sent. 1005, 1006 and 1015 are only reported to an application by its own library."
    resolve "To give no reason send an empty Close body. For a meaning of your own take a code from 4000-4999."

    InvalidCloseReason "invalid-close-reason" 6455 "5.5.1" INVALID_FRAME_PAYLOAD_DATA Payload
    breaks "the reason of a Close frame is not UTF-8"
    text "close reason is not valid UTF-8"
    explain "What follows the code in a Close body is UTF-8 text."
    resolve "Cut a long reason at a character, not at a byte."

    EofInFrame "eof-in-frame" 6455 "7.1.5" ABNORMAL_CLOSURE End
    breaks "the connection ends inside a frame"
    text "connection ended inside a frame"
    explain "The stream ended before the frame did, and no Close came before. The application is told 1006; nothing can be sent."
    resolve "Look at why the sender or the network stopped: a crash, a proxy's timeout, a socket closed before its queue was empty."

    EofWithoutClose "eof-without-close" 6455 "7.1.5" ABNORMAL_CLOSURE End
    breaks "the connection ends without a Close frame"
    text "connection ended without a Close frame"
    explain "The stream ended between two frames without a Close. The application is told 1006; nothing can be sent."
    resolve "Send a Close frame and wait for the peer's before the socket is closed; pings keep idle proxies from cutting."
}

impl Rule {
    /// All rules in the order of their precedence.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::ALL[0], Rule::ReservedBits);
    /// ```
    pub const ALL: &'static [Self] = ALL;

    /// The stable name, in lower case with hyphens: for logs, metrics and `wsvet explain`.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::InvalidUtf8.id(), "invalid-utf8");
    /// ```
    #[must_use]
    pub fn id(self) -> &'static str {
        self.row().id
    }

    /// The rule with this [`id`](Self::id), if there is one.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::from_id("invalid-utf8"), Some(Rule::InvalidUtf8));
    /// assert_eq!(Rule::from_id("utf8"), None);
    /// ```
    #[must_use]
    pub fn from_id(id: &str) -> Option<Self> {
        ALL.iter().copied().find(|rule| rule.id() == id)
    }

    /// The number of the RFC that states the rule: 6455, or 7692 for permessage-deflate.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::MisplacedRsv1.rfc(), 7692);
    /// ```
    #[must_use]
    pub fn rfc(self) -> u16 {
        self.row().rfc
    }

    /// The section of [`rfc`](Self::rfc) that states the rule.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::InvalidUtf8.section(), "8.1");
    /// ```
    #[must_use]
    pub fn section(self) -> &'static str {
        self.row().section
    }

    /// The close code that the receiver answers with, or that its application is told (1006).
    ///
    /// ```
    /// # use wsvet::{CloseCode, Rule};
    /// assert_eq!(Rule::MessageTooBig.close_code(), CloseCode::MESSAGE_TOO_BIG);
    /// ```
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        self.row().close_code
    }

    /// Which byte a violation of the rule points at.
    ///
    /// ```
    /// # use wsvet::{Place, Rule};
    /// assert_eq!(Rule::UnmaskedClientFrame.place(), Place::SecondByte);
    /// ```
    #[must_use]
    pub fn place(self) -> Place {
        self.row().place
    }

    /// The condition under which the rule is broken, as a clause.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::FragmentedControl.breaks(), "a control frame has FIN clear");
    /// ```
    #[must_use]
    pub fn breaks(self) -> &'static str {
        self.row().breaks
    }

    /// What is said to the peer: the reason of the Close frame, at most 123 bytes.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert_eq!(Rule::ReservedOpcode.text(), "reserved opcode");
    /// ```
    #[must_use]
    pub fn text(self) -> &'static str {
        self.row().text
    }

    /// What the rule says and why, in a few sentences.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert!(Rule::UnsupportedData.explain().contains("1003"));
    /// ```
    #[must_use]
    pub fn explain(self) -> &'static str {
        self.row().explain
    }

    /// What to do about it, mostly at the sender.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert!(Rule::InvalidUtf8.resolve().contains("binary"));
    /// ```
    #[must_use]
    pub fn resolve(self) -> &'static str {
        self.row().resolve
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    #[cfg(feature = "c")]
    pub(crate) fn c_text(self) -> &'static RuleText {
        &C_ROWS[self as usize]
    }
}

impl fmt::Display for Rule {
    /// The [`id`](Self::id).
    ///
    /// ```
    /// assert_eq!(wsvet::Rule::InvalidUtf8.to_string(), "invalid-utf8");
    /// ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_distinct_and_found_again() {
        for rule in ALL {
            assert_eq!(Rule::from_id(rule.id()), Some(*rule));
            assert_eq!(rule.id(), rule.id().to_ascii_lowercase());
        }
    }

    #[test]
    fn only_the_end_of_the_stream_has_a_code_that_is_never_sent() {
        for rule in ALL {
            let sendable = rule.close_code().is_sendable();
            assert_eq!(sendable, rule.place() != Place::End, "{rule}");
        }
    }

    /// The order that the head of this file promises: 1002, 1003, limits, content, end.
    #[test]
    fn headers_count_before_type_before_limits_before_content() {
        let header = Rule::DataAfterClose;
        let order =
            [header, Rule::UnsupportedData, Rule::FrameTooBig, Rule::InvalidUtf8, Rule::EofInFrame];
        assert!(order.is_sorted());
        assert!(ALL.is_sorted());
        assert!(ALL.iter().take_while(|rule| **rule <= header).all(|rule| {
            rule.close_code() == CloseCode::PROTOCOL_ERROR && rule.place() <= Place::ExtendedLength
        }));
    }
}
