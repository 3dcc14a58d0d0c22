//! The binary formats that are known by their first bytes.

use super::Sign::{At, Looks, Starts};
use super::{Known, Sign, has};

/// What to do with a capture of another format.
const CONVERT: &str = "convert it with `editcap -F pcapng IN OUT`, and give the result";
/// What to do with something compressed.
const UNPACK: &str = "decompress it first";
const UNZIP: &str = "unpack it first, for example with `unzip -p FILE | wsvet check -`";
const NO_TRAFFIC: &str =
    "it has no WebSocket traffic; give a capture, a HAR file, hex text or frames";
const DECRYPT: &str = "decrypt it first";

const fn row(sign: Sign, name: &'static str, instead: &'static str) -> Known {
    Known { sign, name, instead }
}

/// The binary formats. The first row that fits is taken.
pub(super) const BINARY: &[Known] = &[
    // Captures that are not read.
    row(At(0, b"\xA1\xB2\xCD\x34"), "a big-endian pcap capture in Kuznetzov's variant", CONVERT),
    row(At(0, b"snoop\0\0\0"), "a snoop capture", CONVERT),
    row(Starts(&[b"RTSS", b"GMBU"]), "a capture of Microsoft Network Monitor", CONVERT),
    row(At(0, b"TRSNIFF data"), "a Sniffer capture", CONVERT),
    row(At(0, b"XCP\0"), "a NetXRay capture", CONVERT),
    row(At(0, b"\x05VNF"), "a Visual Networks capture", CONVERT),
    row(At(0, b"\x7Fver"), "an EtherPeek capture", CONVERT),
    row(At(0, b"iptrace "), "an iptrace capture", CONVERT),
    row(At(0, b"btsnoop\0"), "a Bluetooth capture", NO_TRAFFIC),
    row(At(0, b"ObserverPktBuffe"), "an Observer capture", CONVERT),
    row(Looks(is_erf), "an ERF capture", CONVERT),
    row(At(0, b"\0\0\x02\0\x12\x05\0\x10"), "a Tektronix K12 capture", CONVERT),
    row(At(0, b"+---------+---------------+----------+"), "a Tektronix K12 text capture", CONVERT),
    row(At(0, b"\x42\xD2\0\x34\x12\x66\x22\x88"), "a RADCOM capture", CONVERT),
    row(At(0, b"\xAA\xAA\xAA\xAA"), "a 5View capture", CONVERT),
    row(Starts(&[b"\x54\x52\0\x64", b"\x54\x52\0\x65"]), "a nettl trace of HP-UX", CONVERT),
    row(
        Starts(&[b"\x1C\0\x01\xAC", b"\xAC\x01\0\x1C", b"\x1C\0\x01\xAB", b"\xAB\x01\0\x1C"]),
        "an IXIA capture",
        CONVERT,
    ),
    row(At(0, b"EyeSDN"), "an EyeSDN capture", CONVERT),
    row(At(0, b"LOGG"), "a capture of Vector (BLF)", CONVERT),
    row(
        Looks(|start| has(&start[..start.len().min(512)], "NetScaler")),
        "a NetScaler trace",
        CONVERT,
    ),
    row(Looks(is_lanalyzer), "a capture of Novell LANalyzer", CONVERT),
    row(At(0, b"__CURSOR="), "a journal of systemd", NO_TRAFFIC),
    row(At(0, b"#!rtpplay"), "an RTP dump", NO_TRAFFIC),
    // Sessions of other tools.
    row(
        At(0, b"\xAC\xED\0\x05"),
        "serialized Java data, as in a Charles session",
        "export it as HAR with File > Export Session",
    ),
    // What is compressed.
    row(
        At(0, b"\xFD7zXZ\0"),
        "xz data",
        "decompress it first, for example with `xz -dc FILE | wsvet check -`",
    ),
    row(
        Looks(is_bzip2),
        "bzip2 data",
        "decompress it first, for example with `bzip2 -dc FILE | wsvet check -`",
    ),
    row(
        Starts(&[b"\x04\x22\x4D\x18", b"\x02\x21\x4C\x18"]),
        "lz4 data",
        "decompress it first, for example with `lz4 -dc FILE | wsvet check -`",
    ),
    row(Starts(&[b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"]), "a zip archive", UNZIP),
    row(
        At(0, b"7z\xBC\xAF\x27\x1C"),
        "a 7z archive",
        "unpack it first, for example with `7z x -so FILE | wsvet check -`",
    ),
    row(
        At(0, b"Rar!\x1A\x07"),
        "a rar archive",
        "unpack it first, for example with `unrar p -inul FILE | wsvet check -`",
    ),
    row(
        At(0, b"LZIP\x01"),
        "lzip data",
        "decompress it first, for example with `lzip -dc FILE | wsvet check -`",
    ),
    row(
        At(0, b"\x1F\x9D"),
        "compress data",
        "decompress it first, for example with `uncompress -c FILE | wsvet check -`",
    ),
    row(
        At(0, b"\x5D\0\0"),
        "lzma data",
        "decompress it first, for example with `xz --format=lzma -dc FILE | wsvet check -`",
    ),
    row(At(0, b"\xFF\x06\0\0sNaPpY"), "snappy data", UNPACK),
    row(At(0, b"MSCF\0\0\0\0"), "a cabinet archive", UNPACK),
    row(At(257, b"ustar"), "a tar archive", "unpack it first"),
    row(At(0, b"!<arch>\n"), "an ar archive", NO_TRAFFIC),
    // What is encrypted.
    row(
        Looks(is_tls),
        "a stream of TLS records",
        "give a capture with its TCP packets, and the key log with --tls-keylog FILE; see `wsvet help tls`",
    ),
    row(At(0, b"Salted__"), "encrypted data (openssl enc)", DECRYPT),
    row(At(0, b"age-encryption.org/"), "encrypted data (age)", DECRYPT),
    row(At(0, b"-----BEGIN PGP MESSAGE"), "encrypted data (PGP)", DECRYPT),
    row(At(0, b"LUKS\xBA\xBE"), "an encrypted volume", DECRYPT),
    row(
        At(0, b"PRI * HTTP/2.0"),
        "a stream of HTTP/2",
        "give the bytes of WebSocket alone, or a capture",
    ),
    row(At(0, b"SSH-2.0"), "a stream of SSH", NO_TRAFFIC),
    // What an ordinary disk has.
    row(
        Starts(&[
            b"\x89PNG\r\n\x1A\n",
            b"\xFF\xD8\xFF",
            b"GIF8",
            b"II*\0",
            b"MM\0*",
            b"8BPS",
            b"\0\0\x01\0",
            b"qoif",
        ]),
        "an image",
        "give the capture or the text itself",
    ),
    row(Looks(is_netpbm), "an image", "give the capture or the text itself"),
    row(Looks(is_bmp), "an image", "give the capture or the text itself"),
    row(
        Starts(&[b"RIFF", b"OggS", b"ID3\x03", b"ID3\x04", b"fLaC", b"\x1AE\xDF\xA3", b"MThd"]),
        "an image, a sound or a film",
        NO_TRAFFIC,
    ),
    row(At(0, b"Creative Voice File"), "an image, a sound or a film", NO_TRAFFIC),
    row(At(4, b"ftyp"), "an image, a sound or a film", NO_TRAFFIC),
    row(Starts(&[b"OTTO\0", b"\0\x01\0\0\0", b"wOFF", b"wOF2", b"ttcf\0"]), "a font", NO_TRAFFIC),
    // Programs of Mach-O for several processors have the same magic.
    row(Looks(is_class), "a Java class file", NO_TRAFFIC),
    row(
        Starts(&[
            b"\x7FELF",
            b"MZ",
            b"\xFE\xED\xFA\xCE",
            b"\xFE\xED\xFA\xCF",
            b"\xCE\xFA\xED\xFE",
            b"\xCF\xFA\xED\xFE",
            b"\xCA\xFE\xBA\xBE",
            b"\xCA\xFE\xBA\xBF",
            b"\0asm",
            b"dex\n",
            b"BC\xC0\xDE",
            b"\x1BLua",
        ]),
        "a program or a part of one",
        NO_TRAFFIC,
    ),
    row(At(2, b"\r\n\0\0"), "compiled Python", NO_TRAFFIC),
    row(At(0, b"%PDF-"), "a PDF file", "give the capture or the text itself"),
    row(At(0, b"SQLite format 3\0"), "an SQLite database", NO_TRAFFIC),
    row(
        At(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
        "a Microsoft Office file",
        "give the text itself",
    ),
    row(
        Starts(&[b"PACK\0\0\0", b"DIRC\0\0\0", b"\xFFtOc"]),
        "a part of a Git repository",
        NO_TRAFFIC,
    ),
    row(Looks(is_der), "a key or a certificate (DER)", NO_TRAFFIC),
    row(At(0, b"bplist00"), "a property list", NO_TRAFFIC),
];

/// Whether this starts with the record of LANalyzer that says its version.
fn is_lanalyzer(start: &[u8]) -> bool {
    matches!(start, [1, 0x10 | 0x13, _, 0, 1, 4 | 5, ..])
}

fn is_bzip2(start: &[u8]) -> bool {
    start.starts_with(b"BZh") && start.get(3).is_some_and(u8::is_ascii_digit)
}

/// Whether this starts with a TLS record, and the next one follows it if it is there.
fn is_tls(start: &[u8]) -> bool {
    let record = |at: &[u8]| match *at {
        [kind @ 20..=23, 3, 0..=4, high, low, ..] => {
            let len = usize::from(u16::from_be_bytes([high, low]));
            (kind == 23 || len > 0).then_some(5 + len)
        }
        _ => None,
    };
    record(start).is_some_and(|len| {
        start.get(len..).is_none_or(|next| next.len() < 5 || record(next).is_some())
    })
}

/// Whether this is a Java class file: its magic, and a version since Java 1.0. What has the same magic
/// counts processors there, of which there are fewer.
fn is_class(start: &[u8]) -> bool {
    const VERSIONS: std::ops::Range<u8> = 45..128;
    matches!(start, [0xCA, 0xFE, 0xBA, 0xBE, _, _, 0, major, ..] if VERSIONS.contains(major))
}

/// Whether this is a bitmap: its header has a length, and two reserved zeros.
fn is_bmp(start: &[u8]) -> bool {
    start.starts_with(b"BM") && start.get(6..10) == Some(&[0; 4])
}

/// Whether this starts with two records of ERF: their lengths fit, and their times are near.
fn is_erf(start: &[u8]) -> bool {
    let record = |at: &[u8]| {
        let head: &[u8; 16] = at.first_chunk()?;
        let seconds = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let len = usize::from(u16::from_be_bytes([head[10], head[11]]));
        let wire = usize::from(u16::from_be_bytes([head[14], head[15]]));
        let kind = head[8] & 0x7F;
        let fits = (1..=48).contains(&kind) && len >= 16 && wire > 0 && len <= wire + 64;
        (fits && seconds > 500_000_000).then_some((len, seconds))
    };
    let Some((len, first)) = record(start) else { return false };
    match start.get(len..) {
        Some([]) => true,
        Some(next) => record(next).is_some_and(|(_, second)| first.abs_diff(second) < 86_400),
        None => false,
    }
}

/// Whether this is a picture of Netpbm: its magic, and a number or a comment in the next word.
fn is_netpbm(start: &[u8]) -> bool {
    matches!(start, [b'P', b'1'..=b'7', space, next, ..]
        if space.is_ascii_whitespace() && (next.is_ascii_digit() || b"#W".contains(next)))
}

/// Whether this is a sequence of DER with a sequence or a number in it, as keys and certificates are.
fn is_der(start: &[u8]) -> bool {
    let inner = match start {
        [0x30, 0x82, _, _, inner, ..] | [0x30, 0x81, _, inner, ..] => inner,
        [0x30, len @ 0..=0x7F, inner, ..] if start.len() == usize::from(*len) + 2 => inner,
        _ => return false,
    };
    matches!(inner, 0x02 | 0x06 | 0x30 | 0xA0)
}
