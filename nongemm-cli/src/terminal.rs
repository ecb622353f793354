//! What standard output is.

use std::io::{ErrorKind, IsTerminal, Write};

use nongemm_core::plugin::Terminal;

use crate::error::CliError;

/// Columns when standard output is not a terminal.
const DEFAULT_WIDTH: usize = 100;

/// Prints a text. A reader that went away (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot print: {error}")))
        }
        _ => Ok(()),
    }
}

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
