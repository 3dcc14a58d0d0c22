//! Frames that are legal at the end of the stream.

use std::vec::Vec;

use arbitrary::{Result, Unstructured};

use super::{
    MOST_FRAMES, MOST_LEN, NextFrame, OpenMessage, Stream, content, most_payload, undefined,
};
use crate::{CloseFrame, Header, OpCode, Role};

impl Stream {
    /// Returns a legal frame that is not a Close frame.
    pub(super) fn open_frame(&self, u: &mut Unstructured<'_>) -> Result<NextFrame> {
        let data = if u.ratio(3, 4)? { self.data(u)? } else { None };
        match data {
            Some(frame) => Ok(frame),
            None => {
                let opcode = *u.choose(&[OpCode::Ping, OpCode::Pong])?;
                let payload = content::bytes(u, self.most_control())?;
                self.control(opcode, payload, u)
            }
        }
    }

    /// Returns a legal fragment of the open message or of a new one, or `None` if no data frame is
    /// legal.
    fn data(&self, u: &mut Unstructured<'_>) -> Result<Option<NextFrame>> {
        let message = match &self.open {
            _ if self.closed || self.policy.max_fragments == 0 => return Ok(None),
            Some(message) => message.clone(),
            None => self.message(u)?,
        };
        self.fragment(message, u).map(Some)
    }

    /// Returns a new message within the limits.
    fn message(&self, u: &mut Unstructured<'_>) -> Result<OpenMessage> {
        let most = most_payload(&self.policy);
        let opcode = self.accepted(u)?;
        let mut rsv =
            if u.ratio(1, 4)? { u.int_in_range(0..=7)? & !undefined(&self.policy) } else { 0 };
        let deflate = self.policy.negotiates_deflate() && rsv & 4 != 0;
        let payload = if deflate && most >= content::LEAST_DEFLATED {
            let most = (most - content::LEAST_DEFLATED).min(0xFFFF);
            content::deflated(&plain(opcode, most, u)?)
        } else {
            rsv &= if deflate { 3 } else { 7 };
            plain(opcode, most, u)?
        };
        Ok(OpenMessage::new(opcode, rsv, payload))
    }

    /// Returns the next frame of a message. The frame is long enough that the rest of the payload
    /// fits into the frames that are left.
    pub(super) fn fragment(
        &self,
        mut message: OpenMessage,
        u: &mut Unstructured<'_>,
    ) -> Result<NextFrame> {
        let limit = usize::try_from(self.policy.max_frame).unwrap_or(usize::MAX);
        let fragments = (self.policy.max_fragments - message.fragments) as usize;
        let left = message.payload.len() - message.sent;
        let many = message.fragments as usize >= MOST_FRAMES;
        let last = left <= limit && (many || fragments == 1 || u.ratio(2, 3)?);
        let most = left.min(limit);
        let len = if last || many {
            most
        } else {
            let least = left.saturating_sub(limit.saturating_mul(fragments - 1));
            // If `u` has no bytes left, `int_in_range` returns 0 and the frame is as long as
            // possible, so that the message ends.
            most - u.int_in_range(0..=most - least)?
        };
        let header = if message.fragments == 0 {
            self.header(message.opcode, len as u64, u)?.with_rsv(message.rsv)
        } else {
            self.header(OpCode::Continuation, len as u64, u)?
        };
        let payload = message.payload[message.sent..][..len].to_vec();
        message.sent += len;
        message.fragments += 1;
        Ok(NextFrame {
            header: if last { header } else { header.not_final() },
            payload,
            open: Some(message),
        })
    }

    /// Returns a legal Close frame.
    pub(super) fn close(&self, u: &mut Unstructured<'_>) -> Result<NextFrame> {
        let body = content::close(u, self.most_control())?;
        self.control(OpCode::Close, body, u)
    }

    pub(super) fn control(
        &self,
        opcode: OpCode,
        payload: Vec<u8>,
        u: &mut Unstructured<'_>,
    ) -> Result<NextFrame> {
        let header = self.header(opcode, payload.len() as u64, u)?;
        Ok(NextFrame { header, payload, open: self.open.clone() })
    }

    /// Returns a final header, which is masked if the sender is a client. Sometimes it has RSV bits
    /// that an extension defines for any frame.
    pub(super) fn header(
        &self,
        opcode: OpCode,
        len: u64,
        u: &mut Unstructured<'_>,
    ) -> Result<Header> {
        let header = Header::new(opcode, len);
        let defined = self.policy.rsv & if self.policy.negotiates_deflate() { 3 } else { 7 };
        let extended = defined != 0 && u.ratio(1, 8)?;
        let header =
            if extended { header.with_rsv(defined & u.arbitrary::<u8>()?) } else { header };
        Ok(if self.policy.role == Role::Server { header.masked(u.arbitrary()?) } else { header })
    }

    /// Returns the opcode of a type of data that the receiver accepts.
    pub(super) fn accepted(&self, u: &mut Unstructured<'_>) -> Result<OpCode> {
        let types = [OpCode::Text, OpCode::Binary].into_iter();
        let types: Vec<_> = types.filter(|opcode| self.policy.accepts.admits(*opcode)).collect();
        u.choose(&types).copied()
    }

    /// Returns the maximum number of payload bytes of the next frame with this opcode.
    pub(super) fn most_len(&self, opcode: OpCode) -> u64 {
        if opcode.is_control() {
            return self.most_control() as u64;
        }
        let sent = self.open.as_ref().map_or(0, |message| message.sent as u64);
        let sent = if opcode == OpCode::Continuation { sent } else { 0 };
        self.policy.max_frame.min(self.policy.max_message - sent).min(MOST_LEN)
    }

    /// Returns the maximum number of payload bytes of a control frame.
    pub(super) fn most_control(&self) -> usize {
        self.policy.max_frame.min(CloseFrame::MAX_BODY_LEN as u64) as usize
    }
}

/// Returns a payload of at most `most` bytes: text for a text message, any bytes otherwise.
fn plain(opcode: OpCode, most: usize, u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    if opcode == OpCode::Text { content::text(u, most) } else { content::bytes(u, most) }
}
