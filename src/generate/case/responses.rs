//! Responses of the opening handshake that a client must accept or refuse (RFC 6455 §4.1).

use std::borrow::ToOwned;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::reply::{
    ACCEPT, Accept, CONNECTION, CONNECTIONS, EXTENSIONS, PROTOCOL, Protocol, Reply, UPGRADE,
    UPGRADES, Value,
};
use super::wire::PING;
use super::{Answer, Case, Level, Setup, Step, duty};
use crate::handshake::Rule;

/// A response that says nothing but that another one follows (RFC 8297).
const EARLY_HINTS: &str = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";

pub(super) fn add(setup: &Setup, cases: &mut Vec<Case>) {
    add_legal(setup, cases);
    add_with_frames(setup, cases);
    add_accept(setup, cases);
    add_upgrade(setup, cases);
    add_status(setup, cases);
    add_subprotocol(setup, cases);
    add_extensions(setup, cases);
}

fn new(setup: &Setup, name: &str, title: &str) -> Case {
    Case::new(setup, format!("response/{name}"), title).owed(&duty::HTTP).about_opening()
}

/// A response that the client must accept.
fn legal(setup: &Setup, name: &str, title: &str, change: impl FnOnce(Reply) -> Reply) -> Case {
    new(setup, name, title).reply(change(Reply::new(setup))).go_on()
}

/// A response that breaks a rule.
fn illegal(
    setup: &Setup,
    name: &str,
    title: &str,
    rule: Rule,
    change: impl FnOnce(Reply) -> Reply,
) -> Case {
    let case = new(setup, name, title).reply(change(Reply::new(setup)));
    case.refuse_head(rule, Answer::Refuse(&[]))
}

fn add_legal(setup: &Setup, cases: &mut Vec<Case>) {
    let quality = Level::Quality;
    let must = Level::Must;
    let mut add = |name: &str, title: &str, level, change: &dyn Fn(Reply) -> Reply| {
        cases.push(legal(setup, name, title, change).level(level));
    };
    add("plain", "a response with nothing but what is needed", must, &|reply| reply);
    for (name, value) in UPGRADES {
        let title = format!("`Upgrade: {value}`");
        add(&format!("upgrade-{name}"), &title, must, &|reply| reply.text(UPGRADE, value));
    }
    for (name, value) in CONNECTIONS {
        let title = format!("`Connection: {value}`");
        add(&format!("connection-{name}"), &title, must, &|reply| reply.text(CONNECTION, value));
    }
    add("connection-two-lines", "Connection in two lines", Level::Should, &|reply| {
        reply.text(CONNECTION, "keep-alive").add(CONNECTION, "Upgrade")
    });
    add("names-lower-case", "names of header fields in lower case", must, &|reply| {
        reply.rename(str::to_ascii_lowercase)
    });
    add("names-capitals", "names of header fields in capitals", must, &|reply| {
        reply.rename(str::to_ascii_uppercase)
    });
    add("spaces", "spaces and tabs around values", Level::Should, &|reply| Reply {
        pad: (" \t", " \t "),
        ..reply
    });
    add("no-space", "no space after the colons", must, &|reply| Reply { colon: ":", ..reply });
    add("any-order", "header fields in reverse order", must, &|mut reply| {
        reply.fields.reverse();
        reply
    });
    add("long-field", "with a field of 4,000 bytes", quality, &|reply| {
        reply.add("X-Wsvet", &"x".repeat(4_000))
    });
    add("many-fields", "with 40 more fields", quality, &|reply| {
        (0..40).fold(reply, |reply, number| reply.add(&format!("X-Wsvet-{number}"), "x"))
    });
    // A client reads on after a response 1xx other than 101 (RFC 9110 §15.2).
    add("after-103", "a response 103 before", quality, &|reply| Reply {
        before: EARLY_HINTS,
        ..reply
    });
    add("bytewise", "each byte of the response alone", must, &|reply| Reply {
        bytewise: true,
        ..reply
    });
    // A client may fail the connection if none of its subprotocols was chosen, as browsers do.
    add("subprotocol-declined", "none of the subprotocols that were offered", quality, &|reply| {
        reply.remove(PROTOCOL)
    });
    for (name, reason) in
        [("empty", ""), ("other", "Web Socket Protocol Handshake"), ("like-field", "a: b; c=\"d\"")]
    {
        let title = format!("the status line `HTTP/1.1 101 {reason}`");
        let case =
            legal(setup, &format!("reason-{name}"), &title, |reply| reply.status(101, reason));
        cases.push(case.owed(&duty::REASON));
    }
    let unknown = legal(setup, "unknown-field", "with a field that nobody knows", |reply| {
        reply.add("X-Wsvet", "probe")
    });
    cases.push(unknown.owed(&duty::UNKNOWN_FIELD));
    let usual = legal(setup, "usual-fields", "with Date, Server and Set-Cookie", |reply| {
        let reply = reply.add("Date", "Thu, 01 Jan 1970 00:00:00 GMT").add("Server", "wsvet");
        reply.add("Set-Cookie", "wsvet=probe; Path=/")
    });
    cases.push(usual.owed(&duty::UNKNOWN_FIELD));
}

/// Frames that come with the last bytes of the response.
fn add_with_frames(setup: &Setup, cases: &mut Vec<Case>) {
    let data = setup.data;
    let hello = setup.message(data, b"hello");
    let with = |name: &str, title: &str, after: &[u8]| {
        let reply = Reply { after: after.to_owned(), ..Reply::new(setup) };
        new(setup, name, title).reply(reply)
    };
    let case = with("with-message", "a response and a message in one segment", &hello);
    cases.push(case.needs(data).echo(data, b"hello").go_on());
    let case =
        with("with-ping", "a response and a Ping in one segment", &setup.frame(PING, b"now"));
    cases.push(case.step(Step::Pong(b"now".to_vec())).go_on());
    let title = "a response and the first byte of a message in one segment";
    let case = with("with-part-of-message", title, &hello[..1]).needs(data);
    cases.push(case.send(&hello[1..]).echo(data, b"hello").go_on());
    let case = new(setup, "then-message", "a message as soon as the response was sent");
    cases.push(case.needs(data).send(hello).echo(data, b"hello").go_on());
}

fn add_accept(setup: &Setup, cases: &mut Vec<Case>) {
    let rule = Rule::MissingAccept;
    cases.push(illegal(setup, "missing-accept", "no Sec-WebSocket-Accept", rule, |reply| {
        reply.remove(ACCEPT)
    }));
    for (name, title, accept) in [
        ("wrong-accept", "that of another key", Accept::OfOtherKey),
        ("accept-lower-case", "in lower case", Accept::LowerCase),
        ("accept-is-key", "the key itself", Accept::Key),
        ("accept-short", "without its last character", Accept::Short),
        ("accept-long", "with one more character", Accept::Long),
    ] {
        let title = format!("a wrong Sec-WebSocket-Accept: {title}");
        cases.push(illegal(setup, name, &title, Rule::WrongAccept, |reply| {
            reply.set(ACCEPT, Value::Accept(accept))
        }));
    }
    let case = illegal(
        setup,
        "accept-empty",
        "an empty Sec-WebSocket-Accept",
        Rule::WrongAccept,
        |reply| reply.text(ACCEPT, ""),
    );
    cases.push(case);
    for (name, title, accept) in [
        ("repeated-accept", "Sec-WebSocket-Accept twice", Accept::Right),
        ("repeated-accept-wrong", "a right and a wrong Sec-WebSocket-Accept", Accept::OfOtherKey),
    ] {
        // With a wrong one, both rules are broken, and the wrong one comes first.
        let rule = match accept {
            Accept::Right => Rule::RepeatedAccept,
            _ => Rule::WrongAccept,
        };
        let case = illegal(setup, name, title, rule, |mut reply| {
            reply.fields.push((ACCEPT.to_owned(), Value::Accept(accept)));
            reply
        });
        cases.push(case.level(Level::Quality));
    }
}

fn add_upgrade(setup: &Setup, cases: &mut Vec<Case>) {
    let rule = Rule::UpgradeNotConfirmed;
    let missing =
        illegal(setup, "missing-upgrade", "no Upgrade", rule, |reply| reply.remove(UPGRADE));
    cases.push(missing);
    for (name, value, level) in [
        ("upgrade-other", "h2c", Level::Must),
        ("upgrade-part", "websockets", Level::Must),
        ("upgrade-empty", "", Level::Must),
        ("upgrade-list", "h2c, websocket", Level::Quality),
    ] {
        let title = format!("`Upgrade: {value}`");
        let case = illegal(setup, name, &title, rule, |reply| reply.text(UPGRADE, value));
        cases.push(case.level(level));
    }
    let rule = Rule::ConnectionNotConfirmed;
    let missing = illegal(setup, "missing-connection", "no Connection", rule, |reply| {
        reply.remove(CONNECTION)
    });
    cases.push(missing);
    for (name, value) in [
        ("connection-other", "keep-alive"),
        ("connection-part", "no-upgrade"),
        ("connection-close", "close"),
    ] {
        let title = format!("`Connection: {value}`");
        cases.push(illegal(setup, name, &title, rule, |reply| reply.text(CONNECTION, value)));
    }
}

/// Other statuses than 101, with all that a response with 101 needs. A client may follow a redirect, log
/// in or try again: that is another request.
fn add_status(setup: &Setup, cases: &mut Vec<Case>) {
    for (status, reason, extra) in [
        (200, "OK", None),
        (202, "Accepted", None),
        (301, "Moved Permanently", Some(("Location", "/wsvet"))),
        (302, "Found", Some(("Location", "/wsvet"))),
        (307, "Temporary Redirect", Some(("Location", "/wsvet"))),
        (400, "Bad Request", None),
        (401, "Unauthorized", Some(("WWW-Authenticate", "Basic realm=\"wsvet\""))),
        (403, "Forbidden", None),
        (404, "Not Found", None),
        (426, "Upgrade Required", Some(("Sec-WebSocket-Version", "13"))),
        (500, "Internal Server Error", None),
        (503, "Service Unavailable", Some(("Retry-After", "0"))),
    ] {
        let title = format!("status {status}, with all that a response with 101 needs");
        let case = new(setup, &format!("status-{status}"), &title);
        let reply = Reply::new(setup).status(status, reason).add("Content-Length", "0");
        let reply = extra.into_iter().fold(reply, |reply, (name, value)| reply.add(name, value));
        cases.push(Case { answer: Answer::Refuse(&[]), ..case.reply(reply) });
    }
}

fn add_subprotocol(setup: &Setup, cases: &mut Vec<Case>) {
    let rule = Rule::SubprotocolNotOffered;
    for (name, value) in [("not-offered", "x-wsvet-other"), ("empty", "")] {
        let title = format!("`Sec-WebSocket-Protocol: {value}`");
        let case =
            illegal(setup, &format!("subprotocol-{name}"), title.trim_end(), rule, |reply| {
                reply.text(PROTOCOL, value)
            });
        cases.push(if value.is_empty() { case.level(Level::Quality) } else { case });
    }
    let title = "the subprotocol that was offered, in other letters";
    cases.push(illegal(setup, "subprotocol-other-case", title, rule, |reply| {
        reply.set(PROTOCOL, Value::Protocol(Protocol::OtherCase))
    }));
    let rule = Rule::RepeatedSubprotocol;
    let title = "two of the subprotocols that were offered";
    cases.push(illegal(setup, "subprotocol-two", title, rule, |reply| {
        reply.set(PROTOCOL, Value::Protocol(Protocol::Two))
    }));
    let title = "Sec-WebSocket-Protocol in two lines";
    let case = illegal(setup, "subprotocol-two-lines", title, rule, |mut reply| {
        let chosen = Value::Protocol(Protocol::Chosen(setup.subprotocol.clone()));
        reply.fields.push((PROTOCOL.to_owned(), chosen));
        reply
    });
    cases.push(case.level(Level::Quality));
}

fn add_extensions(setup: &Setup, cases: &mut Vec<Case>) {
    let mut add = |name: &str, value: &str, rule, level| {
        let title = format!("`Sec-WebSocket-Extensions: {value}`");
        let name = format!("extensions-{name}");
        let case =
            illegal(setup, &name, title.trim_end(), rule, |reply| reply.text(EXTENSIONS, value));
        cases.push(case.level(level));
    };
    for (name, value) in [
        ("unknown", "x-wsvet"),
        ("unknown-parameter", "x-wsvet; a=1"),
        ("unknown-list", "x-wsvet, x-wsvet-2"),
        ("deflate-not-offered", "permessage-deflate"),
    ] {
        add(name, value, Rule::ExtensionNotOffered, Level::Must);
    }
    for (name, value) in [
        ("empty", ""),
        ("no-name", "; a=b"),
        ("space", "x wsvet"),
        ("no-value", "x-wsvet; a="),
        ("open-quote", "x-wsvet; a=\"b"),
    ] {
        // An empty list has no extension that was not offered.
        let level = if value.is_empty() { Level::Quality } else { Level::Must };
        add(name, value, Rule::InvalidExtensionAnswer, level);
    }
}

/// Answers to an offer of permessage-deflate (RFC 7692 §7.1).
pub(super) fn add_deflate(setup: &Setup, cases: &mut Vec<Case>) {
    let answer = |name: &str, value: &str| {
        let title = format!("the answer `{value}`");
        let case = Case::new(setup, format!("deflate/answer-{name}"), title).about_opening();
        let value = Value::Answer(value.to_owned());
        case.reply(Reply::new(setup).set(EXTENSIONS, value)).owed(&duty::ANSWER)
    };
    let refused = |name: &str, value: &str| {
        answer(name, value).refuse_head(Rule::ExtensionDoesNotFit, Answer::Refuse(&[]))
    };
    let all = [
        "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12",
        "client_max_window_bits=12",
    ]
    .join("; ");
    for (name, parameters) in [
        ("plain", ""),
        ("server-no-context", "server_no_context_takeover"),
        ("client-no-context", "client_no_context_takeover"),
        ("server-bits-8", "server_max_window_bits=8"),
        ("server-bits-10", "server_max_window_bits=10"),
        ("server-bits-15", "server_max_window_bits=15"),
        ("client-bits-9", "client_max_window_bits=9"),
        ("client-bits-15", "client_max_window_bits=15"),
        ("everything", &all),
        ("quoted", "server_max_window_bits=\"10\""),
    ] {
        let value = ["permessage-deflate", parameters].join("; ");
        let value = value.trim_end_matches("; ");
        let mut case = answer(name, value).needs(setup.data);
        case.needs.deflate = true;
        let text = b"Hello, hello, hello";
        cases.push(case.message(setup, setup.data, text).message(setup, setup.data, text).go_on());
    }
    for (bits, text) in super::deflate::wide(setup) {
        let value = format!("permessage-deflate; client_max_window_bits={bits}");
        let mut case = answer(&format!("window-{bits}"), &value).needs(setup.data);
        case.title += ", and a text that repeats itself farther back";
        case.needs.deflate = true;
        cases.push(case.message(setup, setup.data, &text).go_on());
    }
    for (name, value) in [
        ("unknown-parameter", "permessage-deflate; x-wsvet"),
        ("bits-7", "permessage-deflate; server_max_window_bits=7"),
        ("bits-16", "permessage-deflate; server_max_window_bits=16"),
        ("bits-leading-zero", "permessage-deflate; server_max_window_bits=010"),
        ("bits-missing", "permessage-deflate; server_max_window_bits"),
        ("client-bits-missing", "permessage-deflate; client_max_window_bits"),
        ("client-bits-16", "permessage-deflate; client_max_window_bits=16"),
        ("client-bits-not-offered", "permessage-deflate; client_max_window_bits=10"),
        ("value-not-allowed", "permessage-deflate; server_no_context_takeover=1"),
        (
            "parameter-twice",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        ),
    ] {
        cases.push(refused(name, value));
    }
    // No sentence says that a client must refuse it.
    let twice = refused("twice", "permessage-deflate, permessage-deflate");
    cases.push(twice.level(Level::Quality));
    // A client may support what it did not ask for.
    let title = "the answer `permessage-deflate`, without the parameters that the client asks for";
    let lacking = Case { title: title.to_owned(), ..refused("asked-parameter-missing", "") };
    let lacking = lacking.reply(Reply::new(setup).text(EXTENSIONS, "permessage-deflate"));
    cases.push(lacking.level(Level::Quality));
}

impl Reply {
    fn rename(mut self, rename: impl Fn(&str) -> String) -> Self {
        for (name, _) in &mut self.fields {
            *name = rename(name);
        }
        self
    }
}
