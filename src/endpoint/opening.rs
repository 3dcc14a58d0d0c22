//! The opening handshake over any stream: what is taken off the bytes that have arrived.

use std::time::Duration;

use bytes::{Buf, BytesMut};

use super::{Endpoint, Error};
use crate::handshake::{
    Agreement, Fields, InvalidHttp, Outcome, Request, RequestBuilder, ResponseBuilder, Server,
    parse_request, parse_response,
};
use crate::{Policy, Role};

/// The most bytes of the head of a request or a response.
pub(super) const MAX_HEAD: usize = 64 << 10;

/// The time limit for the opening handshake and for the end of the connection, unless it is set.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(5);

/// What a server sends, and what was agreed on or why the request was refused.
pub(super) struct Answer {
    pub(super) response: ResponseBuilder,
    pub(super) agreed: Result<Agreement, Error>,
}

/// How `server` responds to a request.
pub(super) fn by(
    server: &Server,
) -> impl FnOnce(&Request<'_, Fields<'_>>) -> (ResponseBuilder, Option<Agreement>) {
    |request| server.respond(request)
}

/// Takes a request off the front, and returns what `respond` answers. Returns `None` if more bytes
/// are needed.
pub(super) fn answer(
    received: &mut BytesMut,
    respond: &mut Option<
        impl FnOnce(&Request<'_, Fields<'_>>) -> (ResponseBuilder, Option<Agreement>),
    >,
) -> Option<Answer> {
    let taken = take(received, |bytes| {
        parse_request(bytes, |request| {
            // A head is parsed whole only once.
            let respond = respond.take().expect("one whole head");
            let (response, agreement) = respond(request);
            let refused = || request.validate().err().map_or(Error::Declined, Error::Handshake);
            Answer { response, agreed: agreement.ok_or_else(refused) }
        })
    });
    taken.unwrap_or_else(|error| {
        let response = ResponseBuilder::refuse_with(400, "not an HTTP/1 request");
        Some(Answer { response, agreed: Err(error) })
    })
}

/// Takes the response to `request` off the front, and returns what was agreed on. Returns `None` if
/// more bytes are needed.
pub(super) fn outcome(
    received: &mut BytesMut,
    request: &RequestBuilder,
) -> Result<Option<Agreement>, Error> {
    loop {
        let taken = take(received, |bytes| {
            parse_response(bytes, |response| match response.validate(&request.as_request()) {
                Ok(Outcome::Accepted(accepted)) => Ok(accepted.agreement()),
                Ok(Outcome::Refused(status)) => Err(Error::Refused(status)),
                Err(rule) => Err(Error::Handshake(rule)),
            })
        });
        match taken? {
            // Another response follows (RFC 9110 §15.2).
            Some(Err(Error::Refused(100 | 102..=199))) => {}
            outcome => return outcome.transpose(),
        }
    }
}

impl Endpoint {
    /// Takes the request of a client off the front of `received`, and responds to it as
    /// [`Server::respond`] does (§4.2).
    ///
    /// Returns `None` if more bytes are needed. Otherwise returns the endpoint, and what was agreed on
    /// or why the request was refused. The response is in [`to_send`](Self::to_send) of the endpoint,
    /// and the bytes after the request are in its [`received`](Self::received). After a refusal, the
    /// endpoint [is done](Self::is_done).
    ///
    /// Limit the time that a client has for its request.
    ///
    /// # Errors
    ///
    /// [`Error::Handshake`] or [`Error::Http`] beside the endpoint, if the request breaks a rule or its
    /// head is longer than 64 KiB.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a server, or has an extension.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use wsvet::endpoint::Endpoint;
    /// use wsvet::handshake::Server;
    /// use wsvet::{Message, Policy, Role};
    ///
    /// let (policy, server) = (Policy::new(Role::Server), Server::new());
    /// let mut received = BytesMut::from("GET / HTTP/1.1\r\nHost: example.com\r\n");
    /// assert!(Endpoint::accept(&mut received, policy, &server).is_none()); // more bytes are needed
    ///
    /// received.extend_from_slice(b"Upgrade: websocket\r\nConnection: Upgrade\r\n\
    ///     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
    ///     \x81\x82\x01\x02\x03\x04ik");
    /// let (mut endpoint, agreed) = Endpoint::accept(&mut received, policy, &server).unwrap();
    /// assert!(agreed.is_ok());
    /// assert!(endpoint.to_send().split().starts_with(b"HTTP/1.1 101 "));
    /// assert_eq!(endpoint.next()?, Some(Message::text("hi")));
    ///
    /// let mut received = BytesMut::from("POST / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    /// let (mut endpoint, agreed) = Endpoint::accept(&mut received, policy, &server).unwrap();
    /// assert!(agreed.is_err() && endpoint.is_done());
    /// assert!(endpoint.to_send().starts_with(b"HTTP/1.1 405 "));
    /// # Ok::<(), wsvet::codec::Error>(())
    /// ```
    pub fn accept(
        received: &mut BytesMut,
        policy: Policy,
        server: &Server,
    ) -> Option<(Self, Result<Agreement, Error>)> {
        Self::accept_with(received, policy, by(server))
    }

    /// Takes the request of a client off the front of `received`, and responds to it with what
    /// `respond` returns. Without an agreement, the response is a refusal.
    ///
    /// # Errors
    ///
    /// The errors of [`accept`](Self::accept), [`Error::Declined`] if `respond` refused a request that
    /// breaks no rule, and [`Error::InvalidHead`] if its response cannot be written. There is nothing
    /// to send then.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a server, or has an extension.
    ///
    /// ```
    /// # use bytes::BytesMut;
    /// # use wsvet::{Policy, Role, endpoint::Endpoint};
    /// use wsvet::handshake::{ResponseBuilder, Server};
    ///
    /// let server = Server::new();
    /// let mut received = BytesMut::from("GET /old HTTP/1.1\r\nHost: example.com\r\n\r\n");
    /// let accepted = Endpoint::accept_with(&mut received, Policy::new(Role::Server), |request| {
    ///     if request.target() != "/chat" {
    ///         return (ResponseBuilder::refuse_with(404, "no such room"), None);
    ///     }
    ///     server.respond(request)
    /// });
    /// let (mut endpoint, _) = accepted.unwrap();
    /// assert!(endpoint.to_send().starts_with(b"HTTP/1.1 404 "));
    /// ```
    pub fn accept_with(
        received: &mut BytesMut,
        policy: Policy,
        respond: impl FnOnce(&Request<'_, Fields<'_>>) -> (ResponseBuilder, Option<Agreement>),
    ) -> Option<(Self, Result<Agreement, Error>)> {
        assert_eq!(policy.role, Role::Server, "the policy of a client");
        let Answer { response, agreed } = answer(received, &mut Some(respond))?;
        let (response, agreed) = match response.build() {
            Ok(response) => (response, agreed),
            Err(error) => (std::string::String::new(), Err(error.into())),
        };
        let endpoint = match &agreed {
            Ok(agreement) => Self::agreed(policy, agreement).after(core::mem::take(received)),
            Err(_) => Self::refusing(policy),
        };
        Some((endpoint.sending(response.as_bytes()), agreed))
    }

    /// Takes the response of a server to `request` off the front of `received` (§4.1). A client sends
    /// what [`RequestBuilder::build`] returns first.
    ///
    /// Returns `None` if more bytes are needed. Otherwise returns the endpoint, which needs
    /// [keys](Self::with_keys), and what was agreed on. The bytes after the response are in
    /// [`received`](Self::received) of the endpoint.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`] if the status of the response is not 101.
    /// - [`Error::Handshake`] or [`Error::Http`] if the response breaks a rule.
    ///
    /// # Panics
    ///
    /// Panics if `policy` is not that of a client, or has an extension.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use wsvet::endpoint::Endpoint;
    /// use wsvet::handshake::{Key, RequestBuilder};
    /// use wsvet::{Policy, Role};
    ///
    /// let request = RequestBuilder::new("example.com", "/chat", Key::new(*b"the sample nonce"));
    /// let mut received = BytesMut::from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    ///     Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    /// let connected = Endpoint::connect(&mut received, Policy::new(Role::Client), &request)?;
    /// let (endpoint, _) = connected.unwrap(); // no more bytes are needed
    /// let mut endpoint = endpoint.with_keys(rand::random);
    /// endpoint.send("hi")?;
    /// # Ok::<(), wsvet::endpoint::Error>(())
    /// ```
    pub fn connect(
        received: &mut BytesMut,
        policy: Policy,
        request: &RequestBuilder,
    ) -> Result<Option<(Self, Agreement)>, Error> {
        assert_eq!(policy.role, Role::Client, "the policy of a server");
        let Some(agreement) = outcome(received, request)? else { return Ok(None) };
        let endpoint = Self::agreed(policy, &agreement).after(core::mem::take(received));
        Ok(Some((endpoint, agreement)))
    }
}

fn take<T>(
    received: &mut BytesMut,
    parse: impl FnOnce(&[u8]) -> Result<Option<(usize, T)>, InvalidHttp>,
) -> Result<Option<T>, Error> {
    match parse(received) {
        Ok(Some((len, parsed))) => {
            received.advance(len);
            Ok(Some(parsed))
        }
        Ok(None) if received.len() > MAX_HEAD => Err(Error::Http(None)),
        Ok(None) => Ok(None),
        Err(error) => Err(Error::Http(Some(error))),
    }
}
