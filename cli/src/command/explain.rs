//! `wsvet explain`, `compare`, `codes` and `rules`: print the close codes and the rules.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use wsvet::{CloseCode, CodeInfo, Lapse, Role, Rule};

use crate::command::contrast;
use crate::command::status::Status;
use crate::report::style;
use crate::report::style::{BAD, CODE, HEADING, paragraph, width};

/// The smallest width at which tables are readable, in columns.
const TABLE: usize = 60;

/// A rule of any family, and what follows if it is broken.
struct Entry {
    id: &'static str,
    rfc: u16,
    section: &'static str,
    breaks: &'static str,
    text: &'static str,
    explain: &'static str,
    resolve: &'static str,
    follows: Follows,
}

/// What follows if a rule is broken.
enum Follows {
    /// The receiver closes the connection with this code.
    Close(CloseCode),
    /// Nothing is sent. The only endpoint that has the duty, or `None` if both have it.
    Nothing(Option<Role>),
}

/// Creates the entry of a rule.
macro_rules! entry {
    ($rule:expr, $follows:expr) => {
        Entry {
            id: $rule.id(),
            rfc: $rule.rfc(),
            section: $rule.section(),
            breaks: $rule.breaks(),
            text: $rule.text(),
            explain: $rule.explain(),
            resolve: $rule.resolve(),
            follows: $follows,
        }
    };
}

/// Returns the rules of all families.
fn entries() -> impl Iterator<Item = Entry> {
    let rules = Rule::ALL.iter().map(|rule| entry!(rule, Follows::Close(rule.close_code())));
    rules.chain(Lapse::ALL.iter().map(|lapse| entry!(lapse, Follows::Nothing(lapse.debtor()))))
}

/// Explains a close code or a rule. For anything else, it prints an error with a suggestion.
pub(crate) fn explain(
    out: &mut impl Write,
    what: &str,
    complain: &mut dyn FnMut(&str),
) -> io::Result<Status> {
    if let Some(rule) = entries().find(|rule| rule.id.eq_ignore_ascii_case(what)) {
        return explain_rule(out, &rule).map(|()| Status::Fine);
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
    let near = entries()
        .map(|rule| (strsim::jaro_winkler(what, rule.id), rule.id))
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

/// Lists the rules of all families, each in the order of precedence.
pub(crate) fn rules(out: &mut impl Write) -> io::Result<()> {
    let rows = entries().map(|rule| {
        let code = match rule.follows {
            Follows::Close(code) => code.0.to_string(),
            Follows::Nothing(_) => "-".to_owned(),
        };
        [rule.id.to_owned(), section(&rule), code, rule.breaks.to_owned()]
    });
    list(out, ["rule", "section", "code", "broken when"], rows)?;
    writeln!(out)?;
    let order = "If a frame breaks several rules, the first in this list counts. A rule without a \
                 code is a duty that an endpoint neglects while time passes.";
    paragraph(out, "", order)?;
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

fn explain_rule(out: &mut impl Write, rule: &Entry) -> io::Result<()> {
    writeln!(out, "{BAD}{}{BAD:#}\n", rule.id)?;
    let section = format!("RFC {} §{}", rule.rfc, rule.section);
    let follows = match rule.follows {
        Follows::Close(code) if code.is_sendable() => {
            ("close code", format!("{code}, with the reason \"{}\"", rule.text))
        }
        Follows::Close(code) => {
            let told = "reported to the application; nothing can be sent any more";
            ("close code", format!("{code}: {told}"))
        }
        Follows::Nothing(debtor) => {
            ("who must do it", debtor.map_or("both endpoints", Role::name).to_owned())
        }
    };
    for (name, fact) in [
        ("broken when", rule.breaks),
        ("section", &section),
        (follows.0, &follows.1),
        ("why", rule.explain),
        ("how to resolve it", rule.resolve),
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

fn section(rule: &Entry) -> String {
    match rule.rfc {
        6455 => format!("§{}", rule.section),
        rfc => format!("RFC {rfc} §{}", rule.section),
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
