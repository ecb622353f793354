//! What standard output is.

use std::io::IsTerminal;

use nongemm_core::plugin::Terminal;

/// Columns when standard output is not a terminal.
const DEFAULT_WIDTH: usize = 100;

/// Width and colour of standard output. `NO_COLOR` turns colours off, `COLUMNS` sets the width.
pub(crate) fn stdout() -> Terminal {
    let is_terminal = std::io::stdout().is_terminal();
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let width = columns
        .or_else(|| is_terminal.then(window_width).flatten())
        .unwrap_or(DEFAULT_WIDTH);
    let no_colour = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    Terminal {
        width,
        colour: is_terminal && !no_colour,
    }
}

fn window_width() -> Option<usize> {
    let mut size: libc::winsize = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ writes one `winsize` to the given address, which is valid for it.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    (answer == 0 && size.ws_col > 0).then_some(usize::from(size.ws_col))
}
