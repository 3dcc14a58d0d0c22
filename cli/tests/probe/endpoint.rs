//! A server or a client in memory that can have one planted fault. It shares no code with the validator: it is
//! written from the RFC, with the text functions of the standard library.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wsvet::End;
use wsvet::deflate::{Deflater, Inflater, InvalidDeflate};
use wsvet_cli::probe::link::{Link, Received};

use super::faults::Fault::{self, *};

/// What the endpoint does and accepts.
#[derive(Clone, Copy, Default)]
pub struct Kind {
    pub echo: bool,
    pub deflate: bool,
    pub limit: Option<usize>,
    pub text_only: bool,
    pub client: bool,
    /// Whether it sends another message before each echo.
    pub interjects: bool,
}

/// A connection with the endpoint. What it sends arrives in pieces of at most `cut` bytes.
pub struct Memory {
    endpoint: Endpoint,
    cut: usize,
    now: Duration,
}

impl Memory {
    pub fn new(kind: Kind, fault: Option<Fault>, cut: usize) -> Self {
        let mut endpoint = Endpoint::new(kind, fault);
        if kind.client {
            endpoint.request();
        }
        Self { endpoint, cut, now: Duration::ZERO }
    }
}

impl Link for Memory {
    fn send(&mut self, segment: &[u8]) -> io::Result<()> {
        if self.endpoint.end.is_none() {
            self.endpoint.received.extend_from_slice(segment);
            self.endpoint.arrive(segment.len());
        }
        Ok(())
    }

    fn end_sending(&mut self) -> io::Result<()> {
        let client = self.endpoint.kind.client;
        let keeps = [KeepsTcpOpen, KeepsTcpOpenAfterRefusal];
        let keeps = client && keeps.iter().any(|fault| self.endpoint.has(*fault));
        if !keeps && !self.endpoint.has(KeepsHalfClosed) {
            self.endpoint.end.get_or_insert(End::Fin);
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        let out = &mut self.endpoint.out;
        if !out.is_empty() {
            let len = out.len().min(self.cut);
            buffer.extend(out.drain(..len));
            return Received::Bytes;
        }
        match self.endpoint.end {
            Some(end) => Received::End(end),
            None => {
                self.now += wait;
                Received::Late
            }
        }
    }

    fn elapsed(&self) -> Duration {
        self.now
    }
}

pub(super) struct Message {
    opcode: u8,
    compressed: bool,
    payload: Vec<u8>,
    fragments: usize,
}

pub(super) struct Endpoint {
    pub(super) kind: Kind,
    pub(super) fault: Option<Fault>,
    pub(super) received: Vec<u8>,
    pub(super) out: VecDeque<u8>,
    pub(super) end: Option<End>,
    /// The key of a client.
    pub(super) key: String,
    pub(super) opened: bool,
    pub(super) message: Option<Message>,
    pub(super) inflater: Option<Inflater>,
    pub(super) deflater: Option<Deflater>,
    /// The code that was sent in a Close frame.
    pub(super) closed: bool,
    pub(super) held: Option<(u8, Vec<u8>)>,
    pub(super) served: usize,
}

impl Endpoint {
    pub(super) fn new(kind: Kind, fault: Option<Fault>) -> Self {
        Self {
            kind,
            fault,
            received: Vec::new(),
            out: VecDeque::new(),
            end: None,
            key: String::new(),
            opened: false,
            message: None,
            inflater: None,
            deflater: None,
            closed: false,
            held: None,
            served: 0,
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(super) fn arrive(&mut self, segment: usize) {
        if !self.opened {
            let whole = self.received.windows(4).position(|window| window == b"\r\n\r\n");
            let Some(at) = whole else {
                if self.has(NeedsHeadAtOnce) {
                    self.end = Some(End::Fin);
                }
                return;
            };
            let head: Vec<u8> = self.received.drain(..at + 4).collect();
            let head = std::str::from_utf8(&head).unwrap().to_owned();
            match self.kind.client {
                true => self.accept_response(&head),
                false => self.respond(&head),
            }
            return;
        }
        if self.has(NeedsFramesAtOnce) && segment == 1 {
            return self.refuse(1002);
        }
        if self.has(NeedsTwoBytes) && self.received.len() == 1 {
            return self.refuse(1002);
        }
        while self.end.is_none() && !self.closed && self.frame() {
            if self.has(OneFrameASegment) {
                self.received.clear();
            }
        }
    }

    /// Handles the next frame. Returns whether there may be another.
    fn frame(&mut self) -> bool {
        let bytes = &self.received[..];
        let [first, second, ..] = *bytes else { return false };
        let (fin, rsv, opcode) = (first & 0x80 != 0, first >> 4 & 7, first & 15);
        let (masked, short) = (second & 0x80 != 0, second & 0x7F);
        let (len, mut at) = match short {
            126 if bytes.len() < 4 => return false,
            126 => (u64::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 if bytes.len() < 10 => return false,
            127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()), 10),
            short => (u64::from(short), 2),
        };
        let len = if self.has(DropsHighestBit) { len & (u64::MAX >> 1) } else { len };
        let mut key = [0; 4];
        if masked {
            let Some(bytes) = bytes.get(at..at + 4) else { return false };
            key.copy_from_slice(bytes);
            at += 4;
        }
        if let Err((fault, code)) = self.header(fin, rsv, opcode, masked, short, len)
            && !self.has(fault)
        {
            self.refuse(code);
            return false;
        }
        if self.has(RefusesZeroKey) && masked && key == [0; 4] {
            self.refuse(1002);
            return false;
        }
        let there = usize::try_from(len).unwrap_or(usize::MAX).min(self.received.len() - at);
        let mut payload = self.received[at..at + there].to_vec();
        let from = usize::from(self.has(MasksFromSecondByte));
        payload.iter_mut().enumerate().for_each(|(index, byte)| *byte ^= key[(index + from) % 4]);
        if self.has(MasksFirstByteOnly) {
            payload = self.received[at..at + there].to_vec();
            payload.iter_mut().for_each(|byte| *byte ^= key[0]);
        }
        if (there as u64) < len {
            self.early(opcode, rsv, &payload);
            return false;
        }
        self.received.drain(..at + there);
        if opcode & 8 == 0 {
            self.data(fin, rsv, opcode, payload);
        } else {
            self.control(fin, opcode, payload);
        }
        true
    }

    /// Checks a header, and returns the fault of a server that accepts it, and the code that is due.
    fn header(
        &self,
        fin: bool,
        rsv: u8,
        opcode: u8,
        masked: bool,
        short: u8,
        len: u64,
    ) -> Result<(), (Fault, u16)> {
        let control = opcode & 8 != 0;
        let open = self.message.is_some();
        let deflate = self.inflater.is_some();
        let limit = self.kind.limit.map_or(u64::MAX, |limit| limit as u64);
        let before = self.message.as_ref().map_or(0, |message| message.payload.len() as u64);
        let compressed = rsv & 4 != 0 || self.message.as_ref().is_some_and(|open| open.compressed);
        let before = if self.has(LimitForEachFrame) { 0 } else { before };
        let limit = if self.has(LimitOneMore) { limit.saturating_add(1) } else { limit };
        let limit = if self.has(LimitOneLess) { limit - 1 } else { limit };
        let misplaced = deflate && rsv & 4 != 0 && (control || opcode == 0);
        let undefined = if deflate { rsv & 3 } else { rsv };
        // It would else refuse the form of what is left.
        let drops = self.has(DropsHighestBit);
        for (is_broken, fault, code) in [
            (undefined & 4 != 0 && !control, AcceptsRsv1, 1002),
            (undefined & 2 != 0 && !control, AcceptsRsv2, 1002),
            (undefined & 1 != 0 && !control, AcceptsRsv3, 1002),
            (undefined != 0 && control, AcceptsRsvOnControl, 1002),
            (matches!(opcode, 3..=7), AcceptsReservedData, 1002),
            (opcode > 10, AcceptsReservedControl, 1002),
            (control && !fin, AcceptsFragmentedControl, 1002),
            (opcode == 0 && !open, AcceptsStrayContinuation, 1002),
            (matches!(opcode, 1 | 2) && open, AcceptsInterrupted, 1002),
            (misplaced && opcode == 8, AcceptsCompressedClose, 1002),
            (misplaced && control && opcode != 8, AcceptsCompressedControl, 1002),
            (misplaced && !control, AcceptsCompressedContinuation, 1002),
            (opcode == 2 && self.kind.text_only, AcceptsOtherType, 1003),
            (masked == self.kind.client && len > 0, AcceptsWrongMask, 1002),
            (masked == self.kind.client && len == 0, AcceptsWrongMaskEmpty, 1002),
            (control && len > 125, AcceptsOversizedControl, 1002),
            (control && short > 125 && len <= 125, AcceptsLongFormControl, 1002),
            (short == 126 && len < 126 && !control, AcceptsLongForm16, 1002),
            (short == 127 && len < 65_536 && !control && !drops, AcceptsLongForm64, 1002),
            (len >> 63 != 0, AcceptsHugeLength, 1002),
            (!control && !compressed && before.saturating_add(len) > limit, HasNoLimit, 1009),
            (self.has(RefusesEmpty) && matches!(opcode, 1 | 2) && fin && len == 0, Nothing, 1002),
            (self.has(RefusesEmptyFragment) && opcode == 0 && len == 0, Nothing, 1002),
            (self.has(RefusesControlBetween) && control && open && opcode != 8, Nothing, 1002),
            (self.has(RefusesCloseBetween) && open && opcode == 8, Nothing, 1002),
            (self.has(RefusesPong) && opcode == 10, Nothing, 1002),
            (self.has(RefusesPing125) && opcode == 9 && len == 125, Nothing, 1002),
            (self.has(Refuses16Bits) && short == 126, Nothing, 1009),
            (self.has(Refuses64Bits) && short == 127, Nothing, 1009),
            (self.has(RefusesFragments) && opcode == 1 && !fin, Nothing, 1003),
            (self.has(RefusesMiddle) && opcode == 0 && !fin, Nothing, 1002),
            (self.has(RefusesBinary) && opcode == 2, Nothing, 1003),
            (self.has(LengthSigned16) && short == 126 && len > 0x7FFF, Nothing, 1009),
        ] {
            if is_broken && !self.has(fault) {
                return Err((fault, code));
            }
        }
        Ok(())
    }

    /// Refuses an incomplete text as soon as it is proven to be invalid.
    fn early(&mut self, opcode: u8, rsv: u8, payload: &[u8]) {
        let open = self.message.as_ref();
        let text = opcode == 1 || opcode == 0 && open.is_some_and(|open| open.opcode == 1);
        if rsv != 0 || open.is_some_and(|open| open.compressed) || !text || self.has(WaitsForFrame)
        {
            return;
        }
        let before = open.map_or(&[][..], |open| &open.payload);
        if self.is_proven(&[before, payload].concat()) {
            self.refuse(1007);
        }
    }

    /// Returns whether these bytes cannot begin a text.
    fn is_proven(&self, bytes: &[u8]) -> bool {
        self.invalid(bytes).is_some_and(|error| error.error_len().is_some())
    }

    fn invalid(&self, bytes: &[u8]) -> Option<std::str::Utf8Error> {
        let error = std::str::from_utf8(bytes).err()?;
        let at = error.valid_up_to();
        let rest = &bytes[at..];
        let surrogate = rest[0] == 0xED && rest.get(1).is_some_and(|byte| *byte >= 0xA0);
        let overlong = matches!(rest[0], 0xC0 | 0xC1)
            || rest[0] == 0xE0 && rest.get(1).is_some_and(|byte| (0x80..0xA0).contains(byte))
            || rest[0] == 0xF0 && rest.get(1).is_some_and(|byte| (0x80..0x90).contains(byte));
        let above = rest[0] >= 0xF4;
        let let_pass = match self.fault {
            Some(AcceptsAnyText) => true,
            Some(AcceptsSurrogates) => surrogate,
            Some(AcceptsOverlong) => overlong,
            Some(AcceptsAbove10ffff) => above,
            Some(AcceptsCutText) => error.error_len().is_none(),
            Some(AcceptsFarInvalid) => at > 200,
            Some(AcceptsVeryFarInvalid) => at >= 65_536,
            _ => false,
        };
        (!let_pass).then_some(error)
    }

    fn data(&mut self, fin: bool, rsv: u8, opcode: u8, payload: Vec<u8>) {
        if self.has(AcceptsReservedData) && opcode > 2 {
            return;
        }
        let mut message = match self.message.take() {
            Some(open) if opcode == 0 => open,
            _ => Message {
                opcode: opcode.max(1),
                compressed: rsv & 4 != 0,
                payload: Vec::new(),
                fragments: 0,
            },
        };
        message.fragments += 1;
        let lost = match fin {
            true => opcode == 0 && self.has(LosesLast),
            false => opcode == 0 && self.has(LosesMiddle),
        };
        if !lost {
            message.payload.extend_from_slice(&payload);
        }
        let fragments_are_texts = self.has(ChecksEachFragment) && message.opcode == 1;
        if fragments_are_texts && std::str::from_utf8(&payload).is_err() {
            return self.refuse(1007);
        }
        let deflates = message.compressed && self.inflater.is_some();
        let skipped = self.has(SkipsFragments) && message.fragments > 1;
        if message.opcode == 1
            && !deflates
            && !skipped
            && !self.has(WaitsForMessage)
            && self.is_proven(&message.payload)
        {
            return self.refuse(1007);
        }
        if !fin {
            self.message = Some(message);
            return;
        }
        self.whole(message);
    }

    fn whole(&mut self, mut message: Message) {
        let compressed = message.compressed && self.inflater.is_some();
        if compressed {
            match self.inflate(&message.payload) {
                Ok(plain) => message.payload = plain,
                Err(code) => return self.refuse(code),
            }
        } else if self.has(ForgetsContextAtPlain) && self.inflater.is_some() {
            self.inflater = Some(Inflater::new(true));
        }
        if self.has(ForgetsContextAtFragments) && compressed && message.fragments > 1 {
            self.inflater = Some(Inflater::new(true));
        }
        let unchecked = self.has(SkipsCompressedText) && compressed
            || self.has(SkipsCompressedFragments) && compressed && message.fragments > 1
            || self.has(SkipsFragments) && message.fragments > 1;
        let wrong = message.opcode == 1 && !unchecked && self.invalid(&message.payload).is_some()
            || self.has(ChecksBinaryText)
                && message.opcode == 2
                && std::str::from_utf8(&message.payload).is_err();
        let refuses =
            |text: &str| std::str::from_utf8(&message.payload).is_ok_and(|all| all.contains(text));
        let wrong = wrong
            || self.has(RefusesNoncharacters) && refuses("\u{FFFE}")
            || self.has(RefusesNul) && refuses("\0")
            || self.has(RefusesAstral) && refuses("\u{10FFFF}");
        if wrong {
            return self.refuse(1007);
        }
        if self.has(RepliesTwice) && self.kind.echo {
            self.send(0x80 | message.opcode, &message.payload.clone());
        }
        self.served = self.served.saturating_add(1);
        if self.kind.interjects && message.payload != b"wsvet" {
            self.send(0x81, b"tick");
        }
        if self.kind.echo {
            self.echo(message);
        }
        if self.has(DiesAfterTen) && self.served == 10 {
            self.end = Some(End::Reset);
        }
    }

    fn inflate(&mut self, payload: &[u8]) -> Result<Vec<u8>, u16> {
        let limit = match self.fault {
            Some(LimitBeforeInflating | HasNoLimit) => None,
            Some(LimitOneMore) => self.kind.limit.map(|limit| limit + 1),
            _ => self.kind.limit,
        };
        if self.has(RefusesFinalBlock) && payload.first().is_some_and(|byte| byte & 7 == 3) {
            return Err(1007);
        }
        let is_final = payload.first().is_some_and(|byte| byte & 7 == 3);
        if is_final && (self.has(LosesAfterFinal) || self.has(RefusesAfterFinal)) {
            self.served = usize::MAX;
        } else if self.served == usize::MAX && self.has(LosesAfterFinal) {
            return Ok(Vec::new());
        } else if self.served == usize::MAX && self.has(RefusesAfterFinal) {
            return Err(1007);
        }
        if self.has(RefusesEmptyDeflate) && payload == [0] {
            return Err(1007);
        }
        if self.has(RefusesStored) && payload.starts_with(&[0, 5]) {
            return Err(1007);
        }
        if self.has(ForgetsContext) {
            self.inflater = Some(Inflater::new(true));
        }
        let inflater = self.inflater.as_mut().unwrap();
        let mut plain = Vec::new();
        let mut too_big = false;
        let inflated = inflater.inflate(payload, true, |piece| {
            plain.extend_from_slice(piece);
            too_big = limit.is_some_and(|limit| plain.len() > limit);
            if too_big { Err(InvalidDeflate) } else { Ok(()) }
        });
        match inflated {
            Err(_) if too_big => Err(1009),
            Err(_) if self.has(AcceptsBadDeflate) => {
                self.inflater = Some(Inflater::new(true));
                Ok(Vec::new())
            }
            // A block that is cut off.
            Err(_) if self.has(AcceptsCutDeflate) && payload.len() < 5 => Ok(plain),
            Err(_) => Err(1007),
            Ok(()) => Ok(plain),
        }
    }

    fn echo(&mut self, message: Message) {
        let Message { mut opcode, mut payload, .. } = message;
        let truncate = |payload: &mut Vec<u8>, most: usize| payload.truncate(most);
        match self.fault {
            Some(EchoesReversed) => payload.reverse(),
            Some(TruncatesAt125) => truncate(&mut payload, 125),
            Some(TruncatesAt126) => truncate(&mut payload, 126),
            Some(TruncatesAt65535) => truncate(&mut payload, 65_535),
            Some(LosesLastByte) if payload.len() > 8 => truncate(&mut payload, 8),
            Some(SwapsTypes) => opcode = 3 - opcode,
            Some(EchoesAsText) => opcode = 1,
            Some(EchoesAsBinary) => opcode = 2,
            Some(LosesEmpty) if payload.is_empty() => return,
            Some(LosesZeros) => payload.retain(|byte| *byte != 0),
            Some(ChangesHighBytes) if opcode == 2 => {
                payload.iter_mut().for_each(|byte| *byte &= 0x7F)
            }
            Some(TrimsText) if payload.last() == Some(&b'\0') => drop(payload.pop()),
            Some(DropsByteOrderMark) if payload.starts_with(b"\xEF\xBB\xBF") => {
                drop(payload.drain(..3))
            }
            Some(WrongOrder) if payload != b"wsvet" => match self.held.take() {
                None if self.received.is_empty() => {}
                None => return self.held = Some((0x80 | opcode, payload)),
                Some((first, held)) => {
                    self.send(0x80 | opcode, &payload);
                    return self.send(first, &held);
                }
            },
            Some(Remembers) if payload != b"wsvet" => {
                if let Some((_, held)) = &self.held {
                    payload = held.clone();
                }
                self.held = Some((opcode, payload.clone()));
            }
            _ => {}
        }
        let [loses_context, keeps_tail] =
            [LosesOwnContext, KeepsOwnTail].map(|fault| self.has(fault));
        if let Some(deflater) = &mut self.deflater
            && !self.kind.text_only
        {
            let mut out = Vec::new();
            if loses_context {
                *deflater = Deflater::new(9, true);
                deflater.deflate(b"message number 1 of twenty messages", true, &mut out);
                out.clear();
            }
            deflater.deflate(&payload, true, &mut out);
            if keeps_tail {
                out.extend_from_slice(b"\x01\x00");
            }
            let rsv1 = if self.has(ForgetsRsv1) { 0 } else { 0x40 };
            return self.send(0x80 | rsv1 | opcode, &out);
        }
        match self.fault {
            Some(SendsBadFragments) if payload.len() > 1 => {
                self.send(opcode, &payload[..1]);
                self.send(0x80 | opcode, &payload[1..]);
            }
            Some(SendsRsv) => self.send(0xA0 | opcode, &payload),
            _ => self.send(0x80 | opcode, &payload),
        }
        if self.has(CutsLongByPong) && payload.len() > 60_000 && !self.received.is_empty() {
            let rest = self.out.split_off(self.out.len() - 1_000);
            self.held = Some((0, rest.into()));
        }
    }

    fn control(&mut self, fin: bool, opcode: u8, payload: Vec<u8>) {
        match opcode {
            8 => self.close(&payload),
            9 => {
                let open = self.message.is_some();
                if self.has(ForgetsContextAtPing) && self.inflater.is_some() {
                    self.inflater = Some(Inflater::new(true));
                }
                if self.has(DeliversPings) {
                    self.send(0x82, &payload);
                }
                match self.fault {
                    Some(NeverPongs) => return,
                    Some(NoPongToEmpty) if payload.is_empty() => return,
                    Some(NoPongBetween) if open => return,
                    Some(NoPongToLong) if payload.len() == 125 => return,
                    Some(NoPongAfterPong) if self.served == usize::MAX => return,
                    _ => {}
                }
                if !fin && self.has(AcceptsFragmentedControl) && payload.is_empty() {
                    return self.send(0x8A, b"");
                }
                let pong = match self.fault {
                    Some(EmptyPongs) => Vec::new(),
                    Some(PongsUntilZero) => {
                        payload.split(|byte| *byte == 0).next().unwrap().to_vec()
                    }
                    Some(PongsOf124) => payload[..payload.len().min(124)].to_vec(),
                    Some(PongsAsText) => {
                        String::from_utf8_lossy(&payload).into_owned().into_bytes()
                    }
                    Some(PongsRepeated) if self.held.is_some() => self.held.clone().unwrap().1,
                    _ => payload.clone(),
                };
                if self.has(PongsRepeated) && payload.len() == 1 {
                    self.held = Some((9, payload));
                }
                match self.fault {
                    Some(FragmentsPongs) => self.send(0x0A, &pong),
                    Some(PongsAsPings) => self.send(0x89, &pong),
                    Some(PongsInLongForm) => {
                        let len = pong.len() as u16;
                        self.out.extend([0x8A, 126].into_iter().chain(len.to_be_bytes()));
                        self.out.extend(pong);
                    }
                    _ => self.send(0x8A, &pong[..pong.len().min(125)]),
                }
                if self.has(CutsLongByPong) {
                    self.out.extend(self.held.take().unwrap_or_default().1);
                }
            }
            10 if self.has(DeliversPongs) => self.send(0x82, &payload),
            10 if self.has(NoPongAfterPong) => self.served = usize::MAX,
            _ => {}
        }
    }

    fn close(&mut self, body: &[u8]) {
        let code = match *body {
            [] => None,
            [high, low, ..] => Some(u16::from_be_bytes([high, low])),
            [_] if self.has(AcceptsOneByte) => None,
            [_] => return self.refuse(1002),
        };
        let legal = |code: u16| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        if let Some(code) = code {
            let let_pass = match self.fault {
                Some(AcceptsAnyCode) => true,
                Some(Accepts1005) => matches!(code, 1005 | 1006 | 1015),
                Some(Accepts1004) => code == 1004,
                Some(AcceptsLowCodes) => code < 1000,
                Some(AcceptsUnassigned) => (1016..3000).contains(&code),
                Some(AcceptsHighCodes) => code >= 5000,
                _ => false,
            };
            if !legal(code) && !let_pass {
                return self.refuse(1002);
            }
            let refuses = match self.fault {
                Some(Refuses1012) => (1012..=1014).contains(&code),
                Some(Refuses3000) => (3000..4000).contains(&code),
                Some(Refuses4000) => code >= 4000,
                Some(Refuses4999) => code == 4999,
                Some(Refuses1001) => code == 1001,
                Some(RefusesReasons) => body.len() > 2,
                Some(RefusesLongReason) => body.len() == 125,
                Some(RefusesOtherScripts) => !body[2..].is_ascii(),
                _ => false,
            };
            if refuses {
                return self.refuse(1002);
            }
            if std::str::from_utf8(&body[2..]).is_err() && !self.has(AcceptsAnyReason) {
                return self.refuse(1007);
            }
        }
        if self.has(RefusesNoCode) && code.is_none() {
            return self.refuse(1002);
        }
        if self.has(NeverCloses) {
            self.end = Some(End::Fin);
            return;
        }
        if self.has(IgnoresClose) {
            return;
        }
        let reply = match self.fault {
            Some(AlwaysAnswers1000) => Some(1000),
            Some(AnswersWithoutCode) => None,
            Some(AnswersIllegalCode) => Some(code.unwrap_or(1005)),
            Some(
                AcceptsAnyCode | Accepts1005 | Accepts1004 | AcceptsLowCodes | AcceptsUnassigned
                | AcceptsHighCodes,
            ) => Some(code.filter(|code| legal(*code)).unwrap_or(1000)),
            _ => code,
        };
        let body = reply.map(u16::to_be_bytes);
        self.send(0x88, body.as_ref().map_or(&[], |body| body));
        if self.has(ClosesTwice) {
            self.send(0x88, b"");
        }
        if self.has(PingsAfterClose) {
            self.send(0x89, b"still there?");
        }
        if self.has(SendsAfterClose) {
            self.send(0x81, b"late");
        }
        self.closed = true;
        if !self.has(KeepsTcpOpen) {
            self.end = Some(if self.has(ResetsTcp) { End::Reset } else { End::Fin });
        }
    }

    pub(super) fn refuse(&mut self, code: u16) {
        let code = match (self.fault, code) {
            (Some(Refuses1002With1000), 1002) => 1000,
            (Some(Refuses1002With1011), 1002) => 1011,
            (Some(Refuses1002With1003), 1002) => 1003,
            (Some(Refuses1007With1002), 1007) => 1002,
            (Some(Refuses1003With1007), 1003) => 1007,
            (Some(Refuses1003With1008), 1003) => 1008,
            (Some(Refuses1009With1008), 1009) => 1008,
            (Some(RefusesWith1006), _) => 1006,
            _ => code,
        };
        let silent = match self.fault {
            Some(RefusesByFin) => true,
            Some(RefusesTextByFin) => code == 1007,
            Some(RefusesFramesByFin) => code == 1002,
            _ => false,
        };
        if self.has(PongsAfterBreach) && self.received.len() > 12 {
            self.send(0x8A, b"late");
        }
        if self.has(Hangs) {
            self.closed = true;
            return;
        }
        if !silent {
            let body = code.to_be_bytes();
            match self.has(RefusesWithoutCode) {
                true => self.send(0x88, b""),
                false => self.send(0x88, &body),
            }
            if self.has(RefusesTwice) {
                self.send(0x88, &body);
            }
        }
        let goes_on = match self.fault {
            Some(GoesOnAfterRefusal | GoesOnAfterBadClose) => code == 1002,
            Some(GoesOnAfterText) => code == 1007,
            _ => false,
        };
        if goes_on {
            return self.received.clear();
        }
        self.closed = true;
        if !self.has(KeepsTcpOpenAfterRefusal) {
            self.end = Some(End::Fin);
        }
    }

    pub(super) fn send(&mut self, first: u8, payload: &[u8]) {
        let len = payload.len();
        let masks = self.kind.client != self.has(MasksWrongly);
        let mask = if masks { 0x80 } else { 0 };
        self.out.push_back(first);
        match len {
            _ if self.has(SendsLongForm) && len < 126 && first & 8 == 0 => {
                self.out.extend([mask | 126, 0, len as u8]);
            }
            0..=125 => self.out.push_back(mask | len as u8),
            126..=65_535 => {
                self.out.push_back(mask | 126);
                self.out.extend((len as u16).to_be_bytes());
            }
            _ => {
                self.out.push_back(mask | 127);
                self.out.extend((len as u64).to_be_bytes());
            }
        }
        if mask == 0 {
            return self.out.extend(payload);
        }
        let is_fresh = self.kind.client && !self.has(RepeatsMaskingKey);
        let key = if is_fresh { fresh_key() } else { [0; 4] };
        self.out.extend(key);
        self.out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
}

/// Returns a masking key that no frame had before.
pub fn fresh_key() -> [u8; 4] {
    static FRAMES: AtomicU32 = AtomicU32::new(1);
    FRAMES.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B1).to_be_bytes()
}
