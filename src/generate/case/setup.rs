//! The server or the client that is probed, and what it accepts.

use std::borrow::ToOwned;
use std::string::String;
use std::vec::Vec;

use crate::{Accepts, OpCode, Role};

/// The server or the client for which [`Case::all`](super::Case::all) creates cases: what the prober must
/// say in the opening handshake, and what the peer accepts.
///
/// ```
/// use wsvet::Accepts;
/// use wsvet::generate::Setup;
///
/// let setup = Setup::new("example.com:8080", "/chat").header("Cookie", "id=1").max_message(1 << 20);
/// assert_eq!(setup.accepts, None); // not known
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// Whether the peer that is probed is a server or a client.
    pub role: Role,
    /// The value of the header field Host. It is empty if the peer is a client.
    pub host: String,
    /// The target of the request: a path and perhaps a query. It is empty if the peer is a client.
    pub target: String,
    /// More header fields of the request to a server, or of the response to a client.
    pub headers: Vec<(String, String)>,
    /// The subprotocol that a server is asked for. For a client, the one that is chosen if the client
    /// offers it; if it does not, its first one is chosen.
    pub subprotocol: Option<String>,
    /// The type of data that the peer accepts, or `None` if that is not known.
    pub accepts: Option<Accepts>,
    /// The length of the longest message that the peer accepts, in bytes, or `None` if that is not
    /// known.
    pub max_message: Option<u64>,
    /// The type of the messages in cases that are about something else.
    pub data: OpCode,
}

impl Setup {
    /// Creates the setup of a server of which nothing else is known.
    ///
    /// ```
    /// # use wsvet::{OpCode, generate::Setup};
    /// assert_eq!(Setup::new("example.com", "/").data, OpCode::Text);
    /// ```
    #[must_use]
    pub fn new(host: &str, target: &str) -> Self {
        Self { host: host.to_owned(), target: target.to_owned(), ..Self::of(Role::Server) }
    }

    /// Creates the setup of a client of which nothing else is known.
    ///
    /// ```
    /// # use wsvet::{Role, generate::{Case, Setup}};
    /// assert_eq!(Setup::client().role, Role::Client);
    /// assert!(Case::all(&Setup::client()).iter().all(|case| case.request.is_empty()));
    /// ```
    #[must_use]
    pub fn client() -> Self {
        Self::of(Role::Client)
    }

    fn of(role: Role) -> Self {
        Self {
            role,
            host: String::new(),
            target: String::new(),
            headers: Vec::new(),
            subprotocol: None,
            accepts: None,
            max_message: None,
            data: OpCode::Text,
        }
    }

    /// Adds a header field to the requests to a server, or to the responses to a client.
    ///
    /// ```
    /// # use wsvet::generate::{Case, Setup};
    /// let setup = Setup::new("example.com", "/").header("Authorization", "Bearer x");
    /// let request = Case::all(&setup)[0].request.concat();
    /// assert!(request.ends_with(b"\r\nAuthorization: Bearer x\r\n\r\n"));
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the subprotocol that a server is asked for, or that is chosen of those that a client offers.
    ///
    /// ```
    /// # use wsvet::generate::Setup;
    /// let setup = Setup::new("example.com", "/").subprotocol("mqtt");
    /// assert_eq!(setup.subprotocol.as_deref(), Some("mqtt"));
    /// ```
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.subprotocol = Some(name.to_owned());
        self
    }

    /// Sets the type of data that the peer accepts. The peer must refuse another type with 1003.
    ///
    /// ```
    /// # use wsvet::{Accepts, OpCode, generate::Setup};
    /// let setup = Setup::new("example.com", "/").accepts(Accepts::BinaryOnly);
    /// assert_eq!(setup.data, OpCode::Binary);
    /// ```
    #[must_use]
    pub fn accepts(mut self, accepts: Accepts) -> Self {
        self.accepts = Some(accepts);
        self.data = if accepts.admits(OpCode::Text) { OpCode::Text } else { OpCode::Binary };
        self
    }

    /// Sets the length of the longest message that the peer accepts, in bytes. The peer must refuse a
    /// longer one with 1009.
    ///
    /// Cases that are about something else send messages of up to 256 bytes whatever the limit.
    ///
    /// ```
    /// # use wsvet::generate::Setup;
    /// assert_eq!(Setup::new("example.com", "/").max_message(1000).max_message, Some(1000));
    /// ```
    #[must_use]
    pub fn max_message(mut self, bytes: u64) -> Self {
        self.max_message = Some(bytes);
        self
    }

    /// Returns whether a message of this length is not known to be too long.
    pub(super) fn takes(&self, len: usize) -> bool {
        self.max_message.is_none_or(|most| len as u64 <= most)
    }
}
