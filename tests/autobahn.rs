//! The table in `docs/autobahn.md` has each case of Autobahn once, and only cases that exist.
#![cfg(feature = "cases")]

use std::collections::BTreeSet;

use wsvet::generate::{Case, Setup};

/// The groups of Autobahn's test suite 25.10.1, and the number of cases in each.
const GROUPS: [(&str, usize); 57] = [
    ("1.1", 8),
    ("1.2", 8),
    ("2", 11),
    ("3", 7),
    ("4.1", 5),
    ("4.2", 5),
    ("5", 20),
    ("6.1", 3),
    ("6.2", 4),
    ("6.3", 2),
    ("6.4", 4),
    ("6.5", 5),
    ("6.6", 11),
    ("6.7", 4),
    ("6.8", 2),
    ("6.9", 4),
    ("6.10", 3),
    ("6.11", 5),
    ("6.12", 8),
    ("6.13", 5),
    ("6.14", 10),
    ("6.15", 1),
    ("6.16", 3),
    ("6.17", 5),
    ("6.18", 5),
    ("6.19", 5),
    ("6.20", 7),
    ("6.21", 8),
    ("6.22", 34),
    ("6.23", 7),
    ("7.1", 6),
    ("7.3", 6),
    ("7.5", 1),
    ("7.7", 13),
    ("7.9", 9),
    ("7.13", 2),
    ("9.1", 6),
    ("9.2", 6),
    ("9.3", 9),
    ("9.4", 9),
    ("9.5", 6),
    ("9.6", 6),
    ("9.7", 6),
    ("9.8", 6),
    ("10.1", 1),
    ("12.1", 18),
    ("12.2", 18),
    ("12.3", 18),
    ("12.4", 18),
    ("12.5", 18),
    ("13.1", 18),
    ("13.2", 18),
    ("13.3", 18),
    ("13.4", 18),
    ("13.5", 18),
    ("13.6", 18),
    ("13.7", 18),
];

const DOCUMENT: &str = include_str!("../docs/autobahn.md");

/// A row of the table.
struct Row {
    /// The cases of Autobahn.
    theirs: Vec<String>,
    /// The ids of the cases of wsvet.
    ours: Vec<&'static str>,
    note: &'static str,
}

fn rows() -> Vec<Row> {
    let (_, table) = DOCUMENT.split_once("|---|---|---|---|\n").expect("the table's head");
    let lines = table.lines().take_while(|line| line.starts_with('|'));
    let row = |line: &'static str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [theirs, _, ours, note] = cells[..] else { panic!("four cells: {line}") };
        let theirs = theirs.split(", ").flat_map(range).collect();
        let spans = ours.split(", ").filter(|span| !span.is_empty());
        let id = |span: &'static str| span.strip_prefix('`')?.strip_suffix('`');
        Row { theirs, ours: spans.map(|span| id(span).expect(span)).collect(), note }
    };
    lines.map(row).collect()
}

/// The cases `2.1.3` to `2.1.5` of `2.1.3-5`.
fn range(text: &str) -> Vec<String> {
    let (group, numbers) = text.rsplit_once('.').expect(text);
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let [first, last] = [first, last].map(|number| number.parse::<usize>().expect(text));
    assert!(first <= last, "{text}");
    (first..=last).map(|number| format!("{group}.{number}")).collect()
}

fn all() -> BTreeSet<String> {
    let counts = GROUPS.iter().map(|(_, count)| count);
    assert_eq!(counts.sum::<usize>(), 517);
    GROUPS.iter().flat_map(|(group, count)| range(&format!("{group}.1-{count}"))).collect()
}

#[test]
fn each_case_of_autobahn_is_in_one_row() {
    let mut missing = all();
    for row in rows() {
        for id in row.theirs {
            assert!(missing.remove(&id), "{id} is in two rows, or there is no such case");
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn each_case_of_wsvet_exists() {
    // With a limit, there are the cases about it.
    let setups =
        [Setup::new("example.com", "/"), Setup::client()].map(|it| it.max_message(1 << 20));
    let cases = setups.each_ref().map(Case::all).concat();
    let ids: BTreeSet<_> = cases.iter().map(|case| &*case.id).collect();
    let spans = DOCUMENT.split('`').skip(1).step_by(2);
    let named = spans.filter(|span| span.contains('/') && !span.ends_with('/'));
    let unknown: Vec<_> = named.filter(|id| !ids.contains(*id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for row in rows() {
        assert!(!row.ours.is_empty() || !row.note.is_empty(), "{:?} without a reason", row.theirs);
    }
}

#[test]
fn the_numbers_are_those_of_the_table() {
    let without = |row: &Row| row.ours.is_empty();
    let none: usize = rows().iter().filter(|row| without(row)).map(|row| row.theirs.len()).sum();
    let sentence = format!("{} have such cases, {none} have none.", 517 - none);
    assert!(DOCUMENT.contains(&sentence), "it should say: {sentence}");
}
