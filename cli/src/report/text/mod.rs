//! Prints tables of frames, with each violation below its frame, and how each connection was
//! closed.

mod closings;
mod ending;
mod row;

use std::io::{self, Write};
use std::rc::Rc;

use wsvet::{Header, Role, Violation};

use crate::report::handshake::{Told, handshake};
use crate::report::spool::Spool;
use crate::report::strays::Groups;
use crate::report::style::{BAD, CODE, DIM, GOOD, HEADING, paragraph, plain, width};
use crate::report::words::hex_bytes;
use crate::report::words::{count, evidence, found, inside, lacks, read_as, within};
use crate::session::agreement::HandshakeFinding;
use crate::session::cause::Causes;
use crate::session::record::{Broken, Frame, Incomplete, Record};
use crate::session::report::{Closing, Opening, Tally};
use crate::session::report::{Gap, Place, ReadAs, Report};
use crate::session::unjudged::Stray;

use closings::Closings;
use row::Row;

/// The options of the output for people.
#[derive(Clone, Copy, Default)]
pub struct Shown {
    /// Print the payload of each frame.
    pub payload: bool,
    /// Print only the frames that break a rule.
    pub summary: bool,
    /// Print each frame at once, and how the connections ended after the frames.
    pub follow: bool,
    /// Print everything at once, also how each connection ended. Only [`Report::flush`] flushes.
    pub live: bool,
}

/// Prints records for people.
pub struct Text<W: Write> {
    out: W,
    shown: Shown,
    /// The width of the terminal in columns.
    width: usize,
    /// The name of the input, until it is printed as a heading before the first output.
    input: Option<String>,
    inputs: usize,
    /// The output that waits until the number of connections is known.
    held: Option<Spool>,
    /// Whether the heading of the table was printed.
    table: bool,
    /// The last connection whose start was printed.
    opened: Option<usize>,
    /// The connection, the sender and the offset of the last row's frame.
    row: Option<(usize, Role, u64)>,
    /// The connection, the sender and the offset of a violation, if it was printed last.
    broken: Option<(usize, Role, u64)>,
    /// The buffer for a row.
    line: String,
    /// The connections of this input that have ended.
    closings: Closings,
    /// The connections of this input that are not judged.
    strays: Groups,
}

/// The most reasons for which connections are not judged that are printed.
const STRAYS: usize = 8;

/// The most connections that are named for each reason.
const NAMED: usize = 2;

/// The indentation of lines below a frame.
const INDENT: &str = "        ";

impl<W: Write> Text<W> {
    /// Creates a report that writes to `out`.
    pub fn new(out: W, shown: Shown) -> Self {
        Self {
            out,
            shown,
            width: width(),
            input: None,
            inputs: 0,
            held: None,
            table: false,
            opened: None,
            row: None,
            broken: None,
            line: String::new(),
            closings: Closings::new(),
            strays: Groups::default(),
        }
    }

    /// Returns the writer for frames.
    fn out(&mut self) -> &mut dyn Write {
        match &mut self.held {
            Some(held) => held,
            None => &mut self.out,
        }
    }

    /// Prints the name of the input, once.
    fn heading(&mut self) -> io::Result<()> {
        let Some(name) = self.input.take() else { return Ok(()) };
        if self.inputs > 0 {
            writeln!(self.out)?;
        }
        self.inputs += 1;
        writeln!(self.out, "{HEADING}{}{HEADING:#}", plain(&name))
    }

    /// Prints the line for a connection at its start, once.
    fn opened(&mut self, opening: &Opening) -> io::Result<()> {
        self.broken = None;
        if self.opened.replace(opening.connection) == Some(opening.connection) {
            return Ok(());
        }
        let text = ending::opening(opening, self.width);
        paragraph(&mut self.out(), "", &text)
    }

    /// Prints the heading of the table, once for each input.
    fn table(&mut self, place: &Place) -> io::Result<()> {
        self.heading()?;
        if std::mem::replace(&mut self.table, true) {
            return Ok(());
        }
        let head = row::head(place, self.width);
        writeln!(self.out(), "{HEADING}{head}{HEADING:#}")
    }

    fn frame(&mut self, place: &Place, frame: &Frame<'_>) -> io::Result<()> {
        self.row(place, frame.offset, &frame.header, Some(frame))?;
        if self.shown.payload {
            let out = self.out();
            for (index, line) in frame.payload.chunks(16).enumerate() {
                let text: String = line.iter().map(|byte| printable(*byte)).collect();
                let (offset, hex) = (16 * index, hex_bytes(line, " "));
                writeln!(out, "    {DIM}{offset:08x}{DIM:#}  {hex:<47}  {DIM}{text}{DIM:#}")?;
            }
        }
        Ok(())
    }

    /// Prints the row of a frame, unless it is the last row already. If the payload is known, the row
    /// has a preview of it.
    fn row(
        &mut self,
        place: &Place,
        offset: u64,
        header: &Header,
        frame: Option<&Frame<'_>>,
    ) -> io::Result<()> {
        let this = Some((place.connection, place.from, offset));
        if std::mem::replace(&mut self.row, this) == this {
            return Ok(());
        }
        let mut line = std::mem::take(&mut self.line);
        line.clear();
        Row { place, offset, header, frame }.write(&mut line, self.width);
        let written = self.out().write_all(line.as_bytes());
        self.line = line;
        written
    }

    fn broken(&mut self, place: &Place, broken: &Broken<'_>) -> io::Result<()> {
        let rule = broken.violation.rule;
        let offset = broken.violation.offset;
        if let Some((start, header)) = &broken.header {
            self.row(place, *start, header, None)?;
        }
        let out = &mut self.out();
        let from = place.from.name();
        let packet = place.number().map_or(String::new(), |n| format!(" ({} {n})", place.unit()));
        // Without a header, no row names the connection.
        let of = match broken.header {
            None if place.at.is_some() => format!(" of connection {}", place.connection),
            _ => String::new(),
        };
        let broken_at =
            format!("{BAD}✗ {rule}{BAD:#} at byte {offset} from the {from}{of}{packet}");
        paragraph(out, INDENT, &broken_at)?;
        if let Some(found) = evidence(broken, &mut [0; Header::MAX_LEN]) {
            let hex = hex_bytes(found.bytes, " ");
            let gap = " ".repeat(3 * found.at.start);
            let marks = vec!["^^"; found.at.len()].join(" ");
            writeln!(out, "{INDENT}  {hex}")?;
            writeln!(out, "{INDENT}  {gap}{BAD}{marks}{BAD:#} {}", found.note)?;
        }
        let section = rule.section();
        if let Some(inflated) = broken.inflated {
            paragraph(out, &format!("{INDENT}  "), &within(inflated))?;
        }
        let indent = format!("{INDENT}  ");
        paragraph(out, &indent, &format!("{} (RFC {} §{section})", rule.text(), rule.rfc()))?;
        let code = rule.close_code();
        let receiver = place.from.peer().name();
        self.broken = Some((place.connection, place.from, offset));
        let answer = match broken.violation.reply() {
            Some(_) => format!("the {receiver} must close with {CODE}{code}{CODE:#}"),
            None => format!("the {receiver} reports {CODE}{code}{CODE:#} to its application"),
        };
        paragraph(&mut self.out(), &indent, &answer)
    }

    /// Prints the connections that are not judged, by their reasons.
    fn strays(&mut self) -> io::Result<()> {
        let strays = std::mem::take(&mut self.strays);
        let mut more = 0;
        for (index, (why, group)) in strays.iter().enumerate() {
            self.heading()?;
            if index < STRAYS {
                paragraph(&mut self.out, "", &group.sentence(why))?;
            } else {
                more += group.count;
            }
        }
        if more > 0 {
            let text = format!("{} for other reasons: see --json", count(more, "more connection"));
            paragraph(&mut self.out, "", &text)?;
        }
        Ok(())
    }

    fn incomplete(&mut self, place: &Place, incomplete: &Incomplete<'_>) -> io::Result<()> {
        let (from, offset) = (place.from.name(), incomplete.offset);
        let inside = inside(incomplete);
        let text = format!("the bytes from the {from} end at byte {offset}, {inside}");
        paragraph(&mut self.out(), INDENT, &text)
    }
}

impl<W: Write> Report for Text<W> {
    fn input(&mut self, name: &str) -> io::Result<()> {
        self.input = Some(name.to_owned());
        self.table = false;
        self.row = None;
        Ok(())
    }

    fn read_as(&mut self, how: &ReadAs) -> io::Result<()> {
        self.heading()?;
        let text = plain(&read_as(how));
        paragraph(&mut self.out(), "", &text)
    }

    fn opening(&mut self, opening: &Opening) -> io::Result<()> {
        self.heading()?;
        if !self.shown.follow && !self.shown.live && self.held.is_none() {
            self.held = Some(Spool::new());
        }
        if self.shown.summary { Ok(()) } else { self.opened(opening) }
    }

    fn handshake(&mut self, opening: &Opening, found: &HandshakeFinding) -> io::Result<()> {
        self.opened(opening)?;
        let Told { broken, text, due } = handshake(found, &opening.agreement);
        let out = &mut self.out();
        let inner = format!("{INDENT}  ");
        let Some((rule, from)) = broken else { return paragraph(out, INDENT, &plain(&text)) };
        let message = if from == Role::Client { "request" } else { "response" };
        paragraph(out, INDENT, &format!("{BAD}✗ {rule}{BAD:#} in the {message} of the {from}"))?;
        let section = format!("(RFC {} §{})", rule.rfc(), rule.section());
        paragraph(out, &inner, &format!("{} {section}", plain(&text)))?;
        due.map_or(Ok(()), |due| paragraph(out, &inner, &due))
    }

    fn record(&mut self, place: &Place, record: &Record<'_>) -> io::Result<()> {
        match record {
            Record::Frame(_) if self.shown.summary => return Ok(()),
            // The steps of the closing show it.
            Record::LateClose(_) => return Ok(()),
            _ => self.table(place)?,
        }
        self.broken = None;
        match record {
            Record::Frame(frame) | Record::LateClose(frame) => self.frame(place, frame),
            Record::Broken(broken) => self.broken(place, broken),
            Record::Incomplete(incomplete) => self.incomplete(place, incomplete),
        }?;
        if self.shown.follow { self.out.flush() } else { Ok(()) }
    }

    fn causes(&mut self, told: &Causes) -> io::Result<()> {
        let Causes { place: Place { connection, from, .. }, violation, causes } = told;
        let here = self.broken == Some((*connection, *from, violation.offset));
        let mut indent = format!("{INDENT}  ");
        let mut intro = "looks like".to_owned();
        if !here {
            let Violation { rule, offset, .. } = violation;
            indent.truncate(INDENT.len());
            intro = format!(
                "{rule} at byte {offset} from the {from} of connection {connection} looks like"
            );
        }
        for cause in causes {
            let text = format!("{intro}: {}", plain(&cause.text));
            paragraph(&mut self.out(), &indent, &text)?;
            intro.clear();
            intro.push_str("or like");
        }
        if self.shown.follow { self.out.flush() } else { Ok(()) }
    }

    fn gap(&mut self, place: &Place, gap: &Gap) -> io::Result<()> {
        self.table(place)?;
        self.broken = None;
        let text = lacks(place, gap);
        paragraph(&mut self.out(), INDENT, &text)
    }

    fn verdict(&mut self, closing: &Rc<Closing>) -> io::Result<()> {
        if self.shown.live {
            self.heading()?;
            self.broken = None;
            self.opened = None;
            return ending::closing(&mut self.out, closing, self.width);
        }
        self.closings.push(closing, self.width)
    }

    fn stray(&mut self, stray: &Stray) -> io::Result<()> {
        self.strays.add(stray, NAMED);
        if self.shown.live { self.strays() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn end_of_input(&mut self, _: &[String]) -> io::Result<()> {
        let closings = std::mem::replace(&mut self.closings, Closings::new());
        let mut closings = closings.sorted()?;
        closings.table(&mut self.out, self.width)?;
        if let Some(held) = self.held.take() {
            held.copy(&mut self.out)?;
        }
        closings.texts(&mut self.out)?;
        self.strays()
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        let Tally { connections, frames, unusable, .. } = *tally;
        if connections > 0 {
            let [good, bad] = found(tally);
            let good = good.map(|good| format!("{GOOD}✓ {good}{GOOD:#}"));
            let bad = bad.map(|bad| format!("{BAD}✗ {bad}{BAD:#}"));
            let found: Vec<_> = good.into_iter().chain(bad).collect();
            let frames = count(frames, "complete frame");
            let connections = count(connections as u64, "connection");
            let text = format!("{} ({frames} in {connections})", found.join(", "));
            paragraph(&mut self.out, "", &text)?;
        }
        if connections > 0 && unusable > 0 {
            let inputs = count(unusable as u64, "input");
            writeln!(self.out, "{BAD}✗ {inputs} could not be judged{BAD:#}")?;
        }
        self.out.flush()
    }
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() || byte == b' ' { byte.into() } else { '.' }
}
