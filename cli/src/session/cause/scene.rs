//! What a recogniser sees: the bytes on the wire around a violation, and the facts about them.

use wsvet::deflate::Parameters;
use wsvet::{Header, OpCode, Place, Role, Rule, mask};

/// The bytes of one direction around a violation.
pub(super) struct Scene<'a> {
    /// The endpoint that sent them.
    pub(super) from: Role,
    /// The broken rule.
    pub(super) rule: Rule,
    /// The byte that breaks it.
    pub(super) offset: u64,
    /// The byte at which the frame at fault starts.
    pub(super) start: u64,
    /// The header of that frame, if it is complete.
    pub(super) header: Option<Header>,
    /// The frame before it, and the byte at which it starts.
    pub(super) before: Option<(u64, Header)>,
    /// The type of the message that is open between the two.
    pub(super) open: Option<OpCode>,
    /// Whether no more bytes will be known.
    pub(super) last: bool,
    /// Whether the bytes are all that the endpoint sent.
    pub(super) whole: bool,
    /// Whether the input does not say who sent the bytes.
    pub(super) raw: bool,
    /// How messages may be compressed.
    pub(super) deflate: Option<Parameters>,
    /// Whether the client offered to compress.
    pub(super) offered: bool,
    /// The last compressed frames before.
    pub(super) compressed: &'a [(u64, Header)],
    /// The bytes, and the offset of the first of them.
    pub(super) wire: &'a [u8],
    pub(super) first: u64,
}

/// The payload of a frame, as far as it is known.
pub(super) struct Payload<'a> {
    pub(super) header: Header,
    /// The byte at which it starts.
    pub(super) start: u64,
    /// Its bytes on the wire.
    pub(super) wire: &'a [u8],
    /// Whether all of them are known.
    pub(super) whole: bool,
}

impl<'a> Scene<'a> {
    /// Returns whether the rule is broken by a header, so that no frame is where it should be.
    pub(super) fn is_in_header(&self) -> bool {
        matches!(self.rule.place(), Place::FirstByte | Place::SecondByte | Place::ExtendedLength)
    }

    /// Returns the known bytes from this one on.
    pub(super) fn from(&self, offset: u64) -> Option<&'a [u8]> {
        let at = usize::try_from(offset.checked_sub(self.first)?).ok()?;
        self.wire.get(at..)
    }

    /// Returns the bytes where the frame at fault should start.
    pub(super) fn due(&self) -> &'a [u8] {
        self.from(self.start).unwrap_or_default()
    }

    /// Returns the payload of a frame, if its first byte is known.
    pub(super) fn payload_of(&self, start: u64, header: Header) -> Option<Payload<'a>> {
        let start = start.checked_add(header.header_len() as u64)?;
        let wire = self.from(start)?;
        let len = usize::try_from(header.payload_len()).unwrap_or(usize::MAX);
        let wire = &wire[..wire.len().min(len)];
        Some(Payload { header, start, wire, whole: wire.len() == len })
    }

    /// Returns the bytes at which the frames after this one start, as far as the headers there are
    /// legal whoever sends them.
    pub(super) fn boundaries(&self, start: u64, header: Header) -> Vec<u64> {
        const MOST: usize = 32;
        let mut boundaries = Vec::new();
        let mut next = self.end_of(start, header);
        while let Some(end) = next.filter(|_| boundaries.len() < MOST) {
            boundaries.push(end);
            let header = self.from(end).and_then(|rest| Header::decode(rest).ok());
            let header =
                header.map(|(header, _)| header).filter(|header| self.is_plausible(header));
            next = header.and_then(|header| self.end_of(end, header));
        }
        boundaries
    }

    /// Returns the byte at which a frame ends.
    pub(super) fn end_of(&self, start: u64, header: Header) -> Option<u64> {
        start.checked_add(header.header_len() as u64)?.checked_add(header.payload_len())
    }

    fn is_plausible(&self, header: &Header) -> bool {
        let opcode = header.opcode();
        let rsv = header.rsv() == 0 || header.rsv() == 4 && self.deflate.is_some();
        let control = !opcode.is_control() || header.payload_len() <= 125;
        rsv && control && !opcode.is_reserved() && header.is_minimal()
    }

    /// Returns whether the header at fault has the right length: whether it leads to another header,
    /// or to the end. It then is a header, and stands where it should.
    pub(super) fn leads_on(&self) -> Option<bool> {
        let Some(end) = self.header.and_then(|header| self.end_of(self.start, header)) else {
            return if self.last { Some(false) } else { None };
        };
        match self.from(end) {
            Some([]) if self.last => Some(self.whole),
            None if self.last => Some(false),
            Some([]) | None => None,
            Some(rest) => match Header::decode(rest) {
                Ok((header, _)) => Some(self.is_plausible(&header)),
                Err(_) if self.last => Some(false),
                Err(_) => None,
            },
        }
    }

    /// Returns the payload of the frame at fault.
    pub(super) fn payload(&self) -> Option<Payload<'a>> {
        self.payload_of(self.start, self.header?)
    }

    /// Returns the type of the message that is open after this frame.
    pub(super) fn open_after(&self, header: &Header) -> Option<OpCode> {
        open_after(self.open, header)
    }

    /// Returns the place of a byte in words.
    pub(super) fn later(&self, offset: u64) -> String {
        match offset.checked_sub(self.start) {
            Some(bytes) => format!("{}, at byte {offset}", plural(bytes, "byte") + " later"),
            None => format!("at byte {offset}"),
        }
    }
}

impl Payload<'_> {
    /// Returns the payload unmasked.
    pub(super) fn plain(&self) -> Vec<u8> {
        unmask(self.header.masking_key(), 0, self.wire)
    }
}

/// Unmasks bytes of a payload. `phase` is the number of its bytes before them.
pub(super) fn unmask(key: Option<[u8; 4]>, phase: u64, wire: &[u8]) -> Vec<u8> {
    let mut plain = wire.to_vec();
    if let Some(key) = key {
        mask::apply(key, (phase % 4) as usize, &mut plain);
    }
    plain
}

/// Returns the type of the message that is open after a frame.
pub(super) fn open_after(open: Option<OpCode>, header: &Header) -> Option<OpCode> {
    match header.opcode() {
        opcode if !opcode.is_data() => open,
        _ if header.fin() => None,
        OpCode::Continuation => open,
        opcode => Some(opcode),
    }
}

/// Returns a number and a noun, in the plural if necessary.
pub(super) fn plural(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the start of a text in quotation marks, up to the first line break. `cut` is whether the
/// text may go on.
pub(super) fn quote(text: &[u8], cut: bool) -> String {
    const SHOWN: usize = 40;
    let text = text.trim_ascii();
    let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let shown: String = valid.chars().take_while(|c| !c.is_control()).take(SHOWN).collect();
    let more = if cut || shown.len() < text.len() { "…" } else { "" };
    format!("\"{shown}\"{more}")
}
