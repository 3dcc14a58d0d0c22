//! A connection in memory, for the peers that can only read from a stream.

use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::workloads::Workload;

/// Bytes that have arrived and were not read.
pub trait Source {
    /// Takes the next of them, at most so many.
    fn next(&mut self, most: usize) -> &[u8];
}

/// What a source has, ready to be read; what is written to it is thrown away. It never waits.
#[derive(Clone)]
pub struct Stream<S>(pub S);

/// What the client of a workload has sent.
pub type Memory = Stream<Sent>;

/// The bytes that a client has sent. Each read returns at most `chunk` of them.
pub struct Sent {
    bytes: Vec<u8>,
    read: usize,
    chunk: usize,
}

impl Memory {
    /// A connection on which the workload's bytes arrive, and then its end.
    pub fn new(workload: &Workload) -> Self {
        Self(Sent { bytes: workload.bytes.clone(), read: 0, chunk: workload.chunk_len() })
    }

    /// A connection that has ended.
    pub fn empty() -> Self {
        Self(Sent { bytes: Vec::new(), read: 0, chunk: 1 })
    }
}

impl Source for Sent {
    fn next(&mut self, most: usize) -> &[u8] {
        let rest = &self.bytes[self.read..];
        let len = rest.len().min(most).min(self.chunk);
        self.read += len;
        &rest[..len]
    }
}

impl<S: Source> Read for Stream<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.next(buf.len());
        buf[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl<S> Write for Stream<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Source + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bytes = self.0.next(buf.remaining());
        buf.put_slice(bytes);
        Poll::Ready(Ok(()))
    }
}

impl<S: Unpin> AsyncWrite for Stream<S> {
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
