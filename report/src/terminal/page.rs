//! Lines of styled text of a certain width.

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::Terminal;

use crate::format::NBSP;
use crate::palette;
use crate::text::{is_invisible, shortened};

/// A word of which more than this is shown nowhere: paths are shorter, only nonsense is longer.
const LONGEST_WORD: usize = 400;

/// How a piece of text looks. Without colours all look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it is.
    Plain,
    /// Titles.
    Bold,
    /// What matters less.
    Dim,
    /// Something to take heed of.
    Warning,
    /// A failure.
    Failure,
    /// The colour of a group; the default one for groups that this build does not know.
    Group(Option<OpGroup>),
}

impl Style {
    /// The parameters of the ANSI sequence; empty for none.
    fn ansi(self) -> &'static str {
        match self {
            Style::Plain => "",
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Warning => "33",
            Style::Failure => "1;31",
            Style::Group(group) => group.map_or(palette::TERMINAL_REST, palette::terminal),
        }
    }
}

/// A page with fewer columns is narrow.
const NARROW: usize = 80;

/// Columns that labels take.
const LABEL: usize = 14;

/// A page that is written line by line.
pub(crate) struct Page {
    width: usize,
    colour: bool,
    text: String,
}

impl Page {
    /// An empty page. Widths outside 60 to 160 are moved to the nearer bound.
    pub(crate) fn new(terminal: Terminal) -> Self {
        Page {
            width: terminal.width.clamp(60, 160),
            colour: terminal.colour,
            text: String::new(),
        }
    }

    /// Columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether there is little room.
    pub(crate) fn is_narrow(&self) -> bool {
        self.width < NARROW
    }

    /// The text. No-break spaces have done their work and become spaces.
    pub(crate) fn finish(self) -> String {
        self.text.replace(NBSP, " ")
    }

    /// An empty line.
    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line across the page.
    pub(crate) fn rule(&mut self) {
        let rule = "─".repeat(self.width);
        self.line(&[(Style::Dim, &rule)]);
    }

    /// One line of pieces, as long as they are. Spaces at the end are left out.
    pub(crate) fn line(&mut self, pieces: &[(Style, &str)]) {
        let used = pieces
            .iter()
            .rposition(|(_, text)| !text.trim_end().is_empty());
        let pieces = &pieces[..used.map_or(0, |last| last + 1)];
        for (index, (style, text)) in pieces.iter().enumerate() {
            let text = match index + 1 == pieces.len() {
                true => text.trim_end(),
                false => text,
            };
            self.push(*style, text);
        }
        self.text.push('\n');
    }

    /// What a terminal would obey becomes a mark of one column: a record can come from anywhere.
    fn push(&mut self, style: Style, text: &str) {
        let text = &text.replace(is_invisible, "\u{fffd}");
        let ansi = style.ansi();
        if self.colour && !ansi.is_empty() && !text.trim().is_empty() {
            self.text.extend(["\x1b[", ansi, "m", text, "\x1b[0m"]);
        } else {
            self.text.push_str(text);
        }
    }

    /// Text that is broken between words, each line after `indent` columns; `lead` stands before the
    /// first.
    pub(crate) fn wrapped(&mut self, lead: (Style, &str), indent: usize, style: Style, text: &str) {
        let room = self.width.saturating_sub(indent);
        for (index, line) in wrap(text, room).iter().enumerate() {
            let before = if index == 0 { lead.1 } else { "" };
            let before = format!("{before:indent$}");
            self.line(&[(lead.0, &before), (style, line)]);
        }
    }

    /// A label and its text.
    pub(crate) fn labelled(&mut self, label: &str, text: &str) {
        self.wrapped((Style::Bold, label), LABEL, Style::Plain, text);
    }

    /// A label and its text, both of less interest.
    pub(crate) fn aside(&mut self, label: &str, text: &str) {
        self.wrapped((Style::Dim, label), LABEL, Style::Dim, text);
    }
}

/// Breaks text at spaces into lines of at most `room` characters; a longer word stays whole.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = &*shortened(word, LONGEST_WORD);
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Columns that a text takes: every character that reports use takes one.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words_only() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(
            wrap("16.2\u{a0}ms and more", 6),
            ["16.2\u{a0}ms", "and", "more"]
        );
        assert_eq!(wrap("a-very-long-word x", 4), ["a-very-long-word", "x"]);
        assert_eq!(wrap("", 4), Vec::<String>::new());
    }

    #[test]
    fn colours_only_where_allowed() {
        let mut page = Page::new(Terminal {
            width: 80,
            colour: true,
        });
        page.line(&[(Style::Bold, "a"), (Style::Plain, " b  ")]);
        assert_eq!(page.finish(), "\u{1b}[1ma\u{1b}[0m b\n");
        let mut page = Page::new(Terminal {
            width: 80,
            colour: false,
        });
        page.line(&[(Style::Bold, "a"), (Style::Plain, " b"), (Style::Dim, "  ")]);
        page.line(&[(Style::Plain, "\u{1b}[2Jx")]);
        assert_eq!(page.finish(), "a b\n\u{fffd}[2Jx\n");
    }
}
