//! The opening handshake of the client in memory.

use std::sync::atomic::{AtomicU64, Ordering};

use wsvet::deflate::{Deflater, Parameters};
use wsvet::handshake::{Key, accept_key};
use wsvet::{End, Role};

use super::endpoint::Endpoint;
use super::faults::Fault::*;

/// The number of requests. Each has another key.
static REQUESTS: AtomicU64 = AtomicU64::new(1);

const OFFER: &str = "permessage-deflate; client_max_window_bits";

impl Endpoint {
    /// Sends the request.
    pub(super) fn request(&mut self) {
        let number = match self.has(RepeatsKey) {
            true => 1,
            false => REQUESTS.fetch_add(1, Ordering::Relaxed),
        };
        let mut nonce = [7; 16];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        self.key = Key::new(nonce).as_str().to_owned();
        if self.has(SendsShortKey) {
            self.key.truncate(20);
        }
        let target = if self.has(SendsWebSocketUrl) { "ws://a/" } else { "/" };
        let mut text =
            format!("GET {target} HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: {}\r\n", self.key);
        for (line, fault) in [
            ("Upgrade: websocket", SendsNoUpgrade),
            ("Connection: keep-alive, Upgrade", SendsNoConnection),
            ("Sec-WebSocket-Version: 13", SendsNoVersion),
            ("Sec-WebSocket-Protocol: chat, superchat", Nothing),
        ] {
            if !self.has(fault) {
                text += &format!("{line}\r\n");
            }
        }
        if self.has(AcceptsLackingAnswer) {
            let asked = "server_no_context_takeover";
            text += &format!("Sec-WebSocket-Extensions: {OFFER}; {asked}\r\n");
        } else if self.kind.deflate {
            text += &format!("Sec-WebSocket-Extensions: {OFFER}\r\n");
        }
        for (fault, bits) in [(OffersBits16, "16"), (OffersBits08, "08")] {
            if self.has(fault) {
                let offer = format!("{OFFER}={bits}");
                text += &format!("Sec-WebSocket-Extensions: {offer}\r\n");
            }
        }
        text += "\r\n";
        if self.has(SendsBareLf) {
            text = text.replace("\r\n", "\n");
        }
        self.out.extend(text.bytes());
    }

    /// Judges the response.
    pub(super) fn accept_response(&mut self, head: &str) {
        let (first, fields) = self.parse(head);
        let status: u16 = first[1].parse().unwrap();
        if status == 103 && !self.has(RefusesHints) {
            return self.arrive(0);
        }
        let due = accept_key(&self.key);
        let accepts = self.all(&fields, "Sec-WebSocket-Accept");
        let accept = accepts.last().copied().unwrap_or_default();
        let right = match self.fault {
            Some(AcceptCaseInsensitive) => accept.eq_ignore_ascii_case(due.as_str()),
            Some(AcceptPrefix) => due.as_str().starts_with(accept) && !accept.is_empty(),
            Some(AcceptsLongAccept) => accept.starts_with(due.as_str()),
            Some(ReadsLastAccept) => accept == due.as_str(),
            _ => accepts.iter().all(|accept| *accept == due.as_str()),
        };
        let protocols = self.all(&fields, "Sec-WebSocket-Protocol");
        let offered = |name: &&str| ["chat", "superchat"].contains(name);
        let protocol = match self.fault {
            Some(ProtocolCaseInsensitive) => {
                protocols.iter().all(|name| offered(&&*name.to_ascii_lowercase()))
            }
            Some(AcceptsTwoProtocols) => {
                protocols.join(",").split(',').map(str::trim).all(|name| offered(&name))
            }
            _ => protocols.iter().all(offered),
        };
        let two = protocols.len() > 1 && !self.has(AcceptsTwoProtocolLines);
        let extensions = self.all(&fields, "Sec-WebSocket-Extensions").join(", ");
        let offers = if self.kind.deflate { OFFER } else { "" };
        let has_extensions = !self.all(&fields, "Sec-WebSocket-Extensions").is_empty();
        let agreed = Parameters::agreed(offers, &extensions);
        let other = extensions.starts_with("x-wsvet") && !extensions.contains(['=', ' ']);
        let malformed = has_extensions
            && (extensions.is_empty()
                || extensions.starts_with(';')
                || extensions.ends_with('=')
                || extensions.starts_with("x wsvet")
                || extensions.contains("=\"b"));
        let wrong_answer = agreed.is_err() && !malformed && !extensions.starts_with("x-");
        let not_offered = extensions.starts_with("x-wsvet") && !malformed;
        let redirect = matches!(status, 301 | 302 | 307);
        for (is_broken, fault) in [
            (redirect, TakesRedirect),
            (status == 401, Takes401),
            ((200..300).contains(&status), Takes2xx),
            (status != 101 && status < 500 && status > 399 && status != 401, Takes4xx),
            (status >= 500, Takes5xx),
            (!self.upgrades(&fields), AcceptsMissingUpgrade),
            (!self.connects(&fields), AcceptsMissingConnection),
            (accepts.is_empty(), IgnoresMissingAccept),
            (!right && !accepts.is_empty(), IgnoresAccept),
            (accepts.len() > 1 && !self.has(IgnoresAccept), ReadsLastAccept),
            (!protocol, AcceptsAnyProtocol),
            (two, Nothing),
            (malformed, AcceptsBadExtensions),
            (not_offered || other, AcceptsUnknownExtension),
            (wrong_answer && self.kind.deflate, AcceptsBadAnswer),
            (wrong_answer && !self.kind.deflate, AcceptsDeflateUnasked),
            (self.has(RefusesHints) && status == 103, Nothing),
            (self.has(RefusesLongField) && head.len() > 2_000, Nothing),
            (self.has(RefusesManyFields) && fields.len() > 30, Nothing),
            (
                self.has(RefusesUnknownField) && fields.iter().any(|field| field.0 == "X-Wsvet"),
                Nothing,
            ),
            (self.has(RefusesEmptyReason) && first.get(2) == Some(&""), Nothing),
            (self.has(RefusesDeclined) && protocols.is_empty(), Nothing),
            (self.has(NeedsHostFirst) && !fields[0].0.eq_ignore_ascii_case("Upgrade"), Nothing),
        ] {
            if is_broken && !self.has(fault) {
                if !self.has(StaysAfterRefusal) {
                    self.end = Some(End::Fin);
                }
                if self.has(ClosesUnopened) {
                    self.send(0x88, &[3, 0xEA]);
                }
                self.closed = true;
                self.opened = true;
                return;
            }
        }
        if let Ok(Some(parameters)) = agreed {
            self.inflater = Some(parameters.inflater(Role::Server));
            self.deflater = Some(match self.has(ExceedsOwnWindow) {
                true => Deflater::new(15, true),
                false => parameters.deflater(Role::Client),
            });
        }
        self.opened = true;
        if self.has(DropsEarlyFrames) {
            self.received.clear();
        }
        if self.has(GreetsMasked) {
            self.out.extend(b"\x81\x02ik");
        }
        if !self.received.is_empty() {
            self.arrive(0);
        }
    }
}
