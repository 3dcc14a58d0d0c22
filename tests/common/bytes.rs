//! Bytes: from hex, and of a frame on the wire.

use wsvet::{Header, Role, mask};

/// Bytes from hex, white space between.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A frame as `sender` sends it: a client masks it.
pub fn frame(sender: Role, header: Header, plain: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let header = if sender == Role::Client { header.masked(KEY) } else { header };
    wire(&header, plain)
}

/// A frame with this header, its payload masked where the header has a key.
pub fn wire(header: &Header, plain: &[u8]) -> Vec<u8> {
    let mut out = [0; Header::MAX_LEN];
    let len = header.encode(&mut out);
    let mut payload = plain.to_vec();
    if let Some(key) = header.masking_key() {
        mask::apply(key, 0, &mut payload);
    }
    [&out[..len], &payload].concat()
}
