//! The text formats that are known and not read.

use super::Sign::{Looks, Starts};
use super::{Known, Sign, has};

/// What to do with what Wireshark wrote in other words.
const CAPTURE: &str =
    "give the capture itself, or save the packets as pcapng with File > Export Specified Packets";
const WRITE: &str =
    "it does not have their bytes: write the packets to a file with -w, and give that file";
const FOLLOW: &str = "give the capture itself, or save one direction of the stream as Raw";
const NO_FRAMES: &str = "give the bytes of the frames in hex, a HAR file or a capture";
const EXPLAIN: &str = "`wsvet explain CODE` explains its close code, such as 1006; to learn which endpoint \
     broke which rule, give a capture of the connection";

const fn row(sign: Sign, name: &'static str, instead: &'static str) -> Known {
    Known { sign, name, instead }
}

/// The text formats. The first row that fits is taken.
pub(super) const TEXT: &[Known] = &[
    row(Looks(is_tshark_json), "tshark's JSON (-T json, jsonraw or ek)", CAPTURE),
    row(Looks(|start| has(start, "<pdml")), "PDML of Wireshark", CAPTURE),
    row(Looks(|start| has(start, "<psml")), "PSML of Wireshark", CAPTURE),
    row(Looks(is_dissection), "a dissection of Wireshark or tshark (-V)", CAPTURE),
    row(Looks(is_summary), "a list of packets, as tshark and tcpdump print them", WRITE),
    row(Looks(is_fields), "a table of the fields of packets (tshark -T fields)", WRITE),
    row(Looks(is_follow), "a stream that Wireshark or tshark followed (Follow Stream)", FOLLOW),
    row(Looks(is_charles), "a Charles session", "export it as HAR with File > Export Session"),
    row(
        Looks(|start| has(start, "burpVersion")),
        "an XML export of Burp",
        "it has no frames; copy the messages as hex, or capture the packets",
    ),
    row(
        Looks(is_key_log),
        "a TLS key log",
        "give the capture to which it belongs, with this file: `wsvet check --tls-keylog KEYS CAPTURE`",
    ),
    row(
        Looks(is_openssl),
        "what openssl s_client or s_server prints",
        "capture the packets, and write the keys with -keylogfile; see `wsvet help tls`",
    ),
    row(Looks(is_ssldump), "what ssldump prints", "give the capture that it reads"),
    row(
        Looks(is_curl),
        "what curl prints (-v or --trace)",
        "capture the packets, and write the keys with SSLKEYLOGFILE; see `wsvet help tls`",
    ),
    row(
        Looks(|start| line_starts(start, "-----BEGIN ")),
        "a PEM file (a key or a certificate)",
        NO_FRAMES,
    ),
    row(Looks(is_html), "HTML", NO_FRAMES),
    row(Looks(|start| trimmed(start).starts_with(b"<svg")), "an SVG image", NO_FRAMES),
    row(Looks(|start| has(start, "_width ") && has(start, "_bits[]")), "an X bitmap", NO_FRAMES),
    row(Looks(is_xml), "XML", NO_FRAMES),
    row(Looks(is_access_log), "an access log", NO_FRAMES),
    row(Looks(is_syslog), "a log", NO_FRAMES),
    row(Looks(is_log_of_websockets), "a log of Python's websockets", EXPLAIN),
    row(Looks(is_error_message), "an error message", EXPLAIN),
    row(
        Looks(is_http),
        "HTTP without a frame after it",
        "give the frames too, or a capture of the connection",
    ),
    row(Starts(&[b"#!"]), "a script", NO_FRAMES),
];

fn trimmed(start: &[u8]) -> &[u8] {
    start.trim_ascii_start()
}

fn lines(start: &[u8]) -> impl Iterator<Item = &[u8]> {
    start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

fn line_starts(start: &[u8], word: &str) -> bool {
    lines(start).take(3).any(|line| line.starts_with(word.as_bytes()))
}

fn is_tshark_json(start: &[u8]) -> bool {
    let json = trimmed(start).first().is_some_and(|first| b"[{".contains(first));
    json && has(start, "\"layers\"") && (has(start, "\"_source\"") || has(start, "\"index\""))
}

/// Whether this is a detailed dissection.
fn is_dissection(start: &[u8]) -> bool {
    lines(start)
        .take(4)
        .any(|line| line.starts_with(b"Frame ") && has(line, " on wire") && has(line, " captured"))
        || has(start, "\nTransmission Control Protocol, Src Port")
        || lines(start)
            .take(2)
            .any(|line| line.starts_with(b"No.") && has(line, "Time") && has(line, "Protocol"))
}

/// Whether the first line is a packet, and no bytes follow.
fn is_summary(start: &[u8]) -> bool {
    let is_packet = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace().peekable();
        words.next_if(|word| is_number(word));
        // A date may stand before the time.
        let is_timed = words.by_ref().take(2).any(is_time);
        let is_arrow = |word: &str| matches!(word, "→" | "->" | ">" | "IP" | "IP6");
        is_timed && words.take(3).any(is_arrow)
    };
    let is_bytes = |line: &[u8]| line.starts_with(b"0x0000:") || line.starts_with(b"0000 ");
    lines(start).next().is_some_and(is_packet) && !lines(start).any(is_bytes)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this is a time in seconds or of a day, with a fraction.
fn is_time(word: &str) -> bool {
    word.split_once('.').is_some_and(|(before, fraction)| {
        before.split(':').all(is_number) && is_number(fraction) && fraction.len() >= 6
    })
}

/// Whether the first line has the names of fields, or the lines have their values: columns of which the
/// first one counts, and that are not all bytes.
fn is_fields(start: &[u8]) -> bool {
    const LAYERS: [&str; 9] =
        ["frame.", "ip.", "ipv6.", "eth.", "tcp.", "tls.", "http.", "websocket.", "_ws."];
    let text = String::from_utf8_lossy(start);
    // An empty cell is a cell, and the last line may be cut.
    let rows = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    let rows: Vec<Vec<_>> = rows.take(64).map(|line| line.split('\t').collect()).collect();
    let Some(first) = rows.first().filter(|first| first.len() > 1) else { return false };
    let is_name = |cell: &&str| LAYERS.iter().any(|layer| cell.starts_with(layer));
    if first.iter().all(is_name) {
        return true;
    }
    let is_same =
        rows.len() > 2 && first.len() > 2 && rows.iter().all(|row| row.len() == first.len());
    let counts = rows.is_sorted_by(|a, b| {
        let [a, b] = [a, b].map(|row| row[0].parse::<u64>().ok());
        a.is_some() && a < b
    });
    let is_half = |cell: &&str| is_number(cell) && cell.len() % 2 == 1;
    is_same && counts && rows.iter().flatten().any(is_half)
}

/// Whether this is a followed stream: of tshark, as C arrays or as YAML.
fn is_follow(start: &[u8]) -> bool {
    let peers = ["peer0_0", "peer1_0"];
    let array = |peer: &&str| has(start, &format!("char {peer}[]"));
    (has(start, "\nFollow: ") || start.starts_with(b"Follow: ")) && has(start, "\nFilter: ")
        || peers.iter().any(array)
        || has(start, "peers:\n") && has(start, "packets:\n")
        || has(start, "# Packet ") && has(start, "peer") && has(start, "!!binary")
}

fn is_charles(start: &[u8]) -> bool {
    has(start, "<charles-session")
        || has(start, "<?charles")
        || has(start, "\"protocolVersion\"") && has(start, "\"status\":") && has(start, "COMPLETE")
}

fn is_key_log(start: &[u8]) -> bool {
    let labels = [
        "CLIENT_RANDOM ",
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET ",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "CLIENT_TRAFFIC_SECRET_0 ",
        "SERVER_TRAFFIC_SECRET_0 ",
        "EXPORTER_SECRET ",
        "RSA Session-ID:",
        "# SSL/TLS secrets log file",
    ];
    labels.iter().any(|label| line_starts(start, label))
}

fn is_openssl(start: &[u8]) -> bool {
    let messages = [">>> TLS ", "<<< TLS ", ">>> ??? ", "<<< ??? ", "CONNECTED(0"];
    messages.iter().any(|message| line_starts(start, message))
}

fn is_ssldump(start: &[u8]) -> bool {
    line_starts(start, "New TCP connection #") || has(start, "  C>S  ") || has(start, "  S>C  ")
}

fn is_curl(start: &[u8]) -> bool {
    let tells =
        |line: &[u8]| ["* ", "== Info: "].iter().any(|word| line.starts_with(word.as_bytes()));
    lines(start).next().is_some_and(tells) && (has(start, "Trying ") || has(start, "Connected to "))
}

fn is_html(start: &[u8]) -> bool {
    let start = trimmed(start);
    let head = start[..start.len().min(64)].to_ascii_lowercase();
    head.starts_with(b"<!doctype html") || head.starts_with(b"<html")
}

fn is_xml(start: &[u8]) -> bool {
    let start = trimmed(start);
    start.starts_with(b"<?xml") || start.starts_with(b"<!--") || start.starts_with(b"<!DOCTYPE")
}

/// Whether most lines are of the combined log format.
fn is_access_log(start: &[u8]) -> bool {
    let is_entry = |line: &[u8]| {
        has(line, "] \"") && (has(line, " HTTP/1.") || has(line, " HTTP/2")) && has(line, "[")
    };
    lines(start).next().is_some_and(is_entry)
}

/// Whether the first line is of syslog.
fn is_syslog(start: &[u8]) -> bool {
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let first = lines(start).next().unwrap_or_default();
    let named = months.iter().any(|month| first.starts_with(month.as_bytes()));
    named && first.get(3) == Some(&b' ') && has(first, "]: ")
}

/// Whether this is what Python's websockets logs at its level DEBUG: the frames in words, with a part of
/// their payload.
fn is_log_of_websockets(start: &[u8]) -> bool {
    let words = ["= connection is ", "> CLOSE 1", "< CLOSE 1", "> TEXT '", "< TEXT '"];
    words.iter().any(|word| has(start, word))
}

/// Whether this is what a browser or a library says of a connection that failed, without bytes.
fn is_error_message(start: &[u8]) -> bool {
    let words = [
        "WebSocket connection to '",
        "Invalid frame header",
        "Invalid WebSocket frame",
        "ConnectionClosed",
        "WebSocketException",
        "WebSocketError",
        "websocket: close ",
        "close code",
        "code 1006",
        "code: 1006",
        "code=1006",
        "CloseStatus[code=",
        "status = Status",
        "no close frame received or sent",
        "without completing the close handshake",
        "Connection reset without closing handshake",
        "ResetWithoutClosingHandshake",
        "Error during WebSocket handshake",
        "Unexpected server response: ",
    ];
    let is_json = matches!(trimmed(start).first(), Some(b'{' | b'['));
    !is_json && words.iter().any(|word| has(start, word)) && !has_bytes(start)
}

/// Whether words of the text may be bytes in hex: two bytes after each other, or many in one word.
fn has_bytes(start: &[u8]) -> bool {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b",;\\[](){}\"'".contains(byte);
    let is_hex = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_hexdigit);
    let mut before = false;
    start.split(is_end).filter(|word| !word.is_empty()).any(|word| {
        let pairs = word.split(|byte| *byte == b':').filter(|pair| pair.len() == 2 && is_hex(pair));
        // A time has three.
        if pairs.count() > 3 {
            return true;
        }
        // A label may stand before the bytes, and a day before the time.
        let colon = word.iter().rposition(|byte| *byte == b':');
        let is_time = |byte: &u8| byte.is_ascii_digit() || *byte == b':';
        let after = colon.filter(|at| !word[..*at].iter().all(is_time));
        let word = after.map_or(word, |at| &word[at + 1..]);
        let digits = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"x")).unwrap_or(word);
        let is_byte = digits.len() == 2 && is_hex(digits);
        let found = digits.len() >= 8 && is_hex(digits) || is_byte && before;
        before = is_byte;
        found
    })
}

/// Whether this is a head of HTTP.
fn is_http(start: &[u8]) -> bool {
    let first = lines(start).next().unwrap_or_default();
    let methods = ["GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "DELETE ", "PATCH ", "CONNECT "];
    let request = methods.iter().any(|method| first.starts_with(method.as_bytes()));
    request && has(first, " HTTP/")
        || first.starts_with(b"HTTP/1.")
        || first.starts_with(b"HTTP/2 ")
}
