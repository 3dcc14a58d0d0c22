//! Detects the format of an input from its first bytes.

use crate::input::chain::is_plausible;
use crate::input::reading::Format;
use crate::input::{follow, head, known, lines, mitmproxy, netlog, saz, tshark};

/// The number of bytes that are read to detect any other format.
pub(crate) const GUESS: u64 = 64 << 10;

/// Returns whether this is the start of a capture that is read: the section header of pcapng, or pcap in
/// either byte order with microseconds or nanoseconds, or little-endian in Kuznetzov's variant.
pub fn is_capture(start: &[u8]) -> bool {
    let magic = start.first_chunk::<4>().copied().map(u32::from_be_bytes);
    matches!(
        magic,
        Some(0xA1B2_C3D4 | 0xD4C3_B2A1 | 0xA1B2_3C4D | 0x4D3C_B2A1 | 0x34CD_B2A1 | 0x0A0D_0D0A)
    )
}

/// Returns the length of the header of a capture in bytes: the header of pcap, or the first block of
/// pcapng. The magic of that block tells the byte order of its length.
pub fn capture_head(start: &[u8]) -> u64 {
    let word = |at: usize| start.get(at..)?.first_chunk::<4>().copied();
    match (word(0), word(4), word(8)) {
        (Some([0x0A, ..]), Some(len), Some([0x1A, ..])) => u32::from_be_bytes(len).into(),
        (Some([0x0A, ..]), Some(len), _) => u32::from_le_bytes(len).into(),
        _ => 24,
    }
    .min(GUESS)
}

/// Returns the format of the input that starts with these bytes, or what it is instead and what to do.
/// `whole` says whether these are all of its bytes.
pub fn guess(start: &[u8], whole: bool) -> Result<Format, String> {
    if is_capture(start) {
        return Ok(Format::Pcap);
    }
    if is_utf16(start) {
        return Err("the input is UTF-16 text: convert it to UTF-8 first".to_owned());
    }
    if mitmproxy::looks_like_flows(start) {
        return Ok(Format::Mitmproxy);
    }
    if saz::looks_like_archive(start) {
        return Ok(Format::Saz);
    }
    if tshark::looks_like_packets(start) {
        return Ok(Format::Tshark);
    }
    if let Some(known) = known::binary(start) {
        return Err(known.text());
    }
    let heads = if head::may_start(start) { head::heads(start) } else { None };
    if let Some(frames) = heads.and_then(|heads| start.get(heads.len..)).filter(|f| !f.is_empty()) {
        if is_shown_as_text(frames) {
            return Err(
                "the frames are shown as text, with a dot or a replacement character for each \
                        byte that is none, so that their bytes are lost: save the stream as Raw or \
                        YAML, or give the capture itself"
                    .to_owned(),
            );
        }
        return Ok(Format::Raw);
    }
    if !is_text(start) {
        return if is_plausible(start, whole) {
            Ok(Format::Raw)
        } else {
            Err("the input is in no known format, and its bytes do not look like WebSocket frames: \
                 if Wireshark opens it, convert it with `editcap -F pcapng IN OUT`; give --format raw \
                 if these are frames"
                .to_owned())
        };
    }
    if lines::looks_like_lines(start) {
        return Ok(Format::Json);
    }
    if netlog::looks_like_netlog(start) {
        return Ok(Format::Netlog);
    }
    if let Some(followed) = follow::looks_followed(start) {
        return followed.map(|()| Format::Follow);
    }
    if let Some(known) = known::text(start) {
        return Err(known.text());
    }
    Ok(if is_har(start) { Format::Har } else { Format::Hex })
}

/// The byte order mark that some programs write before UTF-8.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Returns whether this is UTF-16: it starts with its byte order mark, or every other byte of a start
/// of letters is zero.
pub fn is_utf16(start: &[u8]) -> bool {
    let letters = |at: usize| {
        let (pairs, _) = start[..start.len().min(64)].as_chunks::<2>();
        let is_text = |byte: u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        pairs.len() > 1 && pairs.iter().all(|pair| pair[at] == 0 && is_text(pair[1 - at]))
    };
    start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") || letters(0) || letters(1)
}

/// Returns whether this is the start of an object with the key `log`, or the name of the format in it.
fn is_har(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let head = &start[..start.len().min(4096)];
    start.starts_with(b"{") && head.windows(5).any(|key| key == b"\"log\"")
}

/// Returns whether these frames were saved as text. The first byte of a frame is no character. What stands for
/// it is a dot or the replacement character, which as headers have RSV bits and reserved opcodes.
fn is_shown_as_text(frames: &[u8]) -> bool {
    let is_utf8 =
        || std::str::from_utf8(frames).map_or_else(|error| error.error_len().is_none(), |_| true);
    frames.starts_with(b".") && is_text(frames)
        || frames.starts_with("\u{FFFD}".as_bytes()) && is_utf8()
}

/// Returns whether this is text: it has no control characters other than those of lines, and is UTF-8,
/// or starts as no frame does.
fn is_text(start: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\n\r\x0C\x1B\x7F".contains(byte);
    if start.iter().any(is_control) {
        return false;
    }
    match std::str::from_utf8(start) {
        Ok(_) => true,
        // A character may be cut at the end.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => true,
        Err(_) => start
            .first()
            .is_some_and(|first| matches!(first, b'\t'..=b'\r' | b' '..=b'?' | b'C'..=b'~')),
    }
}
