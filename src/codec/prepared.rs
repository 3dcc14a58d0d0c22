//! A message that is encoded once and sent on many connections.

use core::fmt;
#[cfg(feature = "deflate")]
use std::boxed::Box;
use std::sync::Arc;
#[cfg(feature = "deflate")]
use std::sync::OnceLock;
use std::vec::Vec;

use bytes::Bytes;

#[cfg(feature = "deflate")]
use crate::deflate::Deflater;
use crate::encode::{Append, Checked};
use crate::{Header, OpCode, Utf8Bytes};

/// A data message that is encoded once and sent on many connections, such as a broadcast.
///
/// A clone is cheap, and shares everything with the original. Send it with
/// [`Messages::encode_prepared`](super::Messages::encode_prepared), or with the method
/// `send_prepared` of an endpoint (feature `endpoint`).
///
/// A server sends the same bytes on all connections without permessage-deflate. It compresses the
/// message at most once for each window size and level, and only if a connection needs it. This holds
/// for connections on which the server does not take over the context: agree on
/// `server_no_context_takeover`. On the others, each compressed message depends on the messages
/// before it, so the server compresses the message for each connection.
///
/// A client masks each frame with its own key, so nothing is shared but the payload.
///
/// ```
/// use wsvet::codec::{Messages, Prepared};
/// use wsvet::{Message, Policy, Role};
///
/// let mut connections = Vec::new();
/// connections.resize_with(1_000, || (Messages::new(Policy::new(Role::Server)), Vec::new()));
///
/// let prepared = Prepared::text("hello, everybody");
/// for (messages, out) in &mut connections {
///     messages.encode_prepared(&prepared, out)?; // one copy of ready bytes
/// }
/// assert!(connections.iter().all(|(_, out)| out == b"\x81\x10hello, everybody"));
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
#[derive(Clone)]
pub struct Prepared(Arc<Inner>);

struct Inner {
    opcode: OpCode,
    /// The message as one frame that is not masked.
    plain: Frame,
    /// The compressed forms so far.
    #[cfg(feature = "deflate")]
    deflated: OnceLock<Box<Deflated>>,
}

/// The bytes of a frame that is not masked.
struct Frame {
    wire: Bytes,
    payload_len: usize,
}

impl Frame {
    fn new(header: &Header, payload: &[u8]) -> Self {
        let mut wire = Vec::with_capacity(header.header_len() + payload.len());
        // A single data frame without a masking key is legal.
        wire.put_frame(header, payload, Checked(()));
        Self { wire: wire.into(), payload_len: payload.len() }
    }

    fn get(&self) -> (usize, &Bytes) {
        (self.payload_len, &self.wire)
    }
}

/// A compressed form. The forms are a list to which threads append without a lock.
#[cfg(feature = "deflate")]
struct Deflated {
    by: Deflater,
    /// The frame, or `None` if it is not shorter than the uncompressed one.
    frame: Option<Frame>,
    next: OnceLock<Box<Self>>,
}

impl Prepared {
    /// Prepares a text message.
    ///
    /// ```
    /// let prepared = wsvet::codec::Prepared::text("hi");
    /// assert_eq!(prepared.payload(), "hi");
    /// ```
    #[must_use]
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::new(OpCode::Text, text.into().as_bytes())
    }

    /// Prepares a binary message.
    ///
    /// ```
    /// let prepared = wsvet::codec::Prepared::binary(&[7; 3]);
    /// assert_eq!(prepared.payload(), [7; 3].as_slice());
    /// ```
    #[must_use]
    pub fn binary(bytes: impl AsRef<[u8]>) -> Self {
        Self::new(OpCode::Binary, bytes.as_ref())
    }

    fn new(opcode: OpCode, payload: &[u8]) -> Self {
        Self(Arc::new(Inner {
            opcode,
            plain: Frame::new(&Header::new(opcode, payload.len() as u64), payload),
            #[cfg(feature = "deflate")]
            deflated: OnceLock::new(),
        }))
    }

    /// Returns the opcode of the message: text or binary.
    ///
    /// ```
    /// assert_eq!(wsvet::codec::Prepared::text("hi").opcode(), wsvet::OpCode::Text);
    /// ```
    #[must_use]
    pub fn opcode(&self) -> OpCode {
        self.0.opcode
    }

    /// Returns the payload of the message, without a copy.
    ///
    /// ```
    /// assert_eq!(wsvet::codec::Prepared::binary("hi").payload(), "hi");
    /// ```
    #[must_use]
    pub fn payload(&self) -> Bytes {
        let Frame { wire, payload_len } = &self.0.plain;
        wire.slice(wire.len() - payload_len..)
    }

    /// Returns the length of the payload, and the frame.
    pub(super) fn plain(&self) -> (usize, &Bytes) {
        self.0.plain.get()
    }

    /// Returns the length of the compressed payload, and the frame that this deflater makes if it
    /// does not take over the context. If that is not shorter, returns the uncompressed one.
    #[cfg(feature = "deflate")]
    pub(super) fn deflated(&self, by: &Deflater) -> (usize, &Bytes) {
        let mut place = &self.0.deflated;
        loop {
            // If another thread appends another form, the search goes on after that.
            let form = place.get_or_init(|| Box::new(self.deflate(by.independent())));
            if form.by.makes_the_same(by) {
                return form.frame.as_ref().unwrap_or(&self.0.plain).get();
            }
            place = &form.next;
        }
    }

    #[cfg(feature = "deflate")]
    fn deflate(&self, mut by: Deflater) -> Deflated {
        let plain = self.payload();
        let mut payload = Vec::new();
        by.deflate(&plain, true, &mut payload);
        let header = Header::new(self.0.opcode, payload.len() as u64).with_rsv(4);
        let frame = (payload.len() < plain.len()).then(|| Frame::new(&header, &payload));
        Deflated { by, frame, next: OnceLock::new() }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("opcode", &self.0.opcode)
            .field("payload_len", &self.0.plain.payload_len)
            .finish()
    }
}
