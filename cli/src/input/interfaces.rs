//! The interfaces of a capture: the link type and the clock of each packet.

use std::time::Duration;

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, PcapBlockOwned, UnknownBlock};

/// The type of the obsolete Packet Block.
const PACKET_BLOCK: u32 = 2;

/// The length of the header of a Packet Block, in bytes.
const PACKET_HEAD: usize = 20;

/// The interfaces of the section, in order.
#[derive(Default)]
pub(crate) struct Interfaces {
    all: Vec<Interface>,
    big_endian: bool,
}

/// An interface of a capture.
struct Interface {
    link: i32,
    /// The number of timestamp units in a second.
    second: u128,
    /// The number of seconds that are added to each timestamp.
    offset: i64,
}

/// A packet: its link type, its time and its bytes.
pub(crate) type Packet<'a> = (i32, Duration, &'a [u8]);

impl Interfaces {
    /// Takes the next block of a capture. Returns the packet in it, if there is one.
    pub(crate) fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'_>) -> Option<Packet<'a>> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let nanoseconds = header.is_nanosecond_precision();
                let second = if nanoseconds { 1_000_000_000 } else { 1_000_000 };
                // The upper bits tell whether a frame check sequence follows.
                let link = header.network.0 & 0xFFFF;
                self.all = vec![Interface { link, second, offset: 0 }];
                None
            }
            PcapBlockOwned::Legacy(packet) => {
                let interface = self.all.first()?;
                let time = interface.time(packet.ts_sec.into(), packet.ts_usec.into());
                Some((interface.link, time, packet.data))
            }
            PcapBlockOwned::NG(Block::SectionHeader(header)) => {
                self.all.clear();
                self.big_endian = header.big_endian();
                None
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                // The parser reads this option in little endian.
                let offset = interface.if_tsoffset;
                self.all.push(Interface {
                    link: interface.linktype.0,
                    second: resolution(interface.if_tsresol),
                    offset: if self.big_endian { offset.swap_bytes() } else { offset },
                });
                None
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.all.get(packet.if_id as usize)?;
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                Some((interface.link, interface.time(0, units), packet.packet_data()))
            }
            // A simple packet block has no time.
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                Some((self.all.first()?.link, Duration::ZERO, packet.packet_data()))
            }
            PcapBlockOwned::NG(Block::Unknown(block)) => self.packet_block(block),
            PcapBlockOwned::NG(_) => None,
        }
    }

    /// Returns the packet of an obsolete Packet Block.
    fn packet_block<'a>(&self, block: &'a UnknownBlock<'_>) -> Option<Packet<'a>> {
        let kind = block.block_type;
        if kind != PACKET_BLOCK && kind != PACKET_BLOCK.swap_bytes() {
            return None;
        }
        let (head, rest) = block.data.split_first_chunk::<PACKET_HEAD>()?;
        let word = |at: usize| {
            let bytes = [head[at], head[at + 1], head[at + 2], head[at + 3]];
            if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
        };
        let id = [head[0], head[1]];
        let id = if self.big_endian { u16::from_be_bytes(id) } else { u16::from_le_bytes(id) };
        let interface = self.all.get(usize::from(id))?;
        let units = u64::from(word(4)) << 32 | u64::from(word(8));
        let bytes = rest.get(..usize::try_from(word(12)).ok()?)?;
        Some((interface.link, interface.time(0, units), bytes))
    }
}

impl Interface {
    /// Converts seconds and timestamp units to a time.
    fn time(&self, seconds: u64, units: u64) -> Duration {
        let units = u128::from(units);
        let rest = units % self.second * 1_000_000_000 / self.second;
        let seconds = seconds.saturating_add((units / self.second) as u64);
        Duration::from_secs(seconds.saturating_add_signed(self.offset))
            .saturating_add(Duration::from_nanos(rest as u64))
    }
}

/// Returns the number of units in a second: a power of 2 if the highest bit is set, or of 10.
fn resolution(option: u8) -> u128 {
    let exponent = u32::from(option & 0x7F);
    let base: u128 = if option & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(exponent).unwrap_or(u128::MAX)
}
