//! The table of subprotocols whose specification fixes the type of data (RFC 6455 §1.9, §5.6).

use crate::Accepts;

/// A subprotocol whose specification fixes the type of data, in both directions (RFC 6455 §1.9).
///
/// The table has no row for a subprotocol that leaves the choice to the endpoints (`sip`, `msrp`,
/// `soap`), and none for a subprotocol that specifies JSON but no type of frame (`ocpp1.6`,
/// `graphql-transport-ws`).
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
    /// The name in the header field `Sec-WebSocket-Protocol`. It is case-sensitive.
    pub name: &'static str,
    /// The type of data that the subprotocol allows.
    pub accepts: Accepts,
    /// The document that specifies the type of data.
    pub specification: &'static str,
    /// The number of the section of the document, or the title of the section if it has no number.
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

/// All subprotocols, sorted by name.
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
    /// All subprotocols in the table, sorted by name.
    ///
    /// ```
    /// # use wsvet::Subprotocol;
    /// assert!(Subprotocol::ALL.is_sorted_by_key(|row| row.name));
    /// ```
    pub const ALL: &'static [Self] = ALL;

    /// Returns the subprotocol with this name, or `None` if the table has none.
    ///
    /// The name is case-sensitive.
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
    /// Returns the only type of data that the subprotocol with this name allows, in both
    /// directions.
    ///
    /// Returns `None` if the table of [`Subprotocol`]s has no row for the name: its specification
    /// fixes no type of data, or the crate does not know the subprotocol.
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
