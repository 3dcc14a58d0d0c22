//! The opening handshake over a stream of tokio.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::MOST_DISCARDED;
use crate::endpoint::Error;
use crate::endpoint::opening::{self, TIME_LIMIT};
use crate::handshake::{Agreement, Fields, Request, RequestBuilder, ResponseBuilder};

/// The capacity in bytes of the buffer for a head, at first.
const HEAD: usize = 1 << 10;

/// Receives a request, and responds. Returns what was agreed on, and the bytes after the request.
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    respond: impl FnOnce(&Request<'_, Fields<'_>>) -> (ResponseBuilder, Option<Agreement>),
) -> Result<(Agreement, BytesMut), Error> {
    let mut received = BytesMut::with_capacity(HEAD);
    let mut respond = Some(respond);
    let answer = within(async {
        loop {
            read(stream, &mut received).await?;
            if let Some(answer) = opening::answer(&mut received, &mut respond) {
                return Ok(answer);
            }
        }
    });
    let answer = answer.await?;
    let response = answer.response.build()?;
    within(async { Ok(send(stream, &response).await?) }).await?;
    if answer.agreed.is_err() {
        // A client that still sends must be able to read the response.
        let _ = timeout(TIME_LIMIT, discard(stream)).await;
    }
    Ok((answer.agreed?, received))
}

/// Sends a request, and receives the response. Returns what was agreed on, and the bytes after the
/// response.
pub(super) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &RequestBuilder,
) -> Result<(Agreement, BytesMut), Error> {
    let head = request.build()?;
    let mut received = BytesMut::with_capacity(HEAD);
    let agreement = within(async {
        send(stream, &head).await?;
        loop {
            read(stream, &mut received).await?;
            if let Some(agreement) = opening::outcome(&mut received, request)? {
                return Ok(agreement);
            }
        }
    });
    Ok((agreement.await?, received))
}

async fn within<T>(step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the opening handshake took too long");
    timeout(TIME_LIMIT, step).await.unwrap_or_else(|_| Err(late().into()))
}

async fn read(stream: &mut (impl AsyncRead + Unpin), received: &mut BytesMut) -> io::Result<()> {
    match stream.read_buf(received).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), head: &str) -> io::Result<()> {
    stream.write_all(head.as_bytes()).await?;
    stream.flush().await
}

async fn discard(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    stream.shutdown().await?;
    tokio::io::copy(&mut stream.take(MOST_DISCARDED), &mut tokio::io::sink()).await?;
    Ok(())
}
