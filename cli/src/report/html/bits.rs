//! Renders the bits of a header, sixteen in a row, and marks the bits that break a rule.

use maud::{Markup, html};
use wsvet::{Header, Rule};

/// The number of bits in a row.
const ROW: usize = 16;

/// A field of the header (RFC 6455 §5.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Fin,
    Rsv1,
    Rsv2,
    Rsv3,
    Opcode,
    Mask,
    PayloadLen,
    ExtendedLen,
    MaskingKey,
}

use Field::{ExtendedLen, Fin, Mask, MaskingKey, Opcode, PayloadLen, Rsv1, Rsv2, Rsv3};

impl Field {
    fn name(self) -> &'static str {
        match self {
            Fin => "FIN",
            Rsv1 => "RSV1",
            Rsv2 => "RSV2",
            Rsv3 => "RSV3",
            Opcode => "opcode",
            Mask => "MASK",
            PayloadLen => "payload len",
            ExtendedLen => "extended payload length",
            MaskingKey => "masking key",
        }
    }
}

/// Returns the fields that a rule is about.
fn offending(rule: Rule) -> &'static [Field] {
    match rule.field() {
        wsvet::Field::Rsv => &[Rsv1, Rsv2, Rsv3],
        wsvet::Field::Rsv1 => &[Rsv1],
        wsvet::Field::Fin => &[Fin],
        wsvet::Field::Mask => &[Mask],
        wsvet::Field::PayloadLen | wsvet::Field::ExtendedPayloadLen => &[PayloadLen, ExtendedLen],
        wsvet::Field::Opcode => &[Opcode],
        _ => &[],
    }
}

/// Returns the fields in order, with their numbers of bits.
fn fields(header: &Header) -> Vec<(Field, usize)> {
    let mut fields = vec![(Fin, 1), (Rsv1, 1), (Rsv2, 1), (Rsv3, 1), (Opcode, 4), (Mask, 1)];
    fields.push((PayloadLen, 7));
    let key = if header.is_masked() { 4 } else { 0 };
    match header.header_len() - key {
        4 => fields.push((ExtendedLen, 16)),
        10 => fields.push((ExtendedLen, 64)),
        _ => {}
    }
    if header.is_masked() {
        fields.push((MaskingKey, 32));
    }
    fields
}

/// A bit of the header, its field, and whether it breaks the rule.
struct Bit {
    field: Field,
    set: bool,
    bad: bool,
}

/// Renders the diagram of a header that starts at this byte of its direction.
pub(super) fn diagram(header: &Header, start: u64, rule: Rule) -> Markup {
    let mut wire = [0; Header::MAX_LEN];
    header.encode(&mut wire);
    let bits = fields(header).into_iter().flat_map(|(field, len)| vec![field; len]);
    let bits: Vec<Bit> = bits
        .enumerate()
        .map(|(index, field)| {
            let set = wire[index / 8] >> (7 - index % 8) & 1 == 1;
            // Only reserved bits that are set can break a rule.
            let reserved = matches!(field, Rsv1 | Rsv2 | Rsv3);
            Bit { field, set, bad: offending(rule).contains(&field) && (set || !reserved) }
        })
        .collect();
    html! {
        table.bits {
            caption { "Bits of the header" }
            tbody {
                @for (index, row) in bits.chunks(ROW).enumerate() {
                    tr {
                        th rowspan="2" { "byte " (start + 2 * index as u64) }
                        @for bit in row {
                            td.bit.bad[bit.bad] { (u8::from(bit.set)) }
                        }
                    }
                    tr {
                        @for group in row.chunk_by(|a, b| a.field == b.field) {
                            td.field.bad[group.iter().any(|bit| bit.bad)] colspan=(group.len()) {
                                (group[0].field.name())
                                @if let Some(value) = value(group[0].field, header) {
                                    " " b { (value) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the value of a field that has several bits.
fn value(field: Field, header: &Header) -> Option<String> {
    match field {
        Opcode => Some(format!("{:X} {}", u8::from(header.opcode()), header.opcode())),
        PayloadLen => Some((header.second_byte() & 0x7F).to_string()),
        ExtendedLen => Some(header.payload_len().to_string()),
        _ => None,
    }
}
