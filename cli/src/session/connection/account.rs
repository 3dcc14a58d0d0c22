//! Describes a connection that is not judged.

use super::{Connection, End, Stage};
use crate::session::agreement::{Agreement, HandshakeFinding};
use crate::session::unjudged::{Stray, Unjudged};
use crate::transport::packet::Moment;

impl Connection {
    /// Does not judge the connection.
    pub(super) fn refuse(&mut self, why: Unjudged) {
        if let Stage::Layered(layered) = &self.stage {
            self.detail = layered.layer().detail();
        }
        self.stage = Stage::Other(why, self.client());
        self.forget();
    }

    /// Returns why the connection was not judged, if it was not.
    pub(super) fn why_not(&self) -> Option<Unjudged> {
        let silent = self.ends.iter().any(|end| end.packets == 0);
        let reset = self.ends.iter().any(|end| end.reset.is_some());
        let gap = self.has_gap();
        Some(match &self.stage {
            Stage::Frames(..) | Stage::Layered(_) | Stage::Over => return None,
            Stage::Http2(streams, _) => return streams.why_not(gap),
            Stage::Other(why, _) => *why,
            Stage::Http(_, client) if !self.has_data && self.is_refused(1 - client) => {
                Unjudged::TcpRefused
            }
            Stage::Http(..) if !self.has_data && (silent || reset) => Unjudged::NeverEstablished,
            _ if !self.has_data => Unjudged::NoData,
            Stage::Http(..) if gap && self.is_cut => Unjudged::Cut,
            Stage::Http(..) if gap => Unjudged::Lost,
            Stage::Http(handshake, _) => handshake.why_not(),
            Stage::Unknown if silent => Unjudged::OneDirection,
            Stage::Unknown => Unjudged::Begun,
        })
    }

    /// Returns whether this endpoint answered the SYN with RST.
    fn is_refused(&self, server: usize) -> bool {
        let End { stream, reset, .. } = &self.ends[server];
        reset.is_some() && !stream.is_placed()
    }

    /// Returns which endpoint is the client, if it is known.
    pub(super) fn client(&self) -> Option<usize> {
        match self.stage {
            Stage::Http(_, client) | Stage::Frames(_, client) | Stage::Http2(_, client) => {
                Some(client)
            }
            Stage::Layered(ref layered) => layered.client(),
            Stage::Other(_, client) => client,
            Stage::Unknown | Stage::Over => None,
        }
    }

    /// Returns what is told of the connection if it is not judged.
    pub(super) fn stray(&self, why: Unjudged) -> Stray {
        let client = self.client();
        let address = |end: usize| Some(self.ends[end].address.to_string());
        Stray {
            stream: Some(self.stream),
            connection: None,
            ends: [client.unwrap_or(0), 1 - client.unwrap_or(0)].map(address),
            has_roles: client.is_some(),
            why,
            detail: self.detail.clone().or_else(|| match &self.stage {
                Stage::Http2(streams, _) => streams.detail(),
                _ => None,
            }),
            packets: self.ends.iter().map(|end| end.packets).sum(),
            time: self.first,
        }
    }

    /// Returns the upgrade that the client asked for and did not get, if it is certain: the server
    /// refused it, or an endpoint ended its stream before the answer. The moment is that of the answer,
    /// or of the last packet.
    pub(super) fn unopened(&self) -> Option<(Agreement, Moment)> {
        let Stage::Http(handshake, _) = &self.stage else { return None };
        let agreement = handshake.unopened()?;
        let refused =
            agreement.found.iter().any(|found| matches!(found, HandshakeFinding::Refused(_)));
        let ended = self.ends.iter().any(|end| end.ended.is_some());
        let whole = self.ends.iter().all(|end| end.stream.gap().is_none() && end.packets > 0);
        let time = handshake.refused_at().unwrap_or(self.last.time);
        (refused || ended && whole).then_some((agreement, Moment { time, ..self.last }))
    }
}
