//! Close codes, and the IANA registry of close codes as a table (RFC 6455 §7.4, §11.7).

use core::fmt;

use crate::table::{Text, texts};

/// The close code of a Close frame (RFC 6455 §7.4).
///
/// Every value of the sixteen bits is a `CloseCode`, so that the code of every Close body decodes.
///
/// ```
/// use wsvet::CloseCode;
///
/// let code = CloseCode(1003);
/// assert_eq!(code, CloseCode::UNSUPPORTED_DATA);
/// assert_eq!(code.to_string(), "1003 Unsupported Data");
/// assert!(code.is_sendable());
/// assert!(!CloseCode::ABNORMAL_CLOSURE.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Returns whether a Close frame may have this code (§7.4).
    ///
    /// It may have 1000-1003, 1007-1014 and 3000-4999. It must not have the codes that only a
    /// library reports to its application (1005, 1006 and 1015), or the codes that have no meaning.
    ///
    /// ```
    /// # use wsvet::CloseCode;
    /// assert!(CloseCode(4999).is_sendable() && !CloseCode(5000).is_sendable());
    /// ```
    #[inline]
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        self.info().is_sendable()
    }

    /// Returns the registered name of the code, or the purpose of its range (§11.7).
    ///
    /// ```
    /// # use wsvet::CloseCode;
    /// assert_eq!(CloseCode(1000).name(), "Normal Closure");
    /// assert_eq!(CloseCode(4123).name(), "Private Use");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name()
    }

    /// Returns the category of the code (§7.4).
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode};
    /// assert_eq!(CloseCode(1003).category(), Category::Refusal);
    /// ```
    #[must_use]
    pub const fn category(self) -> Category {
        self.info().category()
    }

    /// Returns the row of the registry for this code (§11.7).
    ///
    /// It is the row of the code itself, or else the row of the range that contains the code. Every
    /// code has a row.
    ///
    /// ```
    /// # use wsvet::CloseCode;
    /// assert!(CloseCode(1003).info().meaning().contains("type of data"));
    /// assert_eq!(CloseCode(3500).info().first(), CloseCode(3000));
    /// ```
    #[must_use]
    pub const fn info(self) -> CodeInfo {
        CodeInfo { row: self.row() as u8 }
    }

    const fn row(self) -> usize {
        let mut row = 0;
        while self.0 < RANGES[row].first || self.0 > RANGES[row].last {
            row += 1;
        }
        row
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.name())
    }
}

impl From<u16> for CloseCode {
    /// Creates a close code from any number.
    ///
    /// [`is_sendable`](Self::is_sendable) returns whether a Close frame may have it.
    ///
    /// ```
    /// assert_eq!(wsvet::CloseCode::from(4_000).to_string(), "4000 Private Use");
    /// ```
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    /// Returns the number of the close code.
    ///
    /// ```
    /// assert_eq!(u16::from(wsvet::CloseCode::GOING_AWAY), 1001);
    /// ```
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

/// The category of a close code (RFC 6455 §7.4).
///
/// ```
/// # use wsvet::{Category, CloseCode};
/// assert_eq!(CloseCode(1006).category(), Category::ReportedOnly);
/// assert_eq!(Category::ReportedOnly.to_string(), "reported, never sent");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Category {
    /// Nothing is wrong: the connection has served its purpose, or an endpoint goes away.
    Normal,
    /// The sender of the Close frame refuses what it received.
    Refusal,
    /// The sender of the Close frame has a problem of its own. The peer did nothing wrong.
    Condition,
    /// A library reports the code to its own application. It is never sent.
    ReportedOnly,
    /// Libraries and frameworks register the code with IANA, first come, first served.
    Registered,
    /// Applications agree on the code between themselves.
    Private,
    /// The code has no meaning today. It is never sent.
    Reserved,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Normal => "normal",
            Self::Refusal => "refusal",
            Self::Condition => "condition of the sender",
            Self::ReportedOnly => "reported, never sent",
            Self::Registered => "registered",
            Self::Private => "private use",
            Self::Reserved => "reserved",
        })
    }
}

/// The endpoint that may send a close code (RFC 6455 §7.4).
///
/// ```
/// # use wsvet::{CloseCode, Sender};
/// assert_eq!(CloseCode(1010).info().sender(), Sender::Client);
/// assert_eq!(Sender::Client.to_string(), "the client");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Sender {
    /// Either endpoint.
    Either,
    /// Only the client.
    Client,
    /// Only the server.
    Server,
    /// Neither endpoint: a Close frame must not have the code.
    Nobody,
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Either => "either endpoint",
            Self::Client => "the client",
            Self::Server => "the server",
            Self::Nobody => "nobody",
        })
    }
}

/// A row of the IANA registry: a close code or a range of close codes, with explanations for a
/// person (RFC 6455 §11.7).
///
/// ```
/// use wsvet::CloseCode;
///
/// for info in CloseCode::REGISTRY.iter().filter(|info| info.is_sendable()) {
///     println!("{}-{} {}: {}", info.first().0, info.last().0, info.name(), info.meaning());
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodeInfo {
    row: u8,
}

/// The columns of a row that are not texts.
struct Range {
    first: u16,
    last: u16,
    category: Category,
    sender: Sender,
}

impl CodeInfo {
    /// Returns the first code of the range.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert_eq!(CloseCode(4321).info().first().0, 4000);
    /// ```
    #[must_use]
    pub const fn first(self) -> CloseCode {
        CloseCode(self.range().first)
    }

    /// Returns the last code of the range. It equals [`first`](Self::first) if the row is for a
    /// single code.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert_eq!(CloseCode(4321).info().last().0, 4999);
    /// ```
    #[must_use]
    pub const fn last(self) -> CloseCode {
        CloseCode(self.range().last)
    }

    /// Returns the registered name of the code, or the purpose of the range.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert_eq!(CloseCode(1001).info().name(), "Going Away");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        NAMES[self.row as usize].as_str()
    }

    /// Returns the category of the code.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert_eq!(CloseCode(1003).info().category(), Category::Refusal);
    /// ```
    #[must_use]
    pub const fn category(self) -> Category {
        self.range().category
    }

    /// Returns which endpoint may send the code.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert_eq!(CloseCode(1006).info().sender(), Sender::Nobody);
    /// ```
    #[must_use]
    pub const fn sender(self) -> Sender {
        self.range().sender
    }

    /// Returns whether a Close frame may have the code.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert!(!CloseCode(1005).info().is_sendable());
    /// ```
    #[must_use]
    pub const fn is_sendable(self) -> bool {
        !matches!(self.range().sender, Sender::Nobody)
    }

    /// Returns the meaning of the code, as a sentence or more.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert!(CloseCode(1001).info().meaning().ends_with('.'));
    /// ```
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        MEANINGS[self.row as usize].as_str()
    }

    /// Returns when the code occurs in practice.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert!(CloseCode(1001).info().seen().ends_with('.'));
    /// ```
    #[must_use]
    pub const fn seen(self) -> &'static str {
        SEEN[self.row as usize].as_str()
    }

    /// Returns what to do about the code.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert!(CloseCode(1001).info().resolve().ends_with('.'));
    /// ```
    #[must_use]
    pub const fn resolve(self) -> &'static str {
        RESOLVE[self.row as usize].as_str()
    }

    /// Returns when to send the code, and which code to send instead if it does not fit.
    ///
    /// ```
    /// # use wsvet::{Category, CloseCode, Sender};
    /// assert!(CloseCode(1006).info().send_when().starts_with("Never"));
    /// ```
    #[must_use]
    pub const fn send_when(self) -> &'static str {
        SEND_WHEN[self.row as usize].as_str()
    }

    /// Returns the texts for C: name, meaning, seen, resolve, send_when.
    #[cfg(feature = "c")]
    pub(crate) fn texts(self) -> [Text; 5] {
        [&NAMES, &MEANINGS, &SEEN, &RESOLVE, &SEND_WHEN].map(|column| column[self.row as usize])
    }

    const fn range(self) -> &'static Range {
        &RANGES[self.row as usize]
    }
}

impl fmt::Debug for CodeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeInfo")
            .field("first", &self.first().0)
            .field("last", &self.last().0)
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

impl CloseCode {
    /// The whole IANA registry of close codes (§11.7).
    ///
    /// Every code from 0 to 65535 is in a row. A code with a row of its own may also be in the
    /// range of a later row. The first row that contains a code applies.
    ///
    /// ```
    /// # use wsvet::CloseCode;
    /// assert_eq!(CloseCode::REGISTRY[0].first(), CloseCode(0));
    /// ```
    pub const REGISTRY: &'static [CodeInfo] = REGISTRY;
}

/// Defines the columns of the table, and a constant for each row that names one.
macro_rules! registry {
    ($($(const $constant:ident =)? $first:literal ..= $last:literal $name:literal
        $category:ident, $sender:ident;
        means $meaning:literal seen $seen:literal resolve $resolve:literal send $send:literal)*) => {
        impl CloseCode {
            $($(
                #[doc = concat!(
                    "`", stringify!($first), "` ", $name, " (§11.7). ", $meaning, "\n\n```\n",
                    "assert_eq!(wsvet::CloseCode::", stringify!($constant), ".0, ",
                    stringify!($first), ");\n```",
                )]
                pub const $constant: Self = Self($first);
            )?)*
        }

        static RANGES: [Range; ROWS] = [$(Range {
            first: $first,
            last: $last,
            category: Category::$category,
            sender: Sender::$sender,
        }),*];
        const ROWS: usize = [$($first),*].len();
        static NAMES: [Text; ROWS] = texts![$($name),*];
        static MEANINGS: [Text; ROWS] = texts![$($meaning),*];
        static SEEN: [Text; ROWS] = texts![$($seen),*];
        static RESOLVE: [Text; ROWS] = texts![$($resolve),*];
        static SEND_WHEN: [Text; ROWS] = texts![$($send),*];
    };
}

const REGISTRY: &[CodeInfo] = &{
    let mut rows = [CodeInfo { row: 0 }; ROWS];
    let mut row = 0;
    while row < ROWS {
        rows[row].row = row as u8;
        row += 1;
    }
    rows
};

registry! {
    0..=999 "Not Used" Reserved, Nobody;
    means "Not a close code: RFC 6455 leaves 0-999 unused."
    seen "A stack that writes the code in the wrong byte order, an HTTP status, an exit status or an errno where the code belongs."
    resolve "Mend the sender: the code is two bytes, the high one first, and 1000 or more."
    send "Never. Send 1000 for a clean end, or a code of your own from 4000-4999."

    const NORMAL_CLOSURE = 1000..=1000 "Normal Closure" Normal, Either;
    means "The purpose for which the connection was opened has been fulfilled."
    seen "Either side called close() when it was done: a chat was left, a download is complete, a page closed its socket."
    resolve "Nothing to resolve. Do not reconnect unless there is new work. If it came unexpectedly, look at what the sender's application decided, not at the protocol."
    send "When you are done and nothing went wrong. Never as the answer to something you refuse: the peer would take the refusal for success and not mend it."

    const GOING_AWAY = 1001..=1001 "Going Away" Normal, Either;
    means "The endpoint goes away: a server shuts down, or a browser leaves the page."
    seen "A tab is closed or reloaded, a server is deployed anew, a proxy drains its connections."
    resolve "A client reconnects after a pause with jitter; a server frees what it holds for this client."
    send "When the endpoint itself disappears although the work may not be done. For a restart that clients should wait for, 1012 says more."

    const PROTOCOL_ERROR = 1002..=1002 "Protocol Error" Refusal, Either;
    means "The peer broke the protocol: the frames themselves are malformed or out of order."
    seen "Reserved bits or opcodes, a client that does not mask, a fragmented or oversized control frame, a continuation of nothing, a bad Close body."
    resolve "A bug in the peer's WebSocket stack, or a proxy that garbles bytes: find the first broken frame, not the last, and mend the sender. The application's data is not at fault."
    send "When the framing is broken, whatever the payload holds. Well-formed frames of a type you do not take get 1003, bad content gets 1007."

    const UNSUPPORTED_DATA = 1003..=1003 "Unsupported Data" Refusal, Either;
    means "The endpoint was sent a type of data that it cannot accept: a binary message where it takes only text, or text where it takes only binary."
    seen "A client sends a Blob, an ArrayBuffer or bytes to an endpoint that speaks JSON, or a string to one that speaks a binary format such as MQTT or Protobuf."
    resolve "Send the type that the endpoint takes: a string for text, bytes for binary. In a browser look at what is given to send(); in most libraries text and binary are two calls or a flag. Or let the endpoint accept both."
    send "When a well-formed text or binary message has the type that you do not take: decide it at the header, by the opcode, before the payload is read. A reserved opcode is no type of data and gets 1002; data of the right type with bad content gets 1007 or 1008."

    1004..=1004 "Reserved" Reserved, Nobody;
    means "Reserved: a meaning might be defined some day."
    seen "A stack that numbers its own codes and took this one."
    resolve "Mend the sender: choose a code with a meaning, or one from 4000-4999."
    send "Never."

    const NO_STATUS_RECEIVED = 1005..=1005 "No Status Received" ReportedOnly, Nobody;
    means "A Close frame came, and its body was empty: no code was given."
    seen "Your library reports it when the peer called close() without a code, as browsers do by default."
    resolve "Usually nothing: it is a clean close that says no reason. To get a reason, make the peer pass a code."
    send "Never: send a Close frame with an empty body, and the peer's library will report 1005."

    const ABNORMAL_CLOSURE = 1006..=1006 "Abnormal Closure" ReportedOnly, Nobody;
    means "The connection ended without a Close frame."
    seen "Your library reports it when TCP ends without a Close: a crash, a proxy's idle timeout, a lost network, a failed handshake, or a server that refuses you and drops the socket without saying why."
    resolve "The cause is not in the code: look at the last frames of both sides and at what stands between them. Pings keep idle proxies from cutting; a server that drops the socket on a violation should send 1002, 1003, 1007 or 1009 first."
    send "Never: it means that nothing was sent."

    const INVALID_FRAME_PAYLOAD_DATA = 1007..=1007 "Invalid Frame Payload Data" Refusal, Either;
    means "The content of a message does not fit its type, above all text that is not UTF-8."
    seen "Bytes in Latin-1 or a cut string sent as text, binary data sent as text, a character cut at the end of a message."
    resolve "Encode text as UTF-8 before it is sent, never cut a message inside a character at its end, and send bytes as a binary message."
    send "When the type is accepted and the content contradicts it. For a type that you do not take, 1003."

    const POLICY_VIOLATION = 1008..=1008 "Policy Violation" Refusal, Either;
    means "A message breaks a policy of the endpoint, and no other code says it better."
    seen "A token that ran out, a rate limit, an origin that is not allowed, too many fragments; a server that does not want to say more."
    resolve "Read the reason, then the endpoint's rules: sign in again, slow down, or use what you are entitled to."
    send "When neither 1003 (type of data) nor 1009 (too big) fits, or when the details are nobody's business. For authentication 3000 and 3003 say more."

    const MESSAGE_TOO_BIG = 1009..=1009 "Message Too Big" Refusal, Either;
    means "A message is too big for the endpoint to process."
    seen "A frame or a message beyond the receiver's limit; proxies and gateways have limits of their own."
    resolve "Send less in one message (cut it up in the application, fragments do not help), or raise the receiver's limit."
    send "When a frame or a message goes over your limit: decide it at the header, before the payload is read or memory is reserved."

    const MANDATORY_EXTENSION = 1010..=1010 "Mandatory Extension" Refusal, Client;
    means "The client needed an extension, and the server did not negotiate it."
    seen "A client that insists on an extension such as permessage-deflate at a server, or behind a proxy, that does not have it."
    resolve "Turn the extension on at the server (the reason names it), or let the client do without."
    send "By a client only: a server that misses an extension refuses the handshake instead."

    const INTERNAL_ERROR = 1011..=1011 "Internal Error" Condition, Either;
    means "The endpoint met a condition that keeps it from fulfilling the request."
    seen "An exception in the server's handler, a database that is gone, a keepalive that timed out."
    resolve "Look into the sender's own log at that time; the peer did nothing wrong. Reconnect after a pause."
    send "When the fault is yours. If the peer is at fault, say so with 1002, 1003, 1007, 1008 or 1009."

    const SERVICE_RESTART = 1012..=1012 "Service Restart" Condition, Server;
    means "The service restarts; a client may connect again."
    seen "A deployment or a planned restart."
    resolve "Reconnect after a random pause of 5 to 30 seconds, so that not all clients come at once."
    send "Before a restart that will be over soon. When the endpoint goes for good, 1001."

    const TRY_AGAIN_LATER = 1013..=1013 "Try Again Later" Condition, Server;
    means "The server is overloaded, and asks the client to come back later."
    seen "A server that sheds load, a limit of connections that is reached."
    resolve "Reconnect later with growing pauses, or to another address; give the server more capacity."
    send "When load is the reason. For a fault of the program, 1011."

    const BAD_GATEWAY = 1014..=1014 "Bad Gateway" Condition, Server;
    means "The server is a gateway or proxy, and got an invalid response from the server behind it."
    seen "A proxy whose upstream crashed, does not speak WebSocket or answers nonsense: HTTP 502 for an open connection."
    resolve "Look at the upstream server and the proxy's log; the client did nothing wrong."
    send "By a gateway when the server behind it fails."

    const TLS_HANDSHAKE = 1015..=1015 "TLS Handshake" ReportedOnly, Nobody;
    means "The TLS handshake failed."
    seen "Your library reports it when the certificate cannot be verified or no common TLS version is found."
    resolve "Mend the certificate, its chain and its name, or the clock; open the address with https in a browser to see the reason."
    send "Never: there is no connection yet on which it could be sent."

    1016..=2999 "Unassigned" Reserved, Nobody;
    means "Reserved for the protocol, its revisions and its extensions; nothing is assigned."
    seen "A stack that numbers its own codes and took one of these."
    resolve "Mend the sender: an application's own codes are 4000-4999."
    send "Never. Use 4000-4999 for a meaning of your own."

    const UNAUTHORIZED = 3000..=3000 "Unauthorized" Registered, Either;
    means "The endpoint must be authorized to perform the request: HTTP 401 for an open connection."
    seen "No token, or one that ran out, is not valid or was sent too late."
    resolve "Sign in again, then reconnect; do not repeat the same token."
    send "When signing in would help. When it would not, 3003."

    const FORBIDDEN = 3003..=3003 "Forbidden" Registered, Either;
    means "The endpoint is authorized, but not for this request: HTTP 403 for an open connection."
    seen "An account without the right for this channel, room or action."
    resolve "Use an account that has the right, or grant it; signing in again does not help."
    send "When who the peer is was understood and is refused. When signing in would help, 3000."

    const TIMEOUT = 3008..=3008 "Timeout" Registered, Either;
    means "The endpoint took too long to respond: HTTP 408 for an open connection."
    seen "A peer that did not answer a ping or did not sign in within the time allowed."
    resolve "Answer faster, or let the endpoint wait longer; look for a blocked event loop or a lost network."
    send "When the peer was too slow. When you yourself failed, 1011."

    3000..=3999 "Registered Use" Registered, Either;
    means "For libraries and frameworks that register a code with IANA; this one is not assigned."
    seen "A framework's own code."
    resolve "Look into the documentation of the library that sent it."
    send "Only by the library that registered it. An application takes 4000-4999."

    4000..=4999 "Private Use" Private, Either;
    means "For applications that agree on a meaning between themselves."
    seen "An application's own code."
    resolve "Look into the documentation of the application that sent it."
    send "For a meaning of your own that both sides know."

    5000..=65535 "Not Used" Reserved, Nobody;
    means "Not a close code: the codes end at 4999."
    seen "A stack that writes the code in the wrong byte order, or takes any number for a code."
    resolve "Mend the sender: an application's own codes are 4000-4999."
    send "Never. Use 4000-4999 for a meaning of your own."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_row_and_its_own_before_that_of_a_range() {
        for code in 0..=u16::MAX {
            let holds = |row: &&CodeInfo| (row.first().0..=row.last().0).contains(&code);
            let sizes: Vec<_> =
                REGISTRY.iter().filter(holds).map(|row| row.last().0 - row.first().0).collect();
            assert!(!sizes.is_empty() && sizes.is_sorted(), "{code}");
            assert_eq!(Some(CloseCode(code).info()), REGISTRY.iter().find(holds).copied());
        }
        assert!(REGISTRY.is_sorted_by_key(|row| row.last()));
    }

    #[test]
    fn every_text_is_a_sentence() {
        for row in REGISTRY {
            for text in [row.meaning(), row.seen(), row.resolve(), row.send_when()] {
                assert!(text.ends_with('.'), "{text}");
            }
        }
    }

    /// The ranges are written from RFC 6455 §7.4 and the IANA registry, independently of the table.
    #[test]
    fn the_codes_that_may_be_sent_are_these() {
        for code in 0..=u16::MAX {
            let may = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            assert_eq!(CloseCode(code).is_sendable(), may, "{code}");
        }
    }
}
