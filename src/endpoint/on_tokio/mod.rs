//! A WebSocket over a stream of tokio (feature `tokio`).

mod buffer;
mod connection;
mod halves;
mod opening;
mod polled;
mod times;
mod wakers;

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Endpoint, Error};
use crate::codec::{Budget, Prepared};
use crate::handshake::{Agreement, Fields, Request, RequestBuilder, ResponseBuilder, Server};
use crate::{CloseCode, Message, Policy, Role, Utf8Bytes};
use connection::Connection;
use polled::Polled;

pub use halves::{Receiver, Sender};

/// What is returned if nothing was agreed on.
const NOTHING: &Agreement = &Agreement {
    subprotocol: None,
    #[cfg(feature = "deflate")]
    permessage_deflate: None,
};

/// A WebSocket over a stream of tokio (feature `tokio`).
///
/// [`next`](Self::next) returns the messages. It also sends what the program has
/// [fed](Self::feed), answers Pings and Close frames, and ends the connection after the Close frames
/// or after a violation. [`split`](Self::split) makes two halves for two tasks.
///
/// The stream is a `TcpStream` or any other stream, such as one of TLS. An idle connection holds no
/// buffer: the connections of a thread share theirs.
///
/// The type is a `Stream` of messages and a `Sink` for messages, too.
///
/// # Panics
///
/// The methods panic if they need a time limit and the runtime of tokio has no timers. See
/// `tokio::runtime::Builder::enable_time`.
///
/// ```
/// use tokio::net::{TcpListener, TcpStream};
/// use wsvet::endpoint::{Error, WebSocket};
/// use wsvet::handshake::{Key, RequestBuilder, Server};
/// use wsvet::{CloseCode, Message, Policy, Role};
///
/// async fn echo(stream: TcpStream) -> Result<(), Error> {
///     let policy = Policy::new(Role::Server).max_message(1 << 20);
///     let mut socket = WebSocket::accept(stream, policy, &Server::new()).await?;
///     while let Some(message) = socket.next().await? {
///         if message.is_data() {
///             socket.feed(message).await?; // sent before the next read
///         }
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let address = listener.local_addr()?;
/// let server = tokio::spawn(async move { echo(listener.accept().await?.0).await });
///
/// let request = RequestBuilder::new(&address.to_string(), "/", Key::new(rand::random()));
/// let policy = Policy::new(Role::Client);
/// let stream = TcpStream::connect(address).await?;
/// let mut socket = WebSocket::connect(stream, policy, &request, rand::random).await?;
/// socket.send("hi").await?;
/// assert_eq!(socket.next().await?, Some(Message::text("hi")));
/// socket.close(CloseCode::NORMAL_CLOSURE, "").await?;
/// server.await??;
/// # Ok(())
/// # }
/// ```
pub struct WebSocket<S>(Box<Connection<S>>);

impl<S> WebSocket<S> {
    /// Creates a WebSocket over a stream whose opening handshake another library has done.
    ///
    /// Put the bytes that arrived after the handshake into [`Endpoint::received`] first. A client
    /// needs [keys](Endpoint::with_keys).
    ///
    /// ```
    /// # use wsvet::{Message, Policy, Role, endpoint::{Endpoint, Error, WebSocket}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// let mut endpoint = Endpoint::new(Policy::new(Role::Client)).with_keys(rand::random);
    /// endpoint.received().extend_from_slice(b"\x81\x02hi");
    /// let mut socket = WebSocket::from_endpoint(stream, endpoint);
    /// assert_eq!(socket.next().await?, Some(Message::text("hi")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_endpoint(stream: S, endpoint: Endpoint) -> Self {
        Self(Box::new(Connection::new(stream, endpoint, Agreement::default())))
    }

    /// Creates the WebSocket of a server over a stream that a framework has upgraded, such as hyper
    /// or axum.
    ///
    /// `received` are the bytes that arrived after the request, if the stream does not return them
    /// itself.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a server, or has an extension.
    ///
    /// ```
    /// # use wsvet::{Message, Policy, Role, endpoint::{Error, WebSocket}, handshake::Agreement};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// # let agreement = Agreement::default();
    /// let policy = Policy::new(Role::Server).max_message(1 << 20);
    /// let received = b"\x81\x82\x01\x02\x03\x04ik";
    /// let mut socket = WebSocket::from_upgraded(stream, policy, agreement, received);
    /// assert_eq!(socket.next().await?, Some(Message::text("hi")));
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_upgraded(
        stream: S,
        policy: Policy,
        agreement: Agreement,
        received: impl AsRef<[u8]>,
    ) -> Self {
        assert_eq!(policy.role, Role::Server, "the policy of a client");
        Self::over(stream, Endpoint::agreed(policy, &agreement), agreement, received.as_ref())
    }

    fn over(stream: S, endpoint: Endpoint, agreement: Agreement, received: &[u8]) -> Self {
        // The bytes of a handshake may lie in a buffer that is much larger.
        let endpoint = endpoint.after(BytesMut::from(received));
        Self(Box::new(Connection::new(stream, endpoint, agreement)))
    }

    /// Sets how long the peer has to answer a Close frame, and again to close its side at the end of
    /// the connection. The default is 5 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// let socket = WebSocket::from_endpoint(stream, endpoint).end_within(Duration::from_secs(1));
    /// # let _ = socket;
    /// ```
    #[must_use]
    pub fn end_within(mut self, limit: Duration) -> Self {
        self.0.times().end_limit = limit;
        self
    }

    /// Keeps the connection alive: sends a Ping if nothing has arrived for `interval`, and ends the
    /// connection if nothing arrives within `limit` after that.
    ///
    /// [`next`](Self::next) then returns an I/O error of the kind `TimedOut`. So does
    /// [`send`](Self::send), if the peer reads nothing for the sum of both times. The Pings are sent
    /// while [`next`](Self::next) waits.
    ///
    /// # Panics
    ///
    /// Panics if `interval` is zero.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// # let socket = WebSocket::from_endpoint(stream, endpoint);
    /// let socket = socket.keep_alive(Duration::from_secs(30), Duration::from_secs(10));
    /// # let _ = socket;
    /// ```
    #[must_use]
    pub fn keep_alive(mut self, interval: Duration, limit: Duration) -> Self {
        assert!(!interval.is_zero(), "an interval of zero");
        self.0.times().keep_alive(interval, limit);
        self
    }

    /// Closes the connection with 1001 if no message was sent or received for this long. Control
    /// frames do not count.
    ///
    /// [`next`](Self::next) then returns an I/O error of the kind `TimedOut`, after the connection
    /// has ended.
    ///
    /// # Panics
    ///
    /// Panics if `limit` is zero.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// # let socket = WebSocket::from_endpoint(stream, endpoint);
    /// let socket = socket.idle_within(Duration::from_secs(600));
    /// # let _ = socket;
    /// ```
    #[must_use]
    pub fn idle_within(mut self, limit: Duration) -> Self {
        assert!(!limit.is_zero(), "a limit of zero");
        self.0.times().idle(limit);
        self
    }

    /// Limits the memory of unfinished messages by a budget that many connections share.
    ///
    /// If the budget has too little left, the connection is closed with 1013 by a server, and with 1009
    /// by a client. [`next`](Self::next) then returns
    /// [`codec::Error::OverBudget`](crate::codec::Error::OverBudget).
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// use wsvet::codec::Budget;
    ///
    /// let budget = Budget::new(256 << 20); // for all connections of the server
    /// let socket = WebSocket::from_endpoint(stream, endpoint).with_budget(&budget);
    /// # let _ = socket;
    /// ```
    #[must_use]
    pub fn with_budget(mut self, budget: &Budget) -> Self {
        self.0.endpoint.set_budget(budget);
        self
    }

    /// Sets whether the endpoint answers Pings, as [`Endpoint::answer_pings`] does.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// let socket = WebSocket::from_endpoint(stream, endpoint).answer_pings(false);
    /// # let _ = socket;
    /// ```
    #[must_use]
    pub fn answer_pings(mut self, answers: bool) -> Self {
        self.0.endpoint.set_answers(Some(answers), None);
        self
    }

    /// Sets whether the endpoint answers Close frames, as [`Endpoint::answer_closes`] does.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// let socket = WebSocket::from_endpoint(stream, endpoint).answer_closes(false);
    /// # let _ = socket;
    /// ```
    #[must_use]
    pub fn answer_closes(mut self, answers: bool) -> Self {
        self.0.endpoint.set_answers(None, Some(answers));
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
    /// # use tokio::net::TcpStream;
    /// # use wsvet::{Accepts, Policy, Role, endpoint::{Error, WebSocket}, handshake::Server};
    /// # async fn f(stream: TcpStream) -> Result<(), Error> {
    /// const POLICY: Policy = Policy::new(Role::Server).max_message(1 << 20);
    /// let (mut is_chat, server) = (false, Server::new());
    /// let mut socket = WebSocket::accept_with(stream, POLICY, |request| {
    ///     is_chat = request.target() == "/chat";
    ///     server.respond(request)
    /// })
    /// .await?;
    /// if is_chat {
    ///     socket.set_policy(POLICY.accepts(Accepts::TextOnly));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_policy(&mut self, policy: Policy) {
        let policy = self.agreement().policy(policy);
        self.0.endpoint.set_policy(policy);
    }

    /// Returns what was agreed on in the opening handshake.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// # let socket = WebSocket::from_endpoint(stream, endpoint);
    /// assert_eq!(socket.agreement().subprotocol, None);
    /// ```
    #[must_use]
    pub fn agreement(&self) -> &Agreement {
        self.0.agreement.as_deref().unwrap_or(NOTHING)
    }

    /// Returns the endpoint without I/O.
    ///
    /// ```
    /// # use wsvet::{Closing, Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// # let socket = WebSocket::from_endpoint(stream, endpoint);
    /// assert_eq!(socket.endpoint().closing(), Closing::Open);
    /// ```
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// Returns the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # fn f(socket: &WebSocket<tokio::net::TcpStream>) -> Result<(), Error> {
    /// println!("{}", socket.stream().peer_addr()?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stream(&self) -> &S {
        &self.0.stream
    }

    /// Returns the stream and the endpoint.
    ///
    /// ```
    /// # use wsvet::{Policy, Role, endpoint::{Endpoint, WebSocket}};
    /// # let endpoint = Endpoint::new(Policy::new(Role::Server));
    /// # let (stream, _peer) = tokio::io::duplex(1 << 10);
    /// # let socket = WebSocket::from_endpoint(stream, endpoint);
    /// let (stream, endpoint) = socket.into_parts();
    /// # let _ = (stream, endpoint);
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (S, Endpoint) {
        let Connection { stream, endpoint, .. } = *self.0;
        (stream, endpoint)
    }

    /// Splits the WebSocket into a half that receives and a half that sends, for two tasks.
    ///
    /// Both share one connection. The [`Receiver`] sends Pongs and the Close frame that is due, and
    /// ends the connection. If it was dropped, nobody answers.
    ///
    /// ```
    /// # use wsvet::{Message, Policy, Role, endpoint::{Endpoint, Error, WebSocket}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Error> {
    /// # let (stream, peer) = tokio::io::duplex(1 << 10);
    /// # let socket = WebSocket::from_endpoint(stream, Endpoint::new(Policy::new(Role::Server)));
    /// # let client = Endpoint::new(Policy::new(Role::Client)).with_keys(rand::random);
    /// # let mut client = WebSocket::from_endpoint(peer, client);
    /// let (mut receiver, mut sender) = socket.split();
    /// let task = tokio::spawn(async move {
    ///     while let Some(message) = receiver.next().await? {
    ///         println!("{message}");
    ///     }
    ///     Ok::<(), Error>(())
    /// });
    /// sender.send("hi").await?;
    /// # assert_eq!(client.next().await?, Some(Message::text("hi")));
    /// # drop(client);
    /// # assert!(task.await.unwrap().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn split(mut self) -> (Receiver<S>, Sender<S>) {
        self.0.share();
        let shared = Arc::new(Mutex::new(*self.0));
        (Receiver::new(shared.clone()), Sender::new(shared))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Receives the request of a client, and accepts it (§4.2).
    ///
    /// `policy` says what the server accepts. `server` says which subprotocols and extensions it
    /// supports. The handshake must end within 5 seconds.
    ///
    /// # Errors
    ///
    /// - [`Error::Handshake`] or [`Error::Http`] if the request breaks a rule. The server has then
    ///   refused it with the status that is due.
    /// - [`Error::Codec`] if the stream has failed or ended, or if the time is over.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a server, or has an extension.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # use wsvet::{Policy, Role, handshake::Server};
    /// # async fn f(stream: tokio::net::TcpStream) -> Result<(), Error> {
    /// let policy = Policy::new(Role::Server).max_message(1 << 20);
    /// let server = Server::new().subprotocols(["chat"]);
    /// let socket = WebSocket::accept(stream, policy, &server).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept(
        stream: S,
        policy: Policy,
        server: &Server,
    ) -> impl Future<Output = Result<Self, Error>> {
        Self::accept_with(stream, policy, super::opening::by(server))
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
    /// # use tokio::net::TcpStream;
    /// # use wsvet::{Policy, endpoint::{Error, WebSocket}};
    /// use wsvet::handshake::{ResponseBuilder, Server};
    ///
    /// # async fn f(stream: TcpStream, policy: Policy) -> Result<(), Error> {
    /// let server = Server::new().subprotocols(["chat"]);
    /// let socket = WebSocket::accept_with(stream, policy, |request| {
    ///     if request.target() != "/chat" {
    ///         return (ResponseBuilder::refuse_with(404, "no such room"), None);
    ///     }
    ///     server.respond(request)
    /// })
    /// .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_with(
        mut stream: S,
        policy: Policy,
        respond: impl FnOnce(&Request<'_, Fields<'_>>) -> (ResponseBuilder, Option<Agreement>),
    ) -> impl Future<Output = Result<Self, Error>> {
        assert_eq!(policy.role, Role::Server, "the policy of a client");
        // In a box, because the task of an idle connection keeps the size of its largest future.
        Box::pin(async move {
            let (agreement, received) = opening::accept(&mut stream, respond).await?;
            let endpoint = Endpoint::agreed(policy, &agreement);
            Ok(Self::over(stream, endpoint, agreement, &received))
        })
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
    /// - [`Error::Codec`] if the stream has failed or ended, or if the time is over.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a client, or has an extension.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # use wsvet::{Policy, Role, handshake::{Key, RequestBuilder}};
    /// # async fn f(stream: tokio::net::TcpStream) -> Result<(), Error> {
    /// let request = RequestBuilder::new("example.com", "/chat", Key::new(rand::random()));
    /// let policy = Policy::new(Role::Client);
    /// let socket = WebSocket::connect(stream, policy, &request, rand::random).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(
        mut stream: S,
        policy: Policy,
        request: &RequestBuilder,
        keys: impl FnMut() -> [u8; 4] + Send + Sync + 'static,
    ) -> impl Future<Output = Result<Self, Error>> {
        assert_eq!(policy.role, Role::Client, "the policy of a server");
        Box::pin(async move {
            let (agreement, received) = opening::connect(&mut stream, request).await?;
            let endpoint = Endpoint::agreed(policy, &agreement).with_keys(keys);
            Ok(Self::over(stream, endpoint, agreement, &received))
        })
    }

    /// Waits for the next message, and returns it. Returns `None` after the end of the connection.
    ///
    /// While it waits, it sends what was [fed](Self::feed). Control frames are returned, too, after
    /// the endpoint has answered them: a program may ignore them. A Close frame is returned when the
    /// connection has ended.
    ///
    /// A future that is dropped before it is ready loses nothing, so the method can be used in
    /// `tokio::select!`.
    ///
    /// # Errors
    ///
    /// - [`Error::Codec`] with a violation if the peer broke a rule, or closed its side without a
    ///   Close frame. The Close frame that is due was then sent, and the stream was ended.
    /// - [`Error::Codec`] with the error of the stream. The kind is `TimedOut` if the peer did not
    ///   answer a Close frame, or if a limit has passed that [`keep_alive`](Self::keep_alive) or
    ///   [`idle_within`](Self::idle_within) sets.
    ///
    /// An error is returned once, and then `None`.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # async fn f(mut socket: WebSocket<tokio::net::TcpStream>) -> Result<(), Error> {
    /// while let Some(message) = socket.next().await? {
    ///     println!("{message}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    // It returns a future, so it cannot be confused with the method of an iterator.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
        Polled(|cx: &mut Context<'_>| self.0.poll_next(cx))
    }

    /// Sends a message, and everything that was [fed](Self::feed) before it.
    ///
    /// If the future is dropped before it is ready, the message was sent, will be sent by the next
    /// call, or was dropped.
    ///
    /// # Errors
    ///
    /// The errors of [`feed`](Self::feed) and of [`flush`](Self::flush).
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # async fn f(mut socket: WebSocket<tokio::net::TcpStream>) -> Result<(), Error> {
    /// socket.send("hi").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Adds a message to what the next [`send`](Self::send), [`flush`](Self::flush) or
    /// [`next`](Self::next) sends. Waits while 64 KiB or more wait to be sent, or as much as the
    /// last read took if that was more, but at most 512 KiB.
    ///
    /// # Errors
    ///
    /// - The errors of [`Endpoint::send`].
    /// - [`codec::Error::Closed`](crate::codec::Error::Closed) if the connection has ended, or if the
    ///   message is a Close frame and one was sent before.
    /// - The error of the stream.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # async fn f(mut socket: WebSocket<tokio::net::TcpStream>) -> Result<(), Error> {
    /// for text in ["one", "two"] {
    ///     socket.feed(text).await?;
    /// }
    /// socket.flush().await?; // one write for both
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        // Not an `async fn`, which moves the message once more.
        let (message, mut is_fed) = (message.into(), false);
        Polled(move |cx: &mut Context<'_>| self.0.poll_feed(&message, &mut is_fed, cx))
    }

    /// Adds a prepared message to what is sent next, as [`feed`](Self::feed) does.
    ///
    /// # Errors
    ///
    /// Those of [`feed`](Self::feed).
    ///
    /// ```no_run
    /// # use wsvet::{codec::Prepared, endpoint::{Error, WebSocket}};
    /// # async fn f(sockets: &mut [WebSocket<tokio::net::TcpStream>]) -> Result<(), Error> {
    /// let prepared = Prepared::text("for all of you");
    /// for socket in sockets {
    ///     socket.feed("before").await?;
    ///     socket.feed_prepared(&prepared).await?;
    ///     socket.flush().await?; // one write for both
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn feed_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        poll_fn(|cx| self.0.poll_ready(cx)).await?;
        self.0.start_prepared(prepared)
    }

    /// Sends a prepared message, and everything that was [fed](Self::feed) before it.
    ///
    /// If nothing waits to be sent, the stream gets the bytes that were prepared: what it takes at once
    /// is not copied.
    ///
    /// # Errors
    ///
    /// The errors of [`feed`](Self::feed) and of [`flush`](Self::flush).
    ///
    /// ```no_run
    /// # use wsvet::{codec::Prepared, endpoint::{Error, WebSocket}};
    /// # async fn f(sockets: &mut [WebSocket<tokio::net::TcpStream>]) -> Result<(), Error> {
    /// let prepared = Prepared::text("for all of you");
    /// for socket in sockets {
    ///     socket.send_prepared(&prepared).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let mut is_fed = false;
        poll_fn(|cx| {
            ready!(self.0.poll_prepared(prepared, &mut is_fed, cx))?;
            self.0.poll_flush(cx)
        })
        .await
    }

    /// Sends everything that was [fed](Self::feed).
    ///
    /// # Errors
    ///
    /// - The error of the stream.
    /// - [`codec::Error::Closed`](crate::codec::Error::Closed) if the connection has ended before
    ///   everything was sent.
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # async fn f(mut socket: WebSocket<tokio::net::TcpStream>) -> Result<(), Error> {
    /// socket.feed("hi").await?;
    /// socket.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.0.poll_flush(cx)).await
    }

    /// Closes the connection (§7.1.2): sends a Close frame, and waits until the peer has answered it
    /// and the stream has ended. Messages that arrive before are dropped.
    ///
    /// The peer has the time that [`end_within`](Self::end_within) sets. Use
    /// [`GOING_AWAY`](CloseCode::GOING_AWAY) if a server shuts down. To receive what the peer still
    /// sends, [send](Self::send) a [`Message::close`], and call [`next`](Self::next) until it returns
    /// `None`.
    ///
    /// # Errors
    ///
    /// - An [`Encode`](crate::codec::Error::Encode) if the code must not be sent, such as 1006.
    ///   Nothing was sent.
    /// - [`codec::Error::Closed`](crate::codec::Error::Closed) if a Close frame was sent before, or
    ///   the connection has ended.
    /// - The errors of [`next`](Self::next).
    ///
    /// ```no_run
    /// # use wsvet::CloseCode;
    /// # use wsvet::endpoint::{Error, WebSocket};
    /// # async fn f(mut socket: WebSocket<tokio::net::TcpStream>) -> Result<(), Error> {
    /// socket.close(CloseCode::GOING_AWAY, "the server restarts").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(
        &mut self,
        code: CloseCode,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<(), Error> {
        self.0.start_close(code, reason)?;
        while self.next().await?.is_some() {}
        Ok(())
    }
}

/// See [`WebSocket::next`].
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let connection = &mut self.get_mut().0;
        // The stream and the sink may be in two tasks.
        connection.share();
        connection.poll_next(cx).map(Result::transpose)
    }
}

/// See [`WebSocket::feed`] and [`WebSocket::flush`]. To close the sink is to send a Close frame with
/// 1000, if none was sent.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for WebSocket<S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let connection = &mut self.get_mut().0;
        connection.share();
        connection.poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.get_mut().0.start_send(&message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let connection = &mut self.get_mut().0;
        connection.share();
        connection.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let connection = &mut self.get_mut().0;
        connection.share();
        connection.poll_close(cx)
    }
}

impl<S> fmt::Debug for WebSocket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("endpoint", &self.0.endpoint).finish_non_exhaustive()
    }
}
