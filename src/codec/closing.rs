//! The state of the closing handshake of a codec, or of two codecs that share it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::Closing;

/// A handle to the state of the closing handshake of a connection.
///
/// The handle returns the state even if the program cannot reach the codec any more. Take the
/// handle before you call `Framed::split`, for example.
///
/// Two codecs of one connection can share the state: one that reads in a `FramedRead`, and one that
/// writes in a `FramedWrite`. Pass the handle of one codec to the other, as the example shows.
///
/// A Close frame counts as sent when the codec has encoded it. `Framed` and `FramedWrite` may not
/// have written it to the socket yet: flush them before you end the connection.
///
/// ```
/// use bytes::BytesMut;
/// use wsvet::codec::Messages;
/// use wsvet::{Closing, Message, Policy, Role};
///
/// let policy = Policy::new(Role::Server);
/// let mut reads = Messages::new(policy);
/// let closing = reads.closing_handle();
/// let mut writes = Messages::new(policy).with_closing(closing.clone());
///
/// let close = reads.decode(&mut BytesMut::from(&b"\x88\x80\0\0\0\0"[..]))?.unwrap();
/// assert_eq!(closing.get(), Closing::Received);
/// writes.encode(close.reply().unwrap(), &mut BytesMut::new())?;
/// assert!(closing.get().is_done());
/// # Ok::<(), wsvet::codec::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClosingHandle(Arc<AtomicU8>);

const SENT: u8 = 1;
const RECEIVED: u8 = 2;

impl ClosingHandle {
    /// Returns the state of the closing handshake.
    ///
    /// ```
    /// # use wsvet::{Closing, Policy, Role, codec::Messages};
    /// let closing = Messages::new(Policy::new(Role::Server)).closing_handle();
    /// assert_eq!(closing.get(), Closing::Open);
    /// ```
    #[must_use]
    pub fn get(&self) -> Closing {
        let bits = self.0.load(Ordering::Relaxed);
        Closing::new(bits & SENT != 0, bits & RECEIVED != 0)
    }
}

/// The state of the closing handshake in a codec. The state is atomic and shared only after a
/// handle was requested or set.
#[derive(Debug)]
pub(super) enum Handshake {
    Own(Closing),
    Shared(ClosingHandle),
}

impl Handshake {
    #[inline]
    pub(super) fn get(&self) -> Closing {
        match self {
            Self::Own(closing) => *closing,
            Self::Shared(handle) => handle.get(),
        }
    }

    pub(super) fn send(&mut self) {
        match self {
            Self::Own(closing) => *closing = closing.send(),
            Self::Shared(ClosingHandle(bits)) => _ = bits.fetch_or(SENT, Ordering::Relaxed),
        }
    }

    pub(super) fn receive(&mut self) {
        match self {
            Self::Own(closing) => *closing = closing.receive(),
            Self::Shared(ClosingHandle(bits)) => _ = bits.fetch_or(RECEIVED, Ordering::Relaxed),
        }
    }

    pub(super) fn handle(&mut self) -> ClosingHandle {
        let closing = match self {
            Self::Own(closing) => *closing,
            Self::Shared(handle) => return handle.clone(),
        };
        let sent = if closing.has_sent() { SENT } else { 0 };
        let received = if closing.has_received() { RECEIVED } else { 0 };
        let handle = ClosingHandle(Arc::new(AtomicU8::new(sent | received)));
        *self = Self::Shared(handle.clone());
        handle
    }
}
