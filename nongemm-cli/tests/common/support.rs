//! The table of operators in the book: each binary answers for the columns of the backends that it has.

use std::collections::BTreeMap;
use std::fs;

use super::book::root;

/// Rows by operator, and cells by column, all in order.
type Table = Vec<Vec<(String, String)>>;

/// Checks the rows of the table, and the columns of this binary's backends. With `INSTA_UPDATE=always` it writes
/// them instead.
pub fn check() {
    let own = super::run(&["list", "operators", "--support"]).stdout;
    let own = read(&own);
    let file = root().join("docs/operators.md");
    let text = fs::read_to_string(&file).expect("the table is there");
    let start = text.find("| id ").expect("a table");
    let written = read(&text[start..]);
    let updated = update(&written, &own);
    if updated == written {
        return;
    }
    assert!(
        std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always"),
        "docs/operators.md is out of date: run this test with INSTA_UPDATE=always; it would be\n{}",
        print(&updated)
    );
    fs::write(file, text[..start].to_owned() + &print(&updated)).expect("it can be written");
}

/// The rows of `own`, with the cells that only `written` has: those of other binaries.
fn update(written: &Table, own: &Table) -> Table {
    let id = |row: &[(String, String)]| row[0].1.clone();
    let others: BTreeMap<String, &Vec<(String, String)>> =
        written.iter().map(|row| (id(row), row)).collect();
    let mut columns: Vec<String> = Vec::new();
    for (column, _) in written.iter().chain(own).flatten() {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    columns[2..].sort();
    let row = |row: &Vec<(String, String)>| {
        let cell = |column: &String| {
            let other = others.get(&id(row)).into_iter().copied().flatten();
            let mut cells = row.iter().chain(other);
            let cell = cells.find(|(name, _)| name == column);
            let text = cell.map_or_else(|| "?".to_owned(), |(_, text)| text.clone());
            (column.clone(), text)
        };
        columns.iter().map(cell).collect()
    };
    own.iter().map(row).collect()
}

fn read(text: &str) -> Table {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let mut lines = text.lines().take_while(|line| line.starts_with('|'));
    let head = cells(lines.next().unwrap_or_default());
    let rows = lines.skip(1).map(cells);
    rows.map(|row| head.iter().cloned().zip(row).collect())
        .collect()
}

/// As `nongemm list operators --support` prints it.
fn print(table: &Table) -> String {
    let head: Vec<String> = table[0].iter().map(|(column, _)| column.clone()).collect();
    let body = table
        .iter()
        .map(|row| row.iter().map(|(_, cell)| cell.clone()).collect());
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let rules = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut out = String::new();
    for line in [lines[0].clone(), rules].iter().chain(&lines[1..]) {
        let cells = line.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out
}
