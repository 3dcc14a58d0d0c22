//! The oracle of the opening handshake: what a naive judge says of it.

#![allow(unreachable_pub)] // the fuzz targets are crates of their own

use arbitrary::Unstructured;
use wsvet::generate::Handshake;
use wsvet::handshake::{
    Due, Headers, Key, Outcome, Request, RequestBuilder, Response, ResponseBuilder, Rule,
    accept_key,
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
/// A value `!` is the key of the RFC, or the accept of it. Any bytes are choices of the generator, too.
pub fn handshake(data: &[u8]) {
    if let Ok(handshake) = Unstructured::new(data).arbitrary() {
        generated(&handshake);
    }
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

/// What is generated breaks the rule that it says, to the views and to the naive judge, and is answered
/// with the status that is due.
pub fn generated(handshake: &Handshake) {
    let (asked, answered) = (handshake.request_head(), handshake.response_head());
    let fields = |head: &str| -> Fields {
        let lines = head.strip_suffix("\r\n\r\n").expect("an empty line").split("\r\n").skip(1);
        let pairs = lines.map(|line| line.split_once(": ").expect("a name and a value"));
        pairs.map(|(name, value)| (name.into(), value.into())).collect()
    };
    let (request_fields, response_fields) = (fields(&asked), fields(&answered));
    let mut words = asked.lines().next().expect("a first line").split(' ');
    let (method, target) = (words.next().expect("a method"), words.next().expect("a target"));
    let http_version =
        words.next().and_then(|version| version.strip_prefix("HTTP/")?.split_once('.'));
    let (major, minor) = http_version.expect("a version");
    let http_version = (major.parse().expect("a number"), minor.parse().expect("a number"));
    let status = answered.split(' ').nth(1).expect("a status").parse().expect("a number");

    let request = Request::new(method, target, http_version, headers(&request_fields));
    let response = Response::new(status, headers(&response_fields));
    let read = [request.broken().collect::<Vec<_>>(), response.broken(&request).collect()];
    let (request, response) = (handshake.request(), handshake.response());
    assert_eq!(read, [request.broken().collect::<Vec<_>>(), response.broken(&request).collect()]);
    let naive = [
        naive::request(method, target, http_version, &request_fields),
        naive::response(status, &response_fields, &request_fields),
    ];

    let rule = handshake.broken();
    let by = rule.map_or(0, |rule| rule.sender() as usize);
    for (found, fits) in [(read, cfg!(feature = "deflate")), (naive, false)] {
        let mut expected = Vec::from_iter(rule);
        // What is no list may name what was not offered.
        if rule == Some(Rule::InvalidExtensionAnswer) && found[by].len() == 2 {
            expected.push(Rule::ExtensionNotOffered);
        }
        expected.retain(|rule| fits || *rule != Rule::ExtensionDoesNotFit);
        assert_eq!(found[by], expected, "{asked}{answered}");
        assert_eq!(found[1 - by], [], "{asked}{answered}");
    }
    let due = match rule.map(Rule::due) {
        Some(Due::Status(due)) => due,
        _ => 101,
    };
    assert_eq!(status, due);
}
