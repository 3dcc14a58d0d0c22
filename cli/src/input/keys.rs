//! Where the keys of TLS connections are: files, and blocks of a capture.

use std::path::{Path, PathBuf};

use pcap_parser::{Block, PcapBlockOwned, SecretsType};

use crate::transport::tls::keylog::KeyLog;

/// The environment variable that names a key log for the programs that write one.
const VARIABLE: &str = "SSLKEYLOGFILE";

/// Opens these key logs, or the one that the environment names if there are none. With `follow`, they may
/// still grow. Returns what is wrong with them, too.
pub(crate) fn open(files: &[PathBuf], follow: bool) -> (KeyLog, Vec<String>) {
    let mut keys = KeyLog::new(follow);
    let mut errors = Vec::new();
    for path in files {
        if let Err(error) = keys.add_file(path) {
            errors.push(format!("{}: the key log cannot be read: {error}", path.display()));
        }
    }
    if files.is_empty()
        && let Some(path) = std::env::var_os(VARIABLE)
        && !path.is_empty()
    {
        keys.add_file_of(VARIABLE, Path::new(&path));
    }
    (keys, errors)
}

/// Takes the keys in a block of a capture, if it has any.
pub(crate) fn take(block: &PcapBlockOwned<'_>, keys: &mut KeyLog) {
    if let PcapBlockOwned::NG(Block::DecryptionSecrets(block)) = block
        && block.secrets_type == SecretsType::TlsKeyLog
    {
        let len = block.data.len().min(block.secrets_len as usize);
        keys.add_text("the capture", &block.data[..len]);
    }
}
