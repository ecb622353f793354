//! Progress on standard error: a bar on a terminal, plain lines otherwise.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use nongemm_core::run::Event;

/// Shows how one run gets on.
pub(crate) struct Progress {
    label: String,
    bar: Option<ProgressBar>,
    target: f64,
}

impl Progress {
    /// For run `index` (from 1) of `total`, called `name`.
    pub(crate) fn start(index: usize, total: usize, name: &str, target_ci: f64) -> Self {
        let label = format!("[{index}/{total}] {name}");
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix}: {msg}") {
                bar.set_style(style);
            }
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        if bar.is_none() {
            eprintln!("{label}");
        }
        Progress {
            label,
            bar,
            target: target_ci,
        }
    }

    /// Shows an event of the worker.
    pub(crate) fn event(&self, event: &Event) {
        let Some(bar) = &self.bar else { return };
        match event {
            Event::Phase { name } => bar.set_message(name.clone()),
            Event::Sample { n, half_width } => {
                let precision = half_width.map_or_else(
                    || "±?".to_owned(),
                    |width| format!("±{:.1}%", 100.0 * width),
                );
                let target = 100.0 * self.target;
                bar.set_message(format!("{n} samples, {precision} (target ±{target:.1}%)"));
            }
        }
    }

    /// Ends with one line.
    pub(crate) fn finish(self, message: &str) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{}: {message}", self.label);
    }
}

/// Shows how a long list of short things gets on.
pub(crate) struct Count {
    label: String,
    bar: Option<ProgressBar>,
    total: usize,
    done: std::cell::Cell<usize>,
}

/// Without a terminal there is a line for every so many things.
const EVERY: usize = 100;

impl Count {
    /// For `total` things, called `name` together.
    pub(crate) fn start(name: &str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            let template = "{prefix} {bar:30} {pos}/{len} {eta} left: {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar
        });
        if bar.is_none() {
            eprintln!("{name}: {total} entries");
        }
        Count {
            label: name.to_owned(),
            bar,
            total,
            done: std::cell::Cell::new(0),
        }
    }

    /// One more is done; a `problem` with it is a line of its own.
    pub(crate) fn next(&self, what: &str, problem: Option<&str>) {
        self.done.set(self.done.get() + 1);
        let done = self.done.get();
        let line = problem.map(|problem| format!("{}: {what}: {problem}", self.label));
        match (&self.bar, line) {
            (Some(bar), line) => {
                bar.set_message(what.to_owned());
                bar.inc(1);
                if let Some(line) = line {
                    bar.println(line);
                }
            }
            (None, Some(line)) => eprintln!("{line}"),
            (None, None) if done.is_multiple_of(EVERY) => {
                eprintln!("{}: {done} of {}", self.label, self.total);
            }
            (None, None) => {}
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
