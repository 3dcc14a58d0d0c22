//! Requests and responses of the crate `http`, which axum, hyper and others use.

use alloc::string::String;

use super::{InvalidHead, Request, Response, ResponseBuilder};

impl<'h, B> From<&'h http::Request<B>> for Request<'h, &'h http::HeaderMap> {
    /// Returns a view of the request (feature `http`).
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
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let version = match request.version() {
            http::Version::HTTP_09 => (0, 9),
            http::Version::HTTP_10 => (1, 0),
            http::Version::HTTP_11 => (1, 1),
            http::Version::HTTP_2 => (2, 0),
            _ => (3, 0),
        };
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
        self.build()?;
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
