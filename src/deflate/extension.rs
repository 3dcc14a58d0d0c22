//! The parser of the value of a `Sec-WebSocket-Extensions` header, a list of extensions (RFC 6455
//! §9.1).

use std::borrow::Cow;
use std::string::String;
use std::vec::Vec;

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::{anychar, char, none_of};
use nom::combinator::opt;
use nom::multi::many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use super::{Fault, InvalidExtension};

/// An extension in a list.
pub(super) struct Extension<'a> {
    pub(super) name: &'a str,
    pub(super) offset: usize,
    pub(super) parameters: Vec<Parameter<'a>>,
}

/// A parameter of an extension.
pub(super) struct Parameter<'a> {
    pub(super) name: &'a str,
    pub(super) offset: usize,
    pub(super) value: Option<Cow<'a, str>>,
}

impl Extension<'_> {
    /// Returns the index at which this parameter starts, or that at which the extension starts if
    /// the parameter is missing.
    pub(super) fn offset_of(&self, name: &str) -> usize {
        let parameter = self.parameters.iter().find(|parameter| parameter.is(name));
        parameter.map_or(self.offset, |parameter| parameter.offset)
    }
}

impl Parameter<'_> {
    /// Returns whether this is the name of the parameter, regardless of case (RFC 5234 §2.3).
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Parses a list of extensions. Elements of the list may be empty.
///
/// # Errors
///
/// An [`InvalidExtension`] if the value is not a list of extensions.
pub(super) fn extensions(value: &str) -> Result<Vec<Extension<'_>>, InvalidExtension> {
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

/// Parses an extension at the front of `rest`, which is the end of `value`.
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

/// Parses a value in quotes, in which a backslash escapes any character.
///
/// Without the quotes, the value must be a token (RFC 6455 §9.1). The function does not check this.
/// The valid values of the known parameters are tokens.
fn quoted(input: &str) -> IResult<&str, Cow<'_, str>> {
    let escaped = preceded(char('\\'), anychar);
    let inside = many0(escaped.or(none_of("\"\\"))).map(String::from_iter);
    delimited(char('"'), inside, char('"')).map(Cow::Owned).parse(input)
}
