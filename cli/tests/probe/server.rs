//! The opening handshake of the server in memory.

use wsvet::End;
use wsvet::deflate::{Deflater, Parameters};
use wsvet::handshake::accept_key;

use super::endpoint::Endpoint;
use super::faults::Fault::*;

impl Endpoint {
    pub(super) fn respond(&mut self, head: &str) {
        let (first, fields) = self.parse(head);
        let all = |name: &str| self.all(&fields, name);
        let one = |name: &str| all(name).first().copied();
        let (method, target, version) = (first[0], first[1], first[2]);
        let (upgrade, connection) = (self.upgrades(&fields), self.connects(&fields));
        let key = one("Sec-WebSocket-Key");
        let is_key = |key: &str| {
            let digits = key.strip_suffix("==").unwrap_or("");
            digits.len() == 22
                && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
        };
        let is_list = |value: &str, is: &dyn Fn(&str) -> bool| {
            !value.is_empty() && value.split(',').map(str::trim).all(is)
        };
        let is_token = |token: &str| {
            !token.is_empty()
                && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        let is_extension = |extension: &str| {
            let mut parts = extension.split(';').map(str::trim);
            is_token(parts.next().unwrap())
                && parts.all(|part| match part.split_once('=') {
                    None => is_token(part),
                    Some((name, value)) => {
                        let quoted = value.strip_prefix('"').map(|rest| rest.strip_suffix('"'));
                        is_token(name) && is_token(quoted.unwrap_or(Some(value)).unwrap_or(""))
                    }
                })
        };
        let protocols = all("Sec-WebSocket-Protocol");
        let protocol_names: Vec<&str> =
            protocols.iter().flat_map(|value| value.split(',')).map(str::trim).collect();
        let repeated =
            (1..protocol_names.len()).any(|at| protocol_names[..at].contains(&protocol_names[at]));
        let extensions = all("Sec-WebSocket-Extensions");
        let asked = one("Sec-WebSocket-Version");
        let spaced = fields.iter().any(|(name, _)| name.ends_with(' '));
        for (is_broken, fault, status) in [
            (spaced, AcceptsSpaceBeforeColon, 400),
            (self.has(RefusesAbsoluteForm) && !target.starts_with('/'), Nothing, 404),
            (self.has(RefusesExtensionLines) && extensions.len() > 1, Nothing, 400),
            (self.has(RefusesTwoProtocolLines) && protocols.len() > 1, Nothing, 400),
            (!method.eq_ignore_ascii_case("GET"), AcceptsPost, 405),
            (method == "get", MethodCaseInsensitive, 405),
            (version == "HTTP/1.0", AcceptsHttp10, 400),
            (target.contains('#'), AcceptsFragment, 400),
            (one("Host").is_none(), AcceptsMissingHost, 400),
            (all("Host").len() > 1, AcceptsRepeatedHost, 400),
            (!upgrade, AcceptsMissingUpgrade, 426),
            (!connection, AcceptsMissingConnection, 426),
            (asked.is_none(), AcceptsMissingVersion, 426),
            (asked.is_some_and(|asked| asked != "13"), AcceptsAnyVersion, 426),
            (all("Sec-WebSocket-Version").len() > 1, AcceptsRepeatedVersion, 400),
            (key.is_none(), AcceptsMissingKey, 400),
            (key.is_some_and(|key| !is_key(key)), AcceptsAnyKey, 400),
            (all("Sec-WebSocket-Key").len() > 1, AcceptsRepeatedKey, 400),
            (!protocols.iter().all(|value| is_list(value, &is_token)), AcceptsBadProtocols, 400),
            (repeated, AcceptsRepeatedProtocol, 400),
            (
                !extensions.iter().all(|value| is_list(value, &is_extension)),
                AcceptsBadExtensions,
                400,
            ),
            (self.has(RefusesOrigin) && one("Origin").is_some(), Nothing, 403),
            (self.has(RefusesLongField) && head.len() > 2_000, Nothing, 431),
            (self.has(RefusesManyFields) && fields.len() > 30, Nothing, 400),
            (self.has(RefusesUnknownField) && one("X-Wsvet").is_some(), Nothing, 400),
            (self.has(RefusesExtensions) && !extensions.is_empty(), Nothing, 400),
            (self.has(RefusesProtocols) && !protocols.is_empty(), Nothing, 400),
            (self.has(NeedsHostFirst) && !fields[0].0.eq_ignore_ascii_case("Host"), Nothing, 400),
        ] {
            if is_broken && !self.has(fault) {
                return self.refuse_request(status);
            }
        }
        self.accept(key.unwrap_or(""), &extensions, &protocol_names);
    }

    fn refuse_request(&mut self, status: u16) {
        let mut text = format!("HTTP/1.1 {status} no\r\nContent-Length: 0\r\n");
        if status == 426 && !self.has(HidesVersions) {
            let listed = if self.has(ListsOtherVersions) { "8, 12" } else { "8, 13" };
            text += &format!("Sec-WebSocket-Version: {listed}\r\n");
        }
        if self.has(RefusesSilently) {
            text.clear();
        } else {
            if self.has(RefusesWith500) {
                text = text.replace(&format!(" {status} "), " 500 ");
            }
            text += "\r\n";
        }
        self.out.extend(text.bytes());
        self.end = Some(End::Fin);
    }

    fn accept(&mut self, key: &str, extensions: &[&str], protocols: &[&str]) {
        let accept = match self.fault {
            Some(WrongAccept) => accept_key("dGhlIHNhbXBsZSBub25jZQ=="),
            Some(AcceptOfLowerCaseKey) => accept_key(key.to_ascii_lowercase()),
            _ => accept_key(key),
        };
        let version = if self.has(RespondsWithHttp10) { "1.0" } else { "1.1" };
        let mut text = format!("HTTP/{version} 101 Switching Protocols\r\n");
        if self.has(AnnouncesBody) {
            text += "Content-Length: 0\r\n";
        }
        if !self.has(NoUpgradeInResponse) {
            text += "Upgrade: websocket\r\n";
        }
        if !self.has(NoConnectionInResponse) {
            text += "Connection: Upgrade\r\n";
        }
        if !self.has(NoAccept) {
            text += &format!("Sec-WebSocket-Accept: {}\r\n", accept.as_str());
        }
        match self.fault {
            Some(AnswersUnknownExtension) if !extensions.is_empty() => {
                text += &format!("Sec-WebSocket-Extensions: {}\r\n", extensions[0]);
            }
            Some(DeflateWithoutOffer) => text += "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            Some(ProtocolWithoutOffer) if protocols.is_empty() => {
                text += "Sec-WebSocket-Protocol: chat\r\n";
            }
            Some(OtherProtocol) if !protocols.is_empty() => {
                text += "Sec-WebSocket-Protocol: chat\r\n";
            }
            _ => {}
        }
        let offers = extensions.join(", ");
        let is_deflate = offers.contains("permessage-deflate");
        if self.kind.deflate && is_deflate && !self.has(AnswersUnknownExtension) {
            let mut parameters = Parameters::new().accept(&offers);
            match self.fault {
                Some(AcceptsBadOffer) => parameters = parameters.or(Some(Parameters::new())),
                Some(IgnoresOfferedBits | IgnoresOfferedContext) => {
                    parameters = parameters.map(|_| Parameters::new());
                }
                _ => {}
            }
            if let Some(parameters) = parameters {
                let mut answer = parameters.to_string();
                if self.has(ClientBitsUnasked) && !answer.contains("client_max") {
                    answer += "; client_max_window_bits=15";
                }
                text += &format!("Sec-WebSocket-Extensions: {answer}\r\n");
                self.inflater = Some(parameters.inflater(wsvet::Role::Client));
                self.deflater =
                    Some(match self.has(ExceedsWindow) || self.has(ExceedsMiddleWindow) {
                        true => Deflater::new(15, true),
                        false => parameters.deflater(wsvet::Role::Server),
                    });
            }
        }
        text += "\r\n";
        if self.has(RespondsWithBareLf) {
            text = text.replace("\r\n", "\n");
        }
        self.out.extend(text.bytes());
        self.opened = true;
        if self.has(GreetsMasked) {
            self.out.extend(b"\x81\x82\x01\x02\x03\x04ik");
        }
        let rest = std::mem::take(&mut self.received);
        if !rest.is_empty() {
            self.received = rest;
            self.arrive(0);
        }
    }
}
