//! The request of a case over HTTP/2: an extended CONNECT (RFC 8441).

use http::Uri;
use wsvet::generate::{Case, Step};
use wsvet::handshake::{self, Headers, Rule, parse_request};

/// The header fields that a request over HTTP/2 does not have: `Host` is `:authority`, the key is of no
/// use (RFC 8441 §5), and the others are about a connection of HTTP/1.1 (RFC 9113 §8.2.2).
const LEFT_OUT: [&str; 7] = [
    "host",
    "sec-websocket-key",
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A request for a WebSocket connection over HTTP/2.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connect {
    /// The host and the port: `:authority`.
    pub authority: String,
    /// The path and the query: `:path`.
    pub path: String,
    /// The other fields, with names in lower case.
    pub fields: Vec<(String, Vec<u8>)>,
}

impl Connect {
    /// Creates the counterpart of the request of a case, as far as it has one.
    ///
    /// # Errors
    ///
    /// The reason why it has none.
    pub fn of(case: &Case) -> Result<Self, String> {
        let request = case.request.concat();
        // The function alone is not general enough over lifetimes.
        #[expect(clippy::redundant_closure)]
        let parsed = parse_request(&request, |request| convert(request));
        let (_, connect) =
            parsed.ok().flatten().ok_or("HTTP/2 has no such request: its syntax is another one")?;
        Ok(connect)
    }

    /// Returns the reason why a case says nothing over HTTP/2, if there is one. This is the request with
    /// nothing but what is needed.
    pub(super) fn cannot(&self, case: &Case) -> Option<String> {
        let connect = match Self::of(case) {
            Ok(connect) => connect,
            Err(reason) => return Some(reason),
        };
        match case.rule.and_then(Rule::from_id) {
            Some(rule) if !connect.view().broken().contains(rule) => {
                Some(format!("no request over HTTP/2 can break {rule} (RFC 8441 §5)"))
            }
            None if is_about_request(case) && connect == *self => {
                Some("over HTTP/2, its request is the same as that of opening/plain".to_owned())
            }
            _ => None,
        }
    }

    /// Returns the view of the request that the rules are about.
    pub(super) fn view(&self) -> handshake::Request<'_, impl Headers<'_>> {
        let fields = self.fields.iter().map(|(name, value)| (name, value));
        handshake::Request::connect(&self.path, fields)
    }
}

/// Whether a case is about nothing but what stands in its request.
fn is_about_request(case: &Case) -> bool {
    case.about_opening && case.id != "opening/plain" && case.steps == [Step::GoOn]
}

fn convert<'h>(request: &handshake::Request<'h, impl Headers<'h>>) -> Connect {
    let mut authority = String::new();
    let mut fields = Vec::new();
    for (name, value) in request.headers().clone().fields() {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let value = value.trim_ascii();
        if name == "host" {
            authority = String::from_utf8_lossy(value).into_owned();
        }
        if !LEFT_OUT.contains(&&*name) {
            fields.push((name, value.to_vec()));
        }
    }
    // A URL is no value of `:path`.
    let target = request.target();
    let url = Some(target).filter(|target| !target.starts_with('/'));
    let path = url.and_then(|url| Some(url.parse::<Uri>().ok()?.path_and_query()?.to_string()));
    Connect { authority, path: path.unwrap_or_else(|| target.to_owned()), fields }
}

/// Returns the first field of a response that HTTP/2 does not have.
pub(super) fn foreign<'f>(names: impl IntoIterator<Item = &'f str>) -> Option<&'f str> {
    names.into_iter().find(|name| LEFT_OUT[2..].contains(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wsvet::generate::Setup;

    use super::*;

    fn cases() -> Vec<Case> {
        Case::all(&Setup::new("example.com:81", "/chat?room=1").header("Cookie", "id=1"))
    }

    #[test]
    fn a_request_keeps_what_http2_has() {
        let connect = Connect::of(&cases()[0]).unwrap();
        assert_eq!((&*connect.authority, &*connect.path), ("example.com:81", "/chat?room=1"));
        let field = |name: &str, value: &[u8]| (name.to_owned(), value.to_vec());
        let kept = [field("sec-websocket-version", b"13"), field("cookie", b"id=1")];
        assert_eq!(connect.fields, kept);
        assert_eq!(connect.view().broken().next(), None);
    }

    /// The reasons for which cases are skipped, and how many there are for each.
    #[test]
    fn what_http2_does_not_have_is_skipped_with_the_reason() {
        let cases = cases();
        let plain = Connect::of(&cases[0]).unwrap();
        let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for case in &cases {
            let reason = plain.cannot(case).unwrap_or_else(|| "asked".to_owned());
            reasons.entry(reason).or_default().push(&case.id);
        }
        let asked = reasons.remove("asked").unwrap();
        for id in [
            "opening/plain",
            "opening/origin",
            "opening/message-at-once",
            "opening/missing-version",
            "opening/version-12",
            "opening/version-refusal-lists",
            "opening/subprotocol-repeated",
            "opening/extensions-open-quote",
            "opening/fragment-in-target",
            "deflate/offer-plain",
        ] {
            assert!(asked.contains(&id), "{id}");
        }
        let rules = reasons.iter().filter(|(reason, _)| reason.starts_with("no request"));
        let rules: Vec<_> = rules.map(|(_, ids)| ids.len()).collect();
        assert_eq!((rules.len(), rules.iter().sum()), (9, 20), "{reasons:#?}");
        let same = &reasons["over HTTP/2, its request is the same as that of opening/plain"];
        for id in ["opening/names-capitals", "opening/absolute-form", "opening/key-zeros"] {
            assert!(same.contains(&id), "{id}");
        }
        assert!(same.iter().all(|id| id.starts_with("opening/")), "{same:?}");
        assert_eq!(reasons.len(), 9 + 2, "{reasons:#?}");
    }

    #[test]
    fn a_field_of_a_connection_is_foreign() {
        assert_eq!(foreign([":status", "upgrade", "server"]), Some("upgrade"));
        assert_eq!(foreign([":status", "host", "server"]), None);
    }
}
