//! An echo server on plain threads, with the decoder that borrows: `echo_threads ADDRESS`.
//!
//! ```sh
//! cargo run --release --features httparse --example echo_threads -- 127.0.0.1:9001
//! ```
//!
//! A message is sent back piece by piece as it comes, so that a connection needs no more memory
//! than a buffer to read into and one to write from, however long its messages are.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use wsvet::handshake::{ResponseBuilder, Server, parse_request};
use wsvet::{Event, Header, OpCode, Policy, Responder, Role, StreamDecoder, encode};

/// How much is read at once, in bytes.
const READ: usize = 64 << 10;

/// How long it is waited before another connection is accepted, where one could not be.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a peer has to end its side of the connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// The answer to a client for whom there is no thread.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n";

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("listening on ws://{}", listener.local_addr()?);
    for socket in listener.incoming() {
        let socket = match socket {
            Ok(socket) => socket,
            Err(error) => {
                // Too many files are open: until some are closed.
                tell(&error);
                thread::sleep(PAUSE);
                continue;
            }
        };
        let socket = Arc::new(socket);
        let served = Arc::clone(&socket);
        let thread = thread::Builder::new().spawn(move || {
            if let Err(error) = serve(&served) {
                tell(&error);
            }
        });
        if let Err(error) = thread {
            // The others go on, and this client may try again.
            tell(&error);
            let _ = (&*socket).write_all(BUSY);
        }
    }
    Ok(())
}

/// Prints an error, unless nobody reads it.
fn tell(error: &io::Error) {
    let _ = writeln!(io::stderr(), "{error}");
}

fn serve(mut socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; READ];
    let mut len = accept(socket, &mut buffer)?;
    let mut echo = Echo::new();
    loop {
        echo.received(&mut buffer[..len]);
        socket.write_all(&echo.out)?;
        echo.out.clear();
        if echo.done {
            return end(socket);
        }
        len = socket.read(&mut buffer)?;
        if len == 0 {
            return Ok(());
        }
    }
}

/// What a connection has received, and owes.
struct Echo {
    decoder: StreamDecoder,
    responder: Responder,
    /// A message has begun, and its first piece was sent back.
    open: bool,
    out: Vec<u8>,
    /// Nothing more is to be read.
    done: bool,
}

impl Echo {
    fn new() -> Self {
        Self {
            decoder: StreamDecoder::new(Policy::new(Role::Server)),
            responder: Responder::new(),
            open: false,
            out: Vec::new(),
            done: false,
        }
    }

    /// Answers all that these bytes hold.
    fn received(&mut self, mut chunk: &mut [u8]) {
        let mut control = [0; encode::MAX_CONTROL_LEN];
        while !chunk.is_empty() && !self.done {
            match self.decoder.decode(chunk) {
                Ok((used, event)) => {
                    match event {
                        Some(Event::Data { opcode, bytes, end, .. })
                            if !self.responder.has_sent_close() =>
                        {
                            piece(&mut self.out, &mut self.open, opcode, bytes, end);
                        }
                        Some(event) => {
                            let answer = self.responder.reply(&event, None, &mut control);
                            self.out.extend_from_slice(answer);
                        }
                        None => {}
                    }
                    self.done = self.responder.is_done();
                    chunk = &mut chunk[used..];
                }
                Err(violation) => {
                    let close = self.responder.reply_to_violation(&violation, None, &mut control);
                    self.out.extend_from_slice(close);
                    self.done = true;
                }
            }
        }
    }
}

/// Writes a piece of a message as a frame.
fn piece(out: &mut Vec<u8>, open: &mut bool, opcode: OpCode, bytes: &[u8], end: bool) {
    let opcode = if *open { OpCode::Continuation } else { opcode };
    let header = Header::new(opcode, bytes.len() as u64);
    let header = if end { header } else { header.not_final() };
    *open = !end;
    let start = out.len();
    out.resize(start + header.header_len() + bytes.len(), 0);
    encode::frame(&header, bytes, &mut out[start..]).expect("room was made");
}

/// Receives the request and sends the response. Returns the number of bytes that have arrived after
/// the request, and moves them to the start of the buffer.
fn accept(mut socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    loop {
        match socket.read(&mut buffer[len..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => len += more,
        }
        let (head, response, is_refused) =
            match parse_request(&buffer[..len], |request| Server::new().respond(request)) {
                Ok(None) => continue,
                Ok(Some((head, (response, agreement)))) => (head, response, agreement.is_none()),
                Err(error) => (0, ResponseBuilder::refuse_with(400, &error.to_string()), true),
            };
        let response = response.build().map_err(io::Error::other)?;
        socket.write_all(response.as_bytes())?;
        if is_refused {
            return Err(io::Error::other("the request was refused"));
        }
        buffer.copy_within(head..len, 0);
        return Ok(len - head);
    }
}

/// Ends the connection so that the peer reads all that was sent: a socket that is closed with bytes
/// unread is reset, and a reset can overtake a Close.
fn end(mut socket: &TcpStream) -> io::Result<()> {
    socket.shutdown(Shutdown::Write)?;
    let end = Instant::now() + PATIENCE;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        // Zero is no time-out, but none at all.
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        if !matches!(socket.read(&mut [0; 4096]), Ok(1..)) {
            break;
        }
    }
    Ok(())
}
