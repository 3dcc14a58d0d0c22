//! What the endpoints agree on in the opening handshake, and the server that agrees.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Accepted, Headers, Request, ResponseBuilder, Rule};
use crate::{Accepts, Policy};

#[cfg(feature = "deflate")]
use crate::deflate::Parameters;

/// What the endpoints agreed on in the opening handshake (RFC 6455 §1.9, §9.1; feature `alloc`).
///
/// The default is a connection without a subprotocol and without extensions.
///
/// ```
/// use wsvet::handshake::Agreement;
///
/// assert_eq!(Agreement::default().subprotocol, None);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Agreement {
    /// The subprotocol, if there is one.
    pub subprotocol: Option<String>,
    /// The parameters of permessage-deflate, if it is in use (RFC 7692; feature `deflate`).
    #[cfg(feature = "deflate")]
    pub permessage_deflate: Option<Parameters>,
}

impl Agreement {
    /// Returns the policy, narrowed to the type of data that the subprotocol is known to use.
    ///
    /// A policy that accepts one type already stays as it is. See [`Accepts::for_subprotocol`].
    ///
    /// ```
    /// use wsvet::handshake::Agreement;
    /// use wsvet::{Accepts, Policy, Role};
    ///
    /// let mut agreement = Agreement::default();
    /// agreement.subprotocol = Some("mqtt".to_owned());
    /// let policy = agreement.policy(Policy::new(Role::Server));
    /// assert_eq!(policy.accepts, Accepts::BinaryOnly);
    /// ```
    #[must_use]
    pub fn policy(&self, policy: Policy) -> Policy {
        let name = self.subprotocol.as_deref();
        match name.and_then(Accepts::for_subprotocol) {
            Some(accepts) if policy.accepts == Accepts::Any => policy.accepts(accepts),
            _ => policy,
        }
    }
}

impl<'h, H: Headers<'h>> Accepted<H> {
    /// Returns what the endpoints agreed on (feature `alloc`).
    ///
    /// ```
    /// use wsvet::handshake::{Key, Outcome, RequestBuilder, Response};
    ///
    /// let request = RequestBuilder::new("example.com", "/", Key::new(*b"the sample nonce"));
    /// let request = request.protocols(["chat"]);
    /// let response = Response::new(101, [
    ///     ("Upgrade", "websocket"),
    ///     ("Connection", "Upgrade"),
    ///     ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ///     ("Sec-WebSocket-Protocol", "chat"),
    /// ]);
    /// let Outcome::Accepted(accepted) = response.validate(&request.as_request())? else { panic!() };
    /// assert_eq!(accepted.agreement().subprotocol.as_deref(), Some("chat"));
    /// # Ok::<(), wsvet::handshake::Rule>(())
    /// ```
    #[must_use]
    pub fn agreement(&self) -> Agreement {
        Agreement {
            subprotocol: self.subprotocol().map(str::to_owned),
            #[cfg(feature = "deflate")]
            permessage_deflate: self.permessage_deflate(),
        }
    }
}

/// The server's side of the opening handshake: what it supports, and how it responds (RFC 6455 §4.2;
/// feature `alloc`).
///
/// ```
/// use wsvet::handshake::{Request, ResponseBuilder, Server};
///
/// let server = Server::new().subprotocols(["chat"]);
/// let request = Request::new("GET", "/", (1, 1), [
///     ("Host", "example.com"),
///     ("Upgrade", "websocket"),
///     ("Connection", "Upgrade"),
///     ("Sec-WebSocket-Version", "13"),
///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Protocol", "mqtt, chat"),
/// ]);
/// let (response, agreement) = server.accept(&request)?;
/// assert!(response.build().unwrap().contains("\r\nSec-WebSocket-Protocol: chat\r\n"));
/// assert_eq!(agreement.subprotocol.as_deref(), Some("chat"));
/// # Ok::<(), wsvet::handshake::Rule>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Server {
    subprotocols: Vec<String>,
    #[cfg(feature = "deflate")]
    permessage_deflate: Option<Parameters>,
}

impl Server {
    /// Creates a server that supports no subprotocol and no extension.
    ///
    /// ```
    /// # use wsvet::handshake::{Request, Rule, Server};
    /// let request = Request::new("POST", "/", (1, 1), [("Host", "example.com")]);
    /// assert_eq!(Server::new().accept(&request).unwrap_err(), Rule::MethodNotGet);
    /// ```
    pub const fn new() -> Self {
        Self {
            subprotocols: Vec::new(),
            #[cfg(feature = "deflate")]
            permessage_deflate: None,
        }
    }

    /// Sets the subprotocols that the server supports.
    ///
    /// The server chooses the first one of the client's list that it supports. If it supports none of
    /// the list, it chooses none, and a browser then fails the connection.
    ///
    /// ```
    /// # use wsvet::handshake::Server;
    /// let server = Server::new().subprotocols(["graphql-transport-ws", "graphql-ws"]);
    /// # let _ = server;
    /// ```
    pub fn subprotocols<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.subprotocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts permessage-deflate with these parameters, if the client offers it (RFC 7692 §5.1;
    /// feature `deflate`).
    ///
    /// ```
    /// # use wsvet::{deflate::Parameters, handshake::Server};
    /// let server = Server::new().permessage_deflate(Parameters::new());
    /// # let _ = server;
    /// ```
    #[cfg(feature = "deflate")]
    pub fn permessage_deflate(mut self, parameters: Parameters) -> Self {
        self.permessage_deflate = Some(parameters);
        self
    }

    /// Returns the response to a request: the one that accepts it, and what it agrees on, or else the
    /// refusal that is due.
    ///
    /// This is [`accept`](Self::accept) for a server that refuses as [`ResponseBuilder::refuse`] does.
    /// The response to a request over HTTP/2 or HTTP/3 is [one of them](ResponseBuilder::over_http2).
    ///
    /// ```
    /// # use wsvet::handshake::{InvalidHead, Request, Server};
    /// let request = Request::new("GET", "/", (1, 1), [("Host", "example.com")]);
    /// let (response, agreement) = Server::new().respond(&request);
    /// assert!(response.build()?.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    /// assert_eq!(agreement, None);
    /// # Ok::<(), InvalidHead>(())
    /// ```
    #[must_use = "the response must be sent"]
    pub fn respond<'h>(
        &self,
        request: &Request<'h, impl Headers<'h>>,
    ) -> (ResponseBuilder, Option<Agreement>) {
        match self.accept(request) {
            Ok((response, agreement)) => (response, Some(agreement)),
            Err(rule) if request.is_over_http2() => {
                (ResponseBuilder::refuse(rule).over_http2(), None)
            }
            Err(rule) => (ResponseBuilder::refuse(rule), None),
        }
    }

    /// Returns the response that accepts a request, and what it agrees on.
    ///
    /// An extended CONNECT is accepted with status 200 (RFC 8441 §5).
    ///
    /// # Errors
    ///
    /// The first rule that the request breaks. [`ResponseBuilder::refuse`] creates the response that
    /// is due.
    ///
    /// ```
    /// # use wsvet::handshake::{Headers, InvalidHead, Request, ResponseBuilder, Server};
    /// fn respond<'h>(server: &Server, request: &Request<'h, impl Headers<'h>>) -> ResponseBuilder {
    ///     match server.accept(request) {
    ///         Ok((response, _)) => response.header("Server", "example"),
    ///         Err(rule) => ResponseBuilder::refuse(rule),
    ///     }
    /// }
    /// # let request = Request::new("GET", "/", (1, 1), [("Host", "example.com")]);
    /// # assert!(respond(&Server::new(), &request).build()?.starts_with("HTTP/1.1 426 "));
    /// # Ok::<(), InvalidHead>(())
    /// ```
    pub fn accept<'h>(
        &self,
        request: &Request<'h, impl Headers<'h>>,
    ) -> Result<(ResponseBuilder, Agreement), Rule> {
        let response = if request.is_connect() {
            request.broken().result()?;
            ResponseBuilder::accept_connect()
        } else {
            ResponseBuilder::accept(request.validate()?)
        };
        let supported = |name: &&str| self.subprotocols.iter().any(|known| known == name);
        let subprotocol = request.protocols().find(supported);
        let response = response.subprotocol(subprotocol);
        let subprotocol = subprotocol.map(str::to_owned);
        #[cfg(feature = "deflate")]
        {
            let permessage_deflate = self.permessage_deflate.and_then(|wanted| {
                let offers: Vec<_> = request.extensions().collect();
                wanted.accept(&offers.join(", "))
            });
            let answer = permessage_deflate.map(|agreed| std::format!("{agreed}"));
            let response = response.extensions(answer.as_deref());
            Ok((response, Agreement { subprotocol, permessage_deflate }))
        }
        #[cfg(not(feature = "deflate"))]
        Ok((response, Agreement { subprotocol }))
    }
}
