//! A WebSocket over a stream that reads and writes, for programs with threads (feature `endpoint`).

use core::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::Endpoint;
use super::opening::{self, TIME_LIMIT};
use crate::codec::{Budget, Prepared};
use crate::handshake::{Agreement, Fields, Request, RequestBuilder, ResponseBuilder, Server};
use crate::{CloseCode, Message, Policy, Role, Utf8Bytes};

pub use super::error::Error;

/// The free space in bytes for a read, if the codec has made less.
const LEAST_ROOM: usize = 4 << 10;

/// A stream that a [`WebSocket`] uses: it reads and writes, closes its sending side, and limits the
/// time of a read.
///
/// It is implemented for `TcpStream` and, on Unix, for `UnixStream`. To use TLS, implement it for a
/// type of your own around the stream of the TLS library.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::net::{Shutdown, TcpStream};
/// use std::time::Duration;
/// use wsvet::endpoint::sync::Stream;
///
/// struct Counted(TcpStream, u64);
///
/// impl Stream for Counted {
///     fn close_sending(&mut self) -> io::Result<()> {
///         self.0.shutdown(Shutdown::Write) // with TLS: send close_notify first
///     }
///
///     fn limit_reads(&mut self, limit: Option<Duration>) -> io::Result<()> {
///         self.0.set_read_timeout(limit)
///     }
/// }
/// # impl Read for Counted {
/// #     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
/// #         let len = self.0.read(buffer)?;
/// #         self.1 += len as u64;
/// #         Ok(len)
/// #     }
/// # }
/// # impl Write for Counted {
/// #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
/// #         self.0.write(bytes)
/// #     }
/// #     fn flush(&mut self) -> io::Result<()> {
/// #         self.0.flush()
/// #     }
/// # }
/// ```
pub trait Stream: Read + Write {
    /// Closes the sending side. The peer can still send.
    ///
    /// # Errors
    ///
    /// The error of the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::Stream;
    /// # fn f(stream: &mut std::net::TcpStream) -> std::io::Result<()> {
    /// Stream::close_sending(stream)?; // the peer can still send
    /// # Ok(())
    /// # }
    /// ```
    fn close_sending(&mut self) -> io::Result<()>;

    /// Sets the time limit of each read. A read that takes longer returns `WouldBlock` or `TimedOut`.
    /// `None` means no limit. The limit is never zero.
    ///
    /// # Errors
    ///
    /// The error of the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::Stream;
    /// # fn f(stream: &mut std::net::TcpStream) -> std::io::Result<()> {
    /// Stream::limit_reads(stream, Some(std::time::Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
    fn limit_reads(&mut self, limit: Option<Duration>) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn close_sending(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn limit_reads(&mut self, limit: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(limit)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn close_sending(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn limit_reads(&mut self, limit: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(limit)
    }
}

/// A WebSocket over a stream that reads and writes.
///
/// [`next`](Self::next) returns the messages. It also sends what the program has
/// [fed](Self::feed), answers Pings and Close frames, and ends the connection after the Close frames
/// or after a violation. The chapter `handshake` of the guide shows the parts that this type is made
/// of.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use wsvet::endpoint::sync::WebSocket;
/// use wsvet::handshake::{Key, RequestBuilder, Server};
/// use wsvet::{CloseCode, Message, Policy, Role};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let server = std::thread::spawn(move || -> Result<(), wsvet::endpoint::sync::Error> {
///     let policy = Policy::new(Role::Server).max_message(1 << 20);
///     let mut socket = WebSocket::accept(listener.accept()?.0, policy, &Server::new())?;
///     while let Some(message) = socket.next()? {
///         if message.is_data() {
///             socket.feed(message)?; // sent before the next read
///         }
///     }
///     Ok(())
/// });
///
/// let request = RequestBuilder::new(&address.to_string(), "/", Key::new(rand::random()));
/// let policy = Policy::new(Role::Client);
/// let stream = TcpStream::connect(address)?;
/// let mut socket = WebSocket::connect(stream, policy, &request, rand::random)?;
/// socket.send("hi")?;
/// assert_eq!(socket.next()?, Some(Message::text("hi")));
/// socket.close(CloseCode::NORMAL_CLOSURE, "")?;
/// assert!(socket.next()?.is_some_and(|message| message.is_close()));
/// assert_eq!(socket.next()?, None);
/// server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WebSocket<S> {
    stream: S,
    endpoint: Endpoint,
    agreement: Agreement,
    end_limit: Duration,
    keep_alive: Option<Duration>,
    /// Whether a Ping was sent because nothing had arrived, and still nothing has.
    pinged: bool,
    /// Whether the stream was ended.
    ended: bool,
}

impl<S: Stream> WebSocket<S> {
    /// Receives the request of a client, and accepts it (§4.2).
    ///
    /// `policy` says what the server accepts. `server` says which subprotocols and extensions it
    /// supports. The handshake must end within 5 seconds.
    ///
    /// # Errors
    ///
    /// - [`Error::Handshake`] or [`Error::Http`] if the request breaks a rule. The server has then
    ///   refused it with the status that is due.
    /// - [`Error::Codec`] if the stream has failed or ended.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a server, or has an extension.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # use wsvet::{Policy, Role, handshake::Server};
    /// # fn f(stream: std::net::TcpStream) -> Result<(), Error> {
    /// let policy = Policy::new(Role::Server).max_message(1 << 20);
    /// let socket = WebSocket::accept(stream, policy, &Server::new().subprotocols(["chat"]))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept(stream: S, policy: Policy, server: &Server) -> Result<Self, Error> {
        Self::accept_with(stream, policy, opening::by(server))
    }

    /// Receives the request of a client, and sends the response that `respond` returns.
    ///
    /// Without an agreement, the response is a refusal. Use it to look at the target, at cookies or
    /// at the origin of the request (§10.2), and to add header fields to the response.
    ///
    /// # Errors
    ///
    /// The errors of [`accept`](Self::accept), and [`Error::Declined`] if `respond` refused a
    /// request that breaks no rule.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a server, or has an extension.
    ///
    /// ```no_run
    /// # use std::net::TcpStream;
    /// # use wsvet::{Policy, endpoint::sync::{Error, WebSocket}};
    /// use wsvet::handshake::{ResponseBuilder, Server};
    ///
    /// # fn f(stream: TcpStream, policy: Policy) -> Result<(), Error> {
    /// let server = Server::new().subprotocols(["chat"]);
    /// let socket = WebSocket::accept_with(stream, policy, |request| {
    ///     if request.target() != "/chat" {
    ///         return (ResponseBuilder::refuse_with(404, "no such room"), None);
    ///     }
    ///     server.respond(request)
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_with(
        mut stream: S,
        policy: Policy,
        respond: impl FnOnce(&Request<'_, Fields<'_>>) -> (ResponseBuilder, Option<Agreement>),
    ) -> Result<Self, Error> {
        assert_eq!(policy.role, Role::Server, "the policy of a client");
        let mut received = BytesMut::new();
        let mut respond = Some(respond);
        let answer = head(&mut stream, &mut received, |received| {
            Ok(opening::answer(received, &mut respond))
        })?;
        match answer.agreed {
            Ok(agreement) => {
                stream.write_all(answer.response.build()?.as_bytes())?;
                Self::over(stream, policy, agreement, received)
            }
            Err(error) => {
                refuse(&mut stream, &answer.response)?;
                Err(error)
            }
        }
    }

    /// Sends a request to a server, and receives its response (§4.1).
    ///
    /// `keys` is the source of the masking keys. Each must be unpredictable (§5.3). The handshake
    /// must end within 5 seconds.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] if the status of the response is not 101.
    /// - [`Error::Handshake`] or [`Error::Http`] if the response breaks a rule.
    /// - [`Error::InvalidHead`] if the request cannot be written.
    /// - [`Error::Codec`] if the stream has failed or ended.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a client, or has an extension.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # use wsvet::{Policy, Role, handshake::{Key, RequestBuilder}};
    /// # fn f(stream: std::net::TcpStream) -> Result<(), Error> {
    /// let request = RequestBuilder::new("example.com", "/chat", Key::new(rand::random()));
    /// let policy = Policy::new(Role::Client);
    /// let socket = WebSocket::connect(stream, policy, &request, rand::random)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(
        mut stream: S,
        policy: Policy,
        request: &RequestBuilder,
        keys: impl FnMut() -> [u8; 4] + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        assert_eq!(policy.role, Role::Client, "the policy of a server");
        stream.write_all(request.build()?.as_bytes())?;
        let mut received = BytesMut::new();
        let agreement =
            head(&mut stream, &mut received, |received| opening::outcome(received, request))?;
        let mut socket = Self::over(stream, policy, agreement, received)?;
        socket.endpoint = socket.endpoint.with_keys(keys);
        Ok(socket)
    }

    /// Creates a WebSocket over a stream whose opening handshake another library has done.
    ///
    /// Put the bytes that arrived after the handshake into [`Endpoint::received`] first.
    ///
    /// ```no_run
    /// # use std::net::TcpStream;
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, sync::WebSocket}};
    /// # fn f(stream: TcpStream, rest: &[u8]) {
    /// let mut endpoint = Endpoint::new(Policy::new(Role::Server));
    /// endpoint.received().extend_from_slice(rest);
    /// let socket = WebSocket::from_endpoint(stream, endpoint);
    /// # }
    /// ```
    pub fn from_endpoint(stream: S, endpoint: Endpoint) -> Self {
        Self {
            stream,
            endpoint,
            agreement: Agreement::default(),
            end_limit: TIME_LIMIT,
            keep_alive: None,
            pinged: false,
            ended: false,
        }
    }

    fn over(
        mut stream: S,
        policy: Policy,
        agreement: Agreement,
        received: BytesMut,
    ) -> Result<Self, Error> {
        stream.limit_reads(None)?;
        let endpoint = Endpoint::agreed(policy, &agreement).after(received);
        Ok(Self { agreement, ..Self::from_endpoint(stream, endpoint) })
    }

    /// Sets how long the peer has to close its side at the end of the connection. The default is 5
    /// seconds.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// let mut socket = socket.end_within(std::time::Duration::from_secs(1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn end_within(mut self, limit: Duration) -> Self {
        self.end_limit = limit;
        self
    }

    /// Keeps the connection alive: sends a Ping if nothing has arrived for this long, and ends the
    /// connection if nothing arrives for as long again.
    ///
    /// It replaces the time limit of reads of the stream. Only calls of [`next`](Self::next) keep a
    /// connection alive.
    ///
    /// # Panics
    ///
    /// Panics if `interval` is zero.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// let mut socket = socket.keep_alive(std::time::Duration::from_secs(30));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration) -> Self {
        assert!(!interval.is_zero(), "an interval of zero");
        self.keep_alive = Some(interval);
        self
    }

    /// Limits the memory of unfinished messages by a budget that many connections share.
    ///
    /// If the budget has too little left, the connection is closed with 1013 by a server, and with 1009
    /// by a client. [`next`](Self::next) then returns
    /// [`codec::Error::OverBudget`](crate::codec::Error::OverBudget).
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # use wsvet::codec::Budget;
    /// # fn f(socket: WebSocket<std::net::TcpStream>, budget: &Budget) -> Result<(), Error> {
    /// let mut socket = socket.with_budget(budget);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_budget(mut self, budget: &Budget) -> Self {
        self.endpoint.set_budget(budget);
        self
    }

    /// Changes the policy during the connection, narrowed to the type of data that the subprotocol is
    /// known to use. It takes effect with the next message.
    ///
    /// Use it for limits that are wider after a login, or for a type of data that depends on the target
    /// of the request.
    ///
    /// # Panics
    ///
    /// Panics if the role or the RSV bits differ from those of the old policy.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # use wsvet::{Policy, Role};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// socket.set_policy(Policy::new(Role::Server).max_message(1 << 20)); // after the login
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        self.endpoint.set_policy(self.agreement.policy(policy));
    }

    /// Waits for the next message, and returns it. Returns `None` after the end of the connection.
    ///
    /// Before it waits, it sends what was [fed](Self::feed). Control frames are returned, too, after
    /// the endpoint has answered them: a program may ignore them. A Close frame is returned when the
    /// connection has ended.
    ///
    /// # Errors
    ///
    /// - [`Error::Codec`] with a violation if the peer broke a rule, or closed its side without a
    ///   Close frame. The Close frame that is due was then sent, and the stream was ended.
    /// - [`Error::Codec`] with the error of the stream. If a read has taken longer than the time
    ///   limit of the stream, nothing is lost: call the method again. The kind is `TimedOut` if the
    ///   peer answered nothing for the time that [`keep_alive`](Self::keep_alive) sets.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// while let Some(message) = socket.next()? {
    ///     println!("{message}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    // An iterator would end at the first `None`.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Message>, Error> {
        loop {
            match self.endpoint.next() {
                Ok(Some(message)) => {
                    // A program may stop at a Close frame, and its answer must be sent.
                    if self.endpoint.is_done() {
                        self.end();
                    }
                    return Ok(Some(message));
                }
                Ok(None) => {}
                Err(error) => {
                    self.end();
                    return Err(error.into());
                }
            }
            self.flush()?;
            if self.endpoint.is_done() {
                self.end();
                return Ok(None);
            }
            if self.receive()? == 0 {
                let ended = self.endpoint.end();
                self.end();
                return ended.map(|()| None).map_err(Error::from);
            }
        }
    }

    /// Sends a message, and everything that was [fed](Self::feed) before it.
    ///
    /// # Errors
    ///
    /// The errors of [`Endpoint::send`], and the error of the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// socket.send("hi")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message)?;
        self.flush()
    }

    /// Sends a prepared message, and everything that was [fed](Self::feed) before it.
    ///
    /// # Errors
    ///
    /// The errors of [`Endpoint::send_prepared`], and the error of the stream.
    ///
    /// ```no_run
    /// # use wsvet::{codec::Prepared, endpoint::sync::{Error, WebSocket}};
    /// # fn f(sockets: &mut [WebSocket<std::net::TcpStream>]) -> Result<(), Error> {
    /// let prepared = Prepared::text("to all");
    /// for socket in sockets {
    ///     socket.send_prepared(&prepared)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        self.endpoint.send_prepared(prepared)?;
        self.flush()
    }

    /// Adds a message to what the next [`send`](Self::send), [`flush`](Self::flush) or
    /// [`next`](Self::next) sends.
    ///
    /// # Errors
    ///
    /// The errors of [`Endpoint::send`].
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// for text in ["one", "two"] {
    ///     socket.feed(text)?;
    /// }
    /// socket.flush()?; // one write for both
    /// # Ok(())
    /// # }
    /// ```
    pub fn feed(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        Ok(self.endpoint.send(message)?)
    }

    /// Sends everything that was [fed](Self::feed).
    ///
    /// # Errors
    ///
    /// The error of the stream. What it has not taken is sent by the next call.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// socket.feed("hi")?;
    /// socket.flush()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn flush(&mut self) -> Result<(), Error> {
        loop {
            let bytes = self.endpoint.to_send();
            if bytes.is_empty() {
                return Ok(self.stream.flush()?);
            }
            match self.stream.write(bytes) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(len) => self.endpoint.sent(len),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends a Close frame. Then call [`next`](Self::next) until it returns `None`: messages can
    /// arrive before the peer's Close frame.
    ///
    /// # Errors
    ///
    /// The errors of [`Endpoint::close`], and the error of the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # use wsvet::CloseCode;
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// socket.close(CloseCode::GOING_AWAY, "the server restarts")?;
    /// while socket.next()?.is_some() {}
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(&mut self, code: CloseCode, reason: impl Into<Utf8Bytes>) -> Result<(), Error> {
        self.endpoint.close(code, reason)?;
        self.flush()
    }

    /// Returns what was agreed on in the opening handshake.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// if let Some(name) = &socket.agreement().subprotocol {
    ///     println!("subprotocol {name}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Returns the endpoint without I/O.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// println!("{} bytes", socket.endpoint().messages().frames().validator().offset());
    /// # Ok(())
    /// # }
    /// ```
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: &mut WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// socket.stream().set_nodelay(true)?;
    /// # Ok(())
    /// # }
    /// ```
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Returns the stream and the endpoint.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::sync::{Error, WebSocket};
    /// # fn f(socket: WebSocket<std::net::TcpStream>) -> Result<(), Error> {
    /// let (stream, endpoint) = socket.into_parts();
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_parts(self) -> (S, Endpoint) {
        (self.stream, self.endpoint)
    }

    /// Reads once. Returns the number of bytes.
    fn receive(&mut self) -> Result<usize, Error> {
        loop {
            if let Some(interval) = self.keep_alive {
                self.stream.limit_reads(Some(interval))?;
            }
            let buffer = self.endpoint.received();
            let len = buffer.len();
            buffer.resize(buffer.capacity().max(len + LEAST_ROOM), 0);
            let read = self.stream.read(&mut buffer[len..]);
            buffer.truncate(len + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(len) => {
                    self.pinged = false;
                    return Ok(len);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if self.keep_alive.is_some() && is_late(&error) => {
                    if core::mem::replace(&mut self.pinged, true) {
                        return Err(io::Error::from(io::ErrorKind::TimedOut).into());
                    }
                    self.send(Message::Ping(Bytes::new()))?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sends what is left, closes the sending side, and discards what the peer still sends, until it
    /// has closed its side or the time is over.
    fn end(&mut self) {
        if core::mem::replace(&mut self.ended, true) {
            return;
        }
        // A peer that has gone already cannot be told anything.
        if self.flush().is_ok() {
            // The server closes first, if it is still there (§7.1.1).
            let first = self.endpoint.messages().frames().validator().policy().role == Role::Server;
            discard(&mut self.stream, first, self.end_limit);
        }
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Returns whether a read has taken longer than its time limit.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Reads until `take` has found a whole head.
fn head<S: Stream, T>(
    stream: &mut S,
    received: &mut BytesMut,
    mut take: impl FnMut(&mut BytesMut) -> Result<Option<T>, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + TIME_LIMIT;
    let mut chunk = [0; LEAST_ROOM];
    loop {
        // One limit for all reads: a peer may send one byte at a time.
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        }
        stream.limit_reads(Some(left))?;
        match stream.read(&mut chunk) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(len) => received.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted || is_late(&error) => continue,
            Err(error) => return Err(error.into()),
        }
        if let Some(taken) = take(received)? {
            return Ok(taken);
        }
    }
}

/// Sends a refusal, and ends the stream.
fn refuse(stream: &mut impl Stream, response: &ResponseBuilder) -> Result<(), Error> {
    stream.write_all(response.build()?.as_bytes())?;
    stream.flush()?;
    discard(stream, true, TIME_LIMIT);
    Ok(())
}

/// Closes the sending side if this endpoint closes `first`, and reads until the peer has closed its side or the time is over. A
/// stream that is closed with bytes unread is reset, and a reset can overtake a Close frame.
fn discard(stream: &mut impl Stream, first: bool, limit: Duration) {
    let end = Instant::now() + limit;
    let mut chunk = [0; LEAST_ROOM];
    if first && stream.close_sending().is_err() {
        return;
    }
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || stream.limit_reads(Some(left)).is_err() {
            return;
        }
        match stream.read(&mut chunk) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return,
        }
    }
}
