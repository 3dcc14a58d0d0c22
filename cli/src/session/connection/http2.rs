//! A connection that is HTTP/2, and one that is a stream of it.

use std::io;
use std::net::SocketAddr;

use wsvet::Role;

use super::{Connection, Stage};
use crate::session::backlog::Backlog;
use crate::session::handshake::{Handshake, Progress};
use crate::session::http2::Streams;
use crate::session::judging::Judging;
use crate::session::report::{GoAway, OverHttp2};
use crate::transport::http2::{ErrorCode, Fields};
use crate::transport::packet::{Moment, Segment};

impl Connection {
    /// Creates the connection on this stream of HTTP/2, between the client and the server with these
    /// addresses. `request` has the field lines of the extended CONNECT.
    pub fn over_http2(
        tcp_stream: usize,
        stream: u32,
        ends: [SocketAddr; 2],
        request: Fields,
        first: &Segment<'_>,
    ) -> Self {
        let [client, server] = ends;
        let first = Segment { from: client, to: server, ..*first };
        let mut connection = Self::new(tcp_stream, &first);
        let handshake = Handshake::extended(request, first.at.time);
        connection.stage = Stage::Http(Box::new(handshake), 0);
        connection.http2 = Some(Box::new(OverHttp2 { stream, ..OverHttp2::default() }));
        connection
    }

    /// Takes the response on a stream of HTTP/2, with its status and field lines.
    pub fn respond(
        &mut self,
        status: u16,
        response: Fields,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        self.last = at;
        let Stage::Http(handshake, _) = &mut self.stage else { return Ok(()) };
        match handshake.respond(status, response, at.time) {
            Progress::Upgraded(agreement) => self.upgrade(agreement, at, judging),
            // A request is never asked again on the same stream.
            _ => match handshake.unopened().filter(|_| status >= 200) {
                Some(agreement) => self.upgrade(agreement, at, judging),
                None => Ok(()),
            },
        }
    }

    /// Notes that an endpoint ends its direction of the stream of HTTP/2.
    pub fn note_end(&mut self, from: Role) {
        if let Some(http2) = self.over() {
            http2.ends[from as usize] = true;
        }
    }

    /// Notes the code with which an endpoint resets the stream of HTTP/2.
    pub fn note_reset(&mut self, from: Role, code: ErrorCode) {
        if let Some(http2) = self.over() {
            http2.resets[from as usize] = Some(code);
        }
    }

    /// Notes that an endpoint ends the HTTP/2 connection.
    pub fn note_goaway(&mut self, from: Role, goaway: GoAway) {
        if let Some(http2) = self.over() {
            http2.goaways[from as usize] = Some(goaway);
        }
    }

    fn over(&mut self) -> Option<&mut OverHttp2> {
        match &mut self.stage {
            Stage::Frames(frames, _) => frames.http2(),
            _ => self.http2.as_deref_mut(),
        }
    }

    /// Goes on as HTTP/2 with the bytes that the handshake has not processed.
    pub(super) fn become_http2(
        &mut self,
        upgraded: bool,
        at: Moment,
        judging: &mut Judging<'_>,
    ) -> io::Result<()> {
        let Stage::Http(handshake, client) = &mut self.stage else { return Ok(()) };
        let client = *client;
        let first = [Role::Client, Role::Server].map(|from| handshake.take(from));
        let ends = [client, 1 - client].map(|end| self.ends[end].address);
        let streams = Streams::new(ends, self.stream, upgraded, at);
        self.stage = Stage::Http2(Box::new(streams), client);
        self.backlog = Backlog::default();
        for (from, bytes) in [client, 1 - client].into_iter().zip(first) {
            self.bytes(from, &bytes, at, judging)?;
        }
        Ok(())
    }
}
