//! Data flows one way: a file imports only from those that stand above it in `ARCHITECTURE.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The names in backticks of the first column of the table below this heading, from top to bottom,
/// without `.rs` and `/`.
fn order(heading: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap();
    let (_, section) = text.split_once(heading).expect("the heading is there");
    let rows = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let cells = rows.take_while(|line| line.starts_with('|')).map(|row| row.split('|').nth(1));
    let names = cells.flatten().flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.map(|name| name.trim_end_matches(".rs").trim_end_matches('/').to_owned()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The first part of a file's path below `src`: its folder or its name.
fn unit(path: &Path, src: &Path) -> String {
    let first = path.strip_prefix(src).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The code of a file, without comments, without its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let (code, _) = text.split_once("#[cfg(test)]\nmod tests").unwrap_or((&text, ""));
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The names that stand directly behind `crate::`, alone or in braces.
fn imports(code: &str) -> Vec<&str> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut names = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.extend(rest.split(|character| !is_name(character)).next());
            continue;
        };
        // A name at depth 0 is imported from the root.
        let (mut depth, mut start) = (0, true);
        for (at, character) in group.char_indices() {
            match character {
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                '{' => depth += 1,
                ',' => start = depth == 0,
                _ if start && is_name(character) => {
                    start = false;
                    names.extend(group[at..].split(|character| !is_name(character)).next());
                }
                _ => {}
            }
        }
    }
    names
}

/// The file of each name that the root of the library re-exports.
fn reexports(root: &str) -> BTreeMap<&str, &str> {
    let uses = root.split("pub use ").skip(1).filter_map(|rest| rest.split_once(';'));
    let mut names = BTreeMap::new();
    for (path, _) in uses {
        let Some((module, list)) = path.split_once("::") else { continue };
        let list = list.trim_matches(['{', '}', '\n', ' ']).split(',').map(str::trim);
        names.extend(list.map(|name| (name, module)));
    }
    names
}

fn assert_order(src: &str, order: &[String]) {
    let src = Path::new(ROOT).join(src);
    let root = fs::read_to_string(src.join("lib.rs")).unwrap();
    let names = reexports(&root);
    let place = |unit: &str| order.iter().position(|name| name == unit);
    let mut wrong = Vec::new();
    for path in files(&src) {
        let unit = unit(&path, &src);
        if matches!(&*unit, "lib" | "main") {
            continue;
        }
        let here = place(&unit).unwrap_or_else(|| panic!("ARCHITECTURE.md does not have {unit}"));
        for name in imports(&code(&path)) {
            let from = names.get(name).copied().unwrap_or(name);
            if from != unit && place(from).is_none_or(|there| there > here) {
                wrong.push(format!("{} imports {name} of {from}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_library_imports_upwards() {
    assert_order("src", &order("## The library"));
}

#[test]
fn the_tool_imports_upwards() {
    assert_order("cli/src", &order("## The tool"));
}

#[test]
fn imports_are_found() {
    let code = "use crate::{a::{b, c}, D, e};\nlet x = crate::f::g;";
    assert_eq!(imports(code), ["a", "D", "e", "f"]);
}
