//! The limits of the endpoints: the types of data and the sizes that they accept.

use clap::{Args, ValueEnum};
use wsvet::{Accepts, Compression, Conversation, Policy, Role};

use crate::session::agreement::Agreement;

/// The types of data and the sizes that the endpoints accept.
#[derive(Args, Clone, Copy)]
pub struct Limits {
    /// Set the type of data that the server accepts
    ///
    /// The server must refuse other types with close code 1003. Default: the type that the
    /// specification of the subprotocol fixes, or any.
    #[arg(long, value_name = "TYPE")]
    pub server_accepts: Option<DataType>,

    /// Set the type of data that the client accepts
    ///
    /// The client must refuse other types with close code 1003. Default: the type that the
    /// specification of the subprotocol fixes, or any.
    #[arg(long, value_name = "TYPE")]
    pub client_accepts: Option<DataType>,

    /// Limit the payload of each frame to this many bytes
    ///
    /// This includes control frames. The receiver must refuse more with close code 1009.
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub max_frame: Option<u64>,

    /// Limit the payload of each message to this many bytes
    ///
    /// If a message is compressed, its inflated bytes count. The receiver must refuse more with
    /// close code 1009.
    #[arg(long, value_name = "BYTES", allow_negative_numbers = true)]
    pub max_message: Option<u64>,

    /// Limit each message to this many frames
    ///
    /// The receiver must refuse more with close code 1008.
    #[arg(long, value_name = "FRAMES", allow_negative_numbers = true)]
    pub max_fragments: Option<u32>,
}

impl Limits {
    /// No limits: all types of data are accepted.
    pub const NONE: Self = Self {
        server_accepts: None,
        client_accepts: None,
        max_frame: None,
        max_message: None,
        max_fragments: None,
    };

    /// No limits, and a server that accepts text only.
    pub const TEXT_ONLY_SERVER: Self = Self { server_accepts: Some(DataType::Text), ..Self::NONE };

    /// Creates the conversation of endpoints that have these limits and this agreement.
    pub fn conversation(&self, agreement: &Agreement) -> Conversation {
        let [client, server] =
            [Role::Client, Role::Server].map(|role| self.policy(role, agreement));
        match agreement.permessage_deflate() {
            Some(parameters) => Conversation::deflate(client, server, parameters),
            None => Conversation::new(client, server),
        }
    }

    /// Returns the policy of the receiver, if the endpoints have this agreement.
    pub fn policy(&self, receiver: Role, agreement: &Agreement) -> Policy {
        let accepts = match receiver {
            Role::Server => self.server_accepts,
            Role::Client => self.client_accepts,
        };
        let fixed = || agreement.subprotocol.as_deref().and_then(Accepts::for_subprotocol);
        let policy = Policy::new(receiver);
        let policy = match &agreement.uncertain {
            // An extension may define the RSV bits, most likely permessage-deflate.
            Some(uncertain) if uncertain.is_blind() => {
                policy.rsv(3).compression(Compression::Opaque)
            }
            _ => policy,
        };
        policy
            .accepts(accepts.map(Accepts::from).or_else(fixed).unwrap_or_default())
            .max_frame(self.max_frame.unwrap_or(policy.max_frame))
            .max_message(self.max_message.unwrap_or(policy.max_message))
            .max_fragments(self.max_fragments.unwrap_or(policy.max_fragments))
    }
}

/// The types of data that an endpoint accepts.
#[derive(Clone, Copy, ValueEnum)]
pub enum DataType {
    /// Text and binary messages
    Any,
    /// Text messages only
    Text,
    /// Binary messages only
    Binary,
}

impl From<DataType> for Accepts {
    fn from(data: DataType) -> Self {
        match data {
            DataType::Any => Self::Any,
            DataType::Text => Self::TextOnly,
            DataType::Binary => Self::BinaryOnly,
        }
    }
}
