//! The connections of an input that have ended: a row of the table and a text for each, which wait
//! in a spool until the end of the input.

use std::io::{self, Write};

use textwrap::core::display_width;

use super::ending::{COLUMNS, cells, closing};
use crate::report::spool::{Spool, Spooled};
use crate::report::style::{HEADING, options};
use crate::session::report::Closing;

/// The columns that a table leaves out if it is too wide, the first ones first.
const LEFT_OUT: [&[&str]; 3] =
    [&[], &["client", "server"], &["client", "server", "frames", "bytes"]];

/// The columns whose cells are numbers.
const NUMBERS: [&str; 3] = ["conn", "frames", "bytes"];

/// The width that the last column needs before another column is left out, in columns.
const LAST: usize = 24;

/// The smallest width of a terminal at which the table has addresses, in columns.
const ADDRESSES: usize = 90;

/// The separator of the cells of a row in the spool. A cell has no invisible character.
const SEPARATOR: &str = "\t";

/// The connections that have ended, in the order of their ends.
pub(super) struct Closings {
    spool: Spool,
    places: Vec<Place>,
    /// The widths of the widest cells.
    widths: [usize; COLUMNS.len()],
}

/// The place of a connection in the spool.
struct Place {
    connection: usize,
    start: u64,
    /// The length of the row, and that of the text after it.
    lens: [u32; 2],
}

impl Closings {
    pub(super) fn new() -> Self {
        let widths = COLUMNS.map(display_width);
        Self { spool: Spool::new(), places: Vec::new(), widths }
    }

    /// Adds a connection that has ended.
    pub(super) fn push(&mut self, ended: &Closing, width: usize) -> io::Result<()> {
        let cells = cells(ended, width);
        for (widest, cell) in self.widths.iter_mut().zip(&cells) {
            *widest = display_width(cell).max(*widest);
        }
        let start = self.spool.len();
        self.spool.write_all(cells.join(SEPARATOR).as_bytes())?;
        let text = self.spool.len();
        closing(&mut self.spool, ended, width)?;
        // Each text of a peer in it is short.
        let lens = [text - start, self.spool.len() - text].map(|len| len as u32);
        self.places.push(Place { connection: ended.opening.connection, start, lens });
        Ok(())
    }

    /// Ends the input. The connections are then in the order of their numbers.
    pub(super) fn sorted(self) -> io::Result<Sorted> {
        let Self { spool, mut places, widths } = self;
        places.sort_by_key(|place| place.connection);
        Ok(Sorted { spooled: spool.read()?, places, widths })
    }
}

/// All connections of an input, in the order of their numbers.
pub(super) struct Sorted {
    spooled: Spooled,
    places: Vec<Place>,
    widths: [usize; COLUMNS.len()],
}

impl Sorted {
    /// Prints a table of the connections, if they are several.
    pub(super) fn table(&mut self, out: &mut impl Write, width: usize) -> io::Result<()> {
        if self.places.len() < 2 {
            return Ok(());
        }
        let layout = Layout::new(self.widths, width);
        let head = layout.row(COLUMNS.into_iter());
        writeln!(out, "{HEADING}{}{HEADING:#}", head.trim_end())?;
        for place in &self.places {
            let row = self.spooled.text(place.start..place.text())?;
            writeln!(out, "{}", layout.row(row.split(SEPARATOR)))?;
        }
        writeln!(out)
    }

    /// Prints the text of each connection.
    pub(super) fn texts(&mut self, out: &mut impl Write) -> io::Result<()> {
        for place in &self.places {
            self.spooled.copy(place.text()..place.text() + u64::from(place.lens[1]), out)?;
        }
        Ok(())
    }
}

impl Place {
    /// Returns the start of the text.
    fn text(&self) -> u64 {
        self.start + u64::from(self.lens[0])
    }
}

/// The widths of the columns of a table, except for the last one.
struct Layout {
    /// `None` for a column that is left out.
    widths: [Option<usize>; COLUMNS.len()],
    /// The width of the last column, whose cells are wrapped.
    last: usize,
    indent: String,
}

impl Layout {
    /// Chooses the columns for cells of these widths.
    fn new(widths: [usize; COLUMNS.len()], width: usize) -> Self {
        let needed = widths[COLUMNS.len() - 1].min(LAST);
        let mut chosen = [None; COLUMNS.len()];
        let mut before = 0;
        for left_out in LEFT_OUT {
            let shown = |at: usize| !left_out.contains(&COLUMNS[at]);
            chosen = std::array::from_fn(|at| shown(at).then_some(widths[at]));
            // A space stands on both sides of each cell.
            before = chosen.iter().rev().skip(1).flatten().map(|width| width + 2).sum();
            let addresses = shown(1);
            if before + 2 + needed <= width && (!addresses || width >= ADDRESSES) {
                break;
            }
        }
        let last = width.saturating_sub(before + 2).max(LAST / 2);
        Self { widths: chosen, last, indent: " ".repeat(before + 1) }
    }

    /// Returns a row, which has more than one line if the last cell is long.
    fn row<'a>(&self, cells: impl Iterator<Item = &'a str>) -> String {
        let mut line = String::new();
        let mut last = "";
        for ((name, width), cell) in COLUMNS.iter().zip(self.widths).zip(cells) {
            let Some(width) = width else { continue };
            if *name == COLUMNS[COLUMNS.len() - 1] {
                last = cell;
                break;
            }
            let pad = " ".repeat(width.saturating_sub(display_width(cell)));
            let [before, after] = if NUMBERS.contains(name) { [&pad, ""] } else { ["", &pad] };
            line.extend([" ", before, cell, after, " "]);
        }
        line.push(' ');
        // Most cells fit, and wrapping takes long.
        if last.len() <= self.last && !last.ends_with(' ') {
            line.push_str(last);
            return line;
        }
        // A name stays whole, so that it is found where it is searched.
        let options = options(self.last).break_words(false);
        for (index, part) in textwrap::wrap(last, options).iter().enumerate() {
            if index > 0 {
                line.push('\n');
                line.push_str(&self.indent);
            }
            line.push_str(part);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: [&str; 7] = [
        "7",
        "10.0.0.1:40000",
        "10.0.0.2:80",
        "/chat",
        "12",
        "3456",
        "clean 1000, unanswered-ping",
    ];

    #[test]
    fn a_narrow_table_leaves_columns_out() {
        let widths: [usize; 7] = std::array::from_fn(|at| ROW[at].len().max(COLUMNS[at].len()));
        let row = |width| Layout::new(widths, width).row(ROW.into_iter());
        assert_eq!(
            row(100),
            "    7  10.0.0.1:40000  10.0.0.2:80  /chat       12   3456  clean 1000, unanswered-ping"
        );
        assert_eq!(row(60), "    7  /chat       12   3456  clean 1000, unanswered-ping");
        assert_eq!(row(40), "    7  /chat   clean 1000,\n               unanswered-ping");
        assert_eq!(row(20), "    7  /chat   clean 1000,\n               unanswered-ping");
        let long = Layout::new(widths.map(|width| 3 * width), 100);
        assert!(!long.row(ROW.into_iter()).contains("10.0.0.1"));
    }
}
