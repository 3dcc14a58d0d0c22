//! The arguments about the TLS of a server.

use std::path::PathBuf;

use clap::Args;

#[cfg(feature = "wss")]
use crate::live::{target::Target, tls::Client};

/// The error for a wss:// URL if the tool was built without the feature `wss`.
#[cfg(not(feature = "wss"))]
pub(crate) const WITHOUT_TLS: &str = "this wsvet was built without TLS: install one with it by `cargo install \
                                      wsvet-cli --features wss`";

/// How the certificate of a server is verified.
#[derive(Args)]
#[cfg_attr(not(feature = "wss"), allow(dead_code))]
pub(crate) struct Trust {
    /// Trust the certificates in this PEM file, instead of those of the system (feature `wss`)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Do not verify the certificate of the server (feature `wss`)
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

#[cfg(feature = "wss")]
impl Trust {
    /// Returns what connects to the server over TLS for this version of HTTP, if its URL wants TLS.
    pub(crate) fn client(&self, target: &Target, http: &[u8]) -> Result<Option<Client>, String> {
        let client = || Client::new(&target.host, http, self.ca.as_deref(), self.insecure);
        target.tls.then(client).transpose()
    }
}
