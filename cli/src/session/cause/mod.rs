//! Says what the bytes of a violation look like.
//!
//! The [table](RECOGNISERS) has one row for each cause. A row speaks only if random bytes would look
//! like its cause less often than about once in 10,000 times. No row changes what is judged.

mod close;
mod compressed;
mod evidence;
mod foreign;
mod length;
mod masking;
mod nested;
mod scene;
mod sender;
mod text;
mod watch;

use scene::Scene;

pub use watch::{Causes, Known, Watch};

/// A likely cause of a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The identifier of its row, which does not change.
    pub id: &'static str,
    /// What was seen, as the rest of a sentence that begins with "looks like".
    pub text: String,
}

/// A row of the table.
pub struct Recogniser {
    /// The identifier, which does not change.
    pub id: &'static str,
    /// When the row speaks.
    pub when: &'static str,
    /// The file of the recogniser. Of one family, only the first that sees something speaks.
    family: &'static str,
    see: fn(&Scene<'_>) -> Seen,
}

/// What a recogniser sees.
enum Seen {
    /// Its cause.
    Yes(String),
    /// Something else, whatever follows.
    No,
    /// It depends on the bytes that follow.
    Perhaps,
}

impl Seen {
    /// Returns what is seen, with the text if it is the cause.
    fn of(certain: Option<bool>, text: impl FnOnce() -> String) -> Self {
        match certain {
            Some(true) => Self::Yes(text()),
            Some(false) => Self::No,
            None => Self::Perhaps,
        }
    }
}

/// The most causes of a violation.
const MOST: usize = 3;

macro_rules! recognisers {
    ($($id:literal, $family:ident::$see:ident, $when:literal;)*) => {
        &[$(Recogniser { id: $id, when: $when, family: stringify!($family), see: $family::$see }),*]
    };
}

/// All recognisers, the most certain first.
pub const RECOGNISERS: &[Recogniser] = recognisers! {
    "http-request", foreign::http_request, "the first line of an HTTP request stands where a frame is due";
    "http-response", foreign::http_response, "the first line of an HTTP response stands where a frame is due";
    "tls-record", foreign::tls_record, "a TLS record stands where a frame is due";
    "other-protocol", foreign::other_protocol, "the start of a file or of another protocol stands where a frame is due";
    "engine-io", foreign::engine_io, "an Engine.IO packet stands where a frame is due";
    "line-break", foreign::line_break, "a line break stands before a header, or nothing follows it";
    "nul", foreign::nul, "NUL stands between a text frame, which does not count it, and a header";
    "no-header", foreign::no_header, "a text stands where a frame is due";
    "sender-mixed-up", sender::mixed_up, "raw bytes are legal frames of the other endpoint";
    "mask-bit-missing", masking::bit_missing, "the mask bit is clear, and a masking key and a masked text follow";
    "key-missing", masking::key_missing, "the mask bit is set, and the text stands where the masking key is due";
    "deflate-not-agreed", compressed::not_agreed, "RSV1 is set without permessage-deflate, and the payload inflates";
    "rsv1-missing", compressed::rsv1_missing, "RSV1 is clear with permessage-deflate, and the payload inflates to text";
    "deflate-wrapper", compressed::wrapper, "the data of a compressed message has the header of zlib or gzip";
    "window-kept", compressed::window_kept, "a message inflates only with a window that was not to be kept";
    "frame-in-frame", nested::in_frame, "the payload of a text frame is a whole frame";
    "character-split", text::character_split, "a message ends inside a character that the next message goes on with";
    "surrogates", text::surrogates, "a character is written as UTF-16 surrogates of three bytes each (CESU-8), or as one half";
    "overlong-nul", text::overlong_nul, "NUL is written as two bytes, C0 80";
    "utf-16", text::utf_16, "the text is UTF-16";
    "binary-as-text", text::binary, "the text is the start of a file, or compressed data";
    "close-code-as-text", close::as_text, "the body of a Close frame begins with a close code in digits";
    "close-code-too-long", close::too_long, "the close code has 4 bytes";
    "close-code-byte-order", close::byte_order, "the bytes of the close code are in the wrong order";
    "close-without-code", close::without_code, "the body of a Close frame is text without a close code";
    "not-masked", masking::not_masked, "the mask bit is set, and the payload is good text or a Close body before it is unmasked";
    "key-byte-order", masking::key_byte_order, "the payload is good text if the bytes of the masking key are reversed";
    "key-restarted", masking::key_restarted, "the payload is good text if the masking key starts again inside it";
    "two-writers", nested::two_writers, "a whole frame stands inside the payload of another one";
    "length-in-characters", length::in_characters, "the length of a text counts its characters, and a header follows after its bytes";
    "length-byte-order", length::byte_order, "the bytes of an extended length are in the wrong order";
    "length-wrong", length::wrong, "legal headers follow some bytes before or after the end of a frame";
    "latin-1", text::latin_1, "the text is Latin-1 or Windows-1252";
};

impl Cause {
    /// Returns the cause with this identifier that an earlier run told with this text.
    pub fn from_id(id: &str, text: String) -> Option<Self> {
        let row = RECOGNISERS.iter().find(|row| row.id == id)?;
        Some(Self { id: row.id, text })
    }

    /// Returns the causes of what is seen, the most likely first. Returns `None` if the bytes that
    /// follow may name an earlier row.
    fn find(scene: &Scene<'_>) -> Option<Vec<Self>> {
        let mut causes = Vec::new();
        let mut families = Vec::new();
        for Recogniser { id, family, see, .. } in RECOGNISERS {
            if families.contains(family) {
                continue;
            }
            match see(scene) {
                Seen::Yes(text) => {
                    causes.push(Self { id, text });
                    families.push(*family);
                }
                Seen::Perhaps if causes.is_empty() && !scene.last => return None,
                Seen::Perhaps | Seen::No => {}
            }
        }
        causes.truncate(MOST);
        Some(causes)
    }
}
