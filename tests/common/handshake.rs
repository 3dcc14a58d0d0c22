//! A naive judge of the opening handshake. It copies everything and shares no code with the crate.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};
use wsvet::handshake::Rule;

/// Header fields: names and values.
pub type Fields = Vec<(Vec<u8>, Vec<u8>)>;

const SPACES: [char; 5] = [' ', '\t', '\n', '\r', '\u{C}'];

/// Each byte as the character with its number.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

fn trimmed(text: &str) -> String {
    text.trim_matches(SPACES).to_owned()
}

fn lines(fields: &Fields, name: &str) -> Vec<String> {
    let named = fields.iter().filter(|(field, _)| text(field).eq_ignore_ascii_case(name));
    named.map(|(_, value)| trimmed(&text(value))).collect()
}

/// What is between commas; nothing, if there is no line.
fn parts(fields: &Fields, name: &str) -> Vec<String> {
    match &lines(fields, name)[..] {
        [] => Vec::new(),
        lines => lines.join(",").split(',').map(trimmed).collect(),
    }
}

fn list(fields: &Fields, name: &str) -> Vec<String> {
    parts(fields, name).into_iter().filter(|part| !part.is_empty()).collect()
}

fn has(fields: &Fields, name: &str, token: &str) -> bool {
    parts(fields, name).iter().any(|part| part.eq_ignore_ascii_case(token))
}

fn is_token(text: &str) -> bool {
    let is_separator = |letter| "()<>@,;:\\\"/[]?={} \t".contains(letter);
    !text.is_empty()
        && text.chars().all(|letter| ('!'..='~').contains(&letter) && !is_separator(letter))
}

/// The value of `Sec-WebSocket-Accept` for this key.
pub fn accept(key: &str) -> String {
    let key: Vec<u8> = key.chars().map(|letter| letter as u8).collect();
    let hash = Sha1::digest([&key[..], b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"].concat());
    base64::prelude::BASE64_STANDARD.encode(hash)
}

fn is_key(key: &str) -> bool {
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let decoded = GeneralPurpose::new(&STANDARD, config).decode(key);
    decoded.is_ok_and(|bytes| bytes.len() == 16)
}

/// The extensions, each as its name and itself, or `None` if they are no list of one or more.
fn extensions(fields: &Fields) -> Option<Vec<(String, String)>> {
    let mut all = Vec::new();
    let lines = lines(fields, "Sec-WebSocket-Extensions");
    for line in &lines {
        // What is in quotes becomes a word: a token, or what is no token.
        let (mut plain, mut quoted, mut letters) = (String::new(), None::<String>, line.chars());
        while let Some(letter) = letters.next() {
            match (&mut quoted, letter) {
                (None, '"') => quoted = Some(String::new()),
                // Only the value of a parameter may be in quotes.
                (Some(inside), '"') => {
                    let is_value = plain.trim_end_matches(SPACES).ends_with('=');
                    plain.push_str(if is_value && is_token(inside) { "v" } else { "(" });
                    plain.push('\u{0}');
                    quoted = None;
                }
                (Some(inside), '\\') => inside.push(letters.next()?),
                (Some(inside), letter) => inside.push(letter),
                (None, '\u{0}') => return None,
                (None, letter) => plain.push(letter),
            }
        }
        if quoted.is_some() {
            return None;
        }
        // Nothing but a space, a comma or a semicolon follows quotes.
        for behind in plain.split('\u{0}').skip(1) {
            if !behind.trim_start_matches(SPACES).starts_with([',', ';'])
                && !trimmed(behind).is_empty()
            {
                return None;
            }
        }
        let plain = plain.replace('\u{0}', "");
        for extension in plain.split(',').map(trimmed).filter(|extension| !extension.is_empty()) {
            let mut words = extension.split(';').map(trimmed);
            let name = words.next()?;
            let is_parameter = |word: String| match word.split_once('=') {
                Some((name, value)) => is_token(&trimmed(name)) && is_token(&trimmed(value)),
                None => is_token(&word),
            };
            if !is_token(&name) || !words.all(is_parameter) {
                return None;
            }
            all.push((name.to_ascii_lowercase(), extension));
        }
    }
    (lines.is_empty() || !all.is_empty()).then_some(all)
}

/// Whether the extensions of a message are a list, or are not there.
pub fn are_extensions(fields: &Fields) -> bool {
    extensions(fields).is_some()
}

fn broken(rules: &[(Rule, bool)]) -> Vec<Rule> {
    let mut broken: Vec<_> =
        rules.iter().filter(|(_, broken)| *broken).map(|(rule, _)| *rule).collect();
    broken.sort();
    broken
}

/// The rules that a request breaks.
pub fn request(method: &str, target: &str, version: (u8, u8), fields: &Fields) -> Vec<Rule> {
    let hosts = lines(fields, "Host");
    let versions = parts(fields, "Sec-WebSocket-Version");
    let keys = parts(fields, "Sec-WebSocket-Key");
    let protocols = list(fields, "Sec-WebSocket-Protocol");
    let asks = !lines(fields, "Sec-WebSocket-Protocol").is_empty();
    let mut sorted = protocols.clone();
    sorted.sort();
    sorted.dedup();
    broken(&[
        (Rule::MethodNotGet, method != "GET"),
        (Rule::HttpVersionTooLow, version.0 == 0 || version == (1, 0)),
        (Rule::FragmentInTarget, target.split('#').count() > 1),
        (Rule::MissingHost, hosts.concat().is_empty()),
        (Rule::RepeatedHost, hosts.len() > 1),
        (Rule::MissingUpgrade, !has(fields, "Upgrade", "websocket")),
        (Rule::MissingConnectionUpgrade, !has(fields, "Connection", "Upgrade")),
        (Rule::MissingVersion, versions.is_empty()),
        (Rule::UnsupportedVersion, versions.iter().any(|version| version != "13")),
        (Rule::RepeatedVersion, versions.len() > 1),
        (Rule::MissingKey, keys.is_empty()),
        (Rule::InvalidKey, !keys.iter().all(|key| is_key(key))),
        (Rule::RepeatedKey, keys.len() > 1),
        (
            Rule::InvalidProtocolList,
            asks && (protocols.is_empty() || !protocols.iter().all(|name| is_token(name))),
        ),
        (Rule::RepeatedProtocol, sorted.len() < protocols.len()),
        (Rule::InvalidExtensionOffer, !are_extensions(fields)),
    ])
}

/// The rules that the response to a request with these fields breaks.
///
/// If one of the lists of extensions is none, nothing is said of what they have in common.
pub fn response(status: u16, fields: &Fields, request: &Fields) -> Vec<Rule> {
    if status != 101 {
        return Vec::new();
    }
    let upgrades = parts(fields, "Upgrade");
    let accepts = parts(fields, "Sec-WebSocket-Accept");
    let keys = parts(request, "Sec-WebSocket-Key");
    let right: Vec<_> = keys.iter().map(|key| accept(key)).collect();
    let chosen = parts(fields, "Sec-WebSocket-Protocol");
    let offered = list(request, "Sec-WebSocket-Protocol");
    let (answer, offers) = (extensions(fields), extensions(request));
    let foreign = match (&answer, &offers) {
        (Some(answer), Some(offers)) => {
            answer.iter().any(|(name, _)| !offers.iter().any(|(offer, _)| name == offer))
        }
        _ => false,
    };
    broken(&[
        (
            Rule::UpgradeNotConfirmed,
            upgrades.is_empty()
                || !upgrades.iter().all(|name| name.eq_ignore_ascii_case("websocket")),
        ),
        (Rule::ConnectionNotConfirmed, !has(fields, "Connection", "Upgrade")),
        (Rule::MissingAccept, accepts.is_empty()),
        (
            Rule::WrongAccept,
            !keys.is_empty() && accepts.iter().any(|accept| !right.contains(accept)),
        ),
        (Rule::RepeatedAccept, accepts.len() > 1),
        (Rule::RepeatedSubprotocol, chosen.len() > 1),
        (Rule::SubprotocolNotOffered, chosen.iter().any(|name| !offered.contains(name))),
        (Rule::InvalidExtensionAnswer, answer.is_none()),
        (Rule::ExtensionNotOffered, foreign),
    ])
}
