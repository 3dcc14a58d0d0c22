//! Replaces the white space and the quotes that web pages and word processors write.

/// Returns whether a character separates words, though ASCII has it not.
pub(crate) fn is_space(character: char) -> bool {
    let wide = character.is_whitespace() && !character.is_ascii();
    wide || matches!(character, '\u{AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}

/// Returns the text with ASCII quotes, and with `space` for white space that is not ASCII, or `None` if
/// it has neither.
pub(super) fn plain(text: &str, space: char) -> Option<String> {
    const ENTITIES: [&str; 2] = ["&nbsp;", "&#160;"];
    let plain = |character: char| match character {
        '\u{85}' | '\u{2028}' | '\u{2029}' => '\n',
        '“' | '”' | '„' | '‟' => '"',
        '‘' | '’' | '‚' | '‛' => '\'',
        character if is_space(character) => space,
        character => character,
    };
    let entities = ENTITIES.iter().any(|entity| text.contains(entity));
    (entities || text.chars().any(|character| plain(character) != character)).then(|| {
        let spaces = space.to_string();
        let text =
            ENTITIES.iter().fold(text.to_owned(), |text, entity| text.replace(entity, &spaces));
        text.chars().map(plain).collect()
    })
}
