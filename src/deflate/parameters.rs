//! The parameters of permessage-deflate that the endpoints negotiate (RFC 7692 §7.1).

use core::fmt::{self, Display};
use std::string::String;

use super::extension::extensions;
use super::negotiation::{
    CLIENT_MAX_WINDOW_BITS, CLIENT_NO_CONTEXT_TAKEOVER, NAME, SERVER_MAX_WINDOW_BITS,
    SERVER_NO_CONTEXT_TAKEOVER, is_deflate, offers_in, read,
};
use super::{Deflater, Fault, Inflater, InvalidExtension, WINDOW_BITS, window_bits};
use crate::Role;

/// The parameters of permessage-deflate that the endpoints have negotiated, or that one endpoint
/// wants (RFC 7692 §7.1).
///
/// The functions take the value of the `Sec-WebSocket-Extensions` header of the opening handshake.
/// If there are several such headers, join their values with commas (RFC 6455 §9.1).
///
/// ```
/// use wsvet::Role;
/// use wsvet::deflate::Parameters;
///
/// // The client offers, the server accepts, and the client checks the answer.
/// let offered = Parameters::new().server_no_context_takeover(true).offer();
/// assert_eq!(
///     offered,
///     "permessage-deflate; server_no_context_takeover; client_max_window_bits",
/// );
/// let answer = Parameters::new().client_max_window_bits(10).accept(&offered).unwrap().to_string();
/// assert_eq!(
///     answer,
///     "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
/// );
/// let agreed = Parameters::agreed(&offered, &answer)?.unwrap();
/// assert!(!agreed.context_takeover(Role::Server) && agreed.context_takeover(Role::Client));
/// # Ok::<(), wsvet::deflate::InvalidExtension>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Parameters {
    /// Whether no message of the server refers to earlier messages (§7.1.1.1).
    pub(super) server_no_context_takeover: bool,
    /// Whether no message of the client refers to earlier messages (§7.1.1.2).
    pub(super) client_no_context_takeover: bool,
    /// The bits of the server's window, 8 to 15. `None` means 15 (§7.1.2.1).
    pub(super) server_max_window_bits: Option<u8>,
    /// The bits of the client's window, 8 to 15. `None` means 15 (§7.1.2.2).
    pub(super) client_max_window_bits: Option<u8>,
}

impl Parameters {
    /// Creates the default parameters: context takeover, and windows of 15 bits.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// assert_eq!(Parameters::new().to_string(), "permessage-deflate");
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: None,
            client_max_window_bits: None,
        }
    }

    /// Returns the parameters with or without the context takeover of the server: `true` means
    /// without (§7.1.1.1).
    ///
    /// Without context takeover, the server needs no memory between messages to compress, and the
    /// client needs none to inflate.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// let parameters = Parameters::new().server_no_context_takeover(true);
    /// assert!(!parameters.context_takeover(Role::Server));
    /// ```
    #[must_use]
    pub const fn server_no_context_takeover(self, given_up: bool) -> Self {
        Self { server_no_context_takeover: given_up, ..self }
    }

    /// Returns the parameters with or without the context takeover of the client: `true` means
    /// without (§7.1.1.2).
    ///
    /// Without context takeover, the client needs no memory between messages to compress, and the
    /// server needs none to inflate.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// let parameters = Parameters::new().client_no_context_takeover(true);
    /// assert!(!parameters.context_takeover(Role::Client));
    /// ```
    #[must_use]
    pub const fn client_no_context_takeover(self, given_up: bool) -> Self {
        Self { client_no_context_takeover: given_up, ..self }
    }

    /// Returns the parameters with a window of `bits` bits for the messages of the server
    /// (§7.1.2.1).
    ///
    /// # Panics
    ///
    /// Panics if `bits` is not 8 to 15.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// let parameters = Parameters::new().server_max_window_bits(9);
    /// assert_eq!(parameters.max_window_bits(Role::Server), Some(9));
    /// ```
    #[must_use]
    pub const fn server_max_window_bits(self, bits: u8) -> Self {
        Self { server_max_window_bits: Some(window_bits(bits)), ..self }
    }

    /// Returns the parameters with a window of `bits` bits for the messages of the client
    /// (§7.1.2.2).
    ///
    /// # Panics
    ///
    /// Panics if `bits` is not 8 to 15.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// let parameters = Parameters::new().client_max_window_bits(9);
    /// assert_eq!(parameters.max_window_bits(Role::Client), Some(9));
    /// ```
    #[must_use]
    pub const fn client_max_window_bits(self, bits: u8) -> Self {
        Self { client_max_window_bits: Some(window_bits(bits)), ..self }
    }

    /// Returns the offer of a client that wants these parameters: the value of its
    /// `Sec-WebSocket-Extensions` header.
    ///
    /// The offer always contains `client_max_window_bits`, so the server may choose the bits of the
    /// client's window.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// let offer = Parameters::new().client_max_window_bits(12).offer();
    /// assert_eq!(offer, "permessage-deflate; client_max_window_bits=12");
    /// ```
    #[must_use]
    pub fn offer(&self) -> String {
        let mut offer = std::format!("{self}");
        if self.client_max_window_bits.is_none() {
            offer.push_str("; client_max_window_bits");
        }
        offer
    }

    /// Accepts the first valid offer in the client's `Sec-WebSocket-Extensions` header, for a
    /// server that wants these parameters.
    ///
    /// Returns the negotiated parameters, or `None` if no offer is valid. The [`Display`]
    /// implementation of the result writes the value of the `Sec-WebSocket-Extensions` header of
    /// the answer.
    ///
    /// The function declines an offer that has an unknown parameter, a parameter that occurs twice,
    /// or a bad value (§7.1). The result has a smaller window for the client only if the offer
    /// contains `client_max_window_bits`.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// let offers = "permessage-deflate; server_max_window_bits=16, \
    ///               permessage-deflate; server_max_window_bits=10, permessage-deflate";
    /// let accepted = Parameters::new().accept(offers).unwrap();
    /// assert_eq!(accepted.to_string(), "permessage-deflate; server_max_window_bits=10");
    /// assert_eq!(Parameters::new().accept("permessage-deflate; x=1"), None);
    /// ```
    #[must_use]
    pub fn accept(&self, offers: &str) -> Option<Self> {
        let offered = extensions(offers).unwrap_or_default();
        let offer = offers_in(&offered).find_map(Result::ok)?;
        let Self { server_no_context_takeover, client_no_context_takeover, .. } = offer.wanted;
        let lesser = |a: Option<u8>, b: Option<u8>| a.into_iter().chain(b).min();
        let Self { server_max_window_bits: ours, client_max_window_bits: theirs, .. } = *self;
        Some(Self {
            server_no_context_takeover: self.server_no_context_takeover
                || server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || client_no_context_takeover,
            server_max_window_bits: lesser(ours, offer.wanted.server_max_window_bits),
            client_max_window_bits: lesser(theirs, offer.wanted.client_max_window_bits)
                .filter(|_| offer.client_max_window_bits),
        })
    }

    /// Returns the parameters that the client and the server have negotiated with these offers and
    /// this answer, or `None` if the answer does not contain permessage-deflate.
    ///
    /// `offers` and `answer` are the values of the `Sec-WebSocket-Extensions` headers of the client
    /// and of the server.
    ///
    /// The negotiated parameters are those of the answer, and nothing else (§5). The parameters
    /// `client_no_context_takeover` and `client_max_window_bits` in an offer are hints: a server may
    /// leave them out or answer with a greater value, and then the client may use what the answer
    /// permits (§7.2.1). A client that wants to use less can set the parameters of the result.
    ///
    /// # Errors
    ///
    /// An [`InvalidExtension`] if the client must fail the connection (§7.1), that is, if the
    /// answer:
    ///
    /// * is not a list of extensions,
    /// * has an extension or a parameter that the client did not offer,
    /// * has an unknown parameter, or a parameter with a bad value,
    /// * has permessage-deflate twice, or a parameter twice,
    /// * does not accept what the offer requires, or
    /// * accepts an offer that is invalid.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::{Fault, Parameters}};
    /// let offered = "permessage-deflate";
    /// let wrong = Parameters::agreed(offered, "permessage-deflate; client_max_window_bits=9");
    /// let wrong = wrong.unwrap_err();
    /// assert_eq!((wrong.fault, wrong.offset), (Fault::NotOffered, 20));
    /// assert_eq!(Parameters::agreed(offered, ""), Ok(None));
    ///
    /// // The server ignores the hint, and the client keeps its window small anyway.
    /// let offered = "permessage-deflate; client_max_window_bits=10";
    /// let agreed = Parameters::agreed(offered, "permessage-deflate")?.unwrap();
    /// assert_eq!(agreed, Parameters::new());
    /// let deflater = agreed.client_max_window_bits(10).deflater(Role::Client);
    /// # let _ = deflater;
    /// # Ok::<(), wsvet::deflate::InvalidExtension>(())
    /// ```
    pub fn agreed(offers: &str, answer: &str) -> Result<Option<Self>, InvalidExtension> {
        let offered = extensions(offers);
        let mut agreed = None;
        for extension in extensions(answer)? {
            let invalid = |fault| InvalidExtension { fault, offset: extension.offset };
            let Ok(offered) = &offered else { return Err(invalid(Fault::InvalidOffer)) };
            if !offered.iter().any(|offer| offer.name.eq_ignore_ascii_case(extension.name)) {
                return Err(invalid(Fault::NotOffered));
            }
            if is_deflate(&extension) {
                if agreed.is_some() {
                    return Err(invalid(Fault::Repeated));
                }
                let answer = read(&extension, false)?;
                let mut judged = Err(invalid(Fault::InvalidOffer));
                for offer in offers_in(offered).flatten() {
                    judged = offer.check(answer, &extension);
                    if judged.is_ok() {
                        break;
                    }
                }
                judged?;
                agreed = Some(answer);
            }
        }
        Ok(agreed)
    }

    /// Returns the stated bits of the window for the messages of this endpoint, 8 to 15, or `None`
    /// if the parameters do not state them (§7.1.2).
    ///
    /// If it is `None`, [`window_bits`](Self::window_bits) returns 15.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// assert_eq!(Parameters::new().max_window_bits(Role::Client), None);
    /// ```
    #[must_use]
    pub const fn max_window_bits(&self, sender: Role) -> Option<u8> {
        match sender {
            Role::Client => self.client_max_window_bits,
            Role::Server => self.server_max_window_bits,
        }
    }

    /// Returns whether a message of this endpoint may refer to earlier messages (§7.1.1).
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// assert!(Parameters::new().context_takeover(Role::Client));
    /// ```
    #[must_use]
    pub const fn context_takeover(&self, sender: Role) -> bool {
        match sender {
            Role::Client => !self.client_no_context_takeover,
            Role::Server => !self.server_no_context_takeover,
        }
    }

    /// Returns the bits of the window for the messages of this endpoint, 8 to 15.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// assert_eq!(Parameters::new().window_bits(Role::Client), 15);
    /// ```
    #[must_use]
    pub const fn window_bits(&self, sender: Role) -> u8 {
        let bits = match sender {
            Role::Client => self.client_max_window_bits,
            Role::Server => self.server_max_window_bits,
        };
        match bits {
            Some(bits) => bits,
            None => *WINDOW_BITS.end(),
        }
    }

    /// Creates an inflater for the messages of this endpoint.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// let inflater = Parameters::new().inflater(Role::Client);
    /// # let _ = inflater;
    /// ```
    #[must_use]
    pub const fn inflater(&self, sender: Role) -> Inflater {
        Inflater::new(self.context_takeover(sender))
    }

    /// Creates a deflater for the messages of this endpoint.
    ///
    /// ```
    /// # use wsvet::{Role, deflate::Parameters};
    /// let deflater = Parameters::new().deflater(Role::Server);
    /// # let _ = deflater;
    /// ```
    #[must_use]
    pub fn deflater(&self, sender: Role) -> Deflater {
        Deflater::new(self.window_bits(sender), self.context_takeover(sender))
    }
}

impl Display for Parameters {
    /// Writes the parameters as in the answer of a server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        for (name, given_up) in [
            (SERVER_NO_CONTEXT_TAKEOVER, self.server_no_context_takeover),
            (CLIENT_NO_CONTEXT_TAKEOVER, self.client_no_context_takeover),
        ] {
            if given_up {
                write!(f, "; {name}")?;
            }
        }
        for (name, bits) in [
            (SERVER_MAX_WINDOW_BITS, self.server_max_window_bits),
            (CLIENT_MAX_WINDOW_BITS, self.client_max_window_bits),
        ] {
            if let Some(bits) = bits {
                write!(f, "; {name}={bits}")?;
            }
        }
        Ok(())
    }
}
