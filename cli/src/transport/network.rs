//! Which network a packet was captured in: its VLAN, and the tunnels around it.

/// The networks around a packet, from the outermost: the numbers of VLANs, VXLANs, tunnels and
/// sessions. It is 0 if no header names a network.
///
/// It is a hint, not a proof. The directions of a connection may have different numbers, a capture may
/// have a packet with and without them, and they may change. Different networks rarely have the same
/// value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Network(u16);

/// What the number of a network belongs to.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Vlan = 1,
    Service,
    Vxlan,
    Geneve,
    Gre,
    Gtp,
    Mpls,
    Pppoe,
    L2tp,
    Lisp,
}

impl Network {
    /// No network.
    pub const NONE: Self = Self(0);

    /// Adds the network that the next header names.
    pub(super) fn enter(&mut self, kind: Kind, number: u32) {
        let Self(outer) = *self;
        let mixed = (u64::from(outer) << 40 | (kind as u64) << 32 | u64::from(number))
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // 0 stands for no network.
        *self = Self(((mixed >> 48) as u16).max(1));
    }
}
