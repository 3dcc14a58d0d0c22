//! Finds the first frame in a connection that begins in the middle.
//!
//! Nothing marks the start of a frame. But where a frame starts, its length leads to another header,
//! and that to the next one. In other bytes such a chain breaks soon: one byte in 32 may be the first
//! of a frame with FIN, and half of the bytes after it have the right mask bit. So each header counts
//! 6 bits of evidence. Text that is UTF-8, a legal close code, and a header that starts a segment count,
//! too. Bytes are taken for frames only if the evidence exceeds by far what the number of places at
//! which a chain may start gives for free.

use std::ops::Range;

use wsvet::{CloseCode, Header, OpCode, Role};

/// The evidence for a header with FIN, in bits.
const HEADER: i32 = 6;

/// The evidence for a header without FIN, or of a continuation. Both are common in other bytes.
const FRAGMENT: i32 = 1;

/// The evidence for a frame that starts a segment, or ends with the last byte.
const ALIGNED: i32 = 4;

/// The evidence for a frame that is a whole segment of a connection that is known to be WebSocket: its
/// length has 7 bits. Messages of other protocols often are whole segments, too.
const EXACT: i32 = 7;

/// The most evidence for a text, one bit a byte; and the evidence against a text that is no UTF-8, if
/// the connection may not be WebSocket.
const TEXT: i32 = 16;

/// The evidence for a length in 64 bits that is minimal.
const LONG: i32 = 8;

/// The evidence for a legal close code, and against another one.
const CODE: i32 = 5;

/// The evidence against a header that breaks a rule, and against a text that is no UTF-8 in a connection
/// that is known to be WebSocket.
const BROKEN: i32 = 8;

/// The evidence that is needed if one endpoint sent nothing, and for both endpoints together.
const NEEDED: i32 = 20;

/// The additional evidence that is needed inside a segment, where many more chains may start.
const INSIDE: i32 = 20;

/// The evidence that is needed for frames that are not masked if the other endpoint sent nothing:
/// messages of other protocols look like them, for example SUBSCRIBE of MQTT.
const UNMASKED: i32 = 40;

/// The evidence that is needed for one endpoint if the bytes of the other have no chain, and for frames
/// that are not masked if one of them breaks a rule.
const ALONE: i32 = 50;

/// The evidence that is needed for masked frames if one of them breaks a rule: what is masked looks like
/// random bytes.
const MASKED_BROKEN: i32 = 40;

/// The most bytes of a payload that are looked at.
const LOOKED_AT: usize = 4 << 10;

/// The most headers of a chain. More prove nothing, and the cost must not grow with the square of the
/// bytes.
const FRAMES: usize = 64;

/// The longest payload of a frame, in bytes.
const LONGEST: u64 = 1 << 32;

/// The bytes that one endpoint sent.
#[derive(Default)]
pub struct Side {
    bytes: Vec<u8>,
    /// The ranges of `bytes` that were not captured.
    holes: Vec<Range<usize>>,
    /// Where segments start.
    starts: Vec<usize>,
}

/// The first frames of a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// The endpoint that is the client: 0 or 1.
    pub client: usize,
    /// The byte of each endpoint at which its first frame starts, if one is found.
    pub from: [Option<usize>; 2],
    /// Whether it is known of both endpoints whether a message is open.
    pub is_settled: bool,
}

/// What the bytes are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Perhaps no WebSocket.
    Anything,
    /// Those of a connection that is known to be WebSocket.
    WebSocket,
}

/// Headers that follow each other.
#[derive(Clone, Copy, Debug)]
struct Chain {
    masked: bool,
    frames: usize,
    bits: i32,
    /// Where the first frame starts that does not continue a message from before.
    from: usize,
    is_settled: bool,
    /// Whether a header of it breaks a rule.
    is_broken: bool,
    /// Whether it ends with the last byte.
    is_whole: bool,
}

impl Side {
    /// Appends the payload of the segment that starts at this byte. The segments come in order, and
    /// may overlap. At most `most` bytes are taken, and those that are missing between them.
    pub fn push(&mut self, start: usize, payload: &[u8], most: usize) {
        let len = self.bytes.len();
        if start >= most {
            return;
        }
        if start > len {
            self.holes.push(len..start);
            self.bytes.resize(start, 0);
        }
        if let Some(new) = payload.get(self.bytes.len() - start..).filter(|new| !new.is_empty()) {
            self.starts.push(self.bytes.len());
            self.bytes.extend_from_slice(new);
        }
    }

    /// Returns the bytes up to the first hole.
    pub fn start(&self) -> &[u8] {
        self.captured(0)
    }

    /// Returns whether the endpoint sent nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the bytes of each segment and those after it, up to a hole.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        self.starts.iter().map(|start| self.captured(*start))
    }

    /// Returns the bytes from here to the next hole.
    fn captured(&self, at: usize) -> &[u8] {
        let hole = self.holes.partition_point(|hole| hole.end <= at);
        let end = self.holes.get(hole).map_or(self.bytes.len(), |hole| hole.start.max(at));
        self.bytes.get(at..end).unwrap_or_default()
    }

    /// Follows the headers from this byte. In a connection that is known to be WebSocket, also those that
    /// break a rule, if each is that of a whole segment. Otherwise, returns nothing if the first one
    /// breaks a rule.
    fn chain(&self, start: usize, within: Within) -> Option<Chain> {
        let mut chain = Chain {
            masked: false,
            frames: 0,
            bits: 0,
            from: start,
            is_settled: false,
            is_broken: false,
            is_whole: false,
        };
        // Whether a message is open, if it is known.
        let mut open = None;
        let mut closed = false;
        let mut was_exact = false;
        let mut at = start;
        while at < self.bytes.len() && chain.frames < FRAMES {
            let rest = self.captured(at);
            let Ok((header, after)) = Header::decode(rest) else { break };
            let end = at as u64 + header.header_len() as u64 + header.payload_len();
            let end = usize::try_from(end).unwrap_or(usize::MAX);
            let is_exact = within == Within::WebSocket && self.is_segment(at, end);
            let same = chain.frames == 0 || header.is_masked() == chain.masked;
            let is_plausible = !closed && same && is_plausible(&header, open);
            if !is_plausible {
                chain.bits -= BROKEN;
                chain.is_broken = true;
                if !is_exact || chain.frames == 0 {
                    break;
                }
            }
            if was_exact {
                chain.bits += EXACT;
            } else if chain.frames > 0 && self.starts.binary_search(&at).is_ok() {
                chain.bits += ALIGNED;
            }
            was_exact = is_exact;
            chain.frames += 1;
            at = end;
            if !is_plausible {
                continue;
            }
            chain.masked = header.is_masked();
            chain.bits += evidence(&header, after, within);
            closed = header.opcode() == OpCode::Close;
            match header.opcode() {
                OpCode::Continuation if !chain.is_settled => {
                    // The message may have begun before.
                    chain.from = at;
                    chain.is_settled = header.fin();
                    open = Some(!header.fin());
                }
                opcode if opcode.is_data() => {
                    open = Some(!header.fin());
                    chain.is_settled = true;
                }
                _ => {}
            }
        }
        if at == self.bytes.len() {
            chain.bits += if was_exact { EXACT } else { ALIGNED };
            chain.is_whole = true;
        }
        let is_inside = open == Some(true) && !chain.is_settled;
        (chain.frames > 0 && chain.from <= self.bytes.len() && !is_inside).then_some(chain)
    }

    /// Returns the first chain at the start of a segment, or else at any byte.
    fn first(&self, masked: Option<bool>, needed: i32, within: Within) -> Option<Chain> {
        let fits = |chain: &Chain, needed: i32| {
            chain.bits >= needed && masked.is_none_or(|masked| chain.masked == masked)
        };
        let aligned = self.starts.iter().filter_map(|start| self.chain(*start, within));
        let mut aligned = aligned.filter(|chain| fits(chain, needed));
        aligned.next().or_else(|| {
            let all = (0..self.bytes.len()).filter_map(|start| self.chain(start, within));
            let chain =
                all.filter(|chain| fits(chain, needed + INSIDE)).find(|chain| chain.frames > 2)?;
            // Its first header may be chance, and its length may lead to a true one by chance.
            let (header, _) = Header::decode(self.captured(chain.from)).ok()?;
            let second =
                chain.from + header.header_len() + usize::try_from(header.payload_len()).ok()?;
            self.chain(second, within).filter(|chain| fits(chain, needed))
        })
    }

    /// Returns whether a segment starts and ends at these bytes.
    fn is_segment(&self, start: usize, end: usize) -> bool {
        self.starts.binary_search(&start).is_ok_and(|index| {
            let hole = self.holes.partition_point(|hole| hole.end <= start);
            let hole = self.holes.get(hole).map_or(self.bytes.len(), |hole| hole.start);
            self.starts.get(index + 1).map_or(self.bytes.len(), |next| *next).min(hole) == end
        })
    }

    /// Returns the number of bytes before this one that were not captured.
    pub fn missing_before(&self, at: usize) -> usize {
        self.holes.iter().map(|hole| hole.end.min(at) - hole.start.min(at)).sum()
    }

    /// Returns the start of the segment whose bytes, to the end of all bytes, are a Close frame with a
    /// code.
    fn last_close(&self, masked: bool) -> Option<usize> {
        let closes = |start: &usize| {
            let rest = self.captured(*start);
            let Ok((header, body)) = Header::decode(rest) else { return false };
            let len = header.payload_len();
            let is_close = header.opcode() == OpCode::Close && header.is_masked() == masked;
            start + rest.len() == self.bytes.len()
                && is_close
                && len >= 2
                && is_plausible(&header, None)
                && body.len() as u64 == len
                && evidence(&header, body, Within::WebSocket) >= HEADER + CODE
        };
        self.starts.iter().copied().find(closes)
    }

    /// Returns the free evidence that the number of places gives.
    fn places(&self) -> i32 {
        self.starts.len().max(1).ilog2() as i32
    }
}

/// Finds the first frames of a connection. `is_last` says whether nothing comes after these bytes.
pub fn find(sides: &[Side; 2], is_last: bool) -> Option<Found> {
    let places = sides.iter().map(Side::places).sum::<i32>();
    let silent = sides.iter().any(Side::is_empty);
    let both = (0..2).filter_map(|client| {
        let chains = [
            sides[client].first(Some(true), HEADER, Within::Anything)?,
            sides[1 - client].first(Some(false), HEADER, Within::Anything)?,
        ];
        let bits: i32 = chains.iter().map(|chain| chain.bits).sum();
        let frames: usize = chains.iter().map(|chain| chain.frames).sum();
        let mut from = chains.map(|chain| Some(chain.from));
        if client == 1 {
            from.reverse();
        }
        let is_settled = chains.iter().all(|chain| chain.is_settled);
        (bits >= NEEDED + 2 + places && frames >= 3)
            .then_some((bits, Found { client, from, is_settled }))
    });
    if let Some((_, found)) = both.max_by_key(|(bits, _)| *bits) {
        return Some(found);
    }
    if !is_last {
        return None;
    }
    let one = (0..2).filter_map(|end| {
        let chain = sides[end]
            .first(None, NEEDED + places, Within::Anything)
            .filter(|chain| chain.frames > 1)?;
        let needed = match chain.masked {
            _ if !silent || chain.is_broken => ALONE,
            false => UNMASKED,
            true => NEEDED,
        };
        // If the mask bits of both are the same, they do not tell who the client is.
        if chain.bits < needed + places
            || sides[1 - end].first(None, NEEDED, Within::Anything).is_some()
        {
            return None;
        }
        let mut from = [None; 2];
        from[end] = Some(chain.from);
        let client = if chain.masked { end } else { 1 - end };
        Some((chain.bits, Found { client, from, is_settled: true }))
    });
    one.max_by_key(|(bits, _)| *bits).map(|(_, found)| found)
}

/// Finds the first frame of an endpoint after bytes that the capture lacks. `is_last` says whether
/// nothing comes after these bytes.
///
/// What was lost may have been any bytes of a connection that is known to be WebSocket, and a frame that
/// is none would break rules. So a chain must be certain, and it must be known whether a message is
/// open.
pub fn find_after(side: &Side, from: Role, is_last: bool) -> Option<usize> {
    let masked = from == Role::Client;
    let places = side.places();
    let needed = places + if masked { NEEDED + 2 } else { UNMASKED };
    let needed_if_broken = places + if masked { MASKED_BROKEN } else { ALONE };
    let found = side.first(Some(masked), needed, Within::WebSocket).filter(|chain| {
        let is_known = chain.is_settled || is_last && chain.is_whole;
        is_known && (!chain.is_broken || chain.bits >= needed_if_broken)
    });
    found.map(|chain| chain.from).or_else(|| side.last_close(masked).filter(|_| is_last))
}

/// Finds the first frames of a connection that is known to be WebSocket, whose client is this endpoint.
/// Without a plausible one, frames start at the first byte.
pub fn find_of(sides: &[Side; 2], client: usize) -> Found {
    let from = sides.each_ref().map(|side| {
        let first = side.first(None, HEADER, Within::Anything).map(|chain| chain.from);
        (!side.is_empty()).then(|| first.unwrap_or_default())
    });
    Found { client, from, is_settled: true }
}

/// Returns whether a header breaks no rule, whatever was negotiated, and is not a rare exception that
/// other bytes often look like. `open` says whether a message is open, if it is known.
fn is_plausible(header: &Header, open: Option<bool>) -> bool {
    let (opcode, len) = (header.opcode(), header.payload_len());
    let starts = opcode.starts_message();
    let minimal = Header::new(OpCode::Binary, len).header_len();
    let is_minimal = header.header_len() == minimal + if header.is_masked() { 4 } else { 0 };
    // A payload of the same bytes over and over is no chain of masked frames.
    let key = header.masking_key();
    let is_filler =
        key == Some([header.first_byte(); 4]) && header.first_byte() == header.second_byte();
    match opcode {
        _ if is_filler => false,
        _ if opcode.is_reserved() || header.rsv() & 3 != 0 || len > LONGEST || !is_minimal => false,
        _ if header.rsv() != 0 && !starts => false,
        OpCode::Close if len == 1 => false,
        _ if opcode.is_control() => header.fin() && len <= 125,
        OpCode::Continuation => open != Some(false) && (header.fin() || len > 0),
        _ => open != Some(true),
    }
}

/// Returns the evidence for a header, and the payload after it as far as it is there, in bits.
fn evidence(header: &Header, after: &[u8], within: Within) -> i32 {
    let (opcode, len) = (header.opcode(), header.payload_len());
    if !header.fin() || opcode == OpCode::Continuation {
        return FRAGMENT;
    }
    let long = if len > 0xFFFF { LONG } else { 0 };
    let there = usize::try_from(len).map_or(after.len(), |len| len.min(after.len())).min(LOOKED_AT);
    let mut payload = after[..there].to_vec();
    if let Some(key) = header.masking_key() {
        wsvet::mask::apply(key, 0, &mut payload);
    }
    let content = match opcode {
        OpCode::Text if header.rsv() == 0 => text(&payload, within),
        OpCode::Close => match payload.split_first_chunk::<2>() {
            Some((code, reason)) => {
                let legal = CloseCode(u16::from_be_bytes(*code)).is_sendable();
                if legal { CODE + text(reason, within) } else { -CODE }
            }
            None => 0,
        },
        _ => 0,
    };
    HEADER + long + content
}

/// Returns the evidence of bytes that should be UTF-8. A character may be cut at their end.
fn text(bytes: &[u8], within: Within) -> i32 {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_some() => match within {
            Within::WebSocket => -BROKEN,
            Within::Anything => -TEXT,
        },
        _ => TEXT.min(bytes.len() as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator of random numbers, the same in each run.
    struct Random(u64);

    impl Random {
        fn next(&mut self, below: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) % below
        }

        fn bytes(&mut self, len: usize) -> Vec<u8> {
            (0..len).map(|_| self.next(256) as u8).collect()
        }

        fn text(&mut self, len: usize) -> Vec<u8> {
            (0..len).map(|_| b" etaoinshrdlu,.\r\n:0123456789"[self.next(28) as usize]).collect()
        }

        /// The messages of one endpoint in a protocol of this kind.
        fn message(&mut self, kind: u64) -> Vec<u8> {
            let len = 1 + self.next(300) as usize;
            let body = if self.next(2) == 0 { self.bytes(len) } else { self.text(len) };
            let length = (len as u32).to_be_bytes();
            let number = self.next(8) as u8;
            match kind {
                0 => body,
                1 => [&b"\x17\x03\x03"[..], &length[2..], &self.bytes(len)].concat(),
                // HTTP/2, MySQL, PostgreSQL, Redis, MQTT, DNS, BSON, ASN.1
                2 => [&length[1..], &[number, 4, 0, 0, 0, 1], &body].concat(),
                3 => [&(len as u32).to_le_bytes()[..3], &[number], &body].concat(),
                4 => [&[b"BDTCZ"[number as usize % 5]], &(len as u32 + 4).to_be_bytes()[..], &body]
                    .concat(),
                5 => format!("*2\r\n$3\r\nGET\r\n${len}\r\n{}\r\n", String::from_utf8_lossy(&body))
                    .into(),
                6 => {
                    let len = len.min(100);
                    let first = [0x30, 0x40, 0x82, 0x90, 0xC0, 0xD0, 0xA2, 0x32][number as usize];
                    [&[first, len as u8][..], &body[..len.min(body.len())]].concat()
                }
                7 => [&length[2..], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0], &body].concat(),
                8 => [&(len as u32).to_le_bytes()[..], &[1, 0, 0, 0, 0, 0, 0, 0], &body].concat(),
                9 => [
                    &[0x30, 0x82][..],
                    &length[2..],
                    &[0x02, 0x01, number, 0x04, 0x81, len as u8],
                    &body,
                ]
                .concat(),
                10 => vec![0; len],
                _ => vec![number; len],
            }
        }

        fn side(&mut self, kind: u64, most: u64) -> Side {
            let mut side = Side::default();
            let mut start = 0;
            let skipped = self.next(20) as usize;
            for index in 0..self.next(most) {
                let mut segment = self.message(kind);
                if index == 0 && skipped < segment.len() {
                    segment.drain(..skipped);
                }
                side.push(start, &segment, usize::MAX);
                start += segment.len();
            }
            side
        }
    }

    /// The connections that are taken for WebSocket, of this many of each kind, for both directions and
    /// for one.
    fn false_starts(count: usize, most: u64) -> Vec<(u64, bool, Found)> {
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        let mut found = Vec::new();
        for kind in 0..12 {
            for index in 0..count {
                let both = index % 2 == 0;
                let one = random.side(kind, most);
                let other = if both { random.side(kind, most) } else { Side::default() };
                let sides = if random.next(2) == 0 { [one, other] } else { [other, one] };
                found.extend(find(&sides, true).map(|found| (kind, both, found)));
            }
        }
        found
    }

    /// Quadratic cost would take minutes here.
    #[test]
    fn many_short_frames_cost_no_more_than_their_bytes() {
        for pair in [[0x81, 0], [0x01, 0x80], [0x00, 0x01]] {
            let mut sides = [Side::default(), Side::default()];
            for side in &mut sides {
                side.push(0, &pair.repeat(128 << 10), usize::MAX);
            }
            assert_eq!(find(&sides, true), None, "{pair:?}");
        }
        let mut side = Side::default();
        side.push(1 << 30, b"far", 1 << 20);
        assert!(side.is_empty());
    }

    #[test]
    fn other_bytes_are_not_taken_for_frames() {
        assert_eq!(false_starts(400, 12), []);
    }

    /// Prints how many are taken for frames.
    #[test]
    #[ignore = "takes minutes"]
    fn many_other_bytes_are_not_taken_for_frames() {
        let [few, many] = [false_starts(20_000, 5), false_starts(1_000, 100)];
        println!("{} of 240000 short ones, {} of 12000 long ones", few.len(), many.len());
        assert_eq!((few, many), (Vec::new(), Vec::new()));
    }
}
