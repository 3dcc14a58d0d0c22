//! The phrases about connections that are not judged, grouped by their reasons.

use std::collections::BTreeMap;

use crate::report::style::plain;
use crate::report::words::{UNKNOWN, count};
use crate::session::unjudged::{Stray, Unjudged};

/// The connections of an input that are not judged.
#[derive(Default)]
pub(super) struct Groups {
    groups: BTreeMap<Unjudged, Group>,
}

/// The connections that are not judged for the same reason.
#[derive(Default)]
pub(super) struct Group {
    pub(super) count: u64,
    /// The first of them.
    pub(super) first: Vec<String>,
}

impl Groups {
    /// Adds a connection. At most `most` of each group are kept.
    pub(super) fn add(&mut self, stray: &Stray, most: usize) {
        let group = self.groups.entry(stray.why).or_default();
        group.count += 1;
        if group.first.len() < most {
            group.first.push(name(stray));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Unjudged, &Group)> {
        self.groups.iter().map(|(why, group)| (*why, group))
    }
}

impl Group {
    /// Returns the sentence about this group.
    pub(super) fn sentence(&self, why: Unjudged) -> String {
        let connections = count(self.count, "connection");
        let what = match why {
            _ if why.is_partial() => "judged only in part",
            _ if why.is_perhaps_websocket() => "not judged",
            _ => "not WebSocket",
        };
        format!("{connections} {what}: {} ({})", why.text(), self.names())
    }

    /// Returns the names of the first connections, and how many more there are.
    fn names(&self) -> String {
        let names = self.first.join(", ");
        match self.count - self.first.len() as u64 {
            0 => names,
            more => format!("{names} and {more} more"),
        }
    }
}

/// Returns the addresses of a connection, or its number if a part of it was judged, and what is known of it
/// besides.
fn name(stray: &Stray) -> String {
    let [one, other] = stray.ends.each_ref().map(|end| plain(end.as_deref().unwrap_or(UNKNOWN)));
    let name = match stray.connection {
        Some(number) if stray.why.is_partial() => format!("connection {number}"),
        Some(number) => format!("the rest of connection {number}"),
        None => format!("{one} {} {other}", if stray.has_roles { "to" } else { "and" }),
    };
    match &stray.detail {
        Some(detail) if stray.connection.is_none() && stray.ends == [None, None] => plain(detail),
        Some(detail) => format!("{name}: {}", plain(detail)),
        None => name,
    }
}
