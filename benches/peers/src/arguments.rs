//! What the command line asks for.

/// How it is used.
pub const USAGE: &str = "\
usage: wsvet-peers [--json | --markdown] [--svg FILE] [--rounds N] [WORK...]
       wsvet-peers --memory

  WORK        measure only the rows whose name contains one of these
  --rounds N  how often everybody takes a turn in each row (200); a row ends early after 20 s
  --json      print an object a line
  --markdown  print tables of the best times for a README
  --memory    measure only the memory of many connections
  --svg FILE  draw some of the rows as well, into this file";

/// The form in which the figures are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Tables for a terminal, and what each peer does.
    Text,
    /// One JSON object a line.
    Json,
    /// Tables in Markdown.
    Markdown,
}

/// What is asked for.
#[derive(PartialEq, Eq, Debug)]
pub struct Arguments {
    /// The form in which the figures are printed.
    pub form: Form,
    /// The file for the picture, if one is wanted.
    pub picture: Option<String>,
    /// Whether only memory is measured.
    pub memory: bool,
    /// How many rounds each row takes.
    pub rounds: usize,
    /// Parts of the names of the rows that are wanted; none means all.
    pub works: Vec<String>,
}

impl Arguments {
    /// Reads them; `None` where they make no sense.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (form, works) = (Form::Text, Vec::new());
        let mut read = Self { form, picture: None, memory: false, rounds: 200, works };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--json" => read.form = Form::Json,
                "--markdown" => read.form = Form::Markdown,
                "--memory" => read.memory = true,
                "--svg" => read.picture = Some(arguments.next()?),
                "--rounds" => {
                    read.rounds = arguments.next()?.parse().ok().filter(|&rounds| rounds > 0)?;
                }
                option if option.starts_with('-') => return None,
                _ => read.works.push(argument),
            }
        }
        Some(read)
    }

    /// Whether the row of this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.works.is_empty() || self.works.iter().any(|work| name.contains(work))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Arguments> {
        Arguments::read(line.split_whitespace().map(String::from))
    }

    #[test]
    fn all_rows_are_wanted_unless_some_are_named() {
        let all = read("--json --rounds 7").unwrap();
        assert_eq!((all.form, all.rounds), (Form::Json, 7));
        assert!(all.wants("binary 16 B"));
        let some = read("text mix --svg a.svg").unwrap();
        assert_eq!(some.picture.as_deref(), Some("a.svg"));
        assert!(some.wants("realistic mix") && some.wants("ASCII text 125 B"));
        assert!(!some.wants("binary 16 B"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["--rounds", "--rounds 0", "--rounds x", "--svg", "--xml"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
