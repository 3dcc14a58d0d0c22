//! Judges bytes that somebody pasted: frames, or packets.

use std::convert::Infallible;
use std::io::{self, Read};

use wsvet::Role;

use crate::input::answer::{Answer, no_traffic, reason};
use crate::input::chain::{is_plausible, is_plausible_paste, reaches_the_end, starts_legal};
use crate::input::fits::too_large;
use crate::input::hex::{self, Pasted, is_space};
use crate::input::reading::Reading;
use crate::input::rotation::Rotation;
use crate::input::{capture, head, raw};
use crate::session::judging::Judging;
use crate::session::report::ReadAs;
use crate::transport::packet::{Content, Moment, Packets};

/// Judges hex text. `guessed` says that its format was detected, so that what stands in it must look
/// like frames.
pub(crate) fn judge(
    mut input: impl Read,
    reading: &Reading,
    guessed: bool,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let mut text = Vec::new();
    // The bytes take as much again as the digits.
    let most = judging.memory / 2;
    if let Err(error) = input.by_ref().take(most.saturating_add(1)).read_to_end(&mut text) {
        return Ok(Err(reason(&error)));
    }
    if text.len() as u64 > most {
        drop(text);
        let instead = "give the bytes as a file, with --format raw";
        let told = too_large("hex text", input, most, 2, instead);
        return Ok(Err(told.unwrap_or_else(|error| reason(&error))));
    }
    let pasted = match hex::read(&text, most) {
        Ok(pasted) if pasted.is_empty() => return Ok(Err(no_traffic("the hex text has no bytes"))),
        Ok(pasted) => pasted,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut how = ReadAs {
        what: pasted.notation.clone(),
        bytes: Some(pasted.len() as u64),
        notes: pasted.notes.clone(),
    };
    if let Some(link) = link(&pasted) {
        let packets = match pasted.blocks.len() {
            1 => "a packet".to_owned(),
            n => format!("{n} packets"),
        };
        how.notes.push(format!("taken as {packets}"));
        judging.report.read_as(&how)?;
        return capture::answer(&pcap(link, &pasted.blocks)[..], &mut Rotation::default(), judging);
    }
    if how.what.starts_with(hex::PACKETS) {
        let told =
            "the dump has packets, but none with TCP over Ethernet or IP: give the capture itself";
        return Ok(Err(told.to_owned()));
    }
    let bytes = pasted.blocks.concat();
    let heads = head::may_start(&bytes) && head::heads(&bytes).is_some();
    let plausible = match pasted.senders.is_empty() {
        true => is_likely(&how.what, &String::from_utf8_lossy(&text), &bytes),
        false => [Role::Client, Role::Server].iter().all(|role| starts_legal(&pasted.of(*role))),
    };
    if guessed && !heads && !plausible {
        return Ok(Err(format!(
            "read as {}, the {} bytes do not look like WebSocket frames: give --format hex if these \
             are frames",
            how.what,
            bytes.len()
        )));
    }
    if !pasted.senders.is_empty() {
        how.notes.push("the labels say who sent each line".to_owned());
        return raw::labelled(&pasted, reading, &how, judging);
    }
    raw::judge(&bytes[..], reading, Some(how), judging)
}

/// Returns whether the bytes of a text are judged as frames if the user did not give `--format`. Words,
/// numbers and hashes occur in other texts, too, so they need more evidence.
fn is_likely(notation: &str, text: &str, bytes: &[u8]) -> bool {
    let starts_or_ends = || starts_legal(bytes) || reaches_the_end(bytes);
    let words = text.split(|c: char| c.is_whitespace() || is_space(c));
    let words = || words.clone().filter(|word| !word.is_empty());
    let number = |word: &str| word.len() > 2 && word.bytes().all(|byte| byte.is_ascii_digit());
    // Between paragraphs stand many arrays and numbers, of which few begin as a whole message does.
    if notation.ends_with(hex::FENCED) {
        // Names in code are base64.
        if notation.contains("base64") {
            return starts_legal(bytes) && reaches_the_end(bytes);
        }
        return bytes.first().is_some_and(|first| first & 0x80 != 0) && starts_or_ends();
    }
    if notation.ends_with(hex::CUT) {
        return starts_legal(bytes);
    }
    let is_hash = |digits: usize| matches!(digits, 32 | 40 | 56 | 64 | 96 | 128);
    if notation == "hex digits" && words().any(|word| is_hash(word.len())) && !starts_legal(bytes) {
        return false;
    }
    // A label before a hash is as likely as one before a frame.
    if notation.starts_with("hex digits")
        && is_hash(2 * bytes.len())
        && words().any(|word| word.len() >= 2 * bytes.len())
    {
        return reaches_the_end(bytes);
    }
    match notation {
        what if what.contains("base64") => starts_legal(bytes) && is_plausible(bytes, true),
        what if what.contains("label") || what.contains("string") => starts_or_ends(),
        "hex digits" if words().all(number) => starts_legal(bytes),
        _ => is_plausible_paste(bytes),
    }
}

/// Returns whether the start of a long text can be hex text. Lines that are left out may stand for at most
/// `most` bytes.
pub(crate) fn check_start(start: &[u8], most: u64) -> Result<(), String> {
    let end = start.iter().rposition(|byte| *byte == b'\n');
    let end = end.or_else(|| start.iter().rposition(|byte| b", \t".contains(byte)));
    let start = &start[..end.unwrap_or(start.len() & !3)];
    let error = match hex::read(start, most) {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    // A string literal may go on.
    let closed = |quote: u8| hex::read(&[start, &[quote]].concat(), most).is_ok();
    if closed(b'"') || closed(b'\'') { Ok(()) } else { Err(error.to_string()) }
}

/// The link types of pasted packets: Ethernet, and raw IP.
const LINKS: [i32; 2] = [1, 101];

/// Returns the link type, if all blocks are packets with TCP, or one is if all are packets.
fn link(pasted: &Pasted) -> Option<i32> {
    let packets = pasted.notation.starts_with(hex::PACKETS);
    LINKS.into_iter().find(|link| {
        let mut blocks = pasted.blocks.iter();
        let is = |block: &Vec<u8>| is_packet(*link, block);
        if packets { blocks.any(is) } else { blocks.all(is) }
    })
}

/// Returns whether these bytes are a packet with TCP: the lengths and the checksum of IP are right.
fn is_packet(link: i32, bytes: &[u8]) -> bool {
    const TCP: u8 = 6;
    /// The most bytes that fill up a packet of Ethernet.
    const PADDING: usize = 46;
    let at = if link == 1 { 14 } else { 0 };
    let Some(ip) = bytes.get(at..).filter(|ip| ip.len() >= 40) else { return false };
    let len = |at: usize| usize::from(u16::from_be_bytes([ip[at], ip[at + 1]]));
    let (typed, total) = match ip[0] >> 4 {
        4 => {
            let header = usize::from(ip[0] & 15) * 4;
            let words = ip.get(..header).unwrap_or_default().chunks_exact(2);
            let sum: u32 =
                words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
            let checked = (sum & 0xFFFF) + (sum >> 16) == 0xFFFF || len(10) == 0;
            (header >= 20 && ip[9] == TCP && checked, len(2))
        }
        6 => (ip[6] == TCP, 40 + len(4)),
        _ => return false,
    };
    let fits = (total..=total + PADDING).contains(&ip.len());
    let at = Moment { packet: 1, time: std::time::Duration::ZERO };
    let mut has_tcp = false;
    let Ok(()) = Packets::default().dissect(at, link, bytes, &mut |content| {
        has_tcp |= matches!(content, Content::Tcp(_));
        Ok::<_, Infallible>(())
    });
    typed && fits && has_tcp
}

/// Returns a capture of these packets.
fn pcap(link: i32, packets: &[Vec<u8>]) -> Vec<u8> {
    let words = |words: [u32; 4]| words.into_iter().flat_map(u32::to_le_bytes).collect::<Vec<_>>();
    let mut file = words([0xA1B2_C3D4, 0x0004_0002, 0, 0]);
    file.extend([u32::MAX >> 8, link as u32].into_iter().flat_map(u32::to_le_bytes));
    for packet in packets {
        let len = packet.len() as u32;
        file.extend(words([0, 0, len, len]));
        file.extend(packet);
    }
    file
}
