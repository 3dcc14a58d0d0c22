//! Puts the fragments of IP packets together, within a bound of memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber, ip_number};

use crate::transport::inner::{Inner, is_tunnel, of_ip_number};
use crate::transport::network::Network;

/// The most packets of which fragments are kept.
const MOST_PACKETS: usize = 4096;

/// The most memory for fragments, in bytes.
const MOST_MEMORY: usize = 32 << 20;

/// The approximate memory that a packet takes in addition to its bytes.
const PACKET_COST: usize = 256;

/// The time after which the other fragments of a packet do not come.
const PATIENCE: Duration = Duration::from_secs(30);

/// The time after which other bytes at the same place are those of another packet with the same number.
const NEXT_PACKET: Duration = Duration::from_secs(1);

/// The number of packets whose fragments are ignored if they come again.
const REMEMBERED: usize = 64;

/// A fragment of an IP packet.
pub(super) struct Fragment<'a> {
    /// The packet to which it belongs.
    pub(super) key: Key,
    /// Its place in the packet.
    pub(super) offset: IpFragOffset,
    /// Whether others follow it.
    pub(super) more: bool,
    /// Its bytes, as far as they were captured.
    pub(super) payload: &'a [u8],
    /// Whether all of its bytes were captured.
    pub(super) is_whole: bool,
}

/// What the fragments of a packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) number: IpNumber,
    pub(super) id: u32,
    /// The network in which they were captured.
    pub(super) network: Network,
}

/// The fragments of packets that are not complete.
#[derive(Default)]
pub(super) struct Fragments {
    open: HashMap<Key, Packet>,
    /// The packets in the order of their first fragments.
    oldest: BTreeMap<u64, Key>,
    /// The number of packets so far.
    count: u64,
    /// The approximate memory that they take, in bytes.
    memory: usize,
    /// The packets that were complete last.
    done: VecDeque<Key>,
    /// The number of packets that were given up.
    lost: u64,
}

/// A packet that is not complete.
struct Packet {
    bytes: IpDefragBuf,
    /// Its place in the order.
    place: u64,
    /// The time of its first fragment.
    since: Duration,
    /// Whether its fragments contradict each other, or one is truncated.
    is_broken: bool,
    /// The memory that was counted for it, in bytes.
    memory: usize,
}

impl Fragments {
    /// Takes a fragment. Returns the bytes after the IP header if the packet is complete.
    pub(super) fn add(&mut self, fragment: &Fragment<'_>, time: Duration) -> Option<Vec<u8>> {
        let key = fragment.key;
        if self.done.contains(&key) {
            return None;
        }
        if let Some(packet) = self.open.get(&key) {
            let waited = time.saturating_sub(packet.since);
            let other = waited > NEXT_PACKET && packet.contradicts(fragment);
            if waited > PATIENCE || other {
                self.give_up(key);
            }
        }
        let (count, oldest) = (&mut self.count, &mut self.oldest);
        let packet = self.open.entry(key).or_insert_with(|| {
            *count += 1;
            oldest.insert(*count, key);
            Packet::new(key.number, *count, time)
        });
        packet.add(fragment);
        self.memory -= packet.memory;
        packet.memory = packet.cost();
        self.memory += packet.memory;
        if !packet.is_broken && packet.bytes.is_complete() {
            let packet = self.remove(key)?;
            self.done.push_back(key);
            if self.done.len() > REMEMBERED {
                self.done.pop_front();
            }
            return Some(packet.bytes.take_bufs().0);
        }
        while self.memory > MOST_MEMORY || self.open.len() > MOST_PACKETS {
            let (_, oldest) = self.oldest.first_key_value()?;
            self.give_up(*oldest);
        }
        None
    }

    /// Returns the number of packets that were not put together and may have TCP inside.
    pub(super) fn incomplete(&self) -> u64 {
        let open = self.open.iter().filter(|(key, packet)| packet.matters(key));
        self.lost + open.count() as u64
    }

    fn give_up(&mut self, key: Key) {
        if let Some(packet) = self.remove(key) {
            self.lost += u64::from(packet.matters(&key));
        }
    }

    fn remove(&mut self, key: Key) -> Option<Packet> {
        let packet = self.open.remove(&key)?;
        self.oldest.remove(&packet.place);
        self.memory -= packet.memory;
        Some(packet)
    }
}

impl Packet {
    fn new(number: IpNumber, place: u64, since: Duration) -> Self {
        let bytes = IpDefragBuf::new(number, Vec::new(), Vec::new());
        Self { bytes, place, since, is_broken: false, memory: 0 }
    }

    fn add(&mut self, fragment: &Fragment<'_>) {
        let Fragment { offset, more, payload, is_whole, .. } = fragment;
        // Which of two bytes the receiver took, nobody knows (RFC 5722 lets it take neither).
        self.is_broken = self.is_broken
            || !is_whole
            || self.contradicts(fragment)
            || self.bytes.add(*offset, *more, payload).is_err();
    }

    /// Returns whether the fragment has other bytes than those that came before it in its place.
    fn contradicts(&self, fragment: &Fragment<'_>) -> bool {
        let start = usize::from(fragment.offset.byte_offset());
        let end = start + fragment.payload.len();
        self.bytes.sections().iter().any(|section| {
            let both = usize::from(section.start).max(start)..usize::from(section.end).min(end);
            !both.is_empty()
                && self.bytes.data().get(both.clone())
                    != fragment.payload.get(both.start - start..both.end - start)
        })
    }

    fn cost(&self) -> usize {
        PACKET_COST + self.bytes.data().capacity() + 4 * self.bytes.sections().capacity()
    }

    /// Returns whether the packet may have TCP inside: TCP itself or a tunnel.
    fn matters(&self, key: &Key) -> bool {
        let start = self.bytes.sections().iter().find(|section| section.start == 0);
        let start = start.and_then(|section| self.bytes.data().get(..usize::from(section.end)));
        match key.number {
            ip_number::UDP => start.is_some_and(is_tunnel),
            number => {
                number == ip_number::TCP
                    || !matches!(of_ip_number(number, &[], &mut Network::default()), Inner::Other)
            }
        }
    }
}
