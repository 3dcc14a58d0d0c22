//! Judges bytes without packets: one direction of a connection, from its first frame, or both directions
//! if the HTTP heads of both are there, or if the labels of a text name the senders.

use std::io::{self, Read};
use std::time::Duration;

use wsvet::deflate::Parameters;
use wsvet::{Header, Role};

use crate::input::answer::{Answer, reason};
use crate::input::chain;
use crate::input::head::{Heads, MAX_HEADS, REQUEST, heads, may_start};
use crate::input::hex::Pasted;
use crate::input::reading::Reading;
use crate::session::agreement::Agreement;
use crate::session::cause::{Known, Watch};
use crate::session::frames::Frames;
use crate::session::judging::Judging;
use crate::session::record::Record;
use crate::session::recorder::{Recorder, observe};
use crate::session::report::{Opening, Place, ReadAs};
use crate::session::unjudged::{Stray, Unjudged};
use crate::transport::packet::Moment;

/// The number of bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Judges raw bytes. `how` says how they were read, if that is not known from the options.
pub(crate) fn judge(
    mut input: impl Read,
    reading: &Reading,
    how: Option<ReadAs>,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let mut start = Vec::new();
    let heads = match read_heads(&mut input, &mut start) {
        Ok(heads) => heads,
        Err(error) => return Ok(Err(reason(&error))),
    };
    let assumed = heads.as_ref().and_then(|heads| assumed(heads, &start[heads.len..]));
    if how.is_some() || heads.is_some() {
        let mut how = how.unwrap_or_else(raw_frames);
        how.notes.extend(heads.as_ref().map(Heads::note));
        how.notes.extend(assumed.map(|_| {
            "the client offered permessage-deflate and the frames set RSV1, so that its use is assumed"
                .to_owned()
        }));
        judging.report.read_as(&how)?;
    }
    let after = heads.as_ref().map_or(0, |heads| heads.len);
    let input = (&start[after..]).chain(input);
    let deflate = reading.permessage_deflate.or(assumed);
    let deflate = deflate.map(|parameters| parameters.to_string());
    let default = Agreement::new(None, None, None, Vec::from_iter(deflate.clone()));
    match heads {
        None => one_way(input, Role::from(reading.receiver).peer(), &default, judging),
        Some(Heads { sender: Some(from), agreement, .. }) => {
            let unknown = deflate.is_some() && agreement.permessage_deflate().is_none();
            one_way(input, from, if unknown { &default } else { &agreement }, judging)
        }
        Some(Heads { agreement, len, .. }) => both_ways(input, len as u64, agreement, judging),
    }
}

/// Returns how bytes without a notation are read.
pub(super) fn raw_frames() -> ReadAs {
    ReadAs { what: "raw frames".to_owned(), bytes: None, notes: Vec::new() }
}

/// Reads the HTTP heads of an upgrade at the start, if there are any. `start` receives all bytes that
/// were read.
fn read_heads(input: &mut impl Read, start: &mut Vec<u8>) -> io::Result<Option<Heads>> {
    const SHORTEST: u64 = 8;
    input.by_ref().take(SHORTEST).read_to_end(start)?;
    if !may_start(start) {
        return Ok(None);
    }
    input.by_ref().take(MAX_HEADS as u64).read_to_end(start)?;
    Ok(heads(start))
}

/// Returns the compression that is assumed if the answer of the server is missing: that of the offer,
/// if a frame uses it.
fn assumed(heads: &Heads, frames: &[u8]) -> Option<Parameters> {
    let offered = heads.agreement.offered.as_ref()?.join(", ");
    let used = chain::headers(frames).any(|header| header.rsv() & 4 != 0);
    let offers = offered.to_ascii_lowercase().contains("permessage-deflate");
    (heads.sender == Some(Role::Client) && offers && used).then(Parameters::new)
}

/// Judges the bytes of one direction, from its first frame.
fn one_way(
    mut input: impl Read,
    from: Role,
    agreement: &Agreement,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let connection = judging.next_connection();
    let place = Place { connection, from, stream: None, at: None };
    let mut conversation = judging.limits.conversation(agreement);
    let deflate = agreement.permessage_deflate().is_some();
    let mut recorder = Recorder::new(deflate, judging.thoroughness);
    let mut watch = Watch::default();
    let mut buffer = vec![0; PIECE];
    loop {
        let len = match read_piece(&mut input, &mut buffer) {
            Ok(len) => len,
            Err(error) => return Ok(Err(reason(&error))),
        };
        if len == 0 {
            // The input is often a part of a stream, so its end is not the end of the connection.
            let mut sink = |record: Record<'_>| {
                watch.record(&place, &record);
                judging.record(&place, &record)
            };
            recorder.end(conversation.direction(from), None, &mut sink)?;
            while let Some(told) = watch.tell(from, Known::Whole, agreement) {
                judging.causes(&told)?;
            }
            return Ok(Ok(Vec::new()));
        }
        let mut sink = |record: Record<'_>| {
            watch.record(&place, &record);
            judging.record(&place, &record)
        };
        observe(&mut conversation, from, &buffer[..len], &mut recorder, &mut sink)?;
        watch.keep(&buffer[..len], recorder.records_violations());
        while let Some(told) = watch.tell(from, Known::SoFar, agreement) {
            judging.causes(&told)?;
        }
    }
}

/// Judges the blocks of a text whose labels name the sender of each.
pub(super) fn labelled(
    pasted: &Pasted,
    reading: &Reading,
    how: &ReadAs,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    judging.report.read_as(how)?;
    let deflate = reading.permessage_deflate.map(|parameters| parameters.to_string());
    let agreement = Agreement::new(None, None, None, Vec::from_iter(deflate));
    let mut frames = open_both(agreement, judging)?;
    let mut at = Moment { packet: 0, time: Duration::ZERO };
    for (bytes, from) in pasted.blocks.iter().zip(&pasted.senders) {
        at.packet += 1;
        frames.feed(*from, bytes, at, judging)?;
    }
    frames.finish([None; 2], None, judging)?;
    Ok(Ok(Vec::new()))
}

/// Opens a connection whose times, end and lost frames are not known.
fn open_both(agreement: Agreement, judging: &mut Judging<'_>) -> io::Result<Frames> {
    let connection = judging.next_connection();
    let (client, server) = (None, None);
    let time = Duration::ZERO;
    let opening =
        Opening { connection, stream: None, http2: None, client, server, agreement, time };
    let mut frames = Frames::open(opening, judging)?;
    frames.lack();
    frames.lack_frames();
    Ok(frames)
}

/// Judges the frames of both endpoints in one sequence of bytes. The mask bit of each header tells who
/// sent it. If a request follows a frame, another connection begins there, and the rest is not judged.
/// `position` is the number of bytes of the input before the first frame.
fn both_ways(
    mut input: impl Read,
    mut position: u64,
    agreement: Agreement,
    judging: &mut Judging<'_>,
) -> io::Result<Answer> {
    let mut frames = open_both(agreement, judging)?;
    let mut at = Moment { packet: 0, time: Duration::ZERO };
    let mut cut = Vec::new();
    let mut open: Option<(Role, u64)> = None;
    let mut buffer = vec![0; PIECE];
    loop {
        let len = match read_piece(&mut input, &mut buffer) {
            Ok(len) => len,
            Err(error) => return Ok(Err(reason(&error))),
        };
        position += len as u64;
        let mut rest = &buffer[..len];
        while !rest.is_empty() {
            if let Some((from, left)) = open {
                let len = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                frames.feed(from, &rest[..len], at, judging)?;
                rest = &rest[len..];
                let left = left - len as u64;
                open = (left > 0).then_some((from, left));
                continue;
            }
            cut.push(rest[0]);
            rest = &rest[1..];
            if cut == REQUEST {
                frames.finish([None; 2], None, judging)?;
                let start = position - (rest.len() + REQUEST.len()) as u64;
                judging.stray(&Stray {
                    stream: None,
                    connection: None,
                    ends: [None, None],
                    has_roles: false,
                    why: Unjudged::Mixed,
                    detail: Some(format!("from byte {start} on")),
                    packets: 0,
                    time: Duration::ZERO,
                })?;
                return Ok(Ok(Vec::new()));
            }
            if REQUEST.starts_with(&cut) {
                continue;
            }
            let Ok((header, payload)) = Header::decode(&cut) else { continue };
            let (from, left) = (sender(&cut), header.payload_len() - payload.len() as u64);
            at.packet += 1;
            frames.feed(from, &cut, at, judging)?;
            cut.clear();
            open = Some((from, left)).filter(|(_, left)| *left > 0);
        }
        if len == 0 {
            if !cut.is_empty() {
                at.packet += 1;
                frames.feed(sender(&cut), &cut, at, judging)?;
            }
            frames.finish([None; 2], None, judging)?;
            return Ok(Ok(Vec::new()));
        }
    }
}

/// Reads once, and returns the number of bytes. It is 0 at the end of the input.
fn read_piece(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Returns the endpoint that sent a header. Without its second byte, it is taken for that of a server.
fn sender(header: &[u8]) -> Role {
    chain::sender(header).unwrap_or(Role::Server)
}
