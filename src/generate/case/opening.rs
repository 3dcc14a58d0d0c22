//! Requests of the opening handshake that a server must accept or refuse (RFC 6455 §4.2.1).

use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::reply::{CONNECTION, CONNECTIONS, EXTENSIONS, PROTOCOL, UPGRADE, UPGRADES};
use super::{Answer, Case, Level, Setup, duty};
use crate::handshake::{Key, Rule};

/// The head of a request, which may be illegal.
#[derive(Clone)]
pub(super) struct Head {
    method: &'static str,
    target: String,
    version: &'static str,
    fields: Vec<(String, String)>,
}

impl Head {
    /// Creates a legal head. Its key depends on the id of the case alone.
    pub(super) fn new(setup: &Setup, id: &str) -> Self {
        let mut nonce = *b"wsvet probes you";
        for (index, byte) in id.bytes().enumerate() {
            let place = &mut nonce[index % 16];
            *place = place.rotate_left(3) ^ byte;
        }
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![
            field("Host", &setup.host),
            field("Upgrade", "websocket"),
            field("Connection", "Upgrade"),
            field("Sec-WebSocket-Key", Key::new(nonce).as_str()),
            field("Sec-WebSocket-Version", "13"),
        ];
        fields.extend(setup.subprotocol.iter().map(|name| field("Sec-WebSocket-Protocol", name)));
        fields.extend(setup.headers.iter().cloned());
        Self { method: "GET", target: setup.target.clone(), version: "HTTP/1.1", fields }
    }

    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        let found = self.fields.iter_mut().find(|(field, _)| field == name);
        match found {
            Some((_, old)) => *old = value.to_owned(),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    fn add(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn remove(mut self, name: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self
    }

    fn rename(mut self, rename: impl Fn(&str) -> String) -> Self {
        for (name, _) in &mut self.fields {
            *name = rename(name);
        }
        self
    }

    /// Adds to each value what stands before and after it.
    fn pad(mut self, before: &str, after: &str) -> Self {
        for (_, value) in &mut self.fields {
            *value = format!("{before}{value}{after}");
        }
        self
    }

    pub(super) fn build(&self) -> Vec<u8> {
        self.build_with(": ")
    }

    fn build_with(&self, colon: &str) -> Vec<u8> {
        let mut head = format!("{} {} {}\r\n", self.method, self.target, self.version);
        for (name, value) in &self.fields {
            head.extend([name, colon, value, "\r\n"]);
        }
        (head + "\r\n").into_bytes()
    }
}

const KEY: &str = "Sec-WebSocket-Key";
const VERSION: &str = "Sec-WebSocket-Version";

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    add_legal(setup, cases);
    add_illegal(setup, cases);
}

fn new(setup: &Setup, name: &str, title: &str) -> Case {
    Case::new(setup, format!("opening/{name}"), title).about_opening()
}

fn add_legal(setup: &Setup, cases: &mut Vec<Case>) {
    let quality = Level::Quality;
    let mut legal = |name: &str, title: &str, duty, level, head: &dyn Fn(Head) -> Head| {
        let case = new(setup, name, title).owed(duty).level(level);
        let request = head(Head::new(setup, &case.id)).build();
        cases.push(Case { request: vec![request], ..case }.go_on());
    };
    let (must, http) = (Level::Must, &duty::HTTP);
    legal("plain", "a request with nothing but what is needed", http, must, &|head| head);
    for (name, value) in UPGRADES {
        let title = format!("`Upgrade: {value}`");
        legal(&format!("upgrade-{name}"), &title, http, must, &|head| head.set(UPGRADE, value));
    }
    legal("upgrade-list", "`Upgrade: x-wsvet, websocket`", http, quality, &|head| {
        head.set(UPGRADE, "x-wsvet, websocket")
    });
    for (name, value) in CONNECTIONS {
        let title = format!("`Connection: {value}`");
        legal(&format!("connection-{name}"), &title, http, must, &|head| {
            head.set(CONNECTION, value)
        });
    }
    legal("connection-two-lines", "Connection in two lines", http, Level::Should, &|head| {
        head.set(CONNECTION, "keep-alive").add(CONNECTION, "Upgrade")
    });
    legal("names-lower-case", "names of header fields in lower case", http, must, &|head| {
        head.rename(str::to_ascii_lowercase)
    });
    legal("names-capitals", "names of header fields in capitals", http, must, &|head| {
        head.rename(str::to_ascii_uppercase)
    });
    legal("spaces", "spaces and tabs around values", http, Level::Should, &|head| {
        head.pad(" \t", " \t ")
    });
    legal("any-order", "header fields in reverse order", http, must, &|mut head| {
        head.fields.reverse();
        head
    });
    legal("origin", "with Origin", http, quality, &|head| {
        let origin = format!("http://{}", setup.host);
        head.set("Origin", &origin)
    });
    legal("unknown-field", "with a field that nobody knows", &duty::UNKNOWN_FIELD, must, &|head| {
        head.add("X-Wsvet", "probe")
    });
    legal("long-field", "with a field of 4,000 bytes", http, quality, &|head| {
        head.add("X-Wsvet", &"x".repeat(4_000))
    });
    legal("many-fields", "with 40 more fields", http, quality, &|head| {
        (0..40).fold(head, |head, number| head.add(&format!("X-Wsvet-{number}"), "x"))
    });
    for (name, value) in [
        ("unknown-extension", "x-wsvet"),
        ("unknown-extension-quoted", "x-wsvet; a=\"b\"; c"),
        ("unknown-extensions", "x-wsvet, x-wsvet-2; a=1,x-wsvet-3"),
    ] {
        let title = format!("`Sec-WebSocket-Extensions: {value}`");
        legal(name, &title, &duty::EXTENSIONS, must, &|head| head.set(EXTENSIONS, value));
    }
    let in_lines = &duty::EXTENSIONS_IN_LINES;
    legal("extensions-two-lines", "extensions in two lines", in_lines, must, &|head| {
        head.add(EXTENSIONS, "x-wsvet").add(EXTENSIONS, "x-wsvet-2; a")
    });
    if setup.subprotocol.is_none() {
        let title = "a subprotocol that the server does not speak";
        legal("unknown-subprotocol", title, http, quality, &|head| {
            head.set(PROTOCOL, "x-wsvet-probe")
        });
    }
    // A server that does not speak the subprotocol may refuse it.
    let (offer, level) = match &setup.subprotocol {
        Some(name) => (&**name, must),
        None => ("x-wsvet-probe", quality),
    };
    let title = "Sec-WebSocket-Protocol in two lines";
    legal("subprotocols-two-lines", title, http, level, &|head| {
        head.set(PROTOCOL, offer).add(PROTOCOL, "x-wsvet-probe-2")
    });
    for (name, nonce) in [("key-zeros", [0; 16]), ("key-ones", [0xFF; 16])] {
        let key = Key::new(nonce);
        let title = format!("`Sec-WebSocket-Key: {}`", key.as_str());
        legal(name, &title, http, quality, &|head| head.set(KEY, key.as_str()));
    }
    let case = new(setup, "no-space", "no space after the colons").owed(http);
    let request = Head::new(setup, &case.id).build_with(":");
    cases.push(Case { request: vec![request], ..case }.go_on());
    let case = new(setup, "absolute-form", "the target of the request as a URL");
    let case = case.owed(&duty::ABSOLUTE_FORM);
    let mut head = Head::new(setup, &case.id);
    head.target = format!("http://{}{}", setup.host, setup.target);
    cases.push(Case { request: vec![head.build()], ..case }.go_on());
    let case = new(setup, "bytewise", "each byte of the request alone");
    let request = case.request.concat().chunks(1).map(<[u8]>::to_vec).collect();
    cases.push(Case { request, ..case }.owed(http).go_on());
    let case = new(setup, "message-at-once", "a message as soon as the response came");
    let hello = setup.message(setup.data, b"hello");
    cases.push(case.needs(setup.data).send(hello).echo(setup.data, b"hello").go_on());
}

fn add_illegal(setup: &Setup, cases: &mut Vec<Case>) {
    let mut illegal =
        |name: &str, title: &str, rule, level, answer, head: &dyn Fn(Head) -> Head| {
            let case = new(setup, name, title);
            let request = head(Head::new(setup, &case.id)).build();
            cases.push(
                Case { request: vec![request], ..case }.level(level).refuse_head(rule, answer),
            );
        };
    let must = Level::Must;
    let any = Answer::Refuse(&[]);
    let bad = Answer::Refuse(&[400]);
    illegal("method-post", "a POST request", Rule::MethodNotGet, must, any, &|mut head| {
        head.method = "POST";
        head.add("Content-Length", "0")
    });
    illegal("method-lower-case", "the method `get`", Rule::MethodNotGet, must, any, &|mut head| {
        head.method = "get";
        head
    });
    let rule = Rule::HttpVersionTooLow;
    illegal("http-1-0", "an HTTP/1.0 request", rule, must, any, &|mut head| {
        head.version = "HTTP/1.0";
        head
    });
    let rule = Rule::FragmentInTarget;
    illegal("fragment-in-target", "a target with #", rule, Level::Quality, any, &|mut head| {
        head.target += "#x";
        head
    });
    illegal("missing-host", "no Host", Rule::MissingHost, must, bad, &|head| head.remove("Host"));
    illegal("repeated-host", "Host twice", Rule::RepeatedHost, must, bad, &|head| {
        head.add("Host", "wsvet.invalid")
    });
    illegal("missing-upgrade", "no Upgrade", Rule::MissingUpgrade, must, any, &|head| {
        head.remove(UPGRADE)
    });
    illegal("upgrade-other", "`Upgrade: x-wsvet`", Rule::MissingUpgrade, must, any, &|head| {
        head.set(UPGRADE, "x-wsvet")
    });
    illegal("upgrade-part", "`Upgrade: websockets`", Rule::MissingUpgrade, must, any, &|head| {
        head.set(UPGRADE, "websockets")
    });
    let rule = Rule::MissingConnectionUpgrade;
    illegal("missing-connection", "no Connection", rule, must, any, &|head| {
        head.remove(CONNECTION)
    });
    illegal("connection-other", "`Connection: keep-alive`", rule, must, any, &|head| {
        head.set(CONNECTION, "keep-alive")
    });
    illegal("connection-part", "`Connection: no-upgrade`", rule, must, any, &|head| {
        head.set(CONNECTION, "no-upgrade")
    });
    illegal("missing-version", "no version", Rule::MissingVersion, must, any, &|head| {
        head.remove(VERSION)
    });
    for version in ["0", "12", "14", "255", "130", "x"] {
        let title = format!("`Sec-WebSocket-Version: {version}`");
        let rule = Rule::UnsupportedVersion;
        illegal(&format!("version-{version}"), &title, rule, must, any, &|head| {
            head.set(VERSION, version)
        });
    }
    let rule = Rule::UnsupportedVersion;
    let title = "an unknown version: the refusal lists the versions that the server supports";
    illegal("version-refusal-lists", title, rule, must, Answer::RefuseVersion, &|head| {
        head.set(VERSION, "99")
    });
    let rule = Rule::RepeatedVersion;
    illegal("repeated-version", "the version twice", rule, Level::Quality, bad, &|head| {
        head.add(VERSION, "13")
    });
    illegal("missing-key", "no key", Rule::MissingKey, must, bad, &|head| head.remove(KEY));
    for (name, key) in [
        ("empty", ""),
        ("15-bytes", "AAAAAAAAAAAAAAAAAAAA"),
        ("17-bytes", "AAAAAAAAAAAAAAAAAAAAAAA="),
        ("no-padding", "AAAAAAAAAAAAAAAAAAAAAA"),
        ("not-base64", "!!!!!!!!!!!!!!!!!!!!!!=="),
        ("base64url", "____----____----____--=="),
        ("hex", "000102030405060708090a0b0c0d0e0f"),
    ] {
        let title = format!("`Sec-WebSocket-Key: {key}`");
        // A server need not decode the key (§4.2.2). An empty one is as good as none.
        let level = if key.is_empty() { must } else { Level::Quality };
        let rule = Rule::InvalidKey;
        illegal(&format!("key-{name}"), title.trim_end(), rule, level, bad, &|head| {
            head.set(KEY, key)
        });
    }
    let rule = Rule::RepeatedKey;
    illegal("repeated-key", "two keys", rule, Level::Quality, bad, &|head| {
        head.add(KEY, Key::new([7; 16]).as_str())
    });
    for (name, value) in [("empty", ""), ("space", "a b"), ("separator", "a=b")] {
        let title = format!("`Sec-WebSocket-Protocol: {value}`");
        let rule = Rule::InvalidProtocolList;
        illegal(
            &format!("subprotocol-{name}"),
            title.trim_end(),
            rule,
            Level::Quality,
            bad,
            &|head| head.set(PROTOCOL, value),
        );
    }
    let rule = Rule::RepeatedProtocol;
    illegal("subprotocol-repeated", "a subprotocol twice", rule, Level::Quality, bad, &|head| {
        let name = setup.subprotocol.as_deref().unwrap_or("x-wsvet");
        head.set(PROTOCOL, &[name, name].join(", "))
    });
    for (name, value) in [
        ("empty", ""),
        ("no-name", "; a=b"),
        ("space", "x wsvet"),
        ("no-value", "x-wsvet; a="),
        ("open-quote", "x-wsvet; a=\"b"),
    ] {
        let title = format!("`Sec-WebSocket-Extensions: {value}`");
        let rule = Rule::InvalidExtensionOffer;
        let case = format!("extensions-{name}");
        illegal(&case, title.trim_end(), rule, Level::Must, bad, &|head| {
            head.set(EXTENSIONS, value)
        });
    }
    let case = new(setup, "space-before-colon", "a space before the colon of a header field");
    let case = case.owed(&duty::SPACE_BEFORE_COLON);
    let request = Head::new(setup, &case.id).add("X-Wsvet ", "probe").build();
    cases.push(Case { request: vec![request], answer: bad, ..case });
}
