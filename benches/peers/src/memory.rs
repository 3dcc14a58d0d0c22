//! A connection in memory, for the peers that can only read from a stream.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What the client has sent, ready to be read; what is written to it is thrown away.
///
/// A read gives as many bytes as were asked for, while there are any, and never waits.
pub struct Memory {
    bytes: Vec<u8>,
    read: usize,
}

impl Memory {
    /// A connection on which these bytes arrive, and then its end.
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), read: 0 }
    }

    fn next(&mut self, most: usize) -> &[u8] {
        let start = self.read;
        self.read = self.bytes.len().min(start + most);
        &self.bytes[start..self.read]
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.next(buf.remaining());
        buf.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs what only ever reads from memory: it has nothing to wait for, so one poll completes it.
pub fn complete<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory is always ready"),
    }
}
