//! Writes the frames of a client.

use loona_hpack::encoder::encode_integer_into;

use crate::transport::http2::frame::{END_HEADERS, Kind, MAX_FRAME};

/// The start of a header block: the table has no room (RFC 7541 §6.3), whatever the peer allows.
const NO_TABLE: u8 = 0x20;

/// The start of a field line that is not compressed, and not kept in the table (§6.2.2).
const LITERAL: u8 = 0;

/// Appends a frame. Its payload has at most [`MAX_FRAME`] bytes, or as many as the peer allows.
pub fn append_frame(kind: Kind, flags: u8, stream: u32, payload: &[u8], out: &mut Vec<u8>) {
    let [_, len @ ..] = (payload.len() as u32).to_be_bytes();
    out.extend(len);
    out.extend([kind.number(), flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
}

/// Appends a setting to the payload of a SETTINGS frame: its number and its value.
pub fn append_setting(number: u16, value: u32, out: &mut Vec<u8>) {
    out.extend(number.to_be_bytes());
    out.extend(value.to_be_bytes());
}

/// Appends the HEADERS of a request with these field lines, and CONTINUATION frames if they are long. The
/// fields are not compressed.
pub fn append_headers<'f>(
    stream: u32,
    fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    out: &mut Vec<u8>,
) {
    let mut block = vec![NO_TABLE];
    for (name, value) in fields {
        block.push(LITERAL);
        for text in [name.as_bytes(), value] {
            // A vector takes all bytes.
            let _ = encode_integer_into(text.len(), 7, 0, &mut block);
            block.extend(text);
        }
    }
    let mut fragments = block.chunks(MAX_FRAME as usize).peekable();
    let mut kind = Kind::Headers;
    while let Some(fragment) = fragments.next() {
        let flags = if fragments.peek().is_none() { END_HEADERS } else { 0 };
        append_frame(kind, flags, stream, fragment, out);
        kind = Kind::Continuation;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use wsvet::Role;

    use super::*;
    use crate::transport::http2::{Event, Http2, PREFACE};

    /// What the reader finds in the request that these bytes are.
    fn read(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        let mut http2 = Http2::default();
        let read = http2.feed(Role::Client, bytes, &mut |event| {
            if let Event::Request(5, fields) = event {
                found = fields.0;
            }
            Ok::<_, Infallible>(())
        });
        assert_eq!(read, Ok(Ok(())));
        found
    }

    #[test]
    fn a_reader_finds_what_was_written() {
        for len in [0, 126, 127, 128, 300, 16_300, 16_384, 40_000] {
            let long = vec![b'x'; len];
            let fields: Vec<(&str, &[u8])> =
                vec![(":method", &b"CONNECT"[..]), (":protocol", b"websocket"), ("x-long", &long)];
            let mut out = PREFACE.to_vec();
            let mut setting = Vec::new();
            append_setting(4, 1 << 20, &mut setting);
            append_frame(Kind::Settings, 0, 0, &setting, &mut out);
            append_headers(5, fields.iter().copied(), &mut out);
            let owned: Vec<_> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
            assert_eq!(read(&out), owned, "{len}");
        }
    }
}
