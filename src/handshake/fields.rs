//! Header fields: lines of one name, and the lists and tokens in them (RFC 2616 §2.1, §4.2).

use core::str;

/// The header fields of a request or a response: pairs of names and values, in their order.
///
/// Everything is a list of header fields that can be cloned and iterated over, and whose items are
/// pairs of references to names and values, as strings or bytes:
///
/// | fields of | are |
/// |---|---|
/// | pairs in an array | the array: `[("Host", "example.com")]` |
/// | pairs in a slice | `pairs.iter().copied()`, or `pairs.iter().map(\|(name, value)\| (name, value))` if they are owned strings |
/// | `http::HeaderMap` | a reference to the map: `&headers` |
/// | `httparse` | `request.headers.iter().map(\|header\| (header.name, header.value))` |
///
/// Names are compared without regard to case. The fields are read several times, so a clone must be
/// cheap.
///
/// ```
/// use wsvet::handshake::Request;
///
/// # let received = b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUPGRADE: websocket\r\n\r\n";
/// let mut headers = [httparse::EMPTY_HEADER; 64];
/// let mut parsed = httparse::Request::new(&mut headers);
/// parsed.parse(received)?;
/// let fields = parsed.headers.iter().map(|header| (header.name, header.value));
/// let version = (1, parsed.version.unwrap_or(0));
/// let request = Request::new(parsed.method.unwrap_or(""), parsed.path.unwrap_or(""), version, fields);
/// assert!(request.is_upgrade());
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert(http::header::UPGRADE, http::HeaderValue::from_static("websocket"));
/// assert!(Request::new("GET", "/chat", (1, 1), &headers).is_upgrade());
///
/// let pairs = vec![("Host".to_owned(), "example.com".to_owned())];
/// let fields = pairs.iter().map(|(name, value)| (name, value));
/// assert!(!Request::new("GET", "/chat", (1, 1), fields).is_upgrade());
/// # Ok::<(), httparse::Error>(())
/// ```
pub trait Headers<'h>: Clone {
    /// Returns the names and values of the fields, in their order.
    ///
    /// ```
    /// # use wsvet::handshake::Headers;
    /// let fields = [("Host", "example.com")];
    /// assert!(Headers::fields(fields).eq([(&b"Host"[..], &b"example.com"[..])]));
    /// ```
    fn fields(self) -> impl Iterator<Item = (&'h [u8], &'h [u8])>;
}

impl<'h, H, N, V> Headers<'h> for H
where
    H: IntoIterator<Item = (&'h N, &'h V)> + Clone,
    N: AsRef<[u8]> + ?Sized + 'h,
    V: AsRef<[u8]> + ?Sized + 'h,
{
    fn fields(self) -> impl Iterator<Item = (&'h [u8], &'h [u8])> {
        self.into_iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Returns the values of all lines of this name, without whitespace around them.
pub(super) fn lines<'h, H: Headers<'h>>(
    headers: &H,
    name: &'static str,
) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
    let fields = headers.clone().fields();
    let named = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|(_, value)| value.trim_ascii())
}

/// Returns what stands between the commas of all lines of this name, without whitespace around it.
///
/// Several lines are the same as one line with their values, separated by commas (RFC 2616 §4.2).
pub(super) fn elements<'h, H: Headers<'h>>(
    headers: &H,
    name: &'static str,
) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
    let split = |line: &'h [u8]| line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    lines(headers, name).flat_map(split)
}

/// Returns the elements of a list. Empty ones do not count (RFC 2616 §2.1).
pub(super) fn list<'h, H: Headers<'h>>(
    headers: &H,
    name: &'static str,
) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
    elements(headers, name).filter(|element| !element.is_empty())
}

/// Returns whether a list has this element, regardless of case.
pub(super) fn has_token<'h, H: Headers<'h>>(headers: &H, name: &'static str, token: &str) -> bool {
    list(headers, name).any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Returns the extensions of all lines, valid or not, without whitespace around them.
pub(super) fn extensions<'h, H: Headers<'h>>(
    headers: &H,
) -> impl Iterator<Item = &'h [u8]> + use<'h, H> {
    lines(headers, super::rule::EXTENSIONS).flat_map(Extensions)
}

/// Returns the strings of a list. One that is not UTF-8 is left out; it is no token.
pub(super) fn strings<'h>(
    elements: impl Iterator<Item = &'h [u8]>,
) -> impl Iterator<Item = &'h str> {
    elements.filter_map(|element| str::from_utf8(element).ok())
}

/// The extensions of one line: what stands between commas that are not in quotes.
struct Extensions<'h>(&'h [u8]);

impl<'h> Iterator for Extensions<'h> {
    type Item = &'h [u8];

    fn next(&mut self) -> Option<&'h [u8]> {
        while !self.0.is_empty() {
            let mut quoted = false;
            let mut escaped = false;
            let end = self.0.iter().position(|byte| {
                let escape = quoted && !escaped && *byte == b'\\';
                quoted ^= *byte == b'"' && !escaped;
                escaped = escape;
                *byte == b',' && !quoted
            });
            let (element, rest) = match end {
                Some(end) => (&self.0[..end], &self.0[end + 1..]),
                None => (self.0, &[][..]),
            };
            self.0 = rest;
            let element = element.trim_ascii();
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

/// Returns the name of an extension.
pub(super) fn extension_name(extension: &[u8]) -> &[u8] {
    take_token(extension).map_or(extension, |rest| &extension[..extension.len() - rest.len()])
}

/// Returns whether this is an extension: a token with parameters, each a token and perhaps a value
/// that is a token or, in quotes, stands for one (§9.1).
pub(super) fn is_extension(extension: &[u8]) -> bool {
    let Some(mut rest) = take_token(extension) else { return false };
    loop {
        rest = rest.trim_ascii_start();
        let Some(parameter) = rest.strip_prefix(b";") else { return rest.is_empty() };
        let Some(behind) = take_token(parameter.trim_ascii_start()) else { return false };
        rest = behind.trim_ascii_start();
        if let Some(value) = rest.strip_prefix(b"=") {
            let value = value.trim_ascii_start();
            let Some(behind) = take_token(value).or_else(|| take_quoted_token(value)) else {
                return false;
            };
            rest = behind;
        }
    }
}

/// Returns whether this is a token (RFC 2616 §2.2).
pub(super) fn is_token(token: &[u8]) -> bool {
    take_token(token).is_some_and(<[u8]>::is_empty)
}

/// Returns what follows the token at the front, or `None` if there is no token.
fn take_token(input: &[u8]) -> Option<&[u8]> {
    let end = input.iter().position(|byte| !is_token_byte(*byte)).unwrap_or(input.len());
    (end > 0).then(|| &input[end..])
}

/// Returns what follows the token in quotes at the front, or `None` if there is none.
fn take_quoted_token(input: &[u8]) -> Option<&[u8]> {
    let mut rest = input.strip_prefix(b"\"")?;
    let mut is_empty = true;
    loop {
        match rest {
            [b'"', behind @ ..] => return (!is_empty).then_some(behind),
            [b'\\', byte, behind @ ..] | [byte, behind @ ..] if is_token_byte(*byte) => {
                rest = behind;
            }
            _ => return None,
        }
        is_empty = false;
    }
}

/// Returns whether a token may have this byte: no control character, space or separator (RFC 2616
/// §2.2).
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
                | b'{'
                | b'}'
        )
}
