//! Reads what Wireshark and tshark write for Follow Stream: as raw hex, as a hex dump, as YAML, and as
//! arrays of C.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::chain::{sender, starts_legal};
use crate::input::connections::Connections;
use crate::input::fits::too_large;
use crate::input::head::may_start;
use crate::input::retold::{Piece, Retold, unknown_end};
use crate::session::judging::Judging;
use crate::session::report::ReadAs;
use crate::transport::packet::{Moment, time_of};

/// What to do with a form that does not have the bytes.
const INSTEAD: &str = "save the stream as Raw or YAML, or give the capture itself";

/// How the bytes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Raw,
    Hex,
    Yaml,
    Arrays,
}

/// The bytes of one endpoint.
struct Part {
    /// 0 or 1.
    peer: usize,
    bytes: Vec<u8>,
    time: Option<Duration>,
    packet: Option<u64>,
}

/// Returns whether a followed stream that starts like this is read, or what its form lacks. Anything else
/// is nothing.
pub(super) fn looks_followed(start: &[u8]) -> Option<Result<(), String>> {
    form(&String::from_utf8_lossy(start)).map(|form| form.map(|_| ()))
}

/// Returns the form of a followed stream, or what its form lacks.
fn form(text: &str) -> Option<Result<Form, String>> {
    let lines = || text.lines().take(64).map(str::trim);
    let named = lines().find_map(|line| line.strip_prefix("Follow: "));
    if let Some(named) = named.filter(|_| lines().any(|line| line.starts_with("Filter: "))) {
        let (protocol, form) = named.split_once(',').unwrap_or((named, ""));
        if !matches!(protocol, "tcp" | "tls" | "ssl") {
            return Some(Err(format!(
                "the followed stream is one of {protocol}, whose bytes are not those of a TCP \
                 connection: follow tcp or tls"
            )));
        }
        return Some(match form {
            "raw" => Ok(Form::Raw),
            "hex" => Ok(Form::Hex),
            "yaml" => Ok(Form::Yaml),
            other => Err(format!(
                "the stream was followed as {other}, which does not have all bytes: {INSTEAD}"
            )),
        });
    }
    let has = |words: &[&str]| words.iter().all(|word| lines().any(|line| line.starts_with(word)));
    if has(&["peers:", "packets:"]) || lines().any(|line| peer_of_yaml(line).is_some()) {
        return Some(Ok(Form::Yaml));
    }
    if lines().any(|line| peer_of_array(line).is_some()) {
        return Some(Ok(Form::Arrays));
    }
    if is_two_way_dump(text) {
        return Some(Ok(Form::Hex));
    }
    is_two_way_raw(text).then_some(Ok(Form::Raw))
}

/// Returns whether these are the hex digits of two endpoints, without the lines of tshark around them:
/// the lines of one are indented, and the bytes of both begin with HTTP, or with frames of which one
/// is masked (§5.1).
fn is_two_way_raw(text: &str) -> bool {
    // The last line may be cut.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let Ok(parts) = raw(whole) else { return false };
    let [one, other] = [0, 1].map(|peer| {
        let of_peer = parts.iter().filter(|part| part.peer == peer);
        of_peer.flat_map(|part| part.bytes.iter().copied()).collect::<Vec<_>>()
    });
    let fits = |bytes: &[u8]| !bytes.is_empty() && (may_start(bytes) || starts_legal(bytes));
    let differ = sender(&one) != sender(&other) || may_start(&one) || may_start(&other);
    fits(&one) && fits(&other) && differ
}

/// Returns whether this is a hex dump of two endpoints: the lines of one are indented, and both start
/// at zero.
fn is_two_way_dump(text: &str) -> bool {
    let mut starts = [false; 2];
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    // The last line may be cut.
    let count = text.lines().count().saturating_sub(1).max(1);
    let all = lines.by_ref().take(count.min(256)).all(|line| {
        dump_line(line).is_some_and(|(peer, offset, _)| {
            starts[peer] |= offset == 0;
            true
        })
    });
    all && starts == [true; 2]
}

/// Judges a followed stream.
pub(super) fn judge(mut input: impl Read, judging: &mut Judging<'_>) -> io::Result<Answer> {
    let most = judging.memory / 4;
    let mut text = Vec::new();
    if let Err(error) = input.by_ref().take(most.saturating_add(1)).read_to_end(&mut text) {
        return Ok(Err(reason(&error)));
    }
    if text.len() as u64 > most {
        drop(text);
        let told = too_large("followed stream", input, most, 4, "give the capture itself");
        return Ok(Err(told.unwrap_or_else(|error| reason(&error))));
    }
    let text = String::from_utf8_lossy(&text);
    let form = match form(&text) {
        Some(Ok(form)) => form,
        Some(Err(error)) => return Ok(Err(error)),
        None => return Ok(Err(format!("this is no followed stream: {INSTEAD}"))),
    };
    let (ends, parts) = match parts(form, &text) {
        Ok(parts) => parts,
        Err(error) => return Ok(Err(error)),
    };
    if parts.iter().all(|part| part.bytes.is_empty()) {
        return Ok(Err(no_traffic("the followed stream has no bytes")));
    }
    let what = match form {
        Form::Raw => "a followed stream in hex digits",
        Form::Hex => "a followed stream as a hex dump",
        Form::Yaml => "a followed stream as YAML",
        Form::Arrays => "a followed stream as arrays of C",
    };
    let bytes = parts.iter().map(|part| part.bytes.len() as u64).sum();
    judging.report.read_as(&ReadAs {
        what: what.to_owned(),
        bytes: Some(bytes),
        notes: vec!["the bytes of both endpoints, one after the other".to_owned()],
    })?;
    let before = judging.tally.connections;
    let has_times = parts.iter().any(|part| part.time.is_some());
    let mut retold = Retold::default();
    let mut connections = Connections::default();
    let mut at = Moment { packet: 0, time: Duration::ZERO };
    for part in &parts {
        let time = part.time.unwrap_or_default();
        at = Moment { packet: part.packet.unwrap_or(at.packet + 1), time: at.time.max(time) };
        let [from, to] = [ends[part.peer], ends[1 - part.peer]];
        let piece = Piece { from, to, bytes: &part.bytes, numbers: None, at };
        retold.piece(&piece, &mut |segment| connections.segment(segment, judging))?;
    }
    connections.finish(at.time, judging)?;
    if judging.tally.connections == before {
        let why = judging.strays.why();
        return Ok(Err(no_traffic(why.as_deref().unwrap_or("no frame was found"))));
    }
    let times = if has_times { "" } else { "times and " };
    let mut notices = judging.skipped.take();
    notices.push(format!(
        "a followed stream does not say how the connection ended, and lacks {times}missing packets"
    ));
    Ok(Ok(notices))
}

/// Returns the endpoints and their bytes, in order.
fn parts(form: Form, text: &str) -> Result<([SocketAddr; 2], Vec<Part>), String> {
    let mut ends = [unknown_end(0), unknown_end(1)];
    for (peer, end) in ends.iter_mut().enumerate() {
        let name = format!("Node {peer}: ");
        let told = text.lines().take(64).find_map(|line| line.strip_prefix(&name));
        *end = told.and_then(|told| told.trim().parse().ok()).unwrap_or(*end);
    }
    let parts = match form {
        Form::Raw => raw(text),
        Form::Hex => dump(text),
        Form::Yaml => yaml(text, &mut ends),
        Form::Arrays => arrays(text),
    }?;
    if ends[0] == ends[1] {
        ends = [unknown_end(0), unknown_end(1)];
    }
    Ok((ends, parts))
}

/// Returns the lines between the rules of a followed stream, with their numbers.
fn body(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_head = |line: &str| {
        let line = line.trim();
        let heads = ["Follow: ", "Filter: ", "Node 0:", "Node 1:"];
        line.is_empty()
            || line.starts_with("====")
            || heads.iter().any(|head| line.starts_with(head))
    };
    text.lines()
        .zip(1..)
        .map(|(line, number)| (number, line))
        .filter(move |(_, line)| !is_head(line))
}

fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let nibble = |digit: u8| char::from(digit).to_digit(16).map(|digit| digit as u8);
    pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect()
}

/// Lines of hex digits. Those of node 1 are indented.
fn raw(text: &str) -> Result<Vec<Part>, String> {
    body(text)
        .map(|(number, line)| {
            let peer = usize::from(line.starts_with(char::is_whitespace));
            let bytes = decode_hex(line.trim())
                .ok_or_else(|| format!("line {number} of the followed stream is not hex digits"))?;
            Ok(Part { peer, bytes, time: None, packet: None })
        })
        .collect()
}

/// Returns the endpoint, the offset and the bytes of a line of a hex dump.
fn dump_line(line: &str) -> Option<(usize, usize, Vec<u8>)> {
    const OFFSET: usize = 8;
    const ROW: usize = 16;
    let peer = usize::from(line.starts_with(char::is_whitespace));
    let line = line.trim_start();
    let offset = line.get(..OFFSET).and_then(|digits| usize::from_str_radix(digits, 16).ok())?;
    let rest = line.get(OFFSET..)?.strip_prefix("  ")?;
    // The bytes stand in columns, and the text after them may look like bytes.
    let columns = rest.get(..3 * ROW + 1).unwrap_or(rest);
    let mut bytes = Vec::new();
    let mut at = 0;
    while bytes.len() < ROW {
        if bytes.len() == ROW / 2 && columns[at..].starts_with(' ') {
            at += 1;
        }
        let Some(byte) = columns.get(at..at + 2).and_then(decode_hex) else { break };
        bytes.extend(byte);
        at += 3;
        if at > columns.len() {
            break;
        }
    }
    (!bytes.is_empty()).then_some((peer, offset, bytes))
}

fn dump(text: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut next = [0; 2];
    for (number, line) in body(text) {
        let (peer, offset, bytes) = dump_line(line).ok_or_else(|| {
            format!("line {number} of the followed stream is no line of a hex dump")
        })?;
        if offset != next[peer] {
            return Err(format!(
                "line {number} of the followed stream has offset {offset:08X}, and {:08X} is next: \
                 lines are missing",
                next[peer]
            ));
        }
        next[peer] += bytes.len();
        match parts.last_mut() {
            Some(part) if part.peer == peer => part.bytes.extend(bytes),
            _ => parts.push(Part { peer, bytes, time: None, packet: None }),
        }
    }
    Ok(parts)
}

/// Returns the endpoint of a block such as `peer0_3: !!binary |`, as older versions write it.
fn peer_of_yaml(line: &str) -> Option<usize> {
    let (peer, rest) = line.strip_prefix("peer")?.split_once('_')?;
    let (_, rest) = rest.split_once(':')?;
    rest.trim().starts_with("!!binary").then(|| peer.parse().ok())?.filter(|peer| *peer < 2)
}

/// Returns the endpoint of an array such as `char peer0_3[] = {`.
fn peer_of_array(line: &str) -> Option<usize> {
    let (peer, rest) = line.strip_prefix("char peer")?.split_once('_')?;
    rest.contains("[]").then(|| peer.parse().ok())?.filter(|peer| *peer < 2)
}

fn yaml(text: &str, ends: &mut [SocketAddr; 2]) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut base64 = String::new();
    let mut hosts: [Option<String>; 2] = [None, None];
    let mut host = None;
    let mut in_data = false;
    let finish = |parts: &mut Vec<Part>, base64: &mut String, number: usize| {
        let Some(part) = parts.last_mut().filter(|_| !base64.is_empty()) else { return Ok(()) };
        part.bytes = BASE64_STANDARD
            .decode(base64.as_bytes())
            .map_err(|error| format!("the base64 before line {number} is wrong: {error}"))?;
        base64.clear();
        Ok::<_, String>(())
    };
    let empty = |peer| Part { peer, bytes: Vec::new(), time: None, packet: None };
    let (mut packet, mut peers) = (None, true);
    let mut count = 0;
    for (line, number) in text.lines().zip(1..) {
        count = number;
        let item = line.trim().trim_start_matches("- ");
        let Some((key, value)) = item.split_once(':').filter(|_| !item.starts_with('#')) else {
            if in_data {
                base64.push_str(item);
            }
            if let Some(number) = item.strip_prefix("# Packet ") {
                packet = number.trim().parse().ok();
            }
            continue;
        };
        let value = value.trim();
        finish(&mut parts, &mut base64, number)?;
        in_data = value.starts_with("!!binary");
        match key.trim() {
            "packets" => peers = false,
            "peer" if peers => host = value.parse().ok().filter(|peer: &usize| *peer < 2),
            "host" => {
                if let Some(host) = host {
                    hosts[host] = Some(value.trim_matches(['"', '\'']).to_owned());
                }
            }
            "port" => {
                if let Some((peer, ip)) = host.and_then(|peer| Some((peer, hosts[peer].as_ref()?)))
                    && let (Ok(ip), Ok(port)) = (ip.parse(), value.parse())
                {
                    ends[peer] = SocketAddr::new(ip, port);
                }
            }
            "packet" => packet = value.parse().ok(),
            "peer" => {
                let peer = value.parse().ok().filter(|peer| *peer < 2);
                let peer = peer.ok_or_else(|| format!("line {number}: the peer must be 0 or 1"))?;
                parts.push(Part { packet, ..empty(peer) });
            }
            "timestamp" => {
                if let (Some(part), Ok(time)) = (parts.last_mut(), value.parse::<f64>()) {
                    part.time = Some(time_of(time.clamp(0.0, 1e11)));
                }
            }
            _ => {
                if let Some(peer) = peer_of_yaml(item) {
                    parts.push(Part { packet, ..empty(peer) });
                }
            }
        }
    }
    finish(&mut parts, &mut base64, count)?;
    Ok(parts)
}

fn arrays(text: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if let Some(peer) = peer_of_array(line) {
            let packet = line.split_once("Packet ").and_then(|(_, rest)| {
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
            });
            parts.push(Part { peer, bytes: Vec::new(), time: None, packet });
            continue;
        }
        let Some(part) = parts.last_mut() else { continue };
        let code = line.split("/*").next().unwrap_or_default();
        for word in code.split([',', '}', ';', ' ']).filter(|word| !word.is_empty()) {
            let byte =
                word.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
            part.bytes.push(byte.ok_or_else(|| format!("line {number}: {word:?} is no byte"))?);
        }
    }
    Ok(parts)
}
