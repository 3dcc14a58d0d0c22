//! The certificate with which wsvet accepts clients over TLS (feature `wss`).

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::live::tls::read_certificates;

/// A certificate, those of its authorities, and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The file of the certificate, for errors.
    name: PathBuf,
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
        Ok(Self { chain, key, name: certificates.to_owned() })
    }

    /// Creates a certificate for these hosts, which signs itself. Also returns the certificate in PEM, without
    /// its private key.
    ///
    /// # Errors
    ///
    /// A host that no certificate can name.
    pub fn create<'h>(hosts: impl IntoIterator<Item = &'h str>) -> Result<(Self, String), String> {
        let hosts: BTreeSet<String> = hosts.into_iter().map(str::to_owned).collect();
        let hosts: Vec<String> = hosts.into_iter().collect();
        let names = hosts.join(", ");
        let wrong = |error: &dyn Display| format!("cannot make a certificate for {names}: {error}");
        let mut parameters = CertificateParams::new(hosts).map_err(|error| wrong(&error))?;
        parameters.distinguished_name.push(DnType::CommonName, "wsvet tap");
        let key = KeyPair::generate().map_err(|error| wrong(&error))?;
        let cert = parameters.self_signed(&key).map_err(|error| wrong(&error))?;
        let key = PrivateKeyDer::try_from(key.serialize_der());
        let identity = Self {
            chain: vec![cert.der().clone()],
            key: key.map_err(|error| wrong(&error))?,
            name: PathBuf::from("the certificate"),
        };
        Ok((identity, cert.pem()))
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
