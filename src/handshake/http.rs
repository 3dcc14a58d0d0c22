//! Requests and responses of the crate `http`, which axum, hyper and others use.

use alloc::string::String;

use super::{Agreement, InvalidHead, Request, Response, ResponseBuilder, Server};

impl<'h, B> From<&'h http::Request<B>> for Request<'h, &'h http::HeaderMap> {
    /// Returns a view of the request (feature `http`).
    ///
    /// A CONNECT over HTTP/2 or HTTP/3 that has a path is an [extended CONNECT](Request::connect)
    /// (RFC 8441 §4). The crate `http` does not know the protocol that it asks for. If the server
    /// serves other protocols than `websocket`, look at the extension `Protocol` of hyper or h2 first.
    ///
    /// ```
    /// use wsvet::handshake::{Request, Rule};
    ///
    /// let request = http::Request::builder().uri("/chat").header("Host", "example.com").body(());
    /// let request = request?;
    /// assert_eq!(Request::from(&request).validate(), Err(Rule::MissingUpgrade));
    /// # Ok::<(), http::Error>(())
    /// ```
    fn from(request: &'h http::Request<B>) -> Self {
        let path = request.uri().path_and_query().map(http::uri::PathAndQuery::as_str);
        let version = match request.version() {
            http::Version::HTTP_09 => (0, 9),
            http::Version::HTTP_10 => (1, 0),
            http::Version::HTTP_11 => (1, 1),
            http::Version::HTTP_2 => (2, 0),
            _ => (3, 0),
        };
        if let Some(path) = path
            && version >= (2, 0)
            && request.method() == http::Method::CONNECT
        {
            return Self::connect(path, request.headers());
        }
        let target = path.unwrap_or("/");
        Self::new(request.method().as_str(), target, version, request.headers())
    }
}

impl<'h, B> From<&'h http::Response<B>> for Response<&'h http::HeaderMap> {
    /// Returns a view of the response (feature `http`).
    ///
    /// ```
    /// use wsvet::handshake::Response;
    ///
    /// let response = http::Response::builder().status(403).body(())?;
    /// assert_eq!(Response::from(&response).status(), 403);
    /// # Ok::<(), http::Error>(())
    /// ```
    fn from(response: &'h http::Response<B>) -> Self {
        Self::new(response.status().as_u16(), response.headers())
    }
}

impl Server {
    /// Responds to a request of the crate `http`, as [`respond`](Self::respond) does (feature
    /// `http`).
    ///
    /// Send the response in any case. If there is an agreement, the connection is a WebSocket after
    /// the response: pass the upgraded stream and the agreement to
    /// `endpoint::WebSocket::from_upgraded` (feature `tokio`).
    ///
    /// ```
    /// use wsvet::handshake::Server;
    ///
    /// let request = http::Request::builder()
    ///     .uri("/chat")
    ///     .header("Host", "example.com")
    ///     .header("Upgrade", "websocket")
    ///     .header("Connection", "Upgrade")
    ///     .header("Sec-WebSocket-Version", "13")
    ///     .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    ///     .header("Sec-WebSocket-Protocol", "chat")
    ///     .body(())?;
    /// let (response, agreement) = Server::new().subprotocols(["chat"]).respond_http(&request);
    /// assert_eq!(response.status(), 101);
    /// assert_eq!(agreement.unwrap().subprotocol.as_deref(), Some("chat"));
    ///
    /// let request = http::Request::builder().uri("/chat").body(())?;
    /// let (response, agreement) = Server::new().respond_http(&request);
    /// assert_eq!((response.status().as_u16(), agreement), (400, None)); // there is no Host
    /// # Ok::<(), http::Error>(())
    /// ```
    #[must_use = "the response must be sent"]
    pub fn respond_http<B>(
        &self,
        request: &http::Request<B>,
    ) -> (http::Response<String>, Option<Agreement>) {
        let request = Request::from(request);
        let (response, agreement) = self.respond(&request);
        match response.into_http() {
            Ok(response) => (response, agreement),
            // This does not happen: all values are from a request that breaks no rule.
            Err(_) => {
                let mut response = http::Response::new(String::new());
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                (response, None)
            }
        }
    }
}

impl ResponseBuilder {
    /// Returns the response as a value of the crate `http`, with its body as text (feature `http`).
    ///
    /// The server sends it, and then upgrades the connection if its status is 101.
    ///
    /// # Errors
    ///
    /// The errors of [`build`](Self::build), and an [`InvalidHead::Value`] for a value that the crate
    /// `http` does not accept.
    ///
    /// ```
    /// use wsvet::handshake::{ResponseBuilder, Rule};
    ///
    /// let response = ResponseBuilder::refuse(Rule::UnsupportedVersion).into_http()?;
    /// assert_eq!(response.status(), 426);
    /// assert_eq!(response.headers()["Sec-WebSocket-Version"], "13");
    /// # Ok::<(), wsvet::handshake::InvalidHead>(())
    /// ```
    pub fn into_http(self) -> Result<http::Response<String>, InvalidHead> {
        self.check()?;
        let (status, fields, body) = self.into_parts();
        let mut response = http::Response::new(body);
        *response.status_mut() =
            http::StatusCode::from_u16(status).map_err(|_| InvalidHead::Status(status))?;
        for (name, value) in fields {
            let (Ok(field), Ok(value)) = (
                http::HeaderName::from_bytes(name.as_bytes()),
                http::HeaderValue::from_str(&value),
            ) else {
                return Err(InvalidHead::Value(name));
            };
            response.headers_mut().append(field, value);
        }
        Ok(response)
    }
}
