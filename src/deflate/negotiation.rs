//! What is offered, what is answered, and what is wrong with it (RFC 7692 §7.1).

use core::fmt::{self, Display};

use super::extension::{Extension, Parameter};
use super::{Parameters, WINDOW_BITS};

/// The extension's name.
pub(super) const NAME: &str = "permessage-deflate";

pub(super) const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
pub(super) const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
pub(super) const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
pub(super) const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// What is wrong with a `Sec-WebSocket-Extensions` (RFC 7692 §7.1).
///
/// ```
/// # use wsvet::deflate::Fault;
/// assert_eq!(Fault::Repeated.to_string(), "comes twice");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// It is no list of extensions (RFC 6455 §9.1).
    Syntax,
    /// A parameter that the extension does not have.
    Unknown,
    /// A parameter, or the extension in an answer, that comes twice.
    Repeated,
    /// A parameter with a value that it may not have, or without one that it must have.
    BadValue,
    /// An extension or a parameter of an answer that was not offered.
    NotOffered,
    /// An answer that leaves out, or exceeds, what was demanded.
    NotAccepted,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Syntax => "is no list of extensions",
            Self::Unknown => "is no parameter of permessage-deflate",
            Self::Repeated => "comes twice",
            Self::BadValue => "has a value that it may not have",
            Self::NotOffered => "was not offered",
            Self::NotAccepted => "does not accept what was offered",
        })
    }
}

/// A `Sec-WebSocket-Extensions` with which a connection cannot be opened (RFC 7692 §7.1).
///
/// ```
/// # use wsvet::deflate::Parameters;
/// let answer = "permessage-deflate; server_max_window_bits=7";
/// assert_eq!(
///     Parameters::agreed("permessage-deflate", answer).unwrap_err().to_string(),
///     "what starts at byte 20 of the extensions has a value that it may not have",
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InvalidExtension {
    /// What is wrong.
    pub fault: Fault,
    /// The byte of the value at which the extension or the parameter starts that is wrong.
    pub offset: usize,
}

impl Display for InvalidExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, offset } = self;
        write!(f, "what starts at byte {offset} of the extensions {fault}")
    }
}

impl core::error::Error for InvalidExtension {}

/// What a client offers.
pub(super) struct Offer {
    pub(super) wanted: Parameters,
    /// The server may choose the bits of the client's window.
    pub(super) client_max_window_bits: bool,
}

/// The offers of permessage-deflate among these extensions, good or not.
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
    /// What is agreed on with this answer, with what the offer promises.
    pub(super) fn agree(
        &self,
        answer: Parameters,
        extension: &Extension<'_>,
    ) -> Result<Parameters, InvalidExtension> {
        let wanted = self.wanted;
        let exceeds = |given: Option<u8>, wanted: Option<u8>| {
            given.zip(wanted).is_some_and(|(given, wanted)| given > wanted)
        };
        let given = answer.server_max_window_bits;
        let larger = wanted.server_max_window_bits.is_some() && given.is_none()
            || exceeds(given, wanted.server_max_window_bits);
        let given = answer.client_max_window_bits;
        let faults = [
            (
                wanted.server_no_context_takeover && !answer.server_no_context_takeover,
                SERVER_NO_CONTEXT_TAKEOVER,
                Fault::NotAccepted,
            ),
            (larger, SERVER_MAX_WINDOW_BITS, Fault::NotAccepted),
            (
                given.is_some() && !self.client_max_window_bits,
                CLIENT_MAX_WINDOW_BITS,
                Fault::NotOffered,
            ),
            (
                exceeds(given, wanted.client_max_window_bits),
                CLIENT_MAX_WINDOW_BITS,
                Fault::NotAccepted,
            ),
        ];
        if let Some((_, name, fault)) = faults.into_iter().find(|(wrong, ..)| *wrong) {
            return Err(InvalidExtension { fault, offset: extension.offset_of(name) });
        }
        // What a client has promised it keeps, whether the server answers it or not.
        Ok(Parameters {
            client_max_window_bits: given.or(wanted.client_max_window_bits),
            client_no_context_takeover: answer.client_no_context_takeover
                || wanted.client_no_context_takeover,
            ..answer
        })
    }
}

pub(super) fn is_deflate(extension: &Extension<'_>) -> bool {
    extension.name.eq_ignore_ascii_case(NAME)
}

/// The parameters of an offer, or of an answer.
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
