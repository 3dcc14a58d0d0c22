//! The certificate with which wsvet accepts clients over TLS (feature `wss`).

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::live::tls::read_certificates;

/// The start of a certificate in PEM.
const START: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A certificate, those of its authorities, and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The file of the certificate, for errors.
    name: PathBuf,
    /// The certificate in PEM, if it was created here.
    pem: Option<String>,
}

impl Identity {
    /// Reads the certificate, those of its authorities and the private key from PEM files.
    ///
    /// # Errors
    ///
    /// What is wrong with the files.
    pub fn read(certificates: &Path, key: &Path) -> Result<Self, String> {
        let chain = read_certificates(certificates)?;
        let read = PrivateKeyDer::from_pem_file(key);
        let key = read.map_err(|error| format!("{}: {error}", key.display()))?;
        Ok(Self { chain, key, name: certificates.to_owned(), pem: None })
    }

    /// Creates a certificate for these hosts, which signs itself.
    ///
    /// # Errors
    ///
    /// A host that no certificate can name.
    pub fn create<'h>(hosts: impl IntoIterator<Item = &'h str>) -> Result<Self, String> {
        let hosts: BTreeSet<String> = hosts.into_iter().map(str::to_owned).collect();
        let hosts: Vec<String> = hosts.into_iter().collect();
        let names = hosts.join(", ");
        let wrong = |error: &dyn Display| format!("cannot make a certificate for {names}: {error}");
        let mut parameters = CertificateParams::new(hosts).map_err(|error| wrong(&error))?;
        parameters.distinguished_name.push(DnType::CommonName, "wsvet tap");
        let key = KeyPair::generate().map_err(|error| wrong(&error))?;
        let cert = parameters.self_signed(&key).map_err(|error| wrong(&error))?;
        let key = PrivateKeyDer::try_from(key.serialize_der());
        Ok(Self {
            chain: vec![cert.der().clone()],
            key: key.map_err(|error| wrong(&error))?,
            name: PathBuf::from("the certificate"),
            pem: Some(cert.pem()),
        })
    }

    /// Writes the certificate that was created to a PEM file, without its private key. Only an empty file
    /// or an older certificate is overwritten.
    ///
    /// # Errors
    ///
    /// The file is something else, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let name = path.display();
        match fs::read(path) {
            Ok(older) if !older.is_empty() && !older.starts_with(START) => {
                return Err(format!(
                    "{name}: the file exists and is not a certificate in PEM: give --write-cert another file name"
                ));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(format!("{name}: {error}"));
            }
            _ => {}
        }
        let pem = self.pem.as_deref().unwrap_or_default();
        fs::write(path, pem)
            .map_err(|error| format!("{name}: cannot write the certificate: {error}"))
    }

    /// Returns what accepts clients over TLS with this certificate.
    ///
    /// # Errors
    ///
    /// The private key is not that of the certificate.
    pub fn server(self) -> Result<Arc<ServerConfig>, String> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key);
        let mut config = config.map_err(|error| format!("{}: {error}", self.name.display()))?;
        // A WebSocket connection over HTTP/1.1 (RFC 6455 §4.1).
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
