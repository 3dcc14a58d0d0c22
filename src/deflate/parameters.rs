//! The handshake of permessage-deflate (RFC 7692 §7.1, RFC 6455 §9.1).

use core::fmt::{self, Display};
use std::borrow::Cow;
use std::string::String;
use std::vec::Vec;

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{anychar, char, none_of};
use nom::combinator::opt;
use nom::multi::many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::{Deflater, Inflater, WINDOW_BITS};
use crate::Role;

/// The extension's name.
const NAME: &str = "permessage-deflate";

/// What both ends agree on, or what one of them wants (RFC 7692 §7.1).
///
/// Headers of the handshake are given as their values; several of one name joined with commas, as
/// RFC 6455 §9.1 says.
///
/// ```
/// use wsvet::deflate::Parameters;
///
/// // The client offers, the server accepts, the client judges the answer.
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
/// assert!(agreed.server_no_context_takeover && !agreed.client_no_context_takeover);
/// # Ok::<(), wsvet::deflate::InvalidExtension>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub struct Parameters {
    /// No message of the server reaches back to those before (§7.1.1.1).
    pub server_no_context_takeover: bool,
    /// No message of the client reaches back to those before (§7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The bits of the server's window, 8 to 15; 15 where nothing was said (§7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// The bits of the client's window, 8 to 15; 15 where nothing was said (§7.1.2.2).
    pub client_max_window_bits: Option<u8>,
}

impl Parameters {
    /// The defaults: context takeover, and windows of 15 bits.
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

    /// The same parameters, with the server's context takeover given up or not: it then keeps no
    /// memory between messages to deflate, nor the client to inflate.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// assert!(Parameters::new().server_no_context_takeover(true).server_no_context_takeover);
    /// ```
    #[must_use]
    pub const fn server_no_context_takeover(self, given_up: bool) -> Self {
        Self { server_no_context_takeover: given_up, ..self }
    }

    /// The same parameters, with the client's context takeover given up or not: it then keeps no
    /// memory between messages to deflate, nor the server to inflate.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// assert!(Parameters::new().client_no_context_takeover(true).client_no_context_takeover);
    /// ```
    #[must_use]
    pub const fn client_no_context_takeover(self, given_up: bool) -> Self {
        Self { client_no_context_takeover: given_up, ..self }
    }

    /// The same parameters, with a window of so many bits for what the server sends.
    ///
    /// # Panics
    ///
    /// For bits outside of 8 to 15.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// assert_eq!(Parameters::new().server_max_window_bits(9).server_max_window_bits, Some(9));
    /// ```
    #[must_use]
    pub const fn server_max_window_bits(self, bits: u8) -> Self {
        Self { server_max_window_bits: Some(window_bits(bits)), ..self }
    }

    /// The same parameters, with a window of so many bits for what the client sends.
    ///
    /// # Panics
    ///
    /// For bits outside of 8 to 15.
    ///
    /// ```
    /// # use wsvet::deflate::Parameters;
    /// assert_eq!(Parameters::new().client_max_window_bits(9).client_max_window_bits, Some(9));
    /// ```
    #[must_use]
    pub const fn client_max_window_bits(self, bits: u8) -> Self {
        Self { client_max_window_bits: Some(window_bits(bits)), ..self }
    }

    /// What a client sends that wants these parameters: its `Sec-WebSocket-Extensions`.
    ///
    /// It always says that the server may choose the bits of the client's window.
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

    /// What a server agrees to that wants these parameters: the first offer of the client's
    /// `Sec-WebSocket-Extensions` that can be accepted, if one can. As [`Display`] it is the
    /// answer's `Sec-WebSocket-Extensions`.
    ///
    /// An offer with a parameter that is unknown, comes twice, or has no good value is declined
    /// (§7.1). A smaller window of the client is asked for where it was offered.
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
        let offer = offers_in(offers).find_map(Result::ok)?;
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

    /// What was agreed on with this answer to these offers, each a `Sec-WebSocket-Extensions`; none
    /// where the answer is silent about it.
    ///
    /// # Errors
    ///
    /// [`InvalidExtension`] where the client has to fail the connection (§7.1): for an answer that
    /// does not parse, has an extension or a parameter that was not offered, that is unknown or
    /// comes twice, or does not accept what an offer demands.
    ///
    /// ```
    /// # use wsvet::deflate::{Fault, Parameters};
    /// let offered = "permessage-deflate";
    /// let wrong = Parameters::agreed(offered, "permessage-deflate; client_max_window_bits=9");
    /// let wrong = wrong.unwrap_err();
    /// assert_eq!((wrong.fault, wrong.offset), (Fault::NotOffered, 20));
    /// assert_eq!(Parameters::agreed(offered, ""), Ok(None));
    /// ```
    pub fn agreed(offers: &str, answer: &str) -> Result<Option<Self>, InvalidExtension> {
        let offered = extensions(offers).unwrap_or_default();
        let mut agreed = None;
        for extension in extensions(answer)? {
            let invalid = |fault| InvalidExtension { fault, offset: extension.offset };
            if !offered.iter().any(|offer| offer.name.eq_ignore_ascii_case(extension.name)) {
                return Err(invalid(Fault::NotOffered));
            }
            if extension.is_deflate() {
                if agreed.is_some() {
                    return Err(invalid(Fault::Repeated));
                }
                let answer = extension.read(false)?;
                let mut judged = Err(invalid(Fault::NotOffered));
                for offer in offers_in(offers).flatten() {
                    judged = offer.agree(answer, &extension);
                    if judged.is_ok() {
                        break;
                    }
                }
                agreed = Some(judged?);
            }
        }
        Ok(agreed)
    }

    /// Whether the messages of this end may reach back to those before.
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

    /// The bits of the window of this end, 8 to 15.
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

    /// The inflater of what this end sends.
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

    /// The deflater of what this end sends.
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
    /// As they stand in the answer of a server.
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

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// What a client offers.
struct Offer {
    wanted: Parameters,
    /// The server may choose the bits of the client's window.
    client_max_window_bits: bool,
}

/// The offers of permessage-deflate in a `Sec-WebSocket-Extensions`, good or not.
fn offers_in(value: &str) -> impl Iterator<Item = Result<Offer, InvalidExtension>> {
    let extensions = extensions(value).unwrap_or_default();
    extensions.into_iter().filter(Extension::is_deflate).map(|offer| {
        let client_max_window_bits =
            offer.parameters.iter().any(|parameter| parameter.name == CLIENT_MAX_WINDOW_BITS);
        Ok(Offer { wanted: offer.read(true)?, client_max_window_bits })
    })
}

impl Offer {
    /// What is agreed on with this answer, with what the offer promises.
    fn agree(
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

/// An extension of a list.
struct Extension<'a> {
    name: &'a str,
    offset: usize,
    parameters: Vec<Parameter<'a>>,
}

struct Parameter<'a> {
    name: &'a str,
    offset: usize,
    value: Option<Cow<'a, str>>,
}

impl Extension<'_> {
    fn is_deflate(&self) -> bool {
        self.name.eq_ignore_ascii_case(NAME)
    }

    /// Where this parameter starts; where it is missing, the extension.
    fn offset_of(&self, name: &str) -> usize {
        let parameter = self.parameters.iter().find(|parameter| parameter.name == name);
        parameter.map_or(self.offset, |parameter| parameter.offset)
    }

    /// The parameters of an offer, or of an answer.
    fn read(&self, offer: bool) -> Result<Parameters, InvalidExtension> {
        let mut read = Parameters::new();
        for (index, parameter) in self.parameters.iter().enumerate() {
            let Parameter { name, offset, value } = parameter;
            let invalid = |fault| InvalidExtension { fault, offset: *offset };
            if self.parameters[..index].iter().any(|before| before.name == *name) {
                return Err(invalid(Fault::Repeated));
            }
            let bits = value.as_deref().and_then(|value| {
                WINDOW_BITS.into_iter().find(|bits| std::format!("{bits}") == value)
            });
            let good = match *name {
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
}

/// The extensions of a list, of which elements may be empty (RFC 6455 §9.1).
fn extensions(value: &str) -> Result<Vec<Extension<'_>>, InvalidExtension> {
    let mut extensions = Vec::new();
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Ok(extensions);
        }
        let offset = value.len() - rest.len();
        match extension(value, rest) {
            Ok((behind, extension)) if behind.is_empty() || behind.starts_with(',') => {
                extensions.push(extension);
                rest = behind;
            }
            _ => return Err(InvalidExtension { fault: Fault::Syntax, offset }),
        }
    }
}

/// An extension at the front of `rest`, which is the end of `value`.
fn extension<'a>(value: &'a str, rest: &'a str) -> IResult<&'a str, Extension<'a>> {
    let offset = value.len() - rest.len();
    let parameter = |rest: &'a str| {
        let offset = value.len() - rest.len();
        let (rest, name) = token(rest)?;
        let equals = delimited(spaces, char('='), spaces);
        let (rest, value) =
            opt(preceded(equals, quoted.or(token.map(Cow::Borrowed)))).parse(rest)?;
        Ok((rest, Parameter { name, offset, value }))
    };
    let (rest, name) = token(rest)?;
    let semicolon = delimited(spaces, char(';'), spaces);
    let (rest, parameters) = many0(preceded(semicolon, parameter)).parse(rest)?;
    let (rest, _) = spaces(rest)?;
    Ok((rest, Extension { name, offset, parameters }))
}

fn spaces(input: &str) -> IResult<&str, &str> {
    take_while(|character| matches!(character, ' ' | '\t')).parse(input)
}

fn token(input: &str) -> IResult<&str, &str> {
    let in_token = |character: char| {
        character.is_ascii_graphic() && !r#"()<>@,;:\"/[]?={}"#.contains(character)
    };
    take_while1(in_token).parse(input)
}

/// A value in quotes, in which a backslash makes any character stand for itself.
fn quoted(input: &str) -> IResult<&str, Cow<'_, str>> {
    let escaped = preceded(char('\\'), anychar);
    let inside = many0(escaped.or(none_of("\"\\")))
        .map(|characters| Cow::Owned(characters.into_iter().collect::<String>()));
    delimited(char('"'), inside, char('"')).parse(input)
}

const fn window_bits(bits: u8) -> u8 {
    assert!(
        *WINDOW_BITS.start() <= bits && bits <= *WINDOW_BITS.end(),
        "a window has 8 to 15 bits"
    );
    bits
}
