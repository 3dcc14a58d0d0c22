//! The frames that break each rule.

use std::vec;
use std::vec::Vec;

use arbitrary::{Result, Unstructured};

use super::{
    AFFORDABLE, BEHIND, MOST_LEN, NextFrame, OpenMessage, Stream, content, frames_exceed,
    most_payload, undefined,
};
use crate::{CloseFrame, Header, OpCode, Rule, Violation};

impl Stream {
    /// Adds the frames that break the rule, and returns the offset of the byte that breaks it.
    pub(super) fn break_rule(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<u64> {
        match rule {
            Rule::InvalidUtf8 => self.break_text(u),
            Rule::InvalidCloseCode | Rule::InvalidCloseReason => self.break_close(rule, u),
            Rule::EofInFrame => self.cut_frame(u),
            Rule::EofWithoutClose => Ok(self.bytes.len() as u64),
            _ => {
                let header = self.broken_header(rule, u)?;
                let start = self.write_broken(&header, u)?;
                Ok(Violation::in_header(rule, start).offset)
            }
        }
    }

    /// Writes the frame of a header that breaks a rule, complete or cut, and returns its offset.
    fn write_broken(&mut self, header: &Header, u: &mut Unstructured<'_>) -> Result<u64> {
        let len = header.payload_len();
        self.whole = len <= AFFORDABLE && !u.ratio(1, 4)?;
        let there = if self.whole { len } else { u.int_in_range(0..=len.min(BEHIND as u64))? };
        self.whole |= there == len;
        let payload = content::harmless(header.opcode(), there as usize);
        let start = self.write(header, &payload);
        self.write_noise(u)?;
        Ok(start)
    }

    /// Sometimes writes random bytes after a complete frame. The receiver must not validate them.
    fn write_noise(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        if self.whole && u.arbitrary()? {
            self.bytes.extend(content::bytes(u, BEHIND)?);
        }
        Ok(())
    }

    /// Returns a header that breaks the rule, and no rule before it in the table. Adds the frames
    /// that must come before.
    fn broken_header(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<Header> {
        match rule {
            Rule::ReservedBits => {
                let header = self.open_frame(u)?.header;
                let bits: Vec<_> =
                    (1..8).filter(|bits| bits & undefined(&self.policy) != 0).collect();
                Ok(header.with_rsv(header.rsv() | *u.choose(&bits)?))
            }
            Rule::ReservedOpcode => {
                let opcodes = OpCode::ALL.into_iter().filter(|opcode| opcode.is_reserved());
                let opcode = *u.choose(&opcodes.collect::<Vec<_>>())?;
                self.any_len(opcode, u)
            }
            Rule::FragmentedControl => {
                let opcode = self.any_control(u)?;
                Ok(self.any_len(opcode, u)?.not_final())
            }
            Rule::OversizedControl => {
                let opcode = self.any_control(u)?;
                if u.ratio(1, 4)? {
                    let header = self.header(opcode, u.int_in_range(0..=125)?, u)?;
                    return Ok(in_form(&header, *u.choose(&[126, 127])?, header.payload_len()));
                }
                let lengths = [126, 127, 128, 0xFFFF, 0x1_0000, MOST_LEN];
                let len = self.any_of(&lengths, self.policy.max_frame, u)?;
                self.header(opcode, len, u)
            }
            Rule::UnexpectedContinuation => {
                self.finish_message(u)?;
                self.any_len(OpCode::Continuation, u)
            }
            Rule::InterruptedMessage => {
                if self.open.is_none() {
                    let first = self.accepted(u)?;
                    self.fill(first, 0, u)?;
                }
                let opcode = self.accepted(u)?;
                self.any_len(opcode, u)
            }
            Rule::MisplacedRsv1 => {
                let inside = self.open.is_some() && u.arbitrary()?;
                let opcode = if inside { OpCode::Continuation } else { self.any_control(u)? };
                let len = u.int_in_range(0..=self.most_len(opcode).min(125))?;
                Ok(self.header(opcode, len, u)?.with_rsv(4))
            }
            Rule::UnmaskedClientFrame => {
                let header = self.open_frame(u)?.header;
                Ok(Header::from_wire(
                    header.first_byte(),
                    header.second_byte() & 0x7F,
                    header.payload_len(),
                    [0; 4],
                ))
            }
            Rule::MaskedServerFrame => Ok(self.open_frame(u)?.header.masked(u.arbitrary()?)),
            Rule::NonMinimalLength => {
                let opcode = self.any_accepted(u)?;
                let header = self.any_len(opcode, u)?;
                let short = u.arbitrary()?;
                let edges: &[u64] = if short { &[0, 125] } else { &[0, 125, 126, 0xFFFF] };
                let most = self.most_len(header.opcode()).min(if short { 125 } else { 0xFFFF });
                let len = header.payload_len().min(most);
                let len = if u.arbitrary()? { self.any_of(edges, most, u)? } else { len };
                Ok(in_form(&header, if short { 126 } else { 127 }, len))
            }
            Rule::LengthOverflow => {
                let opcode = self.any_accepted(u)?;
                let len = u.arbitrary::<u64>()? | 1 << 63;
                self.header(opcode, len, u)
            }
            Rule::DataAfterClose => {
                let close = self.close(u)?;
                self.send(close);
                let opcode = self.any_accepted(u)?;
                self.any_len(opcode, u)
            }
            Rule::UnsupportedData => {
                self.finish_message(u)?;
                let refused = [OpCode::Text, OpCode::Binary].into_iter();
                let refused = refused.filter(|opcode| !self.policy.accepts.admits(*opcode));
                let opcode = *u.choose(&refused.collect::<Vec<_>>())?;
                self.any_len(opcode, u)
            }
            Rule::FrameTooBig => {
                let least = self.policy.max_frame + 1;
                let control = least <= CloseFrame::MAX_BODY_LEN as u64;
                if control && (!frames_exceed(&self.policy) || u.arbitrary()?) {
                    let opcode = self.any_control(u)?;
                    let len = u.int_in_range(least..=CloseFrame::MAX_BODY_LEN as u64)?;
                    // The body of a Close frame of one byte breaks a rule that comes before.
                    let opcode = if len == 1 { OpCode::Ping } else { opcode };
                    return self.header(opcode, len, u);
                }
                // The limit of an open message may be smaller.
                self.finish_message(u)?;
                let opcode = self.any_accepted(u)?;
                let len = over(self.policy.max_frame, MOST_LEN, u)?;
                self.header(opcode, len, u)
            }
            Rule::MessageTooBig => {
                self.finish_message(u)?;
                let (opcode, room) = self.fill_room(u)?;
                let len = over(room, self.policy.max_frame.min(MOST_LEN), u)?;
                self.header(opcode, len, u)
            }
            Rule::TooManyFragments => {
                self.finish_message(u)?;
                let mut opcode = self.accepted(u)?;
                for _ in 0..self.policy.max_fragments {
                    opcode = self.fill(opcode, 0, u)?;
                }
                let header = self.header(opcode, 0, u)?;
                Ok(if u.arbitrary()? { header } else { header.not_final() })
            }
            Rule::CloseBodyOneByte => self.header(OpCode::Close, 1, u),
            Rule::InvalidUtf8
            | Rule::InvalidDeflate
            | Rule::InvalidCloseCode
            | Rule::InvalidCloseReason
            | Rule::EofInFrame
            | Rule::EofWithoutClose => unreachable!("no header breaks {rule}"),
        }
    }

    /// Adds a text message that is not UTF-8, in one or more frames. Returns the offset of the byte
    /// that proves it, or that of the last byte of the message if it ends inside a character.
    fn break_text(&mut self, u: &mut Unstructured<'_>) -> Result<u64> {
        self.finish_message(u)?;
        let (payload, proof) = content::not_utf8(u, most_payload(&self.policy))?;
        let mut message = OpenMessage::new(OpCode::Text, 0, payload);
        let offset = loop {
            let sent = message.sent;
            let frame = self.fragment(message, u)?;
            let end = sent + frame.payload.len();
            message = frame.open.clone().unwrap_or_else(|| unreachable!("it is a fragment"));
            if proof < end || frame.header.fin() {
                self.write(&frame.header, &frame.payload);
                let behind = (end - proof).max(1);
                self.whole = frame.header.fin();
                break self.bytes.len() - behind;
            }
            self.send(frame);
            if u.ratio(1, 4)? {
                self.push_control(OpCode::Pong, vec![], u)?;
            }
        };
        // A receiver that validates only whole messages needs the rest of the message.
        while !self.whole && u.ratio(3, 4)? {
            let frame = self.fragment(message, u)?;
            self.write(&frame.header, &frame.payload);
            self.whole = frame.header.fin();
            message = frame.open.unwrap_or_else(|| unreachable!("it is a fragment"));
        }
        self.write_noise(u)?;
        Ok(offset as u64)
    }

    /// Adds a Close frame whose code must not be sent, or whose reason is not UTF-8. Returns the
    /// offset of the byte that breaks the rule.
    fn break_close(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<u64> {
        let most = self.most_control() - 2;
        let code = content::code(u, rule == Rule::InvalidCloseReason)?;
        let (reason, behind) = if rule == Rule::InvalidCloseReason {
            let (reason, proof) = content::not_utf8(u, most)?;
            let behind = (reason.len() - proof).max(1);
            (reason, behind)
        } else {
            let reason = content::text(u, most)?;
            let behind = reason.len() + 2;
            (reason, behind)
        };
        let body = [&code.0.to_be_bytes()[..], &reason].concat();
        let header = self.header(OpCode::Close, body.len() as u64, u)?;
        self.write(&header, &body);
        let offset = self.bytes.len() - behind;
        self.write_noise(u)?;
        Ok(offset as u64)
    }

    /// Adds a legal frame that is cut anywhere, and returns the offset of the end of the stream.
    fn cut_frame(&mut self, u: &mut Unstructured<'_>) -> Result<u64> {
        let frame = if u.ratio(1, 4)? { self.close(u)? } else { self.open_frame(u)? };
        let NextFrame { header, payload, .. } = frame;
        let start = self.write(&header, &payload) as usize;
        let cut = u.int_in_range(start + 1..=self.bytes.len() - 1)?;
        self.bytes.truncate(cut);
        self.whole = false;
        Ok(cut as u64)
    }

    /// Adds the frames that finish the open message.
    fn finish_message(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        while let Some(message) = self.open.clone() {
            let frame = self.fragment(message, u)?;
            self.send(frame);
        }
        Ok(())
    }

    /// Writes a fragment of `len` bytes that is not the last, and returns the opcode of the next
    /// fragment. The message is never finished.
    fn fill(&mut self, opcode: OpCode, len: u64, u: &mut Unstructured<'_>) -> Result<OpCode> {
        let header = self.header(opcode, len, u)?.not_final();
        self.write(&header, &content::harmless(opcode, len as usize));
        Ok(OpCode::Continuation)
    }

    /// Writes fragments until one more can exceed the limit of the message. Returns the opcode of
    /// that fragment, and how many bytes the message may still have.
    fn fill_room(&mut self, u: &mut Unstructured<'_>) -> Result<(OpCode, u64)> {
        let (limit, mut room) = (self.policy.max_frame, self.policy.max_message);
        let mut opcode = self.accepted(u)?;
        let mut fragments = 0;
        loop {
            let enough = limit > room;
            let may_go_on = fragments + 1 < self.policy.max_fragments && room <= AFFORDABLE;
            if enough && (!may_go_on || u.ratio(1, 2)?) {
                return Ok((opcode, room));
            }
            let len = if enough { u.int_in_range(0..=room.min(1_000))? } else { limit };
            opcode = self.fill(opcode, len, u)?;
            room -= len;
            fragments += 1;
        }
    }

    /// Returns a header with this opcode and any length within the limits, in its shortest form.
    fn any_len(&self, opcode: OpCode, u: &mut Unstructured<'_>) -> Result<Header> {
        let lengths = [0, 1, 2, 5, 5, 20, 125, 126, 0xFFFF, 0x1_0000, 1 << 32, MOST_LEN];
        let len = self.any_of(&lengths, self.most_len(opcode), u)?;
        let len = if opcode == OpCode::Close && len == 1 { 0 } else { len };
        let header = self.header(opcode, len, u)?;
        Ok(if opcode.is_control() || u.arbitrary()? { header } else { header.not_final() })
    }

    /// Returns one of these lengths that is at most `most`, or the first if all are longer. The
    /// lengths must ascend.
    fn any_of(&self, lengths: &[u64], most: u64, u: &mut Unstructured<'_>) -> Result<u64> {
        let fitting = lengths.iter().take_while(|len| **len <= most).count().max(1);
        u.choose(&lengths[..fitting]).copied()
    }

    fn any_control(&self, u: &mut Unstructured<'_>) -> Result<OpCode> {
        u.choose(&[OpCode::Close, OpCode::Ping, OpCode::Pong]).copied()
    }

    /// Returns an opcode of data that is legal at the end of the stream.
    fn any_accepted(&self, u: &mut Unstructured<'_>) -> Result<OpCode> {
        if self.open.is_some() { Ok(OpCode::Continuation) } else { self.accepted(u) }
    }
}

/// Returns the header with this length in this form: 126 for 16 bits, 127 for 64 bits.
fn in_form(header: &Header, form: u8, len: u64) -> Header {
    let key = header.masking_key().unwrap_or_default();
    Header::from_wire(header.first_byte(), header.second_byte() & 0x80 | form, len, key)
}

/// Returns a length over this limit of at most `most` bytes. It is often just over the limit.
fn over(limit: u64, most: u64, u: &mut Unstructured<'_>) -> Result<u64> {
    let least = limit + 1;
    let further = least.saturating_add(u.arbitrary::<u16>()?.into());
    let len =
        *u.choose(&[least, limit.saturating_add(2), limit.saturating_mul(2), further, most])?;
    Ok(len.clamp(least, most))
}
