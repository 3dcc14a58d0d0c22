//! The policy of the receiving endpoint.

use crate::{Accepts, Policy, Role};

/// The role of the receiving endpoint, which validates the frames (section 5.1).
///
/// No role is 0, so that a policy that is all 0 is refused.
#[repr(C)]
pub enum wsvet_role {
    /// The endpoint is a client. It receives frames from a server, which are not masked.
    WSVET_CLIENT = 1,
    /// The endpoint is a server. It receives frames from a client, which are masked.
    WSVET_SERVER = 2,
}

/// The types of data that an endpoint accepts. It refuses other types with the close code 1003
/// (section 7.4.1).
#[repr(C)]
pub enum wsvet_accepts {
    /// Text and binary messages.
    WSVET_ANY = 0,
    /// Only text messages. A binary message is refused with 1003.
    WSVET_TEXT_ONLY = 1,
    /// Only binary messages. A text message is refused with 1003.
    WSVET_BINARY_ONLY = 2,
}

/// The policy of the receiving endpoint: its role, the types of data that it accepts, the
/// extensions that it has negotiated, and its limits.
///
/// The function `wsvet_policy` returns a policy. Then change the fields as you need.
#[repr(C)]
pub struct wsvet_policy {
    /// The maximum number of payload bytes of a frame, also of a control frame. A longer frame is
    /// refused with 1009.
    pub max_frame: u64,
    /// The maximum number of payload bytes of a message: of all its fragments together, as on the
    /// wire. A longer message is refused with 1009.
    pub max_message: u64,
    /// The maximum number of frames of a message. Empty frames count. A message with more frames is
    /// refused with 1008.
    pub max_fragments: u32,
    /// The role of the endpoint, one of `enum wsvet_role`.
    pub role: u8,
    /// The types of data that the endpoint accepts, one of `enum wsvet_accepts`.
    pub accepts: u8,
    /// The RSV bits that negotiated extensions other than permessage-deflate define: RSV1 = 4,
    /// RSV2 = 2, RSV3 = 1. Higher bits are ignored.
    pub rsv: u8,
    /// Not 0 if permessage-deflate is negotiated. RSV1 then marks a compressed message (RFC 7692
    /// section 6). Compressed messages are not inflated, so their contents are not validated.
    pub permessage_deflate: u8,
}

/// Returns a policy that allows everything that RFC 6455 allows, for an endpoint with this role,
/// one of `enum wsvet_role`. It has no extension and no limit, and accepts all types of data.
///
/// If the role is not one of the constants, the returned policy still contains it. The functions
/// that take the policy then return `false`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_policy(role: u8) -> wsvet_policy {
    let policy = Policy::new(Role::Server);
    wsvet_policy {
        max_frame: policy.max_frame,
        max_message: policy.max_message,
        max_fragments: policy.max_fragments,
        role,
        accepts: wsvet_accepts::WSVET_ANY as u8,
        rsv: policy.rsv,
        permessage_deflate: policy.negotiates_deflate().into(),
    }
}

impl wsvet_policy {
    /// Returns the policy as the type of the crate, and whether `role` and `accepts` are constants
    /// of their enums. If one of them is not, the policy admits no data frame.
    pub(super) fn read(&self) -> (Policy, bool) {
        let (Some(role), Some(accepts)) = (role(self.role), accepts(self.accepts)) else {
            return (Policy::new(Role::Server).max_fragments(0), false);
        };
        let policy = Policy::new(role)
            .accepts(accepts)
            .max_frame(self.max_frame)
            .max_message(self.max_message)
            .max_fragments(self.max_fragments)
            .rsv(self.rsv)
            .permessage_deflate(self.permessage_deflate != 0);
        (policy, true)
    }
}

/// Returns the role with this number, or `None` if there is none.
pub(super) fn role(number: u8) -> Option<Role> {
    const CLIENT: u8 = wsvet_role::WSVET_CLIENT as u8;
    const SERVER: u8 = wsvet_role::WSVET_SERVER as u8;
    match number {
        CLIENT => Some(Role::Client),
        SERVER => Some(Role::Server),
        _ => None,
    }
}

fn accepts(number: u8) -> Option<Accepts> {
    const ANY: u8 = wsvet_accepts::WSVET_ANY as u8;
    const TEXT_ONLY: u8 = wsvet_accepts::WSVET_TEXT_ONLY as u8;
    const BINARY_ONLY: u8 = wsvet_accepts::WSVET_BINARY_ONLY as u8;
    match number {
        ANY => Some(Accepts::Any),
        TEXT_ONLY => Some(Accepts::TextOnly),
        BINARY_ONLY => Some(Accepts::BinaryOnly),
        _ => None,
    }
}
