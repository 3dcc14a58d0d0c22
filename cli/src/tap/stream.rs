//! A connected socket that never waits, with or without TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

/// The connection with an endpoint.
pub(super) struct Stream {
    socket: TcpStream,
    #[cfg(feature = "wss")]
    tls: Option<Box<tls::Tls>>,
}

impl Stream {
    /// Creates a stream over a connected socket.
    pub(super) fn plain(socket: TcpStream) -> Self {
        Self {
            socket,
            #[cfg(feature = "wss")]
            tls: None,
        }
    }

    /// Creates a stream over a socket, after the handshake of TLS.
    #[cfg(feature = "wss")]
    pub(super) fn over_tls(socket: TcpStream, connection: rustls::Connection) -> Self {
        Self { socket, tls: Some(Box::new(tls::Tls::new(connection))) }
    }

    /// Makes the socket one that never waits, and sends each write at once.
    pub(super) fn start(&self) -> io::Result<()> {
        self.socket.set_nodelay(true)?;
        self.socket.set_nonblocking(true)
    }

    /// Reads bytes. 0 is the end of the stream.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "wss")]
        if let Some(tls) = &mut self.tls {
            return tls.read(&mut self.socket, buffer);
        }
        self.socket.read(buffer)
    }

    /// Writes bytes, and returns how many were taken.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        #[cfg(feature = "wss")]
        if let Some(tls) = &mut self.tls {
            return tls.write(&mut self.socket, bytes);
        }
        self.socket.write(bytes)
    }

    /// Writes what TLS holds, and returns whether nothing is left.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        #[cfg(feature = "wss")]
        if let Some(tls) = &mut self.tls {
            return tls.flush(&mut self.socket);
        }
        Ok(true)
    }

    /// Ends the sending side, after everything was flushed.
    pub(super) fn end_sending(&mut self) -> io::Result<bool> {
        #[cfg(feature = "wss")]
        if let Some(tls) = &mut self.tls
            && !tls.end_sending(&mut self.socket)?
        {
            return Ok(false);
        }
        self.socket.shutdown(Shutdown::Write).map(|()| true)
    }

    /// Returns whether reading may return something without waiting, although the socket has nothing.
    pub(super) fn may_hold(&self) -> bool {
        #[cfg(feature = "wss")]
        if let Some(tls) = &self.tls {
            return tls.may_hold();
        }
        false
    }

    /// Makes the end of the stream a reset: the socket is closed with RST.
    pub(super) fn reset(&self) {
        // Without it, the peer sees the end of the stream.
        let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(feature = "wss")]
mod tls {
    use std::io::{self, Read, Write};
    use std::net::TcpStream;

    use rustls::Connection;

    /// The state of TLS.
    pub(super) struct Tls {
        connection: Connection,
        /// Whether the last reading returned bytes, so that there may be more.
        may_hold: bool,
        has_ended: bool,
    }

    impl Tls {
        pub(super) fn new(connection: Connection) -> Self {
            // Bytes may have come with the end of the handshake.
            Self { connection, may_hold: true, has_ended: false }
        }

        pub(super) fn read(
            &mut self,
            socket: &mut TcpStream,
            buffer: &mut [u8],
        ) -> io::Result<usize> {
            self.may_hold = false;
            loop {
                match self.connection.reader().read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // Many programs end TCP without an alert: the end is the same to WebSocket.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                    read => {
                        self.may_hold = read.as_ref().is_ok_and(|len| *len > 0);
                        return read;
                    }
                }
                self.connection.read_tls(socket)?;
                if let Err(error) = self.connection.process_new_packets() {
                    // The peer is told why.
                    let _ = self.flush(socket);
                    return Err(io::Error::other(error));
                }
            }
        }

        pub(super) fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
            if !self.flush(socket)? {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            let len = self.connection.writer().write(bytes)?;
            self.flush(socket)?;
            Ok(len)
        }

        /// Writes what is held, and returns whether nothing is left.
        pub(super) fn flush(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
            while self.connection.wants_write() {
                match self.connection.write_tls(socket) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(true)
        }

        pub(super) fn end_sending(&mut self, socket: &mut TcpStream) -> io::Result<bool> {
            if !std::mem::replace(&mut self.has_ended, true) {
                self.connection.send_close_notify();
            }
            self.flush(socket)
        }

        pub(super) fn may_hold(&self) -> bool {
            self.may_hold
        }
    }
}
