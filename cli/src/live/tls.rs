//! What connects to a server over TLS (feature `wss`).

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::SignatureScheme;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, ConnectionCommon,
    DigitallySignedStruct, Error, RootCertStore, SideData,
};

/// The name of HTTP/1.1 in ALPN (RFC 7301).
pub const HTTP1: &[u8] = b"http/1.1";

/// The name of HTTP/2 in ALPN (RFC 9113 §3.2).
pub const HTTP2: &[u8] = b"h2";

/// What connects to a server over TLS.
pub struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// Creates a client that asks for this version of HTTP, [`HTTP1`] or [`HTTP2`], and verifies the
    /// certificate of the server: with those in the PEM file `ca`, or those of the system, or not at all if
    /// `insecure`.
    ///
    /// # Errors
    ///
    /// What is wrong with the name or the certificates.
    pub fn new(host: &str, http: &[u8], ca: Option<&Path>, insecure: bool) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = if insecure {
            let trusting = Arc::new(Trusting(algorithms));
            builder.dangerous().with_custom_certificate_verifier(trusting).with_no_client_auth()
        } else {
            builder.with_root_certificates(roots(ca)?).with_no_client_auth()
        };
        config.alpn_protocols = vec![http.to_vec()];
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host}: TLS needs the name or the address of a host"))?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// Does the handshake of TLS over a connected socket.
    ///
    /// # Errors
    ///
    /// Any error of TLS, or of the socket.
    pub fn connect(&self, socket: &mut TcpStream, limit: Duration) -> io::Result<ClientConnection> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        let ended = "the server ended TCP in the handshake of TLS: it may want ws://";
        handshake(&mut connection, socket, limit, ended)?;
        // Without ALPN, a server speaks HTTP/1.1.
        let has_alpn = connection.alpn_protocol().is_some();
        if !has_alpn && self.config.alpn_protocols.iter().any(|http| http == HTTP2) {
            return Err(io::Error::other("the server did not choose HTTP/2 (h2) in ALPN"));
        }
        Ok(connection)
    }
}

/// Reads the certificates of a PEM file.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let name = path.display();
    let found = CertificateDer::pem_file_iter(path).map_err(|error| format!("{name}: {error}"))?;
    let found: Vec<_> =
        found.collect::<Result<_, _>>().map_err(|error| format!("{name}: {error}"))?;
    if found.is_empty() {
        return Err(format!("{name}: there is no certificate in it"));
    }
    Ok(found)
}

/// Does the handshake of TLS over a connected socket that blocks. `ended` is what the error says if the
/// peer ends TCP in it.
///
/// # Errors
///
/// Any error of TLS, or of the socket.
pub fn handshake<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    socket: &mut TcpStream,
    limit: Duration,
    ended: &'static str,
) -> io::Result<()> {
    socket.set_read_timeout(Some(limit))?;
    let start = Instant::now();
    while connection.is_handshaking() {
        if start.elapsed() > limit {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if connection.wants_write() {
            connection.write_tls(socket)?;
        } else if connection.read_tls(socket)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, ended));
        } else if let Err(error) = connection.process_new_packets() {
            // The peer is told why.
            let _ = connection.write_tls(socket);
            return Err(io::Error::other(advice(&error)));
        }
    }
    Ok(())
}

/// Returns what is wrong, with what to do if it is the certificate or no TLS.
fn advice(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(CertificateError::Other(_)) => format!(
            "{error}: a server must not show the certificate of an authority as its own; --insecure accepts any"
        ),
        Error::InvalidCertificate(_) => format!(
            "{error}: --ca names a file with the certificate of the authority, and --insecure accepts any"
        ),
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            format!("{error}: the server does not speak the version of HTTP that is asked for")
        }
        Error::InvalidMessage(_) => format!("{error}: the server may want ws://"),
        _ => error.to_string(),
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            for certificate in read_certificates(path)? {
                roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("the system has no certificates: --ca names a file of them".to_owned());
            }
        }
    }
    Ok(roots)
}

/// Trusts any certificate, for `--insecure`. Signatures are still verified.
#[derive(Debug)]
struct Trusting(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
