//! Decompresses the header blocks of one direction (RFC 7541).

use loona_hpack::Decoder;

use crate::transport::http2::malformed::Fault;

/// The most bytes of the names and values of a header block, without compression.
const MAX_FIELDS: usize = 256 << 10;

/// The size of the table of an endpoint that has said nothing of it, in bytes (RFC 9113 §6.5.2).
pub(super) const TABLE: u32 = 4096;

/// The largest table that is kept, in bytes. Browsers ask for 64 KiB.
const MAX_TABLE: u32 = 256 << 10;

/// The field lines of a request or a response, pseudo-header fields included: names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, Vec<u8>)>);

impl Fields {
    /// Returns the first value of this name, which must be in lower case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
    }

    /// Returns the first value of this name as text.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// Returns the status of a response.
    pub fn status(&self) -> Option<u16> {
        let status = self.text(":status").filter(|status| status.len() == 3)?;
        status.parse().ok().filter(|status| *status >= 100)
    }

    /// Returns whether the request asks for a tunnel, and for which protocol (RFC 8441 §4).
    pub fn protocol(&self) -> Option<&str> {
        self.text(":protocol").filter(|_| self.get(":method") == Some(b"CONNECT"))
    }
}

/// Decompresses header blocks, and keeps the table that they share.
pub(super) struct Decompressor {
    decoder: Decoder<'static>,
    /// The largest table that the receiver has allowed so far, in bytes.
    table: u32,
}

impl Decompressor {
    pub(super) fn new() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE as usize);
        Self { decoder, table: TABLE }
    }

    /// Allows a larger table. The sender may not know yet that a smaller one is allowed, so the largest
    /// counts.
    pub(super) fn allow(&mut self, table: u32) {
        self.table = self.table.max(table.min(MAX_TABLE));
        self.decoder.set_max_allowed_table_size(self.table as usize);
    }

    /// Returns the approximate memory that the table may take, in bytes.
    pub(super) fn memory(&self) -> usize {
        2 * self.table as usize
    }

    /// Decompresses a header block.
    pub(super) fn fields(&mut self, block: &[u8]) -> Result<Fields, Fault> {
        let mut fields = Vec::new();
        let mut len = 0;
        let outcome = self.decoder.decode_with_cb(block, |name, value| {
            len += name.len() + value.len();
            if len <= MAX_FIELDS {
                fields.push((String::from_utf8_lossy(&name).into_owned(), value.into_owned()));
            }
        });
        outcome.map_err(Fault::Compression)?;
        if len > MAX_FIELDS { Err(Fault::LongFields(MAX_FIELDS)) } else { Ok(Fields(fields)) }
    }
}
