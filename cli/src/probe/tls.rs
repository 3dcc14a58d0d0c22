//! A connection over TLS (feature `wss`).

use std::io::{self, Read, Write};
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
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
};

use crate::probe::tcp::{Tcp, Wire};

/// What connects to a server over TLS.
pub struct Client {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Client {
    /// Creates a client that verifies the certificate of the server: with those in the PEM file `ca`, or
    /// those of the system, or not at all if `insecure`.
    ///
    /// # Errors
    ///
    /// What is wrong with the name or the certificates.
    pub fn new(host: &str, ca: Option<&Path>, insecure: bool) -> Result<Self, String> {
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
        // A WebSocket connection over HTTP/1.1 (RFC 6455 §4.1).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| format!("{host}: TLS needs the name or the address of a host"))?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// Begins TLS over a connected socket.
    ///
    /// # Errors
    ///
    /// Any error of TLS, or of the socket.
    pub fn connect(&self, socket: TcpStream, limit: Duration) -> io::Result<Tcp<Tls>> {
        let connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        let mut connection = connection.map_err(io::Error::other)?;
        connection.set_buffer_limit(None);
        socket.set_read_timeout(Some(limit))?;
        let mut socket = socket;
        let start = Instant::now();
        while connection.is_handshaking() {
            if start.elapsed() > limit {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if connection.wants_write() {
                connection.write_tls(&mut socket)?;
            } else if connection.read_tls(&mut socket)? == 0 {
                let text = "the server ended TCP in the handshake of TLS: it may want ws://";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            } else if let Err(error) = connection.process_new_packets() {
                // The server is told why.
                let _ = connection.write_tls(&mut socket);
                return Err(io::Error::other(advice(&error)));
            }
        }
        Tcp::over(Tls(Box::new(connection)), socket, limit)
    }
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
        Error::InvalidMessage(_) => format!("{error}: the server may want ws://"),
        _ => error.to_string(),
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let name = path.display();
            let wrong = |error: &dyn std::fmt::Display| format!("{name}: {error}");
            let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
            if roots.is_empty() {
                return Err(format!("{name}: there is no certificate in it"));
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

/// The bytes of a connection, in TLS.
pub struct Tls(Box<ClientConnection>);

impl Wire for Tls {
    fn write(&mut self, socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
        // What TLS holds goes first, so that what is taken is also sent.
        self.flush(socket)?;
        let len = self.0.writer().write(bytes)?;
        match self.flush(socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(len),
            flushed => flushed.map(|()| len),
        }
    }

    fn flush(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        while self.0.wants_write() {
            self.0.write_tls(socket)?;
        }
        Ok(())
    }

    fn read(&mut self, socket: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        loop {
            match self.0.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Many servers end TCP without an alert: the end is the same to WebSocket.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            self.0.read_tls(socket)?;
            self.0.process_new_packets().map_err(io::Error::other)?;
            // A record may come byte by byte.
            if socket.read_timeout()?.is_some_and(|limit| start.elapsed() > limit) {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }

    fn end_sending(&mut self, socket: &mut TcpStream) -> io::Result<()> {
        self.0.send_close_notify();
        self.flush(socket)
    }
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
