//! What the receiving endpoint is, accepts, has negotiated and limits.

use crate::{Accepts, Policy, Role};

/// Which end of the connection we are: the receiver of the frames that are judged (section 5.1).
///
/// None of them is 0, so that a policy that was never made is refused.
#[repr(C)]
pub enum wsvet_role {
    /// We are the client: the frames come from the server, and are not masked.
    WSVET_CLIENT = 1,
    /// We are the server: the frames come from the client, and are masked.
    WSVET_SERVER = 2,
}

/// The types of data that an endpoint accepts; the others are answered with 1003 (section 7.4.1).
#[repr(C)]
pub enum wsvet_accepts {
    /// Text and binary messages.
    WSVET_ANY = 0,
    /// Text messages; a binary message is refused with 1003.
    WSVET_TEXT_ONLY = 1,
    /// Binary messages; a text message is refused with 1003.
    WSVET_BINARY_ONLY = 2,
}

/// What the receiving endpoint is, accepts, has negotiated and limits.
///
/// `wsvet_policy` makes one; set what you want otherwise.
#[repr(C)]
pub struct wsvet_policy {
    /// The most payload bytes of one frame, control frames included; more is refused with 1009.
    pub max_frame: u64,
    /// The most payload bytes of one message, all its fragments together and as they stand on the
    /// wire; more is refused with 1009.
    pub max_message: u64,
    /// The most frames of one message, empty ones counted; more is refused with 1008.
    pub max_fragments: u32,
    /// Which end we are: one of `enum wsvet_role`.
    pub role: u8,
    /// The types of data that are accepted: one of `enum wsvet_accepts`.
    pub accepts: u8,
    /// The RSV bits that negotiated extensions other than permessage-deflate define: RSV1 = 4,
    /// RSV2 = 2, RSV3 = 1; higher bits do not count.
    pub rsv: u8,
    /// Not 0 where permessage-deflate is negotiated, so that RSV1 marks a compressed message
    /// (RFC 7692 section 6). What is compressed is not inflated, so its content is not judged.
    pub permessage_deflate: u8,
}

/// Everything that RFC 6455 allows, received at this end, one of `enum wsvet_role`: no extension,
/// no limit, and all types of data accepted.
///
/// A role that is none of them is kept as it is; what takes the policy refuses it.
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
    /// The crate's own, and whether role and accepts are any; if not, it admits no frame of data.
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

fn role(number: u8) -> Option<Role> {
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
