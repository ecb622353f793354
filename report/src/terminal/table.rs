//! Tables whose columns are as wide as their content, and one of which gives way.

use super::page::{Page, Style, length};
use crate::text::shortened;

/// Columns of space before the first column of a table.
const INDENT: usize = 2;

/// Columns of space between two columns of a table.
fn gap(page: &Page) -> usize {
    if page.is_narrow() { 1 } else { 2 }
}

/// Narrower than this the flexible column does not get.
const NARROWEST: usize = 4;

/// Which side the text of a column stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Text with its style.
pub(crate) type Cell = (Style, String);

/// A cell in the usual style.
pub(crate) fn plain(text: impl Into<String>) -> Cell {
    (Style::Plain, text.into())
}

/// Rows under titles.
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
    /// The column that is cut if the table is too wide.
    flexible: usize,
}

impl Table {
    /// An empty table. `flexible` is the position of the column that is cut if the table is too wide.
    pub(crate) fn new(columns: &[(&str, Align)], flexible: usize) -> Self {
        Table {
            columns: columns
                .iter()
                .map(|(title, align)| ((*title).to_owned(), *align))
                .collect(),
            rows: Vec::new(),
            flexible,
        }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
    }

    fn widths(&self, page: &Page) -> Vec<usize> {
        let mut widths: Vec<usize> = self
            .columns
            .iter()
            .map(|(title, _)| length(title))
            .collect();
        for row in &self.rows {
            for (width, (_, text)) in widths.iter_mut().zip(row) {
                *width = length(text).max(*width);
            }
        }
        let room = self.room(page, &widths);
        widths[self.flexible] = widths[self.flexible].min(room);
        widths
    }

    /// Columns that the others leave for the flexible one.
    fn room(&self, page: &Page, widths: &[usize]) -> usize {
        let others: usize = widths.iter().sum::<usize>() - widths[self.flexible];
        let used = INDENT + others + gap(page) * (widths.len() - 1);
        page.width().saturating_sub(used).max(NARROWEST)
    }

    /// Columns that the other columns leave for the flexible one.
    pub(crate) fn flexible_room(&self, page: &Page) -> usize {
        self.room(page, &self.widths(page))
    }

    /// Replaces the flexible cell of a row.
    pub(crate) fn set_flexible(&mut self, row: usize, cell: Cell) {
        self.rows[row][self.flexible] = cell;
    }

    /// Writes titles and rows.
    pub(crate) fn write(&self, page: &mut Page) {
        let widths = self.widths(page);
        let titles: Vec<Cell> = self
            .columns
            .iter()
            .map(|(title, _)| (Style::Dim, title.clone()))
            .collect();
        for row in std::iter::once(&titles).chain(&self.rows) {
            self.write_row(page, row, &widths);
        }
    }

    fn write_row(&self, page: &mut Page, row: &[Cell], widths: &[usize]) {
        let mut pieces: Vec<(Style, String)> = Vec::new();
        let mut space = INDENT;
        for (((style, text), (_, align)), &width) in row.iter().zip(&self.columns).zip(widths) {
            let text = shortened(text, width).into_owned();
            let padding = width - length(&text);
            let (before, after) = match align {
                Align::Left => (space, padding),
                Align::Right => (space + padding, 0),
            };
            pieces.push((Style::Plain, " ".repeat(before)));
            pieces.push((*style, text));
            space = after + gap(page);
        }
        let pieces: Vec<(Style, &str)> =
            pieces.iter().map(|(s, text)| (*s, text.as_str())).collect();
        page.line(&pieces);
    }
}
