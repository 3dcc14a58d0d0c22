//! Subprotocols whose specification fixes the type of data, as one table (RFC 6455 §1.9, §5.6).

use crate::Accepts;

/// A subprotocol whose own specification fixes the type of data, in both directions (RFC 6455
/// §1.9).
///
/// What leaves the choice to the endpoints (`sip`, `msrp`, `soap`), or speaks of JSON but of no type
/// of frame (`ocpp1.6`, `graphql-transport-ws`), has no row.
///
/// ```
/// use wsvet::{Accepts, Subprotocol};
///
/// let mqtt = Subprotocol::from_name("mqtt").unwrap();
/// assert_eq!(mqtt.accepts, Accepts::BinaryOnly);
/// assert_eq!((mqtt.specification, mqtt.section), ("MQTT 5.0 and 3.1.1", "6"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Subprotocol {
    /// The name, as `Sec-WebSocket-Protocol` has it; upper and lower case differ.
    pub name: &'static str,
    /// The type of data that it allows.
    pub accepts: Accepts,
    /// The document that says so.
    pub specification: &'static str,
    /// The number of the section, or its title where it has none.
    pub section: &'static str,
}

const fn text(
    name: &'static str,
    specification: &'static str,
    section: &'static str,
) -> Subprotocol {
    Subprotocol { name, accepts: Accepts::TextOnly, specification, section }
}

const fn binary(
    name: &'static str,
    specification: &'static str,
    section: &'static str,
) -> Subprotocol {
    Subprotocol { name, accepts: Accepts::BinaryOnly, specification, section }
}

const AWS: &str = "AWS IoT secure tunneling, WebSocket protocol guide";
const CLOUDEVENTS: &str = "CloudEvents WebSockets Protocol Binding 1.0.2";
const IRC: &str = "IRCv3 WebSocket support";
const MWA: &str = "Mobile Wallet Adapter 2.0.0";
const ONEM2M: &str = "oneM2M TS-0020 V3.0.1";
const OPC_UA: &str = "OPC 10000-6 1.04";
const WAMP: &str = "WAMP 2 Basic Profile";

/// In the order of their names.
const ALL: &[Subprotocol] = &[
    binary("aws.iot.securetunneling-1.0", AWS, "WebSocket Subprotocol"),
    binary("aws.iot.securetunneling-2.0", AWS, "WebSocket Subprotocol"),
    binary("aws.iot.securetunneling-3.0", AWS, "WebSocket Subprotocol"),
    binary("bfcp", "RFC 8857", "4.2"),
    binary("binary.ircv3.net", IRC, "WebSocket features and encoding"),
    binary("cloudevents.avro", CLOUDEVENTS, "1.5"),
    text("cloudevents.json", CLOUDEVENTS, "1.5"),
    binary("cloudevents.proto", CLOUDEVENTS, "1.5"),
    binary("coap", "RFC 8323", "4.2"),
    binary("com.solana.mobilewalletadapter.v1", MWA, "Transport: WebSockets"),
    text("com.solana.mobilewalletadapter.v1.base64", MWA, "Transport: WebSockets"),
    text("jmap", "RFC 8887", "4.3"),
    binary("mqtt", "MQTT 5.0 and 3.1.1", "6"),
    binary("oneM2M.cbor", ONEM2M, "6.2.2.9"),
    text("oneM2M.json", ONEM2M, "6.2.2.9"),
    text("oneM2M.xml", ONEM2M, "6.2.2.9"),
    binary("opcua+uacp", OPC_UA, "7.5.2"),
    text("opcua+uajson", OPC_UA, "7.5.2"),
    text("text.ircv3.net", IRC, "WebSocket features and encoding"),
    binary("v1.usp", "BBF TR-369", "WebSocket Binding, R-WS.14"),
    text("wamp.2.json", WAMP, "WebSocket Transport"),
    binary("wamp.2.msgpack", WAMP, "WebSocket Transport"),
    text("xmpp", "RFC 7395", "3.2"),
];

impl Subprotocol {
    /// All rows, in the order of their names.
    ///
    /// ```
    /// # use wsvet::Subprotocol;
    /// assert!(Subprotocol::ALL.is_sorted_by_key(|row| row.name));
    /// ```
    pub const ALL: &'static [Self] = ALL;

    /// The row of this name, if there is one.
    ///
    /// ```
    /// # use wsvet::Subprotocol;
    /// assert_eq!(Subprotocol::from_name("xmpp").map(|row| row.section), Some("3.2"));
    /// assert_eq!(Subprotocol::from_name("chat"), None);
    /// ```
    #[must_use]
    pub fn from_name(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|row| row.name == name)
    }
}

impl Accepts {
    /// The type of data that the subprotocol of this name allows, where its specification fixes
    /// one ([`Subprotocol`]); both endpoints accept it alone.
    ///
    /// ```
    /// # use wsvet::Accepts;
    /// assert_eq!(Accepts::for_subprotocol("mqtt"), Some(Accepts::BinaryOnly));
    /// assert_eq!(Accepts::for_subprotocol("sip"), None); // it allows both
    /// ```
    #[must_use]
    pub fn for_subprotocol(name: &str) -> Option<Self> {
        Subprotocol::from_name(name).map(|row| row.accepts)
    }
}
