//! What the endpoints say in the clear: the hellos of a TLS handshake.

use sha2::{Digest, Sha256};

use crate::transport::tls::suite::Suite;

/// The random value of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// TLS 1.3, as records and messages write it.
pub(super) const TLS13: u16 = 0x0304;

/// TLS 1.2, as records and messages write it.
pub(super) const TLS12: u16 = 0x0303;

/// The extensions that are read (RFC 5077, RFC 6066, RFC 7366 and RFC 8446 §4.2).
const SERVER_NAME: u16 = 0;
const ENCRYPT_THEN_MAC: u16 = 22;
const SESSION_TICKET: u16 = 35;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// A random value, which identifies a connection in a key log.
pub(crate) type Random = [u8; 32];

/// The hash of what names a session of TLS 1.2: its identifier, or its ticket.
pub(super) type Session = [u8; 32];

/// A ClientHello.
pub(super) struct ClientHello {
    pub(super) random: Random,
    /// The session that is resumed, or the value by which the server accepts the ticket (RFC 5077 §3.4).
    pub(super) session: Option<Session>,
    pub(super) ticket: Option<Session>,
    /// The name of the server.
    pub(super) server_name: Option<String>,
    /// Whether data may follow at once.
    pub(super) early_data: bool,
    pub(super) encrypt_then_mac: bool,
}

/// A ServerHello.
pub(super) struct ServerHello {
    pub(super) random: Random,
    /// The session, which is that of the ClientHello if it is resumed.
    pub(super) session: Option<Session>,
    pub(super) version: u16,
    pub(super) suite: u16,
    /// Whether it asks for another ClientHello.
    pub(super) is_retry: bool,
    pub(super) encrypt_then_mac: bool,
}

/// Reads the body of a ClientHello (RFC 8446 §4.1.2).
pub(super) fn client_hello(mut body: &[u8]) -> Option<ClientHello> {
    let rest = &mut body;
    let _version: [u8; 2] = array(rest)?;
    let random = array(rest)?;
    let session = session(vector(rest, 1)?);
    let _suites = vector(rest, 2)?;
    let _compression = vector(rest, 1)?;
    let extensions = vector(rest, 2).unwrap_or_default();
    Some(ClientHello {
        random,
        session,
        ticket: extension(extensions, SESSION_TICKET).and_then(self::session),
        server_name: extension(extensions, SERVER_NAME).and_then(host_name),
        early_data: extension(extensions, EARLY_DATA).is_some(),
        encrypt_then_mac: extension(extensions, ENCRYPT_THEN_MAC).is_some(),
    })
}

/// Reads the body of a ServerHello (RFC 8446 §4.1.3).
pub(super) fn server_hello(mut body: &[u8]) -> Option<ServerHello> {
    let rest = &mut body;
    let legacy_version = array(rest)?;
    let random = array(rest)?;
    let session = session(vector(rest, 1)?);
    let suite = u16::from_be_bytes(array(rest)?);
    let _compression: [u8; 1] = array(rest)?;
    let extensions = vector(rest, 2).unwrap_or_default();
    let version = match extension(extensions, SUPPORTED_VERSIONS) {
        Some(mut data) => array(&mut data).map(u16::from_be_bytes),
        // No other version has these suites (RFC 8446 §B.4).
        None => Suite::TLS13.contains(&suite).then_some(TLS13),
    };
    Some(ServerHello {
        random,
        session,
        version: version.unwrap_or(u16::from_be_bytes(legacy_version)),
        suite,
        is_retry: random == RETRY,
        encrypt_then_mac: extension(extensions, ENCRYPT_THEN_MAC).is_some(),
    })
}

/// Reads the ticket in the body of a NewSessionTicket of TLS 1.2 (RFC 5077 §3.3).
pub(super) fn new_ticket(mut body: &[u8]) -> Option<Session> {
    let _lifetime: [u8; 4] = array(&mut body)?;
    session(vector(&mut body, 2)?)
}

fn session(name: &[u8]) -> Option<Session> {
    (!name.is_empty()).then(|| Sha256::digest(name).into())
}

/// Returns whether the body of EncryptedExtensions accepts early data.
pub(super) fn accepts_early_data(mut body: &[u8]) -> bool {
    let extensions = vector(&mut body, 2).unwrap_or_default();
    extension(extensions, EARLY_DATA).is_some()
}

/// Returns the data of an extension, if it is there.
fn extension(mut extensions: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let kind = u16::from_be_bytes(array(&mut extensions)?);
        let data = vector(&mut extensions, 2)?;
        if kind == wanted {
            return Some(data);
        }
    }
}

/// Returns the first name of a host in the data of the extension `server_name` (RFC 6066 §3).
fn host_name(mut data: &[u8]) -> Option<String> {
    const HOST_NAME: u8 = 0;
    let mut names = vector(&mut data, 2)?;
    loop {
        let [kind] = array(&mut names)?;
        let name = vector(&mut names, 2)?;
        if kind == HOST_NAME {
            return Some(String::from_utf8_lossy(name).into_owned());
        }
    }
}

/// Takes the first `N` bytes.
fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (array, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*array)
}

/// Takes a vector, whose length is written before it in this number of bytes (RFC 8446 §3.4).
fn vector<'a>(rest: &mut &'a [u8], width: usize) -> Option<&'a [u8]> {
    let (len, after) = rest.split_at_checked(width)?;
    let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    let (vector, after) = after.split_at_checked(len)?;
    *rest = after;
    Some(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello with these extensions.
    fn hello(extensions: &[u8]) -> Vec<u8> {
        let len = (extensions.len() as u16).to_be_bytes();
        [b"\x03\x03", &[7; 32][..], b"\x01\xAA", b"\0\x02\x13\x01", b"\x01\0", &len, extensions]
            .concat()
    }

    #[test]
    fn the_extensions_of_a_client_hello_are_read() {
        let name = b"\0\0\0\x0C\0\x0A\x01\0\x01x\0\0\x03a.b";
        let read = client_hello(&hello(&[&b"\0\x2A\0\0"[..], name].concat())).unwrap();
        assert_eq!((read.random, read.server_name.as_deref()), ([7; 32], Some("a.b")));
        assert!(read.early_data && !read.encrypt_then_mac);
        // Without extensions, as in old hellos.
        let bytes = hello(b"");
        assert!(client_hello(&bytes[..bytes.len() - 2]).is_some());
    }

    #[test]
    fn a_session_is_known_again() {
        let ticket = |ticket: &[u8]| session(ticket).unwrap();
        let read = client_hello(&hello(b"\0\x23\0\x03abc")).unwrap();
        assert_eq!((read.session, read.ticket), (session(b"\xAA"), Some(ticket(b"abc"))));
        assert_eq!(new_ticket(b"\0\0\x0E\x10\0\x03abc"), Some(ticket(b"abc")));
        // An empty extension asks for a ticket, and an empty message gives none.
        assert_eq!(client_hello(&hello(b"\0\x23\0\0")).unwrap().ticket, None);
        assert_eq!(new_ticket(b"\0\0\0\0\0\0"), None);
        assert_eq!(new_ticket(b"\0\0\0\0\0\x04abc"), None);
        let server = |id: &[u8]| [b"\x03\x03", &[1; 32][..], id, b"\xC0\x2F\0"].concat();
        assert_eq!(server_hello(&server(b"\x01\xAA")).unwrap().session, read.session);
        assert_eq!(server_hello(&server(b"\0")).unwrap().session, None);
    }

    /// A hello that is cut is no hello if the cut is before the extensions, and never a panic.
    #[test]
    fn hellos_may_be_cut_anywhere() {
        let bytes = hello(b"\0\0\0\x08\0\x06\0\0\x03a.b\0\x16\0\0");
        for cut in 0..bytes.len() {
            assert_eq!(client_hello(&bytes[..cut]).is_some(), cut >= 42, "{cut}");
            server_hello(&bytes[..cut]);
            accepts_early_data(&bytes[cut..]);
        }
    }

    #[test]
    fn the_version_of_a_server_hello_is_that_of_its_extension_or_its_suite() {
        let read = |suite: u16, extensions: &[u8]| {
            let suite = suite.to_be_bytes();
            let body = [b"\x03\x03", &RETRY[..], b"\0", &suite, b"\0", extensions].concat();
            server_hello(&body).unwrap()
        };
        let found = read(0x1302, b"\0\x06\0\x2B\0\x02\x03\x04");
        assert_eq!((found.version, found.suite, found.is_retry), (TLS13, 0x1302, true));
        assert_eq!(read(0x1302, b"\0\x06\0\x2B\0\x02\x7F\x1C").version, 0x7F1C);
        assert_eq!(read(0x1302, b"").version, TLS13);
        assert_eq!(read(0xC02F, b"").version, TLS12);
    }
}
