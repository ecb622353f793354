//! Text that a spreadsheet takes for text.

use std::borrow::Cow;

use crate::text::{is_invisible, shortened, visible};

/// Characters that begin a formula in some spreadsheet, the wide forms among them.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The longest text that fits into a cell of common spreadsheets.
const LONGEST: usize = 32_767;

/// A cell that no program executes: text that would be read as a formula begins with `'` (OWASP, CSV
/// Injection), characters that act rather than being seen are spelled out (`\n`), and text that no cell holds
/// is cut. Numbers stay as they are.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    let begins_formula = text.starts_with(|c| FORMULA.contains(&c) || is_invisible(c));
    let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
    let mark = begins_formula && !is_number();
    if !mark && text.len() <= LONGEST {
        return visible(text);
    }
    let quote = if mark { "'" } else { "" };
    let whole = format!("{quote}{}", visible(text));
    Cow::Owned(shortened(&whole, LONGEST).into_owned())
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn formulas_become_text_and_numbers_stay() {
        for formula in ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "-inf", "＝1", "-"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("\t=1"), "'\\t=1");
        assert_eq!(harmless("\r\n=1"), "'\\r\\n=1");
        for plain in ["-12.5", "+1e-9", "-0", "", "a=b", "[1, 128]", "h.0"] {
            assert_eq!(harmless(plain), plain);
        }
        assert_eq!(harmless("a\nb"), "a\\nb");
        let long = "=".repeat(100_000);
        assert_eq!(harmless(&long).chars().count(), 32_767);
    }
}
