//! The opening handshake over any stream: what is taken off the bytes that have arrived.

use std::time::Duration;

use bytes::{Buf, BytesMut};

use super::Error;
use crate::handshake::{
    Agreement, Fields, InvalidHttp, Outcome, Request, RequestBuilder, ResponseBuilder, Server,
    parse_request, parse_response,
};

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
    |request| match server.accept(request) {
        Ok((response, agreement)) => (response, Some(agreement)),
        Err(rule) => (ResponseBuilder::refuse(rule), None),
    }
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
    let taken = take(received, |bytes| {
        parse_response(bytes, |response| match response.validate(&request.as_request()) {
            Ok(Outcome::Accepted(accepted)) => Ok(accepted.agreement()),
            Ok(Outcome::Refused(status)) => Err(Error::Refused(status)),
            Err(rule) => Err(Error::Handshake(rule)),
        })
    });
    taken?.transpose()
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
