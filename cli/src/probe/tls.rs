//! A connection over TLS (feature `wss`).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustls::ClientConnection;

use crate::live::tls::Client;
use crate::probe::tcp::{Tcp, Wire};

/// Begins TLS over a connected socket.
///
/// # Errors
///
/// Any error of TLS, or of the socket.
pub fn connect(client: &Client, mut socket: TcpStream, limit: Duration) -> io::Result<Tcp<Tls>> {
    let mut connection = client.connect(&mut socket, limit)?;
    connection.set_buffer_limit(None);
    Tcp::over(Tls(Box::new(connection)), socket, limit)
}

/// The bytes of a connection, in TLS.
pub struct Tls(Box<ClientConnection>);

impl Wire for Tls {
    fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        // What TLS holds goes first, so that what is taken is also sent.
        self.flush(socket)?;
        let len = self.0.writer().write(bytes)?;
        match self.flush(socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(len),
            flushed => flushed.map(|()| len),
        }
    }

    fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while self.0.wants_write() {
            self.0.write_tls(socket)?;
        }
        Ok(())
    }

    fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        loop {
            match self.0.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Many servers end TCP without an alert: the end is the same to WebSocket.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            self.0.read_tls(socket)?;
            self.0.process_new_packets().map_err(io::Error::other)?;
            // A record may come byte by byte.
            if socket.read_timeout()?.is_some_and(|limit| start.elapsed() > limit) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn end_sending(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        self.0.send_close_notify();
        self.flush(socket)
    }
}
