//! The halves of a WebSocket, for two tasks.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::Connection;
use super::polled::Polled;
use crate::codec::Prepared;
use crate::endpoint::Error;
use crate::{CloseCode, Message, Utf8Bytes};

type Shared<S> = Arc<Mutex<Connection<S>>>;

fn lock<S>(shared: &Shared<S>) -> MutexGuard<'_, Connection<S>> {
    // Only code of the caller can panic: the source of the masking keys, or the stream.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The half of a [`WebSocket`](super::WebSocket) that receives (feature `tokio`).
///
/// It answers Pings and Close frames, sends the Close frame that is due if the peer breaks a rule,
/// and ends the connection. So call [`next`](Self::next) until it returns `None`.
///
/// ```
/// # use wsvet::{Message, Policy, Role, endpoint::{Endpoint, Error, WebSocket}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let (stream, _peer) = tokio::io::duplex(1 << 10);
/// # let mut endpoint = Endpoint::new(Policy::new(Role::Client));
/// # endpoint.received().extend_from_slice(b"\x81\x02hi");
/// # let socket = WebSocket::from_endpoint(stream, endpoint);
/// let (mut receiver, sender) = socket.split();
/// assert_eq!(receiver.next().await?, Some(Message::text("hi")));
/// # drop(sender);
/// # Ok(())
/// # }
/// ```
pub struct Receiver<S>(Shared<S>);

impl<S> Receiver<S> {
    pub(super) const fn new(shared: Shared<S>) -> Self {
        Self(shared)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Receiver<S> {
    /// Waits for the next message, as [`WebSocket::next`](super::WebSocket::next) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::next`](super::WebSocket::next).
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, Receiver};
    /// # async fn f(mut receiver: Receiver<tokio::net::TcpStream>) -> Result<(), Error> {
    /// while let Some(message) = receiver.next().await? {
    ///     println!("{message}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    // It returns a future, so it cannot be confused with the method of an iterator.
    #[allow(clippy::should_implement_trait)]
    #[inline]
    pub fn next(&mut self) -> impl Future<Output = Result<Option<Message>, Error>> {
        Polled(|cx: &mut Context<'_>| lock(&self.0).poll_next(cx))
    }
}

/// See [`Receiver::next`].
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Receiver<S> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        lock(&self.0).poll_next(cx).map(Result::transpose)
    }
}

impl<S> fmt::Debug for Receiver<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// The half of a [`WebSocket`](super::WebSocket) that sends (feature `tokio`).
///
/// It returns [`codec::Error::Closed`](crate::codec::Error::Closed) after the [`Receiver`] has ended
/// the connection.
///
/// ```
/// # use wsvet::{Policy, Role, endpoint::{Endpoint, Error, WebSocket}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// # let (stream, _peer) = tokio::io::duplex(1 << 10);
/// # let socket = WebSocket::from_endpoint(stream, Endpoint::new(Policy::new(Role::Server)));
/// let (receiver, mut sender) = socket.split();
/// sender.send("hi").await?;
/// # drop(receiver);
/// # Ok(())
/// # }
/// ```
pub struct Sender<S>(Shared<S>);

impl<S> Sender<S> {
    pub(super) const fn new(shared: Shared<S>) -> Self {
        Self(shared)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sender<S> {
    /// Sends a message, as [`WebSocket::send`](super::WebSocket::send) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::send`](super::WebSocket::send).
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, Sender};
    /// # async fn f(mut sender: Sender<tokio::net::TcpStream>) -> Result<(), Error> {
    /// sender.send("hi").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.feed(message).await?;
        self.flush().await
    }

    /// Adds a message to what is sent next, as [`WebSocket::feed`](super::WebSocket::feed) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::feed`](super::WebSocket::feed).
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, Sender};
    /// # async fn f(mut sender: Sender<tokio::net::TcpStream>) -> Result<(), Error> {
    /// sender.feed("one").await?;
    /// sender.send("two").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn feed(&mut self, message: impl Into<Message>) -> impl Future<Output = Result<(), Error>> {
        let (message, mut is_fed) = (message.into(), false);
        Polled(move |cx: &mut Context<'_>| lock(&self.0).poll_feed(&message, &mut is_fed, cx))
    }

    /// Adds a prepared message to what is sent next, as
    /// [`WebSocket::feed_prepared`](super::WebSocket::feed_prepared) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::feed`](super::WebSocket::feed).
    ///
    /// ```no_run
    /// # use wsvet::{codec::Prepared, endpoint::{Error, Sender}};
    /// # async fn f(mut sender: Sender<tokio::net::TcpStream>) -> Result<(), Error> {
    /// sender.feed_prepared(&Prepared::text("hi")).await?;
    /// sender.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn feed_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        poll_fn(|cx| lock(&self.0).poll_ready(cx)).await?;
        lock(&self.0).start_prepared(prepared)
    }

    /// Sends a prepared message, as
    /// [`WebSocket::send_prepared`](super::WebSocket::send_prepared) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::send`](super::WebSocket::send).
    ///
    /// ```no_run
    /// # use wsvet::{codec::Prepared, endpoint::{Error, Sender}};
    /// # async fn f(mut sender: Sender<tokio::net::TcpStream>) -> Result<(), Error> {
    /// sender.send_prepared(&Prepared::text("hi")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_prepared(&mut self, prepared: &Prepared) -> Result<(), Error> {
        let mut is_fed = false;
        poll_fn(|cx| {
            let connection = &mut *lock(&self.0);
            ready!(connection.poll_prepared(prepared, &mut is_fed, cx))?;
            connection.poll_flush(cx)
        })
        .await
    }

    /// Sends everything that was fed, as [`WebSocket::flush`](super::WebSocket::flush) does.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::flush`](super::WebSocket::flush).
    ///
    /// ```no_run
    /// # use wsvet::endpoint::{Error, Sender};
    /// # async fn f(mut sender: Sender<tokio::net::TcpStream>) -> Result<(), Error> {
    /// sender.feed("hi").await?;
    /// sender.flush().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| lock(&self.0).poll_flush(cx)).await
    }

    /// Sends a Close frame (§7.1.2). The [`Receiver`] returns what the peer still sends, and ends the
    /// connection. If it was dropped, this method does so, and drops the messages.
    ///
    /// # Errors
    ///
    /// The errors of [`WebSocket::close`](super::WebSocket::close).
    ///
    /// ```no_run
    /// # use wsvet::CloseCode;
    /// # use wsvet::endpoint::{Error, Sender};
    /// # async fn f(mut sender: Sender<tokio::net::TcpStream>) -> Result<(), Error> {
    /// sender.close(CloseCode::GOING_AWAY, "the server restarts").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(
        &mut self,
        code: CloseCode,
        reason: impl Into<Utf8Bytes>,
    ) -> Result<(), Error> {
        lock(&self.0).start_close(code, reason)?;
        if Arc::strong_count(&self.0) > 1 {
            return self.flush().await;
        }
        while poll_fn(|cx| lock(&self.0).poll_next(cx)).await?.is_some() {}
        Ok(())
    }
}

/// See [`Sender::feed`] and [`Sender::flush`]. To close the sink is to send a Close frame with 1000,
/// if none was sent.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Sender<S> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        lock(&self.0).poll_ready(cx)
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        lock(&self.0).start_send(&message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        lock(&self.0).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        lock(&self.0).poll_close(cx)
    }
}

impl<S> fmt::Debug for Sender<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
