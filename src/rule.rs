//! The table of rules.
//!
//! Each row is one rule. The facts about a rule are in its row and in no other place.
//!
//! The order of the rows is their precedence: if a frame breaks several rules, the first row
//! applies. It is also the order of proof: first the rules that the first byte of a header proves,
//! then those of the second byte, those of the payload length, those of the content, and those of
//! the end of the stream. So the first row that applies does not depend on how much of the header
//! has arrived.

use crate::CloseCode;
use crate::table::{rules, texts};

/// The byte that the [`offset`](crate::Violation::offset) of a violation points at.
///
/// ```
/// use wsvet::{Place, Rule};
///
/// assert_eq!(Rule::UnsupportedData.place(), Place::FirstByte);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Place {
    /// The first byte of the header: FIN, RSV bits, opcode.
    FirstByte,
    /// The second byte of the header: MASK and the 7-bit length.
    SecondByte,
    /// The first byte of the extended length.
    ExtendedLength,
    /// The byte of the payload that proves the violation.
    ///
    /// For a close code, this is the first byte of the code. For a compressed message, this is the
    /// first byte of the frame's payload. If the content is cut off at the end of a frame, this is
    /// the last byte of the frame. The last byte of an empty frame is a byte of its header.
    Payload,
    /// The end of the stream. The offset is the number of bytes in the stream.
    End,
}

/// The field of a frame that breaks a rule (RFC 6455 §5.2).
///
/// ```
/// use wsvet::{Field, Rule};
///
/// assert_eq!(Rule::UnsupportedData.field(), Field::Opcode);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Field {
    /// The FIN bit.
    Fin,
    /// The RSV bits: RSV1, RSV2 and RSV3.
    Rsv,
    /// Only RSV1.
    Rsv1,
    /// The opcode.
    Opcode,
    /// The MASK bit.
    Mask,
    /// The payload length, in any of its three forms.
    PayloadLen,
    /// The payload length in its 64-bit form.
    ExtendedPayloadLen,
    /// The payload: application data, or the body of a Close frame.
    Payload,
    /// No field: the stream ends.
    End,
}

impl Field {
    /// Returns the byte that a violation in this field points at.
    const fn place(self) -> Place {
        match self {
            Self::Fin | Self::Rsv | Self::Rsv1 | Self::Opcode => Place::FirstByte,
            Self::Mask | Self::PayloadLen => Place::SecondByte,
            Self::ExtendedPayloadLen => Place::ExtendedLength,
            Self::Payload => Place::Payload,
            Self::End => Place::End,
        }
    }
}

/// What a validator that resumes after a violation in a header can no longer validate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Loses {
    Nothing,
    /// Later compressed messages: a part of the window that they share is missing.
    Window,
    /// Later compressed messages and the payload of the frame, whose meaning is unknown.
    Content,
}

/// The columns of a row that are not texts.
struct Facts {
    close_code: CloseCode,
    field: Field,
    loses: Loses,
}

rules! {
    /// A rule of the protocol or of the endpoint's [`Policy`](crate::Policy) that a stream can
    /// break.
    ///
    /// The order of the variants is their precedence. [`id`](Self::id) and
    /// [`number`](Self::number) are stable; the discriminants of the variants are not.
    ///
    /// ```
    /// use wsvet::{CloseCode, Rule};
    ///
    /// let rule = Rule::UnsupportedData;
    /// assert_eq!(rule.id(), "unsupported-data");
    /// assert_eq!(rule.section(), "7.4.1");
    /// assert_eq!(rule.close_code(), CloseCode::UNSUPPORTED_DATA);
    /// ```
    pub enum Rule("wsvet::Rule"): Facts;
    text "the reason for the Close frame that refuses a violation";

    1 ReservedBits "reserved-bits" 6455 "5.2"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Rsv, loses: Loses::Content }
    breaks "an RSV bit is set that no negotiated extension defines"
    text "RSV bit set without an extension that defines it"
    explain "RSV1, RSV2 and RSV3 belong to extensions. Without one that was agreed on in the handshake they must be 0."
    resolve "Negotiate the extension (permessage-deflate owns RSV1), or do not set the bit. A header that looks random is often a receiver that lost the frame boundary: look at the frame before."

    2 ReservedOpcode "reserved-opcode" 6455 "5.2"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Opcode, loses: Loses::Content }
    breaks "the opcode is one of 3-7 or B-F"
    text "reserved opcode"
    explain "Opcodes 3-7 and B-F have no meaning yet. They are no type of data, so the answer is 1002 and not 1003."
    resolve "Send continuation (0), text (1), binary (2), close (8), ping (9) or pong (A)."

    3 FragmentedControl "fragmented-control" 6455 "5.5"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Fin, loses: Loses::Nothing }
    breaks "a control frame has FIN clear"
    text "control frame is fragmented"
    explain "A close, ping or pong is one frame. It may stand between the fragments of a message, but has none of its own."
    resolve "Set FIN on every control frame."

    5 UnexpectedContinuation "unexpected-continuation" 6455 "5.4"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Opcode, loses: Loses::Nothing }
    breaks "a continuation frame continues no message"
    text "continuation frame without a message to continue"
    explain "A continuation frame needs a message whose first fragment, text or binary, had FIN clear."
    resolve "Send the first fragment with its type and FIN clear, and set FIN on the last fragment alone."

    6 InterruptedMessage "interrupted-message" 6455 "5.4"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Opcode, loses: Loses::Window }
    breaks "a text or binary frame comes while a fragmented message is open"
    text "new message inside a fragmented message"
    explain "The fragments of one message must not be mixed with those of another. An empty first fragment opens a message too. Only control frames may stand between."
    resolve "Finish the message with a continuation frame that has FIN set, then start the next. Two threads that write to one socket are the usual cause."

    7 MisplacedRsv1 "misplaced-rsv1" 7692 "6"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Rsv1, loses: Loses::Content }
    breaks "with permessage-deflate negotiated, RSV1 is set on a control or continuation frame"
    text "RSV1 on a frame that does not start a message"
    explain "With permessage-deflate RSV1 says that a message is compressed. It stands on the message's first frame alone; control frames are never compressed."
    resolve "Set RSV1 on the first frame of a compressed message only."

    12 DataAfterClose "data-after-close" 6455 "5.5.1"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Opcode, loses: Loses::Content }
    breaks "a data frame comes after a Close frame"
    text "data frame after a Close frame"
    explain "After its Close frame an endpoint sends no more data."
    resolve "Stop writing once a Close is sent; empty the send queue before it, not after."

    13 UnsupportedData "unsupported-data" 6455 "7.4.1"
    { close_code: CloseCode::UNSUPPORTED_DATA, field: Field::Opcode, loses: Loses::Nothing }
    breaks "a text message comes to an endpoint that accepts only binary, or the other way round"
    text "this endpoint does not accept this type of data"
    explain "The frame is well formed and its type is known, but this endpoint does not accept it. That is what 1003 is for: 1000 would call it a success, 1002 would blame the framing, 1007 the content, and 1006 says nothing at all. It is decided by the opcode, before the payload is read."
    resolve "Send the type that the endpoint accepts (in a browser a string goes as text, a Blob or ArrayBuffer as binary), or let the endpoint accept both."

    16 TooManyFragments "too-many-fragments" 6455 "7.4.1"
    { close_code: CloseCode::POLICY_VIOLATION, field: Field::Opcode, loses: Loses::Nothing }
    breaks "a message has more fragments than the endpoint's limit"
    text "message has too many fragments for this endpoint"
    explain "Each fragment costs work, empty ones too, so the endpoint limits their number."
    resolve "Send larger fragments, or raise the endpoint's limit."

    8 UnmaskedClientFrame "unmasked-client-frame" 6455 "5.1"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Mask, loses: Loses::Nothing }
    breaks "a client sends a frame that is not masked"
    text "frame from the client is not masked"
    explain "A client masks every frame, so that a page cannot choose the bytes that a proxy sees. The server must close the connection."
    resolve "Set the mask bit and mask the payload with a fresh random key, for control frames and empty frames too."

    9 MaskedServerFrame "masked-server-frame" 6455 "5.1"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Mask, loses: Loses::Nothing }
    breaks "a server sends a frame that is masked"
    text "frame from the server is masked"
    explain "A server masks no frame. The client must close the connection."
    resolve "Clear the mask bit and send the payload as it is. Check that the endpoint knows its own role."

    4 OversizedControl "oversized-control" 6455 "5.5"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::PayloadLen, loses: Loses::Nothing }
    breaks "the payload length of a control frame is not in 7 bits, the form for up to 125 bytes"
    text "control frame payload is over 125 bytes"
    explain "The payload of a close, ping or pong is at most 125 bytes, so that it fits the 7-bit length and any buffer. The second byte alone proves a longer one."
    resolve "Cut the reason of a Close to 123 bytes, at a character; send larger data as a message."

    19 CloseBodyOneByte "close-body-one-byte" 6455 "5.5.1"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::PayloadLen, loses: Loses::Content }
    breaks "the body of a Close frame is one byte long"
    text "Close body of one byte"
    explain "A Close body is empty, or starts with a code of two bytes."
    resolve "Send the code as two bytes, the high one first, or no body at all."

    10 NonMinimalLength "non-minimal-length" 6455 "5.2"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::PayloadLen, loses: Loses::Nothing }
    breaks "the length is not in its shortest form"
    text "payload length is not in its shortest form"
    explain "Up to 125 bytes the length is in 7 bits, up to 65535 in 16, and only above in 64."
    resolve "Choose the form by the length of the payload."

    11 LengthOverflow "length-overflow" 6455 "5.2"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::ExtendedPayloadLen, loses: Loses::Content }
    breaks "the top bit of a 64-bit length is set"
    text "top bit of the 64-bit payload length is set"
    explain "A 64-bit length has its most significant bit 0, so that it fits a signed number."
    resolve "Write the length big-endian. A negative length, or one in the wrong byte order, is the usual cause."

    14 FrameTooBig "frame-too-big" 6455 "7.4.1"
    { close_code: CloseCode::MESSAGE_TOO_BIG, field: Field::PayloadLen, loses: Loses::Nothing }
    breaks "the payload of a frame is over the endpoint's limit"
    text "frame is too big for this endpoint"
    explain "The header says more payload bytes than the endpoint allows one frame. It is decided before the payload is read."
    resolve "Send smaller frames, or raise the endpoint's limit."

    15 MessageTooBig "message-too-big" 6455 "7.4.1"
    { close_code: CloseCode::MESSAGE_TOO_BIG, field: Field::PayloadLen, loses: Loses::Window }
    breaks "the fragments of a message add up to more than the endpoint's limit"
    text "message is too big for this endpoint"
    explain "With this frame the payload bytes of the message go over what the endpoint allows. It is decided before the payload is read, but for a compressed message: that is inflated until it is too big."
    resolve "Send less in one message, or raise the endpoint's limit; fragments do not help."

    17 InvalidUtf8 "invalid-utf8" 6455 "8.1"
    { close_code: CloseCode::INVALID_FRAME_PAYLOAD_DATA, field: Field::Payload, loses: Loses::Nothing }
    breaks "a text message is not UTF-8, or ends inside a character"
    text "text message is not valid UTF-8"
    explain "A text message is UTF-8 as a whole. A fragment may end inside a character; the message may not. Surrogates, overlong forms and what lies above U+10FFFF are not UTF-8."
    resolve "Encode the text as UTF-8, or send bytes as a binary message."

    18 InvalidDeflate "invalid-deflate" 7692 "7.2.2"
    { close_code: CloseCode::INVALID_FRAME_PAYLOAD_DATA, field: Field::Payload, loses: Loses::Nothing }
    breaks "a compressed message is not DEFLATE, or does not end with a block"
    text "compressed message cannot be inflated"
    explain "The payload of a compressed message is DEFLATE without the four bytes 00 00 FF FF that end it. With those put back it must inflate, and end where a block ends. It may reach back to messages before only where context takeover was agreed on."
    resolve "Flush each message with an empty block and take its last four bytes off (Z_SYNC_FLUSH in zlib). Drop the window between messages where no_context_takeover was agreed on; keep it where it was not: a message that was compressed has to be sent."

    20 InvalidCloseCode "invalid-close-code" 6455 "7.4"
    { close_code: CloseCode::PROTOCOL_ERROR, field: Field::Payload, loses: Loses::Nothing }
    breaks "the code of a Close frame may not stand on the wire"
    text "close code may not be sent"
    explain "1000-1003, 1007-1014 and 3000-4999 may be sent. 1005, 1006 and 1015 are only reported to an application by its own library."
    resolve "To give no reason send an empty Close body. For a meaning of your own take a code from 4000-4999."

    21 InvalidCloseReason "invalid-close-reason" 6455 "5.5.1"
    { close_code: CloseCode::INVALID_FRAME_PAYLOAD_DATA, field: Field::Payload, loses: Loses::Nothing }
    breaks "the reason of a Close frame is not UTF-8"
    text "close reason is not valid UTF-8"
    explain "What follows the code in a Close body is UTF-8 text."
    resolve "Cut a long reason at a character, not at a byte."

    22 EofInFrame "eof-in-frame" 6455 "7.1.5"
    { close_code: CloseCode::ABNORMAL_CLOSURE, field: Field::End, loses: Loses::Nothing }
    breaks "the connection ends inside a frame"
    text "connection ended inside a frame"
    explain "The stream ended before the frame did, and no Close came before. The application is told 1006; nothing can be sent."
    resolve "Look at why the sender or the network stopped: a crash, a proxy's timeout, a socket closed before its queue was empty."

    23 EofWithoutClose "eof-without-close" 6455 "7.1.5"
    { close_code: CloseCode::ABNORMAL_CLOSURE, field: Field::End, loses: Loses::Nothing }
    breaks "the connection ends without a Close frame"
    text "connection ended without a Close frame"
    explain "The stream ended between two frames without a Close. The application is told 1006; nothing can be sent."
    resolve "Send a Close frame and wait for the peer's before the socket is closed; pings keep idle proxies from cutting."
}

impl Rule {
    /// Returns the close code that the receiver replies with.
    ///
    /// For the rules about the end of the stream this is 1006. The receiver reports 1006 to its
    /// application and does not send it.
    ///
    /// ```
    /// # use wsvet::{CloseCode, Rule};
    /// assert_eq!(Rule::MessageTooBig.close_code(), CloseCode::MESSAGE_TOO_BIG);
    /// ```
    #[must_use]
    pub fn close_code(self) -> CloseCode {
        FACTS[self as usize].close_code
    }

    /// Returns the field that breaks the rule (§5.2).
    ///
    /// ```
    /// # use wsvet::{Field, Rule};
    /// assert_eq!(Rule::UnmaskedClientFrame.field(), Field::Mask);
    /// ```
    #[must_use]
    pub fn field(self) -> Field {
        FACTS[self as usize].field
    }

    /// Returns the byte that a violation of the rule points at.
    ///
    /// ```
    /// # use wsvet::{Place, Rule};
    /// assert_eq!(Rule::UnmaskedClientFrame.place(), Place::SecondByte);
    /// ```
    #[must_use]
    pub fn place(self) -> Place {
        self.field().place()
    }

    /// Returns whether the payload of a frame has no known meaning if the frame's header breaks the
    /// rule.
    ///
    /// A [`Validator`](crate::Validator) that [resumes](crate::Validator::resume) after such a
    /// violation does not validate the payload.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert!(Rule::ReservedBits.loses_content());
    /// assert!(!Rule::UnmaskedClientFrame.loses_content());
    /// ```
    #[must_use]
    pub fn loses_content(self) -> bool {
        FACTS[self as usize].loses == Loses::Content
    }

    /// Returns whether later compressed messages cannot be inflated if the header of a data frame
    /// breaks the rule (RFC 7692 §7.2.2).
    ///
    /// They cannot if a part of the window that they share is missing.
    ///
    /// ```
    /// # use wsvet::Rule;
    /// assert!(Rule::InterruptedMessage.loses_window());
    /// ```
    #[must_use]
    pub fn loses_window(self) -> bool {
        FACTS[self as usize].loses != Loses::Nothing
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
    fn numbers_are_distinct_and_found_again() {
        for rule in ALL {
            assert_eq!(Rule::from_number(rule.number()), Some(*rule));
        }
        assert_eq!(Rule::from_number(0), None);
        assert_eq!(Rule::from_number(u8::MAX), None);
    }

    #[test]
    fn only_the_end_of_the_stream_has_a_code_that_is_never_sent() {
        for rule in ALL {
            let sendable = rule.close_code().is_sendable();
            assert_eq!(sendable, rule.place() != Place::End, "{rule}");
        }
    }

    /// Tests the order that the head of this file documents. The tests of the validator show that
    /// it is the order of proof.
    #[test]
    fn the_first_byte_counts_before_the_second_before_the_content_before_the_end() {
        assert!(ALL.is_sorted());
        let first = |rule: &Rule| rule.place() == Place::FirstByte;
        let header = |rule: &Rule| rule.place() <= Place::ExtendedLength;
        assert!(ALL.is_sorted_by_key(|rule| !first(rule)));
        assert!(ALL.is_sorted_by_key(|rule| !header(rule)));
        assert!(ALL.is_sorted_by_key(|rule| rule.place() == Place::End));
    }
}
