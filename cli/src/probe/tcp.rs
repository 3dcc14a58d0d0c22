//! A connection over TCP, and over TLS with the feature `wss`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use wsvet::End;

use crate::probe::link::{Link, Received};

/// The length of the buffer that a socket is read into, in bytes.
const BUFFER: usize = 64 << 10;

/// The most bytes that are kept while the server does not read what is sent to it.
const MOST: usize = 256 << 20;

/// How many times as long a server may take to read all that is sent to it at once.
const SLOWEST: u32 = 10;

/// The time between two segments. A shorter one could let the kernel send them as one.
const PAUSE: Duration = Duration::from_millis(1);

/// The time between two attempts to send to a server that does not read.
const STEP: Duration = Duration::from_micros(200);

/// How bytes stand on the wire: as they are, or in TLS.
pub trait Wire {
    /// Writes bytes to the socket, and returns how many were taken.
    ///
    /// # Errors
    ///
    /// Any error of the socket; `WouldBlock` if it takes none now.
    fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize>;

    /// Writes what is held.
    ///
    /// # Errors
    ///
    /// Any error of the socket; `WouldBlock` if it takes none now.
    fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()>;

    /// Reads bytes from the socket. 0 is the end.
    ///
    /// # Errors
    ///
    /// Any error of the socket; `WouldBlock` or `TimedOut` if there are none now.
    fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize>;

    /// Ends the sending side.
    ///
    /// # Errors
    ///
    /// Any error of the socket.
    fn end_sending(&mut self, socket: &mut TcpStream) -> io::Result<()>;
}

/// Bytes as they are.
pub struct Plain;

impl Wire for Plain {
    fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        socket.write(bytes)
    }

    fn flush(&mut self, _: &mut TcpStream) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        socket.read(buffer)
    }

    fn end_sending(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        socket.shutdown(Shutdown::Write)
    }
}

/// A connection over TCP.
pub struct Tcp<W = Plain> {
    wire: W,
    socket: TcpStream,
    start: Instant,
    /// How long the server may not read.
    limit: Duration,
    /// What came while something was sent.
    pending: Vec<u8>,
    end: Option<End>,
    /// Whether sending showed that the server has reset the connection.
    is_reset: bool,
    buffer: Vec<u8>,
}

impl Tcp {
    /// Creates a link over a connected socket. `limit` is how long the server may not read.
    ///
    /// # Errors
    ///
    /// Any error of the socket.
    pub fn new(socket: TcpStream, limit: Duration) -> io::Result<Self> {
        Self::over(Plain, socket, limit)
    }
}

impl<W: Wire> Tcp<W> {
    pub(super) fn over(wire: W, socket: TcpStream, limit: Duration) -> io::Result<Self> {
        // Each segment is sent at once.
        socket.set_nodelay(true)?;
        Ok(Self {
            wire,
            socket,
            start: Instant::now(),
            limit,
            pending: Vec::new(),
            end: None,
            is_reset: false,
            buffer: vec![0; BUFFER],
        })
    }

    /// Reads once into the buffer of the caller.
    fn read(&mut self, into: Option<&mut Vec<u8>>) -> Received {
        if let Some(end) = self.end {
            return Received::End(end);
        }
        let into = into.unwrap_or(&mut self.pending);
        loop {
            let end = match self.wire.read(&mut self.socket, &mut self.buffer) {
                // The system reports a reset once, and sending may have got that error.
                Ok(0) if self.is_reset => End::Reset,
                Ok(0) => End::Fin,
                Ok(len) => {
                    into.extend_from_slice(&self.buffer[..len]);
                    return Received::Bytes;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => return Received::Late,
                    _ => End::Reset,
                },
            };
            self.end = Some(end);
            return Received::End(end);
        }
    }

    /// Sends without waiting, and reads while the server does not. A server may wait until what it
    /// sends is read.
    fn send_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut late = None;
        let start = Instant::now();
        loop {
            if start.elapsed() > SLOWEST * self.limit {
                return Err(io::ErrorKind::TimedOut.into());
            }
            let sent = match bytes {
                [] => self.wire.flush(&mut self.socket).map(|()| 0),
                bytes => self.wire.write(&mut self.socket, bytes),
            };
            match sent {
                Ok(_) if bytes.is_empty() => return Ok(()),
                Ok(len) => {
                    bytes = &bytes[len..];
                    late = None;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let since = *late.get_or_insert_with(Instant::now);
                    if self.read(None) == Received::Bytes {
                        late = None;
                    } else if since.elapsed() > self.limit {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    if self.pending.len() > MOST {
                        return Err(io::ErrorKind::OutOfMemory.into());
                    }
                    thread::sleep(STEP);
                }
                Err(error) => {
                    self.is_reset |= error.kind() == io::ErrorKind::ConnectionReset;
                    return Err(error);
                }
            }
        }
    }
}

impl<W: Wire> Link for Tcp<W> {
    fn send(&mut self, segment: &[u8]) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        let sent = self.send_all(segment);
        self.socket.set_nonblocking(false)?;
        sent
    }

    fn pause(&mut self) {
        thread::sleep(PAUSE);
    }

    fn end_sending(&mut self) -> io::Result<()> {
        self.wire.end_sending(&mut self.socket)
    }

    fn receive(&mut self, buffer: &mut Vec<u8>, wait: Duration) -> Received {
        if !self.pending.is_empty() {
            buffer.append(&mut self.pending);
            return Received::Bytes;
        }
        // A limit of zero is none.
        if self.socket.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).is_err() {
            return Received::End(End::Reset);
        }
        self.read(Some(buffer))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
