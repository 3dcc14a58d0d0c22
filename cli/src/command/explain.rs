//! `wsvet explain`, `compare`, `codes` and `rules`: print the close codes and the rules.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use wsvet::handshake::{self, Due};
use wsvet::{CloseCode, CodeInfo, Lapse, Role, Rule};

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
    let id = what.to_ascii_lowercase();
    if let Some(rule) = rows().find(|rule| rule.id == id) {
        return explain_rule(out, &rule).map(|()| Status::Fine);
    }
    if let Ok(code) = what.parse() {
        // The numbers of rules are below 1000, where no close code is.
        if let Some(rule) = rows().find(|rule| u16::from(rule.number) == code) {
            writeln!(out, "{code} is the number of a rule. Close codes start at 1000.\n")?;
            return explain_rule(out, &rule).map(|()| Status::Fine);
        }
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
    let near = rows()
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

/// A rule of any family.
struct Row {
    id: &'static str,
    number: u8,
    /// The RFC, if it is not 6455, and the section.
    section: String,
    breaks: &'static str,
    explain: &'static str,
    resolve: &'static str,
    /// What the receiver does, in a word.
    due: String,
    /// The same, with its name, in a sentence.
    answer: (&'static str, String),
}

/// The rules of all families: those of frames, those of the opening handshake, and the duties.
fn rows() -> impl Iterator<Item = Row> {
    let of_frames = Rule::ALL.iter().copied().map(Row::from);
    let of_handshake = handshake::Rule::ALL.iter().copied().map(Row::from);
    of_frames.chain(of_handshake).chain(Lapse::ALL.iter().copied().map(Row::from))
}

/// Creates the row of a rule. The families share the getters, but no trait.
macro_rules! row {
    ($rule:ident, $due:expr, $answer:expr) => {
        Self {
            id: $rule.id(),
            number: $rule.number(),
            section: section($rule.rfc(), $rule.section()),
            breaks: $rule.breaks(),
            explain: $rule.explain(),
            resolve: $rule.resolve(),
            due: $due,
            answer: $answer,
        }
    };
}

impl From<Rule> for Row {
    fn from(rule: Rule) -> Self {
        let code = rule.close_code();
        let answer = if code.is_sendable() {
            format!("{code}, with the reason \"{}\"", rule.text())
        } else {
            format!("{code}: reported to the application; nothing can be sent any more")
        };
        row!(rule, code.0.to_string(), ("close code", answer))
    }
}

impl From<Lapse> for Row {
    fn from(lapse: Lapse) -> Self {
        let named = |role: Role| (role.name(), role.name());
        let (debtor, endpoints) = lapse.debtor().map_or(("both", "both endpoints"), named);
        row!(lapse, debtor.to_owned(), ("who must do it", endpoints.to_owned()))
    }
}

impl From<handshake::Rule> for Row {
    fn from(rule: handshake::Rule) -> Self {
        let (due, answer) = match rule.due() {
            Due::Status(status) => (
                status.to_string(),
                format!("HTTP {status} from the server, with the text \"{}\"", rule.text()),
            ),
            _ => (
                "fail".to_owned(),
                "the client closes the TCP connection and reports 1006; it sends no frame (§4.1)"
                    .to_owned(),
            ),
        };
        row!(rule, due, ("answer", answer))
    }
}

/// Lists the rules in the order of their precedence.
pub(crate) fn rules(out: &mut impl Write) -> io::Result<()> {
    let cells = |rule: Row| [rule.id.to_owned(), rule.section, rule.due, rule.breaks.to_owned()];
    let of_frames = Rule::ALL.iter().copied().map(Row::from);
    list(out, ["rule", "section", "code", "broken when"], of_frames.map(cells))?;
    writeln!(out)?;
    paragraph(out, "", "If a frame breaks several rules, the first in this list counts.")?;
    writeln!(out)?;
    let of_handshake = handshake::Rule::ALL.iter().copied().map(Row::from);
    list(out, ["rule", "section", "answer", "broken when"], of_handshake.map(cells))?;
    writeln!(out)?;
    paragraph(
        out,
        "",
        "These are the rules of the opening handshake. The server answers a request with the HTTP \
         status of the first that it breaks. If the response breaks one, the client fails the \
         connection.",
    )?;
    writeln!(out)?;
    let duties = Lapse::ALL.iter().copied().map(Row::from);
    list(out, ["duty", "section", "who", "broken when"], duties.map(cells))?;
    writeln!(out)?;
    paragraph(
        out,
        "",
        "An endpoint neglects these duties while time passes; nothing is sent for it.",
    )?;
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

fn explain_rule(out: &mut impl Write, rule: &Row) -> io::Result<()> {
    writeln!(out, "{BAD}{}{BAD:#}\n", rule.id)?;
    let section = match rule.section.strip_prefix("RFC") {
        None => format!("RFC 6455 {}", rule.section),
        Some(_) => rule.section.clone(),
    };
    let (due, answer) = &rule.answer;
    for (name, fact) in [
        ("broken when", rule.breaks),
        ("section", &*section),
        (due, answer),
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

fn section(rfc: u16, section: &str) -> String {
    match rfc {
        6455 => format!("§{section}"),
        rfc => format!("RFC {rfc} §{section}"),
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
