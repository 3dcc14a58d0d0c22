//! What stands before a connection inside another: headers of the PROXY protocol, and the handshakes of
//! SOCKS.
//!
//! Each function gets the bytes so far, from the first one, and returns `None` if more are needed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why the bytes are no prefix, or one that leads to no connection.
#[derive(Debug, PartialEq, Eq)]
pub struct NoPrefix;

/// The bytes of a prefix.
#[derive(Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The number of bytes of the client and of the server.
    pub len: [usize; 2],
    /// What it is and says.
    pub text: String,
}

/// The signature of a header of the PROXY protocol, version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The most headers of the PROXY protocol, one after the other.
const MOST_HEADERS: usize = 8;

/// Returns whether these bytes may start a header of the PROXY protocol.
pub fn is_proxy(start: &[u8]) -> bool {
    /// A line end and a zero start nothing else.
    const CERTAIN: usize = 5;
    start.starts_with(b"PROXY ")
        || start.len() >= CERTAIN && start.iter().zip(SIGNATURE).all(|(one, other)| one == other)
}

/// Returns whether these are the first bytes of a client of SOCKS, which waits for the answer then.
pub fn is_socks(start: &[u8]) -> bool {
    const MOST_METHODS: u8 = 16;
    match start {
        [5, count @ 1..=MOST_METHODS, methods @ ..] => {
            let known = |method: &u8| *method <= 9 || *method >= 0x80;
            methods.len() == usize::from(*count) && methods.iter().all(known)
        }
        [4, 1 | 2, _, _, _, _, _, _, .., 0] => start.len() < 512,
        _ => false,
    }
}

/// Parses headers of the PROXY protocol, of version 1 or 2. More than one may follow each other.
pub fn proxy(client: &[u8]) -> Result<Option<Prefix>, NoPrefix> {
    let mut len = 0;
    let mut text = String::new();
    for count in 0..=MOST_HEADERS {
        let rest = &client[len..];
        // The next byte tells whether another header follows.
        if count > 0 && !rest.is_empty() && !is_proxy(rest) && !SIGNATURE.starts_with(rest) {
            break;
        }
        if count > 0 && rest.is_empty() {
            break;
        }
        let one = if rest.starts_with(SIGNATURE) { proxy_2(rest)? } else { proxy_1(rest)? };
        let Some((more, says)) = one else { return Ok(None) };
        len += more;
        text = if count == 0 { says } else { format!("{text}; then {says}") };
        if count == MOST_HEADERS {
            return Err(NoPrefix);
        }
    }
    Ok(Some(Prefix { len: [len, 0], text }))
}

/// Parses a line of version 1.
fn proxy_1(bytes: &[u8]) -> Result<Option<(usize, String)>, NoPrefix> {
    const LONGEST: usize = 107;
    if SIGNATURE.starts_with(bytes) || b"PROXY ".starts_with(bytes) {
        return Ok(None);
    }
    let line = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = line.windows(2).position(|pair| pair == b"\r\n") else {
        return if bytes.len() < LONGEST { Ok(None) } else { Err(NoPrefix) };
    };
    let line = std::str::from_utf8(&line[..end]).map_err(|_| NoPrefix)?;
    let words: Vec<_> = line.split(' ').collect();
    let text = match &words[..] {
        ["PROXY", "UNKNOWN", ..] => told(1, None),
        ["PROXY", "TCP4" | "TCP6", from, to, from_port, to_port] => {
            let address = |ip: &str, port: &str| {
                let (ip, port) = (ip.parse::<IpAddr>(), port.parse());
                Some(SocketAddr::new(ip.ok()?, port.ok()?))
            };
            let ends = address(from, from_port).zip(address(to, to_port));
            told(1, Some(ends.ok_or(NoPrefix)?))
        }
        _ => return Err(NoPrefix),
    };
    Ok(Some((end + 2, text)))
}

/// Parses a header of version 2.
fn proxy_2(bytes: &[u8]) -> Result<Option<(usize, String)>, NoPrefix> {
    const HEAD: usize = 16;
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let len = HEAD + usize::from(u16::from_be_bytes([head[14], head[15]]));
    let is_local = match head[12] {
        0x20 => true,
        0x21 => false,
        _ => return Err(NoPrefix),
    };
    let Some(body) = bytes.get(HEAD..len) else { return Ok(None) };
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let v4 = |at: usize| body.get(at..)?.first_chunk::<4>().map(|ip| Ipv4Addr::from(*ip).into());
    let v6 = |at: usize| body.get(at..)?.first_chunk::<16>().map(|ip| Ipv6Addr::from(*ip).into());
    let address = |ip: Option<IpAddr>, at: usize| Some(SocketAddr::new(ip?, port(at)?));
    let ends = match head[13] >> 4 {
        1 => address(v4(0), 8).zip(address(v4(4), 10)),
        2 => address(v6(0), 32).zip(address(v6(16), 34)),
        _ => None,
    };
    Ok(Some((len, told(2, ends.filter(|_| !is_local)))))
}

fn told(version: u8, ends: Option<(SocketAddr, SocketAddr)>) -> String {
    match ends {
        Some((client, server)) => {
            format!("a header of the PROXY protocol {version}: client {client}, server {server}")
        }
        None => format!("a header of the PROXY protocol {version} without addresses"),
    }
}

/// Parses the handshake of SOCKS, version 4, 4a or 5.
pub fn socks(client: &[u8], server: &[u8]) -> Result<Option<Prefix>, NoPrefix> {
    match client.first() {
        Some(5) => socks_5(client, server),
        Some(4) => socks_4(client, server),
        _ => Err(NoPrefix),
    }
}

fn socks_5(client: &[u8], server: &[u8]) -> Result<Option<Prefix>, NoPrefix> {
    const WITHOUT: u8 = 0;
    const PASSWORD: u8 = 2;
    let mut client = Cursor { bytes: client, at: 0 };
    let mut server = Cursor { bytes: server, at: 0 };
    let mut target = None;
    let parse = || -> Option<Result<(), NoPrefix>> {
        client.skip(1)?;
        let methods = client.byte()?;
        client.skip(methods.into())?;
        if server.byte()? != 5 {
            return Some(Err(NoPrefix));
        }
        match server.byte()? {
            WITHOUT => {}
            PASSWORD => {
                client.skip(1)?;
                for _ in 0..2 {
                    let len = client.byte()?;
                    client.skip(len.into())?;
                }
                server.skip(1)?;
                if server.byte()? != 0 {
                    return Some(Err(NoPrefix));
                }
            }
            _ => return Some(Err(NoPrefix)),
        }
        // CONNECT, and its success.
        if client.take(3)? != [5, 1, 0] {
            return Some(Err(NoPrefix));
        }
        target = Some(match client.target()? {
            Ok(target) => target,
            Err(error) => return Some(Err(error)),
        });
        if server.take(3)?[..2] != [5, 0] {
            return Some(Err(NoPrefix));
        }
        match server.target()? {
            Ok(_) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        }
    };
    let mut parse = parse;
    let Some(done) = parse() else { return Ok(None) };
    done?;
    let target = target.ok_or(NoPrefix)?;
    let text = format!("the handshake of SOCKS 5: to {target}");
    Ok(Some(Prefix { len: [client.at, server.at], text }))
}

fn socks_4(client: &[u8], server: &[u8]) -> Result<Option<Prefix>, NoPrefix> {
    const GRANTED: u8 = 90;
    const ANSWER: usize = 8;
    let mut cursor = Cursor { bytes: client, at: 0 };
    let mut parse = || -> Option<String> {
        cursor.skip(2)?;
        let port = u16::from_be_bytes(*cursor.take(2)?.first_chunk()?);
        let ip = Ipv4Addr::from(*cursor.take(4)?.first_chunk::<4>()?);
        cursor.text()?;
        // The name of a host follows if the address is none.
        let is_name = matches!(ip.octets(), [0, 0, 0, 1..=255]);
        let host = if is_name { cursor.text()? } else { ip.to_string() };
        Some(format!("{host}:{port}"))
    };
    let (Some(target), Some(answer)) = (parse(), server.first_chunk::<ANSWER>()) else {
        return Ok(None);
    };
    if client[1] != 1 || answer[..2] != [0, GRANTED] {
        return Err(NoPrefix);
    }
    let text = format!("the handshake of SOCKS 4: to {target}");
    Ok(Some(Prefix { len: [cursor.at, ANSWER], text }))
}

/// Bytes that are read in order. Each method returns `None` if they end too early.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + len)?;
        self.at += len;
        Some(taken)
    }

    fn skip(&mut self, len: usize) -> Option<()> {
        self.take(len).map(|_| ())
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// Reads text up to a zero.
    fn text(&mut self) -> Option<String> {
        let len = self.bytes.get(self.at..)?.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(self.take(len)?).into_owned();
        self.skip(1)?;
        Some(text)
    }

    /// Reads an address of SOCKS 5 with its port.
    fn target(&mut self) -> Option<Result<String, NoPrefix>> {
        let host: &dyn fmt::Display = match self.byte()? {
            1 => &Ipv4Addr::from(*self.take(4)?.first_chunk::<4>()?),
            3 => {
                let len = self.byte()?;
                &String::from_utf8_lossy(self.take(len.into())?).into_owned()
            }
            4 => &Ipv6Addr::from(*self.take(16)?.first_chunk::<16>()?),
            _ => return Some(Err(NoPrefix)),
        };
        let host = host.to_string();
        let port = u16::from_be_bytes(*self.take(2)?.first_chunk()?);
        let is_v6 = host.contains(':');
        Some(Ok(if is_v6 { format!("[{host}]:{port}") } else { format!("{host}:{port}") }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of the client and of the server in each prefix, and what it says.
    fn all() -> Vec<(Vec<u8>, Vec<u8>, &'static str)> {
        let v2 = |family: u8, body: &[u8]| {
            [&SIGNATURE[..], &[0x21, family, 0, body.len() as u8], body].concat()
        };
        let v4 = [192, 0, 2, 7, 10, 0, 0, 9, 0xDC, 4, 0x1F, 0x90, 3, 0, 1, 9];
        let v6 = [&[1; 16][..], &[2; 16], &[0, 80, 1, 187]].concat();
        let password =
            [&[5, 2, 0, 2, 1, 2, b'm', b'e', 1, b'x', 5, 1, 0, 1][..], &[10, 0, 0, 9, 0, 80]];
        vec![
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.9 56324 8080\r\n".to_vec(),
                vec![],
                "a header of the PROXY protocol 1: client 192.0.2.7:56324, server 10.0.0.9:8080",
            ),
            (
                b"PROXY UNKNOWN\r\n".to_vec(),
                vec![],
                "a header of the PROXY protocol 1 without addresses",
            ),
            (
                v2(0x11, &v4),
                vec![],
                "a header of the PROXY protocol 2: client 192.0.2.7:56324, server 10.0.0.9:8080",
            ),
            (
                v2(0x21, &v6),
                vec![],
                "a header of the PROXY protocol 2: client [101:101:101:101:101:101:101:101]:80, \
                 server [202:202:202:202:202:202:202:202]:443",
            ),
            (
                [&b"PROXY UNKNOWN\r\n"[..], &v2(0, &[])].concat(),
                vec![],
                "a header of the PROXY protocol 1 without addresses; then a header of the PROXY \
                 protocol 2 without addresses",
            ),
            (
                [&[5, 1, 0, 5, 1, 0, 3, 9][..], b"ws.test.x", &[0, 80]].concat(),
                [&[5, 0, 5, 0, 0, 1][..], &[0; 6]].concat(),
                "the handshake of SOCKS 5: to ws.test.x:80",
            ),
            (
                password.concat(),
                [&[5, 2, 1, 0, 5, 0, 0, 4][..], &[0; 18]].concat(),
                "the handshake of SOCKS 5: to 10.0.0.9:80",
            ),
            (
                [&[4, 1, 0, 80, 10, 0, 0, 9][..], b"me\0"].concat(),
                vec![0, 90, 0, 0, 0, 0, 0, 0],
                "the handshake of SOCKS 4: to 10.0.0.9:80",
            ),
            (
                [&[4, 1, 0, 80, 0, 0, 0, 1][..], b"\0ws.test\0"].concat(),
                vec![0, 90, 0, 0, 0, 0, 0, 0],
                "the handshake of SOCKS 4: to ws.test:80",
            ),
        ]
    }

    fn parse(client: &[u8], server: &[u8]) -> Result<Option<Prefix>, NoPrefix> {
        if is_proxy(client) { proxy(client) } else { socks(client, server) }
    }

    #[test]
    fn all_prefixes_end_where_they_end() {
        for (client, server, text) in all() {
            let expected = Prefix { len: [client.len(), server.len()], text: text.to_owned() };
            let more = |bytes: &[u8]| [bytes, b"GET / HTTP/1.1"].concat();
            assert_eq!(parse(&client, &server), Ok(Some(expected)), "{text}");
            let longer = parse(&more(&client), &more(&server)).unwrap().unwrap();
            assert_eq!(longer.len, [client.len(), server.len()], "{text}");
        }
    }

    #[test]
    fn every_cut_needs_more() {
        for (client, server, text) in all() {
            for len in 6..client.len() {
                let cut = parse(&client[..len], b"");
                let one_header = matches!(&cut, Ok(Some(prefix)) if prefix.len[0] == len);
                assert!(cut == Ok(None) || one_header, "{text}, {len} bytes: {cut:?}");
            }
            for len in 0..server.len() {
                assert_eq!(parse(&client, &server[..len]), Ok(None), "{text}, {len} bytes");
            }
        }
    }

    #[test]
    fn what_leads_to_no_connection_is_none() {
        let refused = [&[5, 0, 5, 5, 0, 1][..], &[0; 6]].concat();
        let asked = [5, 1, 0, 5, 1, 0, 1, 10, 0, 0, 9, 0, 80];
        assert_eq!(parse(&asked, &refused), Err(NoPrefix));
        assert_eq!(parse(&[5, 1, 0], &[5, 0xFF]), Err(NoPrefix));
        assert_eq!(parse(b"PROXY TCP4 a b 1 2\r\n", b""), Err(NoPrefix));
        assert_eq!(parse(&[b'P'; 200], b""), Err(NoPrefix));
        let many = b"PROXY UNKNOWN\r\n".repeat(20);
        assert_eq!(parse(&many, b""), Err(NoPrefix));
        for any in 0..=255u8 {
            let _ = proxy(&[&b"PROXY "[..], &[any; 120]].concat());
            let _ = proxy(&[&SIGNATURE[..], &[any; 120]].concat());
            let _ = socks(&[&[5][..], &[any; 120]].concat(), &[any; 120]);
            let _ = socks(&[&[4][..], &[any; 120]].concat(), &[any; 120]);
        }
    }

    #[test]
    fn the_first_bytes_of_a_client_are_recognised() {
        assert!(is_socks(&[5, 2, 0, 2]));
        assert!(!is_socks(&[5, 2, 0]));
        assert!(!is_socks(b"GET / HTTP/1.1"));
        assert!(is_proxy(b"\r\n\r\n\0"));
        assert!(!is_proxy(b"\r\n\r\nGET"));
    }
}
