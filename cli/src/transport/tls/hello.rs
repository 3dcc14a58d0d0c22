//! What the endpoints say in the clear: the hellos of a TLS handshake.

use tls_parser::{
    SNIType, TlsExtension, TlsExtensionType, parse_tls_client_hello_extensions,
    parse_tls_handshake_client_hello, parse_tls_handshake_server_hello,
    parse_tls_server_hello_extensions,
};

/// The random value of a ServerHello that is a HelloRetryRequest (RFC 8446 §4.1.3).
const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// TLS 1.3, as records and messages write it.
pub(super) const TLS13: u16 = 0x0304;

/// TLS 1.2, as records and messages write it.
pub(super) const TLS12: u16 = 0x0303;

/// A random value, which identifies a connection in a key log.
pub(crate) type Random = [u8; 32];

/// A ClientHello.
pub(super) struct ClientHello {
    pub(super) random: Random,
    /// The name of the server.
    pub(super) server_name: Option<String>,
    /// Whether data may follow at once.
    pub(super) early_data: bool,
    pub(super) encrypt_then_mac: bool,
}

/// A ServerHello.
pub(super) struct ServerHello {
    pub(super) random: Random,
    pub(super) version: u16,
    pub(super) suite: u16,
    /// Whether it asks for another ClientHello.
    pub(super) is_retry: bool,
    pub(super) encrypt_then_mac: bool,
}

/// Reads the body of a ClientHello.
pub(super) fn client_hello(body: &[u8]) -> Option<ClientHello> {
    let (_, hello) = parse_tls_handshake_client_hello(body).ok()?;
    let extensions = hello.ext.map(parse_tls_client_hello_extensions);
    let extensions = extensions.and_then(Result::ok).map_or_else(Vec::new, |(_, found)| found);
    let name = extensions.iter().find_map(|extension| match extension {
        TlsExtension::SNI(names) => {
            names.iter().find(|(kind, _)| *kind == SNIType::HostName).map(|(_, name)| *name)
        }
        _ => None,
    });
    let has = |wanted: fn(&TlsExtension<'_>) -> bool| extensions.iter().any(wanted);
    Some(ClientHello {
        random: hello.random.try_into().ok()?,
        server_name: name.map(|name| String::from_utf8_lossy(name).into_owned()),
        early_data: has(|extension| matches!(extension, TlsExtension::EarlyData(_))),
        encrypt_then_mac: has(is_encrypt_then_mac),
    })
}

/// Reads the body of a ServerHello.
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let (_, hello) = parse_tls_handshake_server_hello(body).ok()?;
    let extensions = hello.ext.map(parse_tls_server_hello_extensions);
    let extensions = extensions.and_then(Result::ok).map_or_else(Vec::new, |(_, found)| found);
    let version = extensions.iter().find_map(|extension| match extension {
        TlsExtension::SupportedVersions(versions) => versions.first().map(|version| version.0),
        _ => None,
    });
    // The parser does not expect it here, so it has it as unknown.
    let etm = extensions.iter().any(is_encrypt_then_mac);
    Some(ServerHello {
        random: hello.random.try_into().ok()?,
        version: version.unwrap_or(hello.version.0),
        suite: hello.cipher.0,
        is_retry: hello.random == RETRY,
        encrypt_then_mac: etm,
    })
}

fn is_encrypt_then_mac(extension: &TlsExtension<'_>) -> bool {
    TlsExtensionType::from(extension) == TlsExtensionType::EncryptThenMac
}

/// Returns whether the body of EncryptedExtensions accepts early data.
pub(super) fn accepts_early_data(body: &[u8]) -> bool {
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some(([a, b, high, low], after)) = rest.split_first_chunk() {
        if (*a, *b) == (0, 42) {
            return true;
        }
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        rest = after.get(len..).unwrap_or_default();
    }
    false
}
