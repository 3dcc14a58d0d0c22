//! The opening handshake of a case: the response, and what it agrees on.

use wsvet::deflate::Parameters;
use wsvet::handshake::{self, Headers, Outcome, Rule, parse_request, parse_response};

/// The most bytes of the head of a response.
pub(super) const MOST: usize = 64 << 10;

/// A whole response.
#[derive(Debug)]
pub(super) struct Response {
    /// The length of the head in bytes.
    pub(super) len: usize,
    pub(super) status: u16,
    /// The rules that it breaks, if its status is 101.
    pub(super) broken: Vec<Rule>,
    pub(super) parameters: Option<Parameters>,
    pub(super) subprotocol: Option<String>,
    /// An extension that it accepts and that the prober made up.
    pub(super) invented: Option<String>,
    /// Whether it has the header field Sec-WebSocket-Version.
    pub(super) lists_versions: bool,
}

/// Parses the response to a request. Returns `None` if more bytes are needed.
///
/// # Errors
///
/// What is wrong with a response that is not HTTP/1.
pub(super) fn response(request: &[u8], received: &[u8]) -> Result<Option<Response>, String> {
    let parsed = parse_request(request, |request| {
        parse_response(received, |response| view(request, response))
    });
    match parsed {
        Ok(Some((_, Ok(parsed)))) => Ok(parsed.map(|(len, parsed)| Response { len, ..parsed })),
        Ok(Some((_, Err(error)))) => Err(error.to_string()),
        Ok(None) => Err("the request of the case is not complete".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn view<'q, 's>(
    request: &handshake::Request<'q, impl Headers<'q>>,
    response: &handshake::Response<impl Headers<'s>>,
) -> Response {
    let (parameters, subprotocol, invented) = match response.validate(request) {
        Ok(Outcome::Accepted(accepted)) => (
            accepted.permessage_deflate(),
            accepted.subprotocol().map(str::to_owned),
            accepted.extensions().find(|name| name.starts_with("x-wsvet")).map(str::to_owned),
        ),
        _ => (None, None, None),
    };
    let mut fields = response.headers().clone().fields();
    Response {
        len: 0,
        status: response.status(),
        broken: response.broken(request).collect(),
        parameters,
        subprotocol,
        invented,
        lists_versions: fields.any(|(name, _)| name.eq_ignore_ascii_case(b"Sec-WebSocket-Version")),
    }
}
