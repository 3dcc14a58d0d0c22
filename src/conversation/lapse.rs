//! The table of the duties of an endpoint over time.
//!
//! A frame alone cannot break such a rule: it is broken by what an endpoint does not do while time
//! passes. Each row is one rule, as in the table of [`Rule`](crate::Rule).

use crate::Role;
use crate::table::{rules, texts};

/// The facts about a duty.
struct Facts {
    debtor: Option<Role>,
}

rules! {
    /// A duty that an endpoint did not fulfil in time.
    ///
    /// [`Conversation::findings`](crate::Conversation::findings) returns the duties that the
    /// endpoints of a connection neglected. [`Rule`](crate::Rule) has the rules that a frame or the
    /// end of a stream breaks. The numbers of the two families differ.
    ///
    /// ```
    /// use wsvet::Lapse;
    ///
    /// assert_eq!(Lapse::UnansweredPing.id(), "unanswered-ping");
    /// assert_eq!(Lapse::UnansweredPing.section(), "5.5.2");
    /// ```
    pub enum Lapse("wsvet::Lapse"): Facts;
    text "a line that says what the endpoint did not do";

    201 UnansweredPing "unanswered-ping" 6455 "5.5.2"
    { debtor: None }
    breaks "an endpoint answers a Ping neither with a Pong of its data nor with that of a later Ping, although it could"
    text "Ping was not answered"
    explain "An endpoint answers each Ping with a Pong of the same data as soon as it can, unless it has received a Close. A Pong for the latest Ping answers those before it too (§5.5.3). The answer is how the peer tells a live connection from a dead one, so peers and proxies cut a connection that does not answer."
    resolve "Keep reading from the connection while the application works: most libraries answer Pings only while someone reads, and a blocked event loop answers nothing. Copy the data of the Ping into the Pong, because a Pong with other data answers nothing. If nothing more came from the endpoint at all, look at its host and at the network first."

    202 ServerLeftOpen "server-left-open" 6455 "7.1.1"
    { debtor: Some(Role::Server) }
    breaks "the server does not close the TCP connection after both endpoints have sent a Close frame"
    text "TCP connection was left open after both Close frames"
    explain "After a Close frame in each direction the server closes the TCP connection at once, and the client waits for that (§5.5.1). The endpoint that closes first has to remember the connection for some minutes (TIME_WAIT), which costs a server nothing but would keep a client from connecting again. Until then both hold a connection that nobody can use, and the application of the client may wait for its close event."
    resolve "Close the socket as soon as a Close frame has been both sent and received, without waiting for the client. If the code does that, look for another thread or process that still holds the socket, and for a proxy that does not pass the end of the connection on."
}

impl Lapse {
    /// Returns the only endpoint that has the duty, or `None` if both have it.
    ///
    /// ```
    /// # use wsvet::{Lapse, Role};
    /// assert_eq!(Lapse::ServerLeftOpen.debtor(), Some(Role::Server));
    /// assert_eq!(Lapse::UnansweredPing.debtor(), None);
    /// ```
    #[must_use]
    pub fn debtor(self) -> Option<Role> {
        FACTS[self as usize].debtor
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rule, handshake};

    #[test]
    fn ids_and_numbers_are_distinct_from_those_of_the_rules() {
        for lapse in ALL {
            assert_eq!(handshake::Rule::from_id(lapse.id()), None);
            assert_eq!(handshake::Rule::from_number(lapse.number()), None);
            assert_eq!(Lapse::from_id(lapse.id()), Some(*lapse));
            assert_eq!(Lapse::from_number(lapse.number()), Some(*lapse));
            assert_eq!(Rule::from_id(lapse.id()), None);
            assert_eq!(Rule::from_number(lapse.number()), None);
            assert!(lapse.number() > 200);
        }
    }
}
