//! SVG as text: shapes with numbers rounded to hundredths, letters escaped.

use std::fmt::Write;

/// The typeface: that which is embedded for PNG first, so that both look alike.
const FONT: &str = "DejaVu Sans, Verdana, Geneva, sans-serif";

/// Colour of text and lines.
pub(super) const INK: &str = "#1b2129";

/// Colour of lines behind.
pub(super) const FAINT: &str = "#d5d9df";

/// Longest label in letters.
const LONGEST: usize = 36;

/// Where a text is held.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing of this size.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    body: String,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Canvas {
            width,
            height,
            body: String::new(),
        }
    }

    pub(super) fn rect(&mut self, [x, y, width, height]: [f64; 4], fill: &str, title: &str) {
        let title = escape(title, usize::MAX);
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" \
             fill=\"{fill}\"><title>{title}</title></rect>"
        );
    }

    pub(super) fn circle(&mut self, [x, y, radius]: [f64; 3], fill: &str, title: &str) {
        let title = escape(title, usize::MAX);
        let _ = writeln!(
            self.body,
            "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius:.2}\" fill=\"{fill}\" \
             fill-opacity=\"0.8\" stroke=\"#ffffff\" stroke-width=\"0.75\"><title>{title}</title></circle>"
        );
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: &[[f64; 2]], colour: &str, width: f64) {
        let points: Vec<String> = points
            .iter()
            .map(|[x, y]| format!("{x:.2},{y:.2}"))
            .collect();
        let _ = writeln!(
            self.body,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            points.join(" ")
        );
    }

    /// A text of this size, turned counter-clockwise by `turn` degrees around its point.
    pub(super) fn text(
        &mut self,
        [x, y]: [f64; 2],
        size: f64,
        anchor: Anchor,
        turn: f64,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let turn = match turn == 0.0 {
            true => String::new(),
            false => format!(" transform=\"rotate({:.1} {x:.2} {y:.2})\"", -turn),
        };
        let text = escape(text, LONGEST);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{turn}>{text}</text>"
        );
    }

    /// The whole document.
    pub(super) fn finish(self) -> String {
        let (width, height) = (self.width.ceil(), self.height.ceil());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"{FONT}\" fill=\"{INK}\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// How wide a text of this size is, about: it is cut as [`Canvas::text`] cuts it.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().count().min(LONGEST) as f64 * size * 0.62
}

/// Text for XML: markup escaped, letters that XML cannot hold replaced, cut to `longest` letters.
fn escape(text: &str, longest: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, letter) in text.chars().enumerate() {
        if index + 1 >= longest && text.chars().count() > longest {
            out.push('…');
            break;
        }
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<a b='c'>&\"\u{1b}[31m\u{0}", 99),
            "&lt;a b=&#39;c&#39;&gt;&amp;&quot;\u{fffd}[31m\u{fffd}"
        );
        assert_eq!(escape("abcdef", 4), "abc…");
        assert_eq!(escape("abcd", 4), "abcd");
    }
}
