//! Detects the format of an input from its first bytes.

use crate::input::reading::Format;
use crate::input::{hex, lines};

/// The number of bytes that are read to detect any other format.
pub(crate) const GUESS: u64 = 64 << 10;

/// Returns whether this is the start of a capture: the section header of pcapng, or pcap in either
/// byte order, with microseconds, with nanoseconds or in Kuznetzov's variant.
pub fn is_capture(start: &[u8]) -> bool {
    let magic = start.first_chunk::<4>().copied().map(u32::from_be_bytes);
    matches!(
        magic,
        Some(
            0xA1B2_C3D4
                | 0xD4C3_B2A1
                | 0xA1B2_3C4D
                | 0x4D3C_B2A1
                | 0xA1B2_CD34
                | 0x34CD_B2A1
                | 0x0A0D_0D0A
        )
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

/// Returns the format of the input that starts with these bytes.
pub fn guess(start: &[u8]) -> Format {
    match start {
        _ if is_capture(start) => Format::Pcap,
        _ if lines::looks_like_lines(start) => Format::Json,
        _ if start.trim_ascii_start().starts_with(b"{") => Format::Har,
        // No frame consists of printable characters, so other text is hex text with a mistake.
        _ if hex::looks_like_hex(start) || start.iter().all(is_printable) => Format::Hex,
        _ => Format::Raw,
    }
}

/// The byte order mark that some programs write before UTF-8.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Returns whether this starts with a byte order mark of UTF-16.
pub fn is_utf16(start: &[u8]) -> bool {
    start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF")
}

/// Returns whether this is the start of a gzip, zstd, xz or bzip2 file.
pub fn is_compressed(start: &[u8]) -> bool {
    let magics: [&[u8]; 4] = [b"\x1F\x8B\x08", b"\x28\xB5\x2F\xFD", b"\xFD7zXZ", b"BZh"];
    magics.iter().any(|magic| start.starts_with(magic))
}

fn is_printable(byte: &u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}
