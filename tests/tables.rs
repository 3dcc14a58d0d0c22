//! The table in `docs/rules.md` is that of the crate.

use wsvet::Rule;

#[test]
fn the_rule_table_is_the_crates_own() {
    let document = include_str!("../docs/rules.md");
    let head = "| rule | section | code | broken when |\n|---|---|---|---|\n";
    let (_, table) = document.split_once(head).expect("the table's head");
    let expected: String = Rule::ALL
        .iter()
        .map(|rule| {
            let (id, rfc, section) = (rule.id(), rule.rfc(), rule.section());
            let section =
                if rfc == 6455 { section.to_owned() } else { format!("RFC {rfc} {section}") };
            format!("| `{id}` | {section} | {} | {} |\n", rule.close_code().0, rule.breaks())
        })
        .collect();
    let written: String =
        table.split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
    assert!(written == expected, "the table should be:\n{head}{expected}");
}
