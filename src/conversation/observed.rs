//! What a conversation tells of the bytes of one endpoint.

use super::direction::Sent;
use crate::Violation;

/// An observation of [`Conversation::observe`](crate::Conversation::observe) in the bytes of one endpoint.
///
/// ```
/// use wsvet::{Conversation, Observed, Policy, Role, Rule};
///
/// let mut conversation =
///     Conversation::new(Policy::new(Role::Client), Policy::new(Role::Server));
/// let mut rules = Vec::new();
/// // An unmasked Ping with RSV2.
/// conversation.observe(Role::Client, b"\xA9\x00", |seen| {
///     if let Observed::Header(sent) = seen {
///         rules.extend(sent.broken.iter());
///     }
/// });
/// assert_eq!(rules, [Rule::ReservedBits, Rule::UnmaskedClientFrame]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Observed<'a> {
    /// A header, the offset at which it starts, and all rules that it breaks.
    Header(Sent),
    /// The next piece of the payload of that frame.
    Payload {
        /// The piece, unmasked.
        plain: &'a [u8],
        /// The offset at which the piece starts, in bytes from the start of the direction.
        offset: u64,
    },
    /// The next inflated bytes of a compressed message. They follow the piece of the payload that
    /// inflates to them. They are 1 byte to 16 KiB, and nothing in them breaks a rule.
    Inflated(&'a [u8]),
    /// A violation. It follows the header or the piece of the payload that breaks the rule. If the
    /// end of a frame breaks the rule, the violation precedes that end. If the first bytes of a
    /// header break the rule and the rest has not arrived, the violation precedes the header, and
    /// does not follow it again.
    Violation {
        /// The broken rule, and the offset at which it is broken.
        violation: Violation,
        /// The piece of the payload that contains the violation, unmasked. It is empty if the
        /// violation is in a header, whose rules [`Sent::broken`] has too, or at the end of a frame.
        piece: &'a [u8],
    },
    /// The end of the frame.
    End {
        /// The offset at which the next frame starts, in bytes from the start of the direction.
        offset: u64,
    },
}
