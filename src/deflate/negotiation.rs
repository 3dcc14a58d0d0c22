//! The negotiation of permessage-deflate: offers, answers, and their errors (RFC 7692 §7.1).

use core::fmt::{self, Display};

use super::extension::{Extension, Parameter};
use super::{Parameters, WINDOW_BITS};

/// The name of the extension.
pub(super) const NAME: &str = "permessage-deflate";

pub(super) const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
pub(super) const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
pub(super) const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The reason for which the value of a `Sec-WebSocket-Extensions` header is invalid (RFC 7692
/// §7.1).
///
/// ```
/// # use wsvet::deflate::Fault;
/// assert_eq!(Fault::Repeated.to_string(), "occurs twice");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The value is not a list of extensions (RFC 6455 §9.1).
    Syntax,
    /// permessage-deflate does not define the parameter.
    Unknown,
    /// A parameter, or permessage-deflate in an answer, occurs twice.
    Repeated,
    /// A parameter has a value that it must not have, or lacks a value that it must have.
    BadValue,
    /// The answer has an extension or a parameter that the client did not offer.
    NotOffered,
    /// The answer accepts an offer that is invalid: the server must decline it, or fail the
    /// connection if the offers are not a list of extensions (RFC 6455 §9.1).
    InvalidOffer,
    /// The answer lacks a parameter of the server that the offer requires, or has a greater value for
    /// it than the offer permits.
    NotAccepted,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Syntax => "is not a list of extensions",
            Self::Unknown => "is not a parameter of permessage-deflate",
            Self::Repeated => "occurs twice",
            Self::BadValue => "has an invalid value, or lacks one",
            Self::NotOffered => "was not offered by the client",
            Self::InvalidOffer => "accepts an invalid offer",
            Self::NotAccepted => "does not match the offer",
        })
    }
}

/// The error if the value of a `Sec-WebSocket-Extensions` header is invalid, so that the client
/// must fail the connection (RFC 7692 §7.1).
///
/// ```
/// # use wsvet::deflate::Parameters;
/// let answer = "permessage-deflate; server_max_window_bits=7";
/// assert_eq!(
///     Parameters::agreed("permessage-deflate", answer).unwrap_err().to_string(),
///     "the part at byte 20 of Sec-WebSocket-Extensions has an invalid value, or lacks one",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidExtension {
    /// The reason for which the value is invalid.
    pub fault: Fault,
    /// The index of the first byte of the invalid extension or parameter in the value.
    pub offset: usize,
}

impl Display for InvalidExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, offset } = self;
        write!(f, "the part at byte {offset} of Sec-WebSocket-Extensions {fault}")
    }
}

impl core::error::Error for InvalidExtension {}

/// An offer of a client.
pub(super) struct Offer {
    pub(super) wanted: Parameters,
    /// Whether the server may choose the bits of the client's window.
    pub(super) client_max_window_bits: bool,
}

/// Returns the offers of permessage-deflate among these extensions, valid or not.
pub(super) fn offers_in(
    extensions: &[Extension<'_>],
) -> impl Iterator<Item = Result<Offer, InvalidExtension>> {
    extensions.iter().filter(|extension| is_deflate(extension)).map(|offer| {
        let client_max_window_bits =
            offer.parameters.iter().any(|parameter| parameter.is(CLIENT_MAX_WINDOW_BITS));
        Ok(Offer { wanted: read(offer, true)?, client_max_window_bits })
    })
}

impl Offer {
    /// Checks that an answer with these parameters accepts this offer.
    ///
    /// `extension` is the extension from which `answer` was read. The client's parameters in an
    /// offer are hints, which the server may ignore. Only whether `client_max_window_bits` is there
    /// matters (§7.1.2.2).
    ///
    /// # Errors
    ///
    /// An [`InvalidExtension`] if the answer does not accept the offer.
    pub(super) fn check(
        &self,
        answer: Parameters,
        extension: &Extension<'_>,
    ) -> Result<(), InvalidExtension> {
        let wanted = self.wanted;
        let larger = wanted
            .server_max_window_bits
            .is_some_and(|most| answer.server_max_window_bits.is_none_or(|given| given > most));
        let faults = [
            (
                wanted.server_no_context_takeover && !answer.server_no_context_takeover,
                SERVER_NO_CONTEXT_TAKEOVER,
                Fault::NotAccepted,
            ),
            (larger, SERVER_MAX_WINDOW_BITS, Fault::NotAccepted),
            (
                answer.client_max_window_bits.is_some() && !self.client_max_window_bits,
                CLIENT_MAX_WINDOW_BITS,
                Fault::NotOffered,
            ),
        ];
        match faults.into_iter().find(|(wrong, ..)| *wrong) {
            Some((_, name, fault)) => {
                Err(InvalidExtension { fault, offset: extension.offset_of(name) })
            }
            None => Ok(()),
        }
    }
}

/// Returns whether the extension is permessage-deflate.
pub(super) fn is_deflate(extension: &Extension<'_>) -> bool {
    extension.name.eq_ignore_ascii_case(NAME)
}

/// Reads the parameters of an offer if `offer` is `true`, or else of an answer.
///
/// # Errors
///
/// An [`InvalidExtension`] if a parameter is unknown, occurs twice or has a bad value.
pub(super) fn read(extension: &Extension<'_>, offer: bool) -> Result<Parameters, InvalidExtension> {
    let mut read = Parameters::new();
    for (index, parameter) in extension.parameters.iter().enumerate() {
        let Parameter { name, offset, value } = parameter;
        let invalid = |fault| InvalidExtension { fault, offset: *offset };
        if extension.parameters[..index].iter().any(|before| before.is(name)) {
            return Err(invalid(Fault::Repeated));
        }
        let bits = value
            .as_deref()
            .and_then(|value| WINDOW_BITS.into_iter().find(|bits| std::format!("{bits}") == value));
        let good = match &*name.to_ascii_lowercase() {
            SERVER_NO_CONTEXT_TAKEOVER => {
                read.server_no_context_takeover = true;
                value.is_none()
            }
            CLIENT_NO_CONTEXT_TAKEOVER => {
                read.client_no_context_takeover = true;
                value.is_none()
            }
            SERVER_MAX_WINDOW_BITS => {
                read.server_max_window_bits = bits;
                bits.is_some()
            }
            CLIENT_MAX_WINDOW_BITS => {
                read.client_max_window_bits = bits;
                bits.is_some() || offer && value.is_none()
            }
            _ => return Err(invalid(Fault::Unknown)),
        };
        if !good {
            return Err(invalid(Fault::BadValue));
        }
    }
    Ok(read)
}
