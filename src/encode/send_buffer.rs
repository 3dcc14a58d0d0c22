//! A buffer that holds long payloads instead of copying them.

use alloc::collections::VecDeque;
use core::fmt;
#[cfg(feature = "std")]
use std::io::{self, IoSlice, Write};

use bytes::{Buf, Bytes, BytesMut};

use super::append::{Append, Checked, Payload};
use super::kernel;
use crate::Header;

/// The minimum length in bytes of a payload that is held instead of copied. For a shorter one, the
/// copy is cheaper than another part of a vectored write.
const LEAST_HELD: usize = 4 << 10;

/// The number of parts of a vectored write.
#[cfg(feature = "std")]
const PARTS: usize = 16;

/// The bytes to send, in which long payloads are held by reference instead of copied.
///
/// Encode into it with [`append`](super::append), `codec::Messages` or `codec::Frames`, and send it
/// with [`write_to`](Self::write_to). It is a [`Buf`] with parts for vectored writes, so
/// `tokio::io::AsyncWriteExt::write_all_buf` sends it, too.
///
/// The codecs hold the payload of an unmasked frame of at least 4 KiB. The payload of a masked frame
/// is masked in place and held if nothing else shares its memory. Otherwise it is copied once and
/// masked in the copy.
///
/// A buffer grows with every frame: send what is in it before you encode more.
///
#[cfg_attr(feature = "std", doc = "```")]
#[cfg_attr(not(feature = "std"), doc = "```ignore")]
/// use wsvet::encode::SendBuffer;
/// use wsvet::{Message, Policy, Role, codec::Messages};
///
/// let mut messages = Messages::new(Policy::new(Role::Server));
/// let mut to_send = SendBuffer::new();
/// messages.encode(Message::binary(vec![7; 1 << 20]), &mut to_send)?; // not copied
/// messages.encode(Message::text("hi"), &mut to_send)?;
///
/// let mut socket = Vec::new();
/// while !to_send.is_empty() {
///     to_send.write_to(&mut socket)?; // one vectored write
/// }
/// assert_eq!(socket[..3], *b"\x82\x7F\0");
/// assert!(socket.ends_with(b"\x81\x02hi"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct SendBuffer {
    /// The bytes that were copied: headers, and short payloads.
    copied: BytesMut,
    /// The payloads that are held, each with the number of copied bytes between it and the one
    /// before.
    held: VecDeque<(usize, Bytes)>,
    /// The number of copied bytes after the last payload that is held.
    after: usize,
    /// The number of bytes of the payloads that are held.
    held_len: usize,
}

impl SendBuffer {
    /// Creates an empty buffer. It allocates no memory.
    ///
    /// ```
    /// assert!(wsvet::encode::SendBuffer::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of bytes to send.
    ///
    /// ```
    /// # use wsvet::{OpCode, encode};
    /// let mut to_send = encode::SendBuffer::new();
    /// encode::append_single(OpCode::Ping, b"", None, &mut to_send)?;
    /// assert_eq!(to_send.len(), 2);
    /// # Ok::<(), encode::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.copied.len() + self.held_len
    }

    /// Returns whether there is nothing to send.
    ///
    /// ```
    /// assert!(wsvet::encode::SendBuffer::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.copied.is_empty() && self.held.is_empty()
    }

    /// Writes the bytes with one vectored write, takes those that were written off the front, and
    /// returns their number.
    ///
    /// # Errors
    ///
    /// The error of the stream, and `WriteZero` if the stream accepts no bytes although there are
    /// some. The buffer is then unchanged: call the function again after `WouldBlock` or
    /// `Interrupted`.
    ///
    /// ```
    /// # use wsvet::{OpCode, encode};
    /// let mut to_send = encode::SendBuffer::new();
    /// encode::append_single(OpCode::Text, b"hi", None, &mut to_send)?;
    /// let mut socket = [0; 3]; // it accepts 3 bytes
    /// assert_eq!(to_send.write_to(&mut &mut socket[..])?, 3);
    /// assert_eq!((&socket[..], to_send.len()), (&b"\x81\x02h"[..], 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "std")]
    pub fn write_to(&mut self, stream: &mut impl Write) -> io::Result<usize> {
        if self.is_empty() {
            return Ok(0);
        }
        let written = match (self.held.front(), self.held.len()) {
            (None, _) => stream.write(&self.copied)?,
            // Most writes of a long message have two parts.
            (Some((1.., payload)), 1) if self.after == 0 => {
                stream.write_vectored(&[IoSlice::new(&self.copied), IoSlice::new(payload)])?
            }
            _ => {
                let mut parts = [IoSlice::new(&[]); PARTS];
                let count = self.chunks_vectored(&mut parts);
                stream.write_vectored(&parts[..count])?
            }
        };
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.advance(written);
        Ok(written)
    }

    /// Appends a header.
    #[inline]
    fn put_header(&mut self, header: &Header) {
        let before = self.copied.len();
        let mut wire = [0; Header::MAX_LEN];
        let len = header.encode(&mut wire);
        // A copy of constant length is cheaper than one of the header's length.
        self.copied.extend_from_slice(&wire);
        self.copied.truncate(before + len);
        self.after += len;
    }

    /// Holds the payload at the end of the buffer.
    fn hold(&mut self, payload: Bytes) {
        self.held_len += payload.len();
        self.held.push_back((core::mem::take(&mut self.after), payload));
    }
}

impl Append for SendBuffer {
    const HOLDS: bool = true;

    #[inline]
    fn put_frame(&mut self, header: &Header, payload: &[u8], checked: Checked) {
        let before = self.copied.len();
        self.copied.put_frame(header, payload, checked);
        self.after += self.copied.len() - before;
    }

    #[inline]
    fn put(&mut self, header: &Header, payload: impl Payload, checked: Checked) {
        if payload.len() < LEAST_HELD {
            return self.put_frame(header, &payload, checked);
        }
        let payload = match payload.shared() {
            Ok(payload) => payload,
            Err(payload) => return self.put_frame(header, &payload, checked),
        };
        let payload = match header.masking_key() {
            None => payload,
            Some(key) => match payload.try_into_mut() {
                Ok(mut payload) => {
                    kernel::mask(kernel::number(key), &mut payload);
                    payload.freeze()
                }
                Err(payload) => return self.put_frame(header, &payload, checked),
            },
        };
        self.put_header(header);
        self.hold(payload);
    }

    fn put_ready(&mut self, frames: &Bytes, _: Checked) {
        if frames.len() < LEAST_HELD {
            self.copied.extend_from_slice(frames);
            self.after += frames.len();
        } else {
            self.hold(frames.clone());
        }
    }
}

impl Buf for SendBuffer {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn chunk(&self) -> &[u8] {
        match self.held.front() {
            None => &self.copied,
            Some((0, payload)) => payload,
            Some((before, _)) => &self.copied[..*before],
        }
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "cannot advance past the end of the buffer");
        if count == self.len() {
            // The memory of the copied bytes is used again from its start.
            self.copied.clear();
            // For the few that there are, this is cheaper than `clear`.
            while self.held.pop_front().is_some() {}
            (self.after, self.held_len) = (0, 0);
            return;
        }
        while let Some((before, payload)) = self.held.front_mut() {
            let copied = count.min(*before);
            self.copied.advance(copied);
            *before -= copied;
            count -= copied;
            if count < payload.len() {
                payload.advance(count);
                self.held_len -= count;
                return;
            }
            count -= payload.len();
            self.held_len -= payload.len();
            self.held.pop_front();
        }
        self.copied.advance(count);
        self.after -= count;
    }

    #[cfg(feature = "std")]
    fn chunks_vectored<'a>(&'a self, parts: &mut [IoSlice<'a>]) -> usize {
        let mut copied = &self.copied[..];
        let mut bytes = self.held.iter().flat_map(|(before, payload)| {
            let (part, rest) = copied.split_at(*before);
            copied = rest;
            [part, payload]
        });
        let mut count = 0;
        for part in &mut *parts {
            let Some(bytes) = bytes.find(|bytes| !bytes.is_empty()) else { break };
            *part = IoSlice::new(bytes);
            count += 1;
        }
        drop(bytes);
        // All payloads are among the parts if one is left for the bytes after them.
        if count < parts.len() && !copied.is_empty() {
            parts[count] = IoSlice::new(copied);
            count += 1;
        }
        count
    }
}

impl fmt::Debug for SendBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held: usize = self.held.len();
        f.debug_struct("SendBuffer").field("len", &self.len()).field("held", &held).finish()
    }
}
