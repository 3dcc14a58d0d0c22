//! How each rule is broken.

use std::vec;
use std::vec::Vec;

use arbitrary::{Result, Unstructured};

use super::{
    BEHIND, Frame, MOST_LEN, Message, Stream, content, frames_to_fill, most_payload, undefined,
};
use crate::{CloseFrame, Header, OpCode, Rule, Violation};

impl Stream {
    /// Breaks the rule, and gives the byte that breaks it.
    pub(super) fn break_rule(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<u64> {
        match rule {
            Rule::InvalidUtf8 => self.break_text(u),
            Rule::InvalidCloseCode | Rule::InvalidCloseReason => self.break_close(rule, u),
            Rule::EofInFrame => self.cut_frame(u),
            Rule::EofWithoutClose => Ok(self.bytes.len() as u64),
            _ => {
                let header = self.broken_header(rule, u)?;
                let len = header.payload_len().min(BEHIND as u64) as usize;
                let payload = content::bytes(u, len)?;
                let start = self.write(&header, &payload);
                self.bytes.extend(content::bytes(u, BEHIND)?);
                Ok(Violation::in_header(rule, start).offset)
            }
        }
    }

    /// A header that breaks the rule, and none before it in the table; what must come before is
    /// sent.
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
                let len = *u.choose(&[126, 127, 128, 0xFFFF, 0x1_0000, MOST_LEN])?;
                self.header(opcode, len, u)
            }
            Rule::UnexpectedContinuation => {
                self.finish_message(u)?;
                self.any_len(OpCode::Continuation, u)
            }
            Rule::InterruptedMessage => {
                if self.open.is_none() {
                    self.fill(1, 0, u)?;
                }
                let opcode = *u.choose(&[OpCode::Text, OpCode::Binary])?;
                self.any_len(opcode, u)
            }
            Rule::MisplacedRsv1 => {
                let inside = self.open.is_some() && u.arbitrary()?;
                let opcode = if inside { OpCode::Continuation } else { self.any_control(u)? };
                let len = u.int_in_range(0..=CloseFrame::MAX_BODY_LEN as u64)?;
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
                let header = self.open_frame(u)?.header;
                let short = header.payload_len() <= 125 && u.arbitrary()?;
                let form = header.second_byte() & 0x80 | if short { 126 } else { 127 };
                let len = header.payload_len().min(0xFFFF);
                let key = header.masking_key().unwrap_or_default();
                Ok(Header::from_wire(header.first_byte(), form, len, key))
            }
            Rule::LengthOverflow => {
                let opcode = self.any_data(u)?;
                let len = u.arbitrary::<u64>()? | 1 << 63;
                self.header(opcode, len, u)
            }
            Rule::DataAfterClose => {
                let close = self.close(u)?;
                self.send(close);
                let opcode = self.any_data(u)?;
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
                let control = least <= CloseFrame::MAX_BODY_LEN as u64 && u.arbitrary()?;
                if control {
                    let opcode = self.any_control(u)?;
                    let len = u.int_in_range(least..=CloseFrame::MAX_BODY_LEN as u64)?;
                    return self.header(opcode, len, u);
                }
                let opcode = self.any_accepted(u)?;
                let len = least.saturating_add(u.arbitrary::<u16>()?.into()).min(MOST_LEN);
                self.header(opcode, len, u)
            }
            Rule::MessageTooBig => {
                self.finish_message(u)?;
                let full = frames_to_fill(&self.policy).unwrap_or_default();
                let most = self.policy.max_frame.min(MOST_LEN);
                let opcode = self.fill(full, most as usize, u)?;
                let least = self.policy.max_message - full * self.policy.max_frame + 1;
                let len = u.int_in_range(least..=most)?;
                self.header(opcode, len, u)
            }
            Rule::TooManyFragments => {
                self.finish_message(u)?;
                let opcode = self.fill(self.policy.max_fragments.into(), 0, u)?;
                let header = self.header(opcode, 0, u)?;
                Ok(if u.arbitrary()? { header } else { header.not_final() })
            }
            Rule::CloseBodyOneByte => self.header(OpCode::Close, 1, u),
            Rule::InvalidUtf8
            | Rule::InvalidCloseCode
            | Rule::InvalidCloseReason
            | Rule::EofInFrame
            | Rule::EofWithoutClose => unreachable!("no header breaks {rule}"),
        }
    }

    /// Text that is no UTF-8, in fragments; where it ends inside a character, the end of its last
    /// frame proves it.
    fn break_text(&mut self, u: &mut Unstructured<'_>) -> Result<u64> {
        self.finish_message(u)?;
        let (payload, proof) = content::not_utf8(u, most_payload(&self.policy))?;
        let mut message = Message { opcode: OpCode::Text, rsv: 0, payload, sent: 0, fragments: 0 };
        loop {
            let sent = message.sent;
            let frame = self.fragment(message, u)?;
            let end = sent + frame.payload.len();
            if proof < end || frame.header.fin() {
                self.write(&frame.header, &frame.payload);
                let behind = (end - proof).max(1);
                let offset = self.bytes.len() - behind;
                self.bytes.extend(content::bytes(u, BEHIND)?);
                return Ok(offset as u64);
            }
            message = frame.open.clone().unwrap_or_else(|| unreachable!("it is a fragment"));
            self.send(frame);
            if u.ratio(1, 4)? {
                self.push_control(OpCode::Ping, vec![], u)?;
            }
        }
    }

    /// A Close whose code may not be sent, or whose reason is no UTF-8.
    fn break_close(&mut self, rule: Rule, u: &mut Unstructured<'_>) -> Result<u64> {
        let most = self.most_control() - 2;
        let code = content::code(u, rule == Rule::InvalidCloseReason)?;
        let (reason, behind) = if rule == Rule::InvalidCloseReason {
            let (reason, proof) = content::not_utf8(u, most)?;
            let behind = (reason.len() - proof).max(1);
            (reason, behind)
        } else {
            let reason = content::bytes(u, most)?;
            let behind = reason.len() + 2;
            (reason, behind)
        };
        let body = [&code.0.to_be_bytes()[..], &reason].concat();
        let header = self.header(OpCode::Close, body.len() as u64, u)?;
        self.write(&header, &body);
        let offset = self.bytes.len() - behind;
        self.bytes.extend(content::bytes(u, BEHIND)?);
        Ok(offset as u64)
    }

    /// A legal frame, cut anywhere.
    fn cut_frame(&mut self, u: &mut Unstructured<'_>) -> Result<u64> {
        let Frame { header, payload, .. } = self.open_frame(u)?;
        let start = self.write(&header, &payload) as usize;
        let cut = u.int_in_range(start + 1..=self.bytes.len() - 1)?;
        self.bytes.truncate(cut);
        Ok(cut as u64)
    }

    /// Finishes the message that is open.
    fn finish_message(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        while let Some(message) = self.open.clone() {
            let frame = self.fragment(message, u)?;
            self.send(frame);
        }
        Ok(())
    }

    /// Writes fragments of so many bytes, none of them the last, and gives the opcode of the next;
    /// the message is never finished.
    fn fill(&mut self, fragments: u64, len: usize, u: &mut Unstructured<'_>) -> Result<OpCode> {
        let mut opcode = self.accepted(u)?;
        for _ in 0..fragments {
            let header = self.header(opcode, len as u64, u)?.not_final();
            self.write(&header, &vec![b'a'; len]);
            opcode = OpCode::Continuation;
        }
        Ok(opcode)
    }

    /// A header with this opcode and any length that is in its shortest form.
    fn any_len(&self, opcode: OpCode, u: &mut Unstructured<'_>) -> Result<Header> {
        let most = if opcode.is_control() { CloseFrame::MAX_BODY_LEN as u64 } else { MOST_LEN };
        let len = u.choose(&[0, 1, 5, 125, 126, 0xFFFF, 0x1_0000, 1 << 32, MOST_LEN])?;
        let header = self.header(opcode, (*len).min(most), u)?;
        Ok(if opcode.is_control() || u.arbitrary()? { header } else { header.not_final() })
    }

    fn any_control(&self, u: &mut Unstructured<'_>) -> Result<OpCode> {
        u.choose(&[OpCode::Close, OpCode::Ping, OpCode::Pong]).copied()
    }

    /// An opcode of data that may come now, whatever its type.
    fn any_data(&self, u: &mut Unstructured<'_>) -> Result<OpCode> {
        if self.open.is_some() {
            return Ok(OpCode::Continuation);
        }
        u.choose(&[OpCode::Text, OpCode::Binary]).copied()
    }

    /// The same of a type that is accepted.
    fn any_accepted(&self, u: &mut Unstructured<'_>) -> Result<OpCode> {
        if self.open.is_some() { Ok(OpCode::Continuation) } else { self.accepted(u) }
    }
}
