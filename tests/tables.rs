//! The tables in `docs/rules.md` are those of the crate.

use wsvet::handshake::{self, Due};
use wsvet::{Lapse, Role, Rule};

/// Tests that the rows below this head are these.
fn assert_rows(head: &str, expected: &str) {
    let head = format!("{head}\n|---|---|---|---|\n");
    let document = include_str!("../docs/rules.md");
    let (_, table) = document.split_once(&head).expect("the table's head");
    let written: String =
        table.split_inclusive('\n').take_while(|line| line.starts_with('|')).collect();
    assert!(written == expected, "the table should be:\n{head}{expected}");
}

fn section(rfc: u16, section: &str) -> String {
    if rfc == 6455 { section.to_owned() } else { format!("RFC {rfc} {section}") }
}

#[test]
fn the_rule_table_is_the_crates_own() {
    let row = |rule: &Rule| {
        let (id, section) = (rule.id(), section(rule.rfc(), rule.section()));
        format!("| `{id}` | {section} | {} | {} |\n", rule.close_code().0, rule.breaks())
    };
    let rows: String = Rule::ALL.iter().map(row).collect();
    assert_rows("| rule | section | code | broken when |", &rows);
}

#[test]
fn the_tables_of_the_handshake_are_the_crates_own() {
    for (sender, head) in [
        (Role::Client, "| rule of a request | section | status | broken when |"),
        (Role::Server, "| rule of a response | section | header | broken when |"),
    ] {
        let row = |rule: &handshake::Rule| {
            let (id, section) = (rule.id(), section(rule.rfc(), rule.section()));
            let third = match rule.due() {
                Due::Status(status) => status.to_string(),
                _ => format!("`{}`", rule.field().unwrap()),
            };
            format!("| `{id}` | {section} | {third} | {} |\n", rule.breaks())
        };
        let of_sender = handshake::Rule::ALL.iter().filter(|rule| rule.sender() == sender);
        assert_rows(head, &of_sender.map(row).collect::<String>());
    }
}

#[test]
fn the_table_of_duties_is_the_crates_own() {
    let row = |lapse: &Lapse| {
        let (id, section, breaks) = (lapse.id(), lapse.section(), lapse.breaks());
        let debtor = lapse.debtor().map_or("both", Role::name);
        format!("| `{id}` | {section} | {debtor} | {breaks} |\n")
    };
    let rows: String = Lapse::ALL.iter().map(row).collect();
    assert_rows("| duty | section | who has it | broken when |", &rows);
}
