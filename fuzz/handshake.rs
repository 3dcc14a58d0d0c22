//! The oracle of the opening handshake: what a naive judge says of it.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use wsvet::handshake::{
    Headers, Key, Outcome, Request, RequestBuilder, Response, ResponseBuilder, Rule, accept_key,
};

use crate::common::handshake::{self as naive, Fields};

/// Names of one letter, so that a few bytes are a field.
const NAMES: [(&[u8], &str); 8] = [
    (b"H", "Host"),
    (b"U", "Upgrade"),
    (b"C", "Connection"),
    (b"V", "Sec-WebSocket-Version"),
    (b"K", "Sec-WebSocket-Key"),
    (b"A", "Sec-WebSocket-Accept"),
    (b"P", "Sec-WebSocket-Protocol"),
    (b"E", "Sec-WebSocket-Extensions"),
];

const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Any bytes are a request and a response: the first byte is the status and the HTTP version, then
/// come the method and the target, fields, an empty line, and the fields of the response.
///
/// A value `!` is the key of the RFC, or the accept of it.
pub fn handshake(data: &[u8]) {
    let [choices, text @ ..] = data else { return };
    // Of a longer list, not all is compared.
    let text = &text[..text.len().min(1_000)];
    let mut lines = text.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (method, target) = first.split_once(' ').unwrap_or((&first, "/"));
    let http_version = (choices >> 1 & 3, choices >> 3 & 1);
    let status = if choices & 1 == 0 { 101 } else { 403 };
    let asked: Fields = lines.by_ref().take_while(|line| !line.is_empty()).map(field).collect();
    let answered: Fields = lines.map(field).collect();

    let request = Request::new(method, target, http_version, headers(&asked));
    let response = Response::new(status, headers(&answered));
    let broken: Vec<_> = request.broken().collect();
    assert_eq!(broken, naive::request(method, target, http_version, &asked));
    assert_eq!(request.validate().err(), broken.first().copied());
    assert_eq!(
        request.lost_upgrade(),
        request.is_upgrade() && broken.contains(&Rule::MissingUpgrade)
    );

    let lists = naive::are_extensions(&asked) && naive::are_extensions(&answered);
    let both = [Rule::ExtensionNotOffered, Rule::ExtensionDoesNotFit];
    let all: Vec<_> = response.broken(&request).collect();
    let known = all.iter().copied().filter(|rule| match rule {
        Rule::ExtensionDoesNotFit => false,
        rule => lists || !both.contains(rule),
    });
    assert!(known.eq(naive::response(status, &answered, &asked)), "{all:?}");
    assert!(response.broken_without_request().all(|rule| all.contains(&rule)));
    match response.validate(&request) {
        Err(rule) => assert_eq!(Some(&rule), all.first()),
        Ok(Outcome::Refused(told)) => assert!(told == status && status != 101),
        Ok(Outcome::Accepted(accepted)) => {
            assert!(all.is_empty() && status == 101);
            let chosen = accepted.subprotocol();
            assert!(chosen.is_none_or(|name| request.protocols().any(|offer| offer == name)));
            assert_eq!(
                accepted.declined_subprotocols(),
                chosen.is_none() && request.protocols().next().is_some()
            );
        }
    }
    if lists {
        let (asked, answered) = (joined(&asked), joined(&answered));
        let request = Request::new(method, target, http_version, headers(&asked));
        assert!(request.broken().eq(broken));
        assert!(Response::new(status, headers(&answered)).broken(&request).eq(all));
    }
    written(&asked, target);
}

fn field(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let (name, value) = line.split_at(colon);
    let known = NAMES.iter().find(|(letter, _)| *letter == name);
    let name = known.map_or(name, |(_, name)| name.as_bytes());
    let value = match value.strip_prefix(b":").unwrap_or_default() {
        b"!" if name.ends_with(b"Key") => KEY,
        b"!" if name.ends_with(b"Accept") => ACCEPT,
        value => value,
    };
    (name.to_vec(), value.to_vec())
}

fn headers(fields: &Fields) -> impl Headers<'_> {
    fields.iter().map(|(name, value)| (name, value))
}

/// The lines of each name as one line; only Host has one line at most.
fn joined(fields: &Fields) -> Fields {
    let mut joined: Fields = Vec::new();
    for (name, value) in fields {
        let before = joined.iter_mut().find(|(before, _)| before.eq_ignore_ascii_case(name));
        match before {
            Some((_, values)) if !name.eq_ignore_ascii_case(b"Host") => {
                values.push(b',');
                values.extend_from_slice(value);
            }
            _ => joined.push((name.clone(), value.clone())),
        }
    }
    joined
}

/// What is written has as many lines as were asked for, and breaks nothing.
fn written(fields: &Fields, target: &str) {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let key = Key::new(*b"the sample nonce");
    let mut request = RequestBuilder::new("h", target, key);
    let mut response = ResponseBuilder::accept(accept_key(key));
    for (name, value) in fields {
        request = request.header(&text(name), &text(value));
        response = response.header(&text(name), &text(value));
    }
    let is_type = |name: &[u8]| name.eq_ignore_ascii_case(b"Content-Type");
    let mut count = fields.iter().filter(|(name, _)| !is_type(name)).count();
    count += usize::from(fields.iter().any(|(name, _)| is_type(name)));
    if let Ok(head) = request.build() {
        assert_eq!(head.split("\r\n").count(), 1 + 5 + count + 2, "{head:?}");
        assert!(request.as_request().validate().is_ok());
        assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']));
    }
    if let Ok(head) = response.build() {
        assert_eq!(head.split("\r\n").count(), 1 + 3 + count + 2, "{head:?}");
        assert!(!head.replace("\r\n", "").contains(['\r', '\n', '\0']));
    }
}
