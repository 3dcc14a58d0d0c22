//! What is no frame at all: another protocol, a line break, a payload without a header.

use serde::de::IgnoredAny;
use serde_json::Deserializer;
use wsvet::OpCode;

use super::Seen;
use super::evidence::{Chain, HEADER, NEEDED, enough, text};
use super::scene::{Scene, quote};

const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PRI ",
];

/// The longest first line of an HTTP message.
const LINE: usize = 2048;

/// The first bytes of files and protocols, with their names.
const STARTS: [(&[u8], &str); 20] = [
    (b"\x1F\x8B\x08", "gzip data"),
    (b"\x89PNG\r\n\x1A\n", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a RIFF file (WebP, WAV)"),
    (b"OggS", "an Ogg file"),
    (b"\x1A\x45\xDF\xA3", "a WebM or Matroska file"),
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP file"),
    (b"\x28\xB5\x2F\xFD", "Zstandard data"),
    (b"\x7FELF", "an executable file (ELF)"),
    (b"\0asm", "a WebAssembly file"),
    (b"\xAC\xED\x00\x05", "a serialized Java object"),
    (b"SSH-", "SSH"),
    (b"AMQP", "AMQP"),
    (b"PROXY TCP", "a line of the PROXY protocol"),
    (b"\r\n\r\n\0\r\nQUIT\n", "a header of the PROXY protocol"),
    (b"\x10\x00\x04MQTT", "an MQTT packet"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3", "an SQLite file"),
];

/// Returns the bytes where a frame is due, if a header breaks a rule.
fn due<'a>(scene: &Scene<'a>) -> &'a [u8] {
    if scene.is_in_header() { scene.due() } else { &[] }
}

/// Returns whether bytes start with this, or `None` if they end before that.
fn starts(bytes: &[u8], start: &[u8]) -> Option<bool> {
    if bytes.len() >= start.len() {
        Some(bytes.starts_with(start))
    } else if start.starts_with(bytes) && !bytes.is_empty() {
        None
    } else {
        Some(false)
    }
}

/// Returns whether the answer is yes for one of them, or may be.
fn any(mut each: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    each.try_fold(false, |perhaps, found| match found {
        Some(true) => Err(()),
        found => Ok(perhaps || found.is_none()),
    })
    .map_or(Some(true), |perhaps| if perhaps { None } else { Some(false) })
}

/// Returns the first line after line breaks, and whether it has ended.
fn first_line(bytes: &[u8]) -> (&[u8], bool) {
    let bytes = bytes.trim_ascii_start();
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (bytes[..end].trim_ascii_end(), true),
        None => (bytes, bytes.len() > LINE),
    }
}

fn http(scene: &Scene<'_>, what: &str, is_start: impl Fn(&[u8]) -> Option<bool>) -> Seen {
    let (line, ended) = first_line(due(scene));
    let certain = match is_start(line) {
        Some(true) if ended || scene.last => Some(true),
        Some(true) => None,
        found => found,
    };
    Seen::of(certain, || format!("an HTTP {what} where a frame is due: {}", quote(line, false)))
}

pub(super) fn http_request(scene: &Scene<'_>) -> Seen {
    http(scene, "request", |line| {
        let method = METHODS.iter().map(|method| match starts(line, method) {
            Some(true) => {
                let target = &line[method.len()..];
                any([&b"/"[..], b"http", b"* HTTP/"].into_iter().map(|next| starts(target, next)))
                    .filter(|_| !target.is_empty())
                    .map(|found| found || line.windows(6).any(|part| part == b" HTTP/"))
            }
            found => found,
        });
        any(method)
    })
}

pub(super) fn http_response(scene: &Scene<'_>) -> Seen {
    http(scene, "response", |line| {
        any([starts(line, b"HTTP/1."), starts(line, b"HTTP/2")].into_iter())
    })
}

pub(super) fn tls_record(scene: &Scene<'_>) -> Seen {
    let (kind, certain) = match *due(scene) {
        [kind @ 0x14..=0x17, 3, 0..=4, high, low, ..] => {
            (kind, Some((1..=0x4100).contains(&u16::from_be_bytes([high, low]))))
        }
        [0x14..=0x17] | [0x14..=0x17, 3] | [0x14..=0x17, 3, 0..=4, ..] => (0, None),
        _ => (0, Some(false)),
    };
    let kind = match kind {
        0x14 => "change of the cipher",
        0x15 => "alert",
        0x16 => "handshake",
        _ => "application data",
    };
    Seen::of(certain, || format!("a TLS record where a frame is due ({kind})"))
}

/// Returns what starts like this.
pub(super) fn known_start(bytes: &[u8]) -> Option<&'static str> {
    let known = STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name);
    let mqtt =
        |bytes: &[u8]| bytes.len() > 8 && bytes[0] == 0x10 && bytes[2..].starts_with(b"\0\x04MQTT");
    known.or_else(|| mqtt(bytes).then_some("an MQTT packet"))
}

pub(super) fn other_protocol(scene: &Scene<'_>) -> Seen {
    let due = due(scene);
    // The first two bytes of a PNG image are those of a Ping.
    let image =
        scene.before.filter(|_| scene.is_in_header()).and_then(|(start, _)| scene.from(start));
    if let Some(name) = image.filter(|bytes| bytes.starts_with(b"\x89P")).and_then(known_start) {
        return Seen::Yes(format!(
            "{name} where the frame before is due: a payload without a header"
        ));
    }
    let certain = match known_start(due) {
        Some(_) => Some(true),
        None if due.is_empty() => Some(false),
        None => any(STARTS.iter().map(|(start, _)| starts(due, start))),
    };
    let name = || known_start(due).unwrap_or_default();
    Seen::of(certain, || format!("{} where a frame is due: a payload without a header", name()))
}

/// Returns the bytes after an Engine.IO packet type and a Socket.IO packet type.
fn after_types(bytes: &[u8]) -> &[u8] {
    let digits = bytes.iter().take(2).take_while(|byte| (b'0'..=b'6').contains(byte)).count();
    &bytes[digits..]
}

pub(super) fn engine_io(scene: &Scene<'_>) -> Seen {
    let due = due(scene);
    let data = after_types(due);
    let certain = match json(data) {
        _ if data.len() == due.len() => Some(false),
        // A header that is wrong in its first byte has a payload, too.
        Ok(_) => scene.leads_on().map(|leads| !leads),
        Err(true) => None,
        Err(false) if data.is_empty() => None,
        Err(false) => starts(data, b"probe"),
    };
    Seen::of(certain, || {
        format!("an Engine.IO packet without the header of a frame: {}", quote(due, !scene.last))
    })
}

pub(super) fn line_break(scene: &Scene<'_>) -> Seen {
    let due = due(scene);
    let breaks: [(&[u8], &str); 4] =
        [(b"\r\n\r\n", "CR LF CR LF"), (b"\r\n", "CR LF"), (b"\n\n", "LF LF"), (b"\n", "LF")];
    let Some((found, name)) = breaks.iter().find(|(found, _)| due.starts_with(found)) else {
        return Seen::of(if due == b"\r" { None } else { Some(false) }, String::new);
    };
    let place = match scene.before {
        Some((start, _)) => format!("after the frame at byte {start}"),
        None => "before the first frame".to_owned(),
    };
    let len = found.len() as u64;
    let alone = due.len() == found.len() && scene.last && scene.whole;
    if alone && len >= 2 {
        return Seen::Yes(format!(
            "a line break too many: {name} stands {place}, and nothing follows"
        ));
    }
    let next = Chain { offset: scene.start + len, from: scene.from, open: scene.open, joins: &[] };
    let needed = (NEEDED + 1.0 - 8.0 * len as f64).clamp(HEADER - 0.1, HEADER);
    Seen::of(next.follow(scene, needed), || {
        let later = scene.later(next.offset);
        format!("a line break too many: {name} stands {place}, and a legal header follows {later}")
    })
}

pub(super) fn nul(scene: &Scene<'_>) -> Seen {
    let due = due(scene);
    let Some((start, header)) = scene.before.filter(|_| due.first() == Some(&0)) else {
        return Seen::No;
    };
    let is_text = header.opcode() == OpCode::Text && header.fin() && header.rsv() == 0;
    let Some(payload) = scene.payload_of(start, header).filter(|_| is_text) else {
        return Seen::No;
    };
    if std::str::from_utf8(&payload.plain()).is_err() || payload.wire.is_empty() {
        return Seen::No;
    }
    // A frame that may go on, in the wrong place, starts with the same byte.
    match scene.leads_on() {
        Some(true) => return Seen::No,
        Some(false) => {}
        None => return Seen::Perhaps,
    }
    let next = Chain { offset: scene.start + 1, from: scene.from, open: scene.open, joins: &[] };
    Seen::of(next.follow(scene, NEEDED), || {
        let later = scene.later(next.offset);
        format!(
            "a NUL too many, as C has at the end of a string: 00 stands after the text frame at byte {start}, \
             which does not count it, and a legal header follows {later}"
        )
    })
}

/// Returns the length of the JSON value at the start, or `None` if the bytes end inside it.
pub(super) fn json(bytes: &[u8]) -> Result<usize, bool> {
    if !matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Err(false);
    }
    let mut values = Deserializer::from_slice(bytes).into_iter::<IgnoredAny>();
    match values.next() {
        Some(Ok(_)) => Ok(values.byte_offset()),
        Some(Err(error)) => Err(error.is_eof()),
        None => Err(false),
    }
}

/// Returns whether the frame before ends where it should, as far as its payload shows.
pub(super) fn is_before_complete(scene: &Scene<'_>) -> Option<bool> {
    let Some((start, header)) = scene.before else { return Some(true) };
    match header.opcode() {
        OpCode::Text => {
            let plain = scene.payload_of(start, header)?.plain();
            match json(&plain) {
                Ok(len) => Some(plain[len..].iter().all(|byte| b"\t\n\r \x1E\0".contains(byte))),
                Err(true) => Some(false),
                Err(false) => None,
            }
        }
        opcode => opcode.is_control().then_some(true),
    }
}

pub(super) fn no_header(scene: &Scene<'_>) -> Seen {
    let due = due(scene);
    let complete = is_before_complete(scene);
    match scene.leads_on() {
        _ if due.is_empty() || complete == Some(false) => return Seen::No,
        Some(true) => return Seen::No,
        Some(false) => {}
        None => return Seen::Perhaps,
    }
    let told = |what: &str| {
        format!(
            "a payload without a header: {what} stands where a header is due, {}",
            quote(due, !scene.last)
        )
    };
    match json(due) {
        Ok(len) if len >= 8 => {
            let next = due[len..].trim_ascii_start();
            return match next.first() {
                Some(b'{' | b'[' | 1 | 2 | 0x80..) => Seen::Yes(told("JSON text")),
                Some(_) => Seen::No,
                None => Seen::of(scene.last.then_some(true), || told("JSON text")),
            };
        }
        Err(true) if !scene.last => return Seen::Perhaps,
        _ => {}
    }
    if complete.is_none() {
        return Seen::No;
    }
    let end = due.iter().position(|byte| *byte < 0x20 && !b"\t\r\n".contains(byte));
    let seen = &due[..end.unwrap_or(due.len()).min(32)];
    let bits = text(seen, true).unwrap_or_default();
    let more = seen.len() == due.len() && !scene.last;
    Seen::of(enough(bits, more), || told("text"))
}
