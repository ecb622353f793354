//! Names from records as text that is harmless to show. Records can come from anywhere, and a name in one can
//! be anything: control sequences for a terminal, a formula for a spreadsheet, a megabyte long.

use std::borrow::Cow;

/// Whether a character does something rather than being seen: control characters, and those that change the
/// direction of text or take no room.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// The text with [invisible](is_invisible) characters spelled out: `\n`, `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_invisible(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// The text, cut to `most` characters if it is longer; the last one is then `…`.
pub fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most || text.chars().count() <= most {
        return Cow::Borrowed(text);
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_spelled_out() {
        assert_eq!(visible("h.0.mlp µs [1, 128]"), "h.0.mlp µs [1, 128]");
        assert_eq!(visible("a\u{1b}[2J\nb\t\0"), "a\\u{1b}[2J\\nb\\t\\u{0}");
        assert_eq!(
            visible("x\u{202e}cod.exe\u{9b}"),
            "x\\u{202e}cod.exe\\u{9b}"
        );
    }

    #[test]
    fn what_is_long_is_cut() {
        assert_eq!(shortened("µsecond", 7), "µsecond");
        assert_eq!(shortened("µseconds", 7), "µsecon…");
        assert_eq!(shortened("ab", 0), "…");
    }
}
