//! Serialization of close codes, rules, violations, verdicts, findings and policies.
//!
//! The format uses names instead of discriminants: a rule is its id. So a new rule, or a new order
//! of the rules, does not change the meaning of stored data.

use core::fmt;
use core::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::{
    Abnormality, Accepts, CloseCode, Compression, Finding, Lapse, Policy, Role, Rule, Unopened,
    Verdict, Violation, handshake,
};

/// A close code is serialized as its number.
impl Serialize for CloseCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.0)
    }
}

impl<'de> Deserialize<'de> for CloseCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u16::deserialize(deserializer).map(Self)
    }
}

/// Implements `Serialize` and `Deserialize` for families of rules.
macro_rules! as_id {
    ($($rule:ty: $example:literal;)*) => {$(
        /// A rule is serialized as its id.
        impl Serialize for $rule {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }

        impl<'de> Deserialize<'de> for $rule {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Id;

                impl Visitor<'_> for Id {
                    type Value = $rule;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("the id of a rule, such as \"", $example, "\""))
                    }

                    fn visit_str<E: Error>(self, id: &str) -> Result<$rule, E> {
                        let rule = <$rule>::from_id(id);
                        rule.ok_or_else(|| E::invalid_value(Unexpected::Str(id), &self))
                    }
                }

                deserializer.deserialize_str(Id)
            }
        }
    )*};
}

as_id! {
    Rule: "unsupported-data";
    handshake::Rule: "wrong-accept";
    Lapse: "unanswered-ping";
}

/// Implements `Serialize` and `Deserialize` for a type with a definition of the same shape.
macro_rules! as_defined {
    ($($of:ty: $definition:ty;)*) => {$(
        impl Serialize for $of {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                <$definition>::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $of {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <$definition>::deserialize(deserializer)
            }
        }
    )*};
}

as_defined! {
    Role: RoleDefinition;
    Accepts: AcceptsDefinition;
    Compression: CompressionDefinition;
    Abnormality: AbnormalityDefinition;
    Unopened: UnopenedDefinition;
    Violation: ViolationDefinition;
    Verdict: VerdictDefinition;
    Finding: FindingDefinition;
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Role", rename_all = "kebab-case")]
enum RoleDefinition {
    Client,
    Server,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Accepts", rename_all = "kebab-case")]
enum AcceptsDefinition {
    Any,
    TextOnly,
    BinaryOnly,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Compression", rename_all = "kebab-case")]
enum CompressionDefinition {
    None,
    Opaque,
    Inflated,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Unopened", rename_all = "kebab-case")]
enum UnopenedDefinition {
    Refused(u16),
    NoAnswer,
    Dropped,
    Reset,
    BrokenResponse(handshake::Rule),
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Abnormality", rename_all = "kebab-case")]
enum AbnormalityDefinition {
    InFrame,
    WithoutClose,
    Reset,
    Unanswered,
    ResetUnanswered,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Violation")]
struct ViolationDefinition {
    rule: Rule,
    offset: u64,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Verdict", rename_all = "kebab-case")]
enum VerdictDefinition {
    Clean { first: Role, code: CloseCode },
    Refused { by: Role, violation: Violation },
    RefusedOtherwise { by: Role, violation: Violation, code: CloseCode },
    LetPass { by: Role, violation: Violation },
    WronglyRefused { by: Role, code: CloseCode },
    OwnLimit { by: Role, len: u64 },
    BrokenClose { by: Role, violation: Violation, code: CloseCode },
    Abnormal { by: Role, why: Abnormality },
    NeverOpened { by: Role, why: Unopened },
    Open,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(remote = "Finding")]
struct FindingDefinition {
    lapse: Lapse,
    by: Role,
    at: Duration,
    waited: Duration,
    count: u64,
    other_pongs: u64,
}

/// The serialized form of a policy.
///
/// Only the role is required, so that a person can write a policy by hand. An absent limit means
/// that no limit is set. `u64::MAX` is not used for that, because some languages cannot represent
/// such a large number exactly.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyDefinition {
    role: Role,
    #[serde(default)]
    accepts: Accepts,
    #[serde(default)]
    max_frame: Option<Limit>,
    #[serde(default)]
    max_message: Option<Limit>,
    #[serde(default)]
    max_fragments: Option<Limit>,
    #[serde(default)]
    rsv: u8,
    #[serde(default)]
    compression: Compression,
}

/// A limit that is set.
enum Limit {
    Number(u64),
    Unlimited,
}

/// The word for no limit, which [`Policy::no_limit`] sets.
const UNLIMITED: &str = "unlimited";

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(limit) => serializer.serialize_u64(*limit),
            Self::Unlimited => serializer.serialize_str(UNLIMITED),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

struct LimitVisitor;

impl Visitor<'_> for LimitVisitor {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number, or \"{UNLIMITED}\"")
    }

    fn visit_u64<E: Error>(self, limit: u64) -> Result<Limit, E> {
        Ok(Limit::Number(limit))
    }

    fn visit_i64<E: Error>(self, limit: i64) -> Result<Limit, E> {
        let found = Unexpected::Signed(limit);
        limit.try_into().map(Limit::Number).map_err(|_| E::invalid_value(found, &self))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
        if text == UNLIMITED {
            Ok(Limit::Unlimited)
        } else {
            Err(E::invalid_value(Unexpected::Str(text), &self))
        }
    }
}

impl Limit {
    /// The limit of this number, if one is set.
    fn of(limit: u64, unlimited: u64) -> Option<Self> {
        match limit {
            _ if limit < unlimited => Some(Self::Number(limit)),
            _ if limit == unlimited => Some(Self::Unlimited),
            _ => None,
        }
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { max_frame, max_message, max_fragments, role, accepts, rsv, compression } = *self;
        let unlimited = Self::new(role).no_limit();
        PolicyDefinition {
            role,
            accepts,
            max_frame: Limit::of(max_frame, unlimited.max_frame),
            max_message: Limit::of(max_message, unlimited.max_message),
            max_fragments: Limit::of(max_fragments.into(), unlimited.max_fragments.into()),
            rsv,
            compression,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = PolicyDefinition::deserialize(deserializer)?;
        if read.rsv > 7 {
            let found = Unexpected::Unsigned(read.rsv.into());
            return Err(D::Error::invalid_value(found, &"RSV bits, 0 to 7"));
        }
        let policy =
            Self::new(read.role).accepts(read.accepts).rsv(read.rsv).compression(read.compression);
        let unlimited = policy.no_limit();
        let fragments = match read.max_fragments {
            None => policy.max_fragments,
            Some(Limit::Unlimited) => unlimited.max_fragments,
            Some(Limit::Number(limit)) => u32::try_from(limit).map_err(|_| {
                let found = Unexpected::Unsigned(limit);
                D::Error::invalid_value(found, &"a number of frames, at most 4,294,967,295")
            })?,
        };
        let limit = |read, unset, unlimited| match read {
            None => unset,
            Some(Limit::Unlimited) => unlimited,
            Some(Limit::Number(limit)) => limit,
        };
        Ok(Self {
            max_frame: limit(read.max_frame, policy.max_frame, unlimited.max_frame),
            max_message: limit(read.max_message, policy.max_message, unlimited.max_message),
            max_fragments: fragments,
            ..policy
        })
    }
}
