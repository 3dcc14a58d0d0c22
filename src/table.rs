//! The parts of the crate's tables: columns of texts, and the macro that defines a family of rules.

#[cfg(feature = "c")]
use core::ffi::CStr;

/// A text of a table. A NUL follows it in memory, so that C can read it without a copy.
///
/// Each column of texts is a separate static, so that a program links only the columns that it
/// uses.
#[derive(Clone, Copy)]
pub(crate) struct Text(&'static str);

impl Text {
    /// Creates a text from a string that ends with its only NUL.
    ///
    /// # Panics
    ///
    /// Panics if the string does not end with its only NUL.
    pub(crate) const fn new(with_nul: &'static str) -> Self {
        let bytes = with_nul.as_bytes();
        let mut nul = 0;
        while bytes[nul] != 0 {
            nul += 1;
        }
        assert!(nul + 1 == bytes.len(), "one NUL, at the end");
        Self(with_nul)
    }

    /// Returns the text without the NUL.
    pub(crate) const fn as_str(self) -> &'static str {
        self.0.split_at(self.0.len() - 1).0
    }

    /// Returns the text with the NUL.
    #[cfg(feature = "c")]
    pub(crate) const fn as_c_str(self) -> &'static CStr {
        match CStr::from_bytes_with_nul(self.0.as_bytes()) {
            Ok(text) => text,
            Err(_) => panic!("one NUL, at the end"),
        }
    }
}

/// Creates the texts of one column.
macro_rules! texts {
    ($($text:expr),*) => {
        [$(const { $crate::table::Text::new(concat!($text, "\0")) }),*]
    };
}

/// Defines a family of rules: the enum, its order, and the methods that every family has.
///
/// Each row is one rule: number, name, id, RFC, section, the facts of the family, and four texts.
/// The order of the rows is the order of precedence. Ids and numbers are distinct over all
/// families. The macro's head says what the family uses the column `text` for.
macro_rules! rules {
    (
        $(#[$doc:meta])*
        pub enum $name:ident($path:literal): $facts:ident;
        text $text_doc:literal;
        $(
            $number:literal $rule:ident $id:literal $rfc:literal $section:literal { $($fact:tt)* }
            breaks $breaks:literal
            text $text:literal
            explain $explain:literal
            resolve $resolve:literal
        )*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $id, "`, RFC ", $rfc, " §", $section, ": ", $breaks, ".")]
                $rule,
            )*
        }

        const ALL: &[$name] = &[$($name::$rule),*];

        static FACTS: [$facts; ALL.len()] = [$($facts { $($fact)* }),*];
        static NUMBERS: [u8; ALL.len()] = [$($number),*];
        static RFCS: [u16; ALL.len()] = [$($rfc),*];
        static IDS: [$crate::table::Text; ALL.len()] = texts![$($id),*];
        static SECTIONS: [$crate::table::Text; ALL.len()] = texts![$($section),*];
        static BREAKS: [$crate::table::Text; ALL.len()] = texts![$($breaks),*];
        static TEXTS: [$crate::table::Text; ALL.len()] = texts![$($text),*];
        static EXPLAIN: [$crate::table::Text; ALL.len()] = texts![$($explain),*];
        static RESOLVE: [$crate::table::Text; ALL.len()] = texts![$($resolve),*];

        // The reason of a Close frame is at most 123 bytes (§5.5): the code takes 2 of the 125. The
        // other families keep to it, so that every text is one short line.
        $(const _: () = assert!($text.len() <= 123, $id);)*

        impl $name {
            /// All rules, in order of precedence.
            ///
            /// ```
            #[doc = concat!("let rules = ", $path, "::ALL;")]
            /// assert!(rules.is_sorted());
            /// ```
            pub const ALL: &'static [Self] = ALL;

            /// Returns the stable name of the rule, in lower case with hyphens.
            ///
            /// It is meant for logs, metrics and `wsvet explain`, and does not change between
            /// versions.
            ///
            /// ```
            #[doc = concat!("let rule = ", $path, "::ALL[0];")]
            /// assert_eq!(rule.id(), rule.to_string());
            /// ```
            #[must_use]
            pub fn id(self) -> &'static str {
                IDS[self as usize].as_str()
            }

            /// Returns the rule with this [`id`](Self::id), or `None` if no rule has it.
            ///
            /// ```
            #[doc = concat!("let rule = ", $path, "::ALL[0];")]
            #[doc = concat!("assert_eq!(", $path, "::from_id(rule.id()), Some(rule));")]
            #[doc = concat!("assert_eq!(", $path, "::from_id(\"no such rule\"), None);")]
            /// ```
            #[must_use]
            pub fn from_id(id: &str) -> Option<Self> {
                ALL.iter().copied().find(|rule| rule.id() == id)
            }

            /// Returns the stable number of the rule, at least 1.
            ///
            /// The C functions use this number. It also fits logs that have no room for a name. It
            /// does not change between versions. It is not the precedence of the rule: compare the
            /// rules themselves, with `Ord`, for that.
            ///
            /// ```
            #[doc = concat!("let rule = ", $path, "::ALL[0];")]
            #[doc = concat!("assert_eq!(", $path, "::from_number(rule.number()), Some(rule));")]
            /// ```
            #[must_use]
            pub fn number(self) -> u8 {
                NUMBERS[self as usize]
            }

            /// Returns the rule with this [`number`](Self::number), or `None` if no rule has it.
            ///
            /// ```
            #[doc = concat!("assert_eq!(", $path, "::from_number(0), None);")]
            /// ```
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                ALL.iter().copied().find(|rule| rule.number() == number)
            }

            /// Returns the number of the RFC that states the rule.
            ///
            /// ```
            #[doc = concat!("assert_eq!(", $path, "::ALL[0].rfc(), 6455);")]
            /// ```
            #[must_use]
            pub fn rfc(self) -> u16 {
                RFCS[self as usize]
            }

            /// Returns the section of [`rfc`](Self::rfc) that states the rule.
            ///
            /// ```
            #[doc = concat!("let section = ", $path, "::ALL[0].section();")]
            /// assert!(section.starts_with(|c: char| c.is_ascii_digit()));
            /// ```
            #[must_use]
            pub fn section(self) -> &'static str {
                SECTIONS[self as usize].as_str()
            }

            /// Returns the condition under which the rule is broken, as a clause.
            ///
            /// ```
            #[doc = concat!("println!(\"broken if {}\", ", $path, "::ALL[0].breaks());")]
            /// ```
            #[must_use]
            pub fn breaks(self) -> &'static str {
                BREAKS[self as usize].as_str()
            }

            #[doc = concat!("Returns ", $text_doc, ", at most 123 bytes.")]
            ///
            /// ```
            #[doc = concat!("assert!(", $path, "::ALL[0].text().len() <= 123);")]
            /// ```
            #[must_use]
            pub fn text(self) -> &'static str {
                TEXTS[self as usize].as_str()
            }

            /// Returns an explanation of the rule and its purpose, in a few sentences.
            ///
            /// ```
            #[doc = concat!("println!(\"{}\", ", $path, "::ALL[0].explain());")]
            /// ```
            #[must_use]
            pub fn explain(self) -> &'static str {
                EXPLAIN[self as usize].as_str()
            }

            /// Returns how to fix the cause of a violation, which is mostly at the sender.
            ///
            /// ```
            #[doc = concat!("println!(\"{}\", ", $path, "::ALL[0].resolve());")]
            /// ```
            #[must_use]
            pub fn resolve(self) -> &'static str {
                RESOLVE[self as usize].as_str()
            }

            /// Returns the texts for C: id, section, breaks, text, explain, resolve.
            #[cfg(feature = "c")]
            #[allow(dead_code, reason = "C does not have all families")]
            pub(crate) fn texts(self) -> [$crate::table::Text; 6] {
                [&IDS, &SECTIONS, &BREAKS, &TEXTS, &EXPLAIN, &RESOLVE]
                    .map(|column| column[self as usize])
            }
        }

        impl core::fmt::Display for $name {
            /// Writes the [`id`](Self::id).
            ///
            /// ```
            #[doc = concat!("println!(\"{}\", ", $path, "::ALL[0]);")]
            /// ```
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.id())
            }
        }
    };
}

pub(crate) use {rules, texts};
