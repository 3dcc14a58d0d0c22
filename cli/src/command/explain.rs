//! `wsvet explain`, `compare`, `codes` and `rules`: print the close codes and the rules.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use wsvet::{CloseCode, CodeInfo, Rule};

use crate::command::contrast;
use crate::command::status::Status;
use crate::report::style;
use crate::report::style::{BAD, CODE, HEADING, paragraph, width};

/// The smallest width at which tables are readable, in columns.
const TABLE: usize = 60;

/// Explains a close code or a rule. For anything else, it prints an error with a suggestion.
pub(crate) fn explain(
    out: &mut impl Write,
    what: &str,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    if let Some(rule) = Rule::from_id(&what.to_ascii_lowercase()) {
        return explain_rule(out, rule).map(|()| Status::Fine);
    }
    if let Ok(code) = what.parse() {
        return explain_code(out, CloseCode(code)).map(|()| Status::Fine);
    }
    let named = CloseCode::REGISTRY.iter().find(|info| info.name().eq_ignore_ascii_case(what));
    if let Some(info) = named {
        return explain_code(out, info.first()).map(|()| Status::Fine);
    }
    if !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_digit()) {
        complain(&format!("'{what}' is not a close code: must be 0 to 65535"));
        return Ok(Status::Unusable);
    }
    let near = Rule::ALL
        .iter()
        .map(|rule| (strsim::jaro_winkler(what, rule.id()), rule.id()))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(similarity, _)| *similarity > 0.7);
    let hint = near.map_or(String::new(), |(_, id)| format!(" Did you mean '{id}'?"));
    complain(&format!(
        "'{what}' is neither a close code nor a rule.{hint} Run 'wsvet codes' or 'wsvet rules' \
         for a list"
    ));
    Ok(Status::Unusable)
}

/// Compares two close codes, and says when to use which.
pub(crate) fn compare(out: &mut impl Write, left: CloseCode, right: CloseCode) -> io::Result<()> {
    let (left, right) = if left <= right { (left, right) } else { (right, left) };
    if left == right {
        return explain_code(out, left);
    }
    let rows = facts(left).into_iter().zip(facts(right));
    if width() >= TABLE {
        let mut table = table();
        table.set_header(["", &left.to_string(), &right.to_string()]);
        for ((name, left), (_, right)) in rows {
            table.add_row([name, &left, &right]);
        }
        table.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))?;
    } else {
        for ((name, first), (_, second)) in rows {
            writeln!(out, "{HEADING}{name}{HEADING:#}")?;
            paragraph(out, "  ", &format!("{}: {first}", left.0))?;
            paragraph(out, "  ", &format!("{}: {second}", right.0))?;
        }
    }
    writeln!(out, "\n{HEADING}The difference{HEADING:#}")?;
    match contrast::between(left, right) {
        Some(text) => paragraph(out, "  ", text)?,
        None if left.info() == right.info() => {
            paragraph(
                out,
                "  ",
                "The registry makes no difference: both codes are in the same range.",
            )?;
        }
        None => {
            for code in [left, right] {
                let info = code.info();
                let (category, meaning) = (info.category(), info.meaning());
                paragraph(out, "  ", &format!("{} ({category}): {meaning}", code.0))?;
            }
        }
    }
    writeln!(out, "\n{HEADING}Which one{HEADING:#}")?;
    for code in [left, right] {
        writeln!(out, "  {CODE}{code}{CODE:#}")?;
        paragraph(out, "    ", code.info().send_when())?;
    }
    Ok(())
}

/// Lists the close codes of the IANA registry.
pub(crate) fn codes(out: &mut impl Write) -> io::Result<()> {
    let rows = CloseCode::REGISTRY.iter().map(|info| {
        [
            range(info),
            info.name().to_owned(),
            info.category().to_string(),
            info.sender().to_string(),
        ]
    });
    list(out, ["code", "name", "category", "sent by"], rows)?;
    writeln!(
        out,
        "\nRun 'wsvet explain CODE' for details, or 'wsvet compare CODE CODE' to compare."
    )
}

/// Lists the rules in the order of their precedence.
pub(crate) fn rules(out: &mut impl Write) -> io::Result<()> {
    let rows = Rule::ALL.iter().map(|rule| {
        let code = rule.close_code().0.to_string();
        [rule.id().to_owned(), section(*rule), code, rule.breaks().to_owned()]
    });
    list(out, ["rule", "section", "code", "broken when"], rows)?;
    writeln!(out)?;
    paragraph(out, "", "If a frame breaks several rules, the first in this list counts.")?;
    writeln!(out, "Run 'wsvet explain RULE' for details.")
}

/// Prints rows as a table. If the terminal is too narrow, prints one fact per line.
fn list<const N: usize>(
    out: &mut impl Write,
    head: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> io::Result<()> {
    if width() < TABLE {
        for row in rows {
            writeln!(out, "{HEADING}{}{HEADING:#}", row[0])?;
            for (name, fact) in head.iter().zip(&row).skip(1) {
                paragraph(out, "  ", &format!("{name}: {fact}"))?;
            }
        }
        return Ok(());
    }
    let mut table = table();
    table.load_style(presets::NOTHING).set_header(head).add_rows(rows);
    style::list(out, &table)
}

fn explain_code(out: &mut impl Write, code: CloseCode) -> io::Result<()> {
    writeln!(out, "{CODE}{code}{CODE:#}\n")?;
    for (name, fact) in facts(code) {
        writeln!(out, "{HEADING}{name}{HEADING:#}")?;
        paragraph(out, "  ", &fact)?;
    }
    let rules: Vec<_> =
        Rule::ALL.iter().filter(|rule| rule.close_code() == code).map(|rule| rule.id()).collect();
    if !rules.is_empty() {
        writeln!(out, "{HEADING}required by these rules{HEADING:#}")?;
        paragraph(out, "  ", &rules.join(", "))?;
    }
    Ok(())
}

fn explain_rule(out: &mut impl Write, rule: Rule) -> io::Result<()> {
    writeln!(out, "{BAD}{rule}{BAD:#}\n")?;
    let code = rule.close_code();
    let answer = if code.is_sendable() {
        format!("{code}, with the reason \"{}\"", rule.text())
    } else {
        format!("{code}: reported to the application; nothing can be sent any more")
    };
    for (name, fact) in [
        ("broken when", rule.breaks()),
        ("section", &format!("RFC {} §{}", rule.rfc(), rule.section())),
        ("close code", &answer),
        ("why", rule.explain()),
        ("how to resolve it", rule.resolve()),
    ] {
        writeln!(out, "{HEADING}{name}{HEADING:#}")?;
        paragraph(out, "  ", fact)?;
    }
    Ok(())
}

/// Returns the facts about a code, each with its name.
fn facts(code: CloseCode) -> [(&'static str, String); 7] {
    let info = code.info();
    let wire = if info.is_sendable() { "yes" } else { "no" };
    [
        ("category", info.category().to_string()),
        ("what it means", info.meaning().to_owned()),
        ("when you see it", info.seen().to_owned()),
        ("how to resolve it", info.resolve().to_owned()),
        ("sent by", info.sender().to_string()),
        ("can be sent", wire.to_owned()),
        ("when to send it", info.send_when().to_owned()),
    ]
}

fn range(info: &CodeInfo) -> String {
    if info.first() == info.last() {
        info.first().0.to_string()
    } else {
        format!("{}-{}", info.first().0, info.last().0)
    }
}

fn section(rule: Rule) -> String {
    match rule.rfc() {
        6455 => format!("§{}", rule.section()),
        rfc => format!("RFC {rfc} §{}", rule.section()),
    }
}

fn table() -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width() as u16);
    table
}
