//! The I/O of a gateway on tokio.

use core::future::{Future, poll_fn};
use core::ops::Range;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::vec;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Gateway;
use crate::{End, Role};

/// The bytes that are read from an endpoint at once.
const CHUNK: usize = 32 << 10;

impl Gateway {
    /// Forwards between the streams of a client and a server, after their opening handshakes, until
    /// both connections have ended (feature `tokio`).
    ///
    /// The function reads from an endpoint only after everything that it read before was written to the
    /// other endpoint, so an endpoint that does not read stops the other one, and no memory grows.
    /// Once the closing handshake or a violation has begun to end a connection, both must end within
    /// `patience`.
    ///
    /// If a stream fails, the function counts it as reset. The result is in
    /// [`refused`](Self::refused) and [`conversation`](Self::conversation).
    ///
    /// If the future is dropped, the streams are dropped without a Close frame.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use std::time::Duration;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    /// use wsvet::{Accepts, Policy, Role, endpoint::gateway::Gateway};
    ///
    /// let (mut client, near) = duplex(1024);
    /// let (mut server, far) = duplex(1024);
    /// let text_only = Policy::new(Role::Server).accepts(Accepts::TextOnly);
    /// let mut gateway = Gateway::new(Policy::new(Role::Client), text_only, rand::random());
    ///
    /// client.write_all(b"\x81\x82\x01\x02\x03\x04ik\x82\x80\x00\x00\x00\x00").await?;
    /// let forwards = gateway.forward(near, far, Duration::from_secs(1));
    /// let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    /// let reads = async {
    ///     client.read_to_end(&mut to_client).await?;
    ///     server.read_to_end(&mut to_server).await?;
    ///     drop((client, server));
    ///     std::io::Result::Ok(())
    /// };
    /// tokio::join!(forwards, reads).1?;
    /// assert_eq!(to_client[2..4], 1003_u16.to_be_bytes());
    /// assert_eq!(to_server[..8], *b"\x81\x82\x01\x02\x03\x04ik"); // and a Close with 1001
    /// # Ok(())
    /// # }
    /// ```
    pub async fn forward<C, S>(&mut self, client: C, server: S, patience: Duration)
    where
        C: AsyncRead + AsyncWrite + Unpin,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let start = Instant::now();
        let mut client = Socket::new(client, Role::Client);
        let mut server = Socket::new(server, Role::Server);
        let mut deadline = pin!(None::<tokio::time::Sleep>);
        poll_fn(|cx| {
            loop {
                self.at(start.elapsed());
                let moved = client.poll_read(cx, self)
                    | server.poll_read(cx, self)
                    | client.poll_write(cx, self, &mut server.waiting)
                    | server.poll_write(cx, self, &mut client.waiting);
                if client.is_done() && server.is_done() {
                    return Poll::Ready(());
                }
                if deadline.is_none() && self.is_closing() {
                    deadline.set(Some(tokio::time::sleep(patience)));
                }
                if let Some(deadline) = deadline.as_mut().as_pin_mut()
                    && deadline.poll(cx).is_ready()
                {
                    return Poll::Ready(());
                }
                if !moved {
                    return Poll::Pending;
                }
            }
        })
        .await;
    }

    /// Returns whether a Close frame was forwarded, or a connection is over.
    const fn is_closing(&self) -> bool {
        let (client, server) = (&self.client, &self.server);
        client.closed || server.closed || client.over || server.over
    }
}

/// The bytes that have arrived from an endpoint and wait to be written to the other one.
struct Waiting {
    /// Bytes that the gateway held.
    held: BytesMut,
    /// The chunk that was read last.
    chunk: Box<[u8]>,
    /// The bytes of the chunk to write.
    range: Range<usize>,
}

impl Waiting {
    fn new() -> Self {
        Self { held: BytesMut::new(), chunk: vec![0; CHUNK].into(), range: 0..0 }
    }

    fn is_empty(&self) -> bool {
        self.held.is_empty() && self.range.is_empty()
    }

    fn clear(&mut self) {
        self.held.clear();
        self.range = 0..0;
    }
}

/// The stream of an endpoint.
struct Socket<S> {
    stream: S,
    role: Role,
    waiting: Waiting,
    /// The gateway's own Close frame for the endpoint.
    close: BytesMut,
    /// Whether bytes were written and not flushed.
    unflushed: bool,
    /// Whether the stream can still be read.
    reads: bool,
    /// Whether the stream can still be written.
    writes: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn new(stream: S, role: Role) -> Self {
        Self {
            stream,
            role,
            waiting: Waiting::new(),
            close: BytesMut::new(),
            unflushed: false,
            reads: true,
            writes: true,
        }
    }

    fn is_done(&self) -> bool {
        !self.reads && !self.writes
    }

    /// Writes what waits for this endpoint, and returns whether anything has changed. `from` is what
    /// has arrived from the other endpoint.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        gateway: &mut Gateway,
        from: &mut Waiting,
    ) -> bool {
        if !self.writes {
            from.clear();
            return false;
        }
        self.close.unsplit(gateway.to_send(self.role).split());
        let mut moved = false;
        let written = loop {
            match self.poll_step(cx, gateway.is_over(self.role), from) {
                Poll::Pending => return moved,
                Poll::Ready(Ok(true)) => moved = true,
                Poll::Ready(written) => break written,
            }
        };
        self.writes = false;
        if written.is_err() {
            self.reads = false;
            gateway.end(self.role, End::Reset);
        }
        true
    }

    /// Writes some bytes, or flushes or shuts down the stream. Returns `false` after the last step.
    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        over: bool,
        from: &mut Waiting,
    ) -> Poll<io::Result<bool>> {
        let mut stream = Pin::new(&mut self.stream);
        let next = match &from.held[..] {
            [] => match &from.chunk[from.range.clone()] {
                [] => &self.close[..],
                chunk => chunk,
            },
            held => held,
        };
        if next.is_empty() {
            if self.unflushed {
                ready!(stream.poll_flush(cx))?;
                self.unflushed = false;
                return Poll::Ready(Ok(true));
            }
            return match over {
                true => stream.poll_shutdown(cx).map_ok(|()| false),
                false => Poll::Pending,
            };
        }
        let len = ready!(stream.as_mut().poll_write(cx, next))?;
        if len == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.unflushed = true;
        if !from.held.is_empty() {
            from.held.advance(len);
        } else if !from.range.is_empty() {
            from.range.start += len;
        } else {
            self.close.advance(len);
        }
        Poll::Ready(Ok(true))
    }

    /// Reads what the endpoint sends, if everything that it sent before was written, and returns
    /// whether anything has changed.
    fn poll_read(&mut self, cx: &mut Context<'_>, gateway: &mut Gateway) -> bool {
        if !self.reads || !self.waiting.is_empty() {
            return false;
        }
        let Waiting { held, chunk, range } = &mut self.waiting;
        let mut read = ReadBuf::new(chunk);
        let Poll::Ready(result) = Pin::new(&mut self.stream).poll_read(cx, &mut read) else {
            return false;
        };
        let bytes = read.filled();
        if result.is_ok() && !bytes.is_empty() {
            let [before, now] = gateway.receive(self.role, bytes).parts();
            held.extend_from_slice(before);
            *range = 0..now.len();
        } else {
            self.reads = false;
            gateway.end(self.role, if result.is_ok() { End::Fin } else { End::Reset });
        }
        true
    }
}
