//! What was found, to be printed: for people or for programs.

mod json;
mod text;

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use wsvet::Role;

use crate::connection::Tally;
use crate::frames::Closing;
use crate::http::Agreement;
use crate::judge::Record;

pub(crate) use json::Json;
pub(crate) use text::Text;

/// Where a record belongs.
pub(crate) struct Place {
    /// The number of the WebSocket connection, from 0 over all inputs.
    pub(crate) connection: usize,
    /// Who sends this direction.
    pub(crate) from: Role,
    /// The number of the TCP stream in the capture, from 0.
    pub(crate) stream: Option<usize>,
    /// The number of the packet that completed it, from 1.
    pub(crate) packet: Option<u64>,
}

/// A printer of records.
pub(crate) trait Report {
    /// The input that the next records are of.
    fn input(&mut self, name: &str) -> io::Result<()>;

    /// A WebSocket connection was found in a capture.
    fn connection(
        &mut self,
        number: usize,
        client: SocketAddr,
        server: SocketAddr,
        agreement: &Agreement,
    ) -> io::Result<()>;

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()>;

    /// Bytes of a direction are missing in the capture, so it is judged only up to `offset`.
    fn gap(&mut self, place: &Place, offset: u64, missing: u64) -> io::Result<()>;

    /// A WebSocket connection of a capture is over, or the capture is.
    fn verdict(&mut self, closing: &Closing) -> io::Result<()>;

    /// All inputs were judged.
    fn finish(&mut self, tally: &Tally) -> io::Result<()>;
}

/// Bytes as hex, two digits each.
fn hex_bytes(bytes: &[u8], separator: &str) -> String {
    let mut hex = String::with_capacity(bytes.len() * (2 + separator.len()));
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            hex.push_str(separator);
        }
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
