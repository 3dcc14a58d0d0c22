//! Requests and responses, parsed by the crate `httparse`.

use core::fmt;

use super::{Request, Response};

/// The most header fields of a message. Browsers send about 20.
const MOST_FIELDS: usize = 100;

/// The header fields of a parsed message (feature `httparse`).
///
/// The type implements [`Headers`](super::Headers): each item is a name and a value.
///
/// ```
/// use wsvet::handshake::parse_request;
///
/// let received = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let parsed = parse_request(received, |request| {
///     let host = request.headers().clone().find(|(name, _)| name.eq_ignore_ascii_case("host"));
///     host.map(|(_, value)| value.to_vec())
/// })?;
/// assert_eq!(parsed, Some((received.len(), Some(b"example.com".to_vec()))));
/// # Ok::<(), wsvet::handshake::InvalidHttp>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fields<'h>(core::slice::Iter<'h, httparse::Header<'h>>);

impl<'h> Iterator for Fields<'h> {
    type Item = (&'h str, &'h [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|field| (field.name, field.value))
    }
}

/// The error if bytes are not the head of an HTTP/1 message (feature `httparse`).
///
/// ```
/// use wsvet::handshake::parse_request;
///
/// let error = parse_request(b"\x16\x03\x01\x02\x00", |_| ()).unwrap_err();
/// assert_eq!(error.to_string(), "not an HTTP/1 request: invalid token");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidHttp {
    message: &'static str,
    error: httparse::Error,
}

impl fmt::Display for InvalidHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, error } = self;
        let what = match error {
            httparse::Error::HeaderName => "invalid header name",
            httparse::Error::HeaderValue => "invalid header value",
            httparse::Error::NewLine => "invalid line end",
            httparse::Error::Status => "invalid status",
            httparse::Error::Token => "invalid token",
            httparse::Error::TooManyHeaders => "more than 100 header fields",
            httparse::Error::Version => "invalid HTTP version",
        };
        write!(f, "not an HTTP/1 {message}: {what}")
    }
}

impl core::error::Error for InvalidHttp {}

/// Parses the head of a request, and calls `with` with the request (feature `httparse`).
///
/// Returns the length of the head in bytes, up to and including the empty line, and what `with`
/// returned. The bytes after the head are the first frames. Returns `None` if the head is not
/// complete: receive more bytes, and parse all of them again. Limit the length of what you wait for;
/// 8 to 64 KiB are usual.
///
/// # Errors
///
/// An [`InvalidHttp`] if the bytes are not an HTTP/1 request. Respond with status 400.
///
/// ```
/// use wsvet::handshake::{ResponseBuilder, Server, parse_request};
///
/// let received = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// assert_eq!(parse_request(&received[..20], |_| ())?, None);
/// let (len, response) = parse_request(received, |request| match Server::new().accept(request) {
///     Ok((response, _)) => response.build(),
///     Err(rule) => ResponseBuilder::refuse(rule).build(),
/// })?
/// .unwrap();
/// assert_eq!(len, received.len());
/// assert!(response?.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_request<T>(
    received: &[u8],
    with: impl FnOnce(&Request<'_, Fields<'_>>) -> T,
) -> Result<Option<(usize, T)>, InvalidHttp> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let status =
        parsed.parse(received).map_err(|error| InvalidHttp { message: "request", error })?;
    let httparse::Status::Complete(len) = status else { return Ok(None) };
    let request = Request::new(
        parsed.method.unwrap_or_default(),
        parsed.path.unwrap_or_default(),
        (1, parsed.version.unwrap_or_default()),
        Fields(parsed.headers.iter()),
    );
    Ok(Some((len, with(&request))))
}

/// Parses the head of a response, and calls `with` with the response (feature `httparse`).
///
/// Returns the length of the head in bytes, and what `with` returned, as [`parse_request`] does.
///
/// # Errors
///
/// An [`InvalidHttp`] if the bytes are not an HTTP/1 response. Fail the connection.
///
/// ```
/// use wsvet::handshake::parse_response;
///
/// let received = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
/// assert_eq!(parse_response(received, |response| response.status())?, Some((45, 403)));
/// # Ok::<(), wsvet::handshake::InvalidHttp>(())
/// ```
pub fn parse_response<T>(
    received: &[u8],
    with: impl FnOnce(&Response<Fields<'_>>) -> T,
) -> Result<Option<(usize, T)>, InvalidHttp> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    let status =
        parsed.parse(received).map_err(|error| InvalidHttp { message: "response", error })?;
    let httparse::Status::Complete(len) = status else { return Ok(None) };
    let response = Response::new(parsed.code.unwrap_or_default(), Fields(parsed.headers.iter()));
    Ok(Some((len, with(&response))))
}
