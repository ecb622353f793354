//! The table of a backend: each operator supported, decomposed, missing or wrong.

use std::fmt;

use super::suite::{Failures, Suite, guarded, stale};
use crate::dtype::DType;
use crate::graph::CompositePolicy;
use crate::op::{OpCase, OpGroup};
use crate::plugin::{Plugins, Support, support};

/// What a backend makes of a case, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Right, by a kernel of its own.
    Supported,
    /// Right, in parts that it has kernels for.
    Decomposed,
    /// It has neither a kernel nor kernels for the parts.
    Missing,
    /// It fails, or gives something else than the reference.
    Wrong,
}

impl Verdict {
    /// Every verdict, in order.
    pub const ALL: [Verdict; 4] = [
        Verdict::Supported,
        Verdict::Decomposed,
        Verdict::Missing,
        Verdict::Wrong,
    ];

    /// The word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Supported => "supported",
            Verdict::Decomposed => "decomposed",
            Verdict::Missing => "missing",
            Verdict::Wrong => "wrong",
        }
    }
}

/// One operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub op: String,
    /// Its group.
    pub group: OpGroup,
    /// Number of cases by verdict, in the order of [`Verdict::ALL`].
    pub cases: [usize; 4],
    /// Largest error of a case that is right, relative to the larger of 1 and the expected value.
    pub error: f64,
}

impl Row {
    /// The worst verdict of a case.
    pub fn verdict(&self) -> Verdict {
        let found = Verdict::ALL.into_iter().zip(self.cases);
        let found = found.filter(|(_, cases)| *cases > 0);
        found
            .map(|(verdict, _)| verdict)
            .max()
            .unwrap_or(Verdict::Missing)
    }
}

/// What [`Suite::report`] found. Shown as a table, and a line for each case that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The backend's id.
    pub backend: &'static str,
    /// A row for each operator, by name.
    pub rows: Vec<Row>,
    /// What is wrong, a line for each case; skips that are stale among them.
    pub wrong: Vec<String>,
    /// What is known not to pass, with the reason.
    pub known: Vec<String>,
}

impl Report {
    /// Names of the operators with this verdict.
    pub fn with(&self, verdict: Verdict) -> Vec<&str> {
        let rows = self.rows.iter().filter(|row| row.verdict() == verdict);
        rows.map(|row| row.op.as_str()).collect()
    }

    /// Nothing is wrong. What is missing is not: a backend need not have every operator.
    ///
    /// # Errors
    /// The cases that are.
    pub fn check(&self) -> Result<(), Failures> {
        Failures(self.wrong.clone()).or(())
    }

    fn row(&mut self, case: &OpCase) -> &mut Row {
        let op = case.op.name();
        if self.rows.last().is_none_or(|row| row.op != op) {
            self.rows.push(Row {
                op: op.to_owned(),
                group: case.op.group(),
                cases: [0; 4],
                error: 0.0,
            });
        }
        let last = self.rows.len() - 1;
        &mut self.rows[last]
    }
}

impl Suite<'_> {
    /// Runs every case in `f32`, composites by kernels where there are some and in parts where those can run
    /// too: outputs are compared with the reference's, shapes and types with the inferred ones.
    ///
    /// # Errors
    /// When there are no cases, or one operator is registered twice.
    pub fn report(&self) -> Result<Report, Failures> {
        let mut cases = self.cases()?;
        cases.sort_by_key(|case| (case.op.name(), case.name));
        let mut report = Report {
            backend: self.backend.id(),
            rows: Vec::new(),
            wrong: self.unknown_skips(&cases),
            known: Vec::new(),
        };
        for case in &cases {
            let id = case.id();
            let verdict = match (guarded(|| self.judge(case)), self.skip(&id, DType::F32)) {
                (Ok((verdict, error)), skip) => {
                    let row = report.row(case);
                    row.error = row.error.max(error);
                    if let (Some(skip), true) = (skip, verdict < Verdict::Missing) {
                        report.wrong.push(stale(skip));
                    }
                    verdict
                }
                (Err(_), Some(skip)) => {
                    report.known.push(format!("{id}: {}", skip.reason));
                    Verdict::Wrong
                }
                (Err(error), None) => {
                    report.wrong.push(format!("{id}: {error:#}"));
                    Verdict::Wrong
                }
            };
            report.row(case).cases[verdict as usize] += 1;
        }
        Ok(report)
    }

    /// How a case runs, and its largest error; what is wrong is an error.
    fn judge(&self, case: &OpCase) -> anyhow::Result<(Verdict, f64)> {
        let graph = case.graph()?;
        let support = |policy| support(self.backend, &graph, policy);
        let verdict = match support(CompositePolicy::Fused) {
            Support::Kernel => Verdict::Supported,
            Support::Parts => Verdict::Decomposed,
            Support::Missing => return Ok((Verdict::Missing, 0.0)),
        };
        let fused = self.run(case, "fused")?;
        self.check_shapes(&fused)?;
        let mut error = self.compare(case, case, "fused", self.tolerance)?;
        if verdict == Verdict::Supported && support(CompositePolicy::Parts) == Support::Parts {
            error = error.max(self.compare(case, case, "parts", self.tolerance)?);
        }
        Ok((verdict, error))
    }
}

/// The operators that a crate registers, on every backend that is linked and can be used here: what the author of
/// an operator runs.
///
/// # Errors
/// When something is wrong, the crate registers no operator, or there is no backend.
pub fn of_crate(krate: &str) -> Result<Vec<Report>, Failures> {
    let plugins = Plugins::collect().map_err(|error| Failures(vec![error.to_string()]))?;
    let backends = plugins.backends.iter().map(|entry| entry.plugin);
    let ready = backends.filter(|backend| backend.check().is_ready());
    let (mut reports, mut failures) = (Vec::new(), Failures(Vec::new()));
    for backend in ready {
        let suite = Suite {
            krate: Some(krate),
            // Nobody says of a backend that others wrote how it stores them.
            bool_as: DType::U8,
            ..Suite::new(backend)
        };
        let report = suite.report()?;
        let wrong = report.wrong.iter();
        failures
            .0
            .extend(wrong.map(|line| format!("{}: {line}", report.backend)));
        reports.push(report);
    }
    if reports.is_empty() {
        failures
            .0
            .push("no backend that can be used here".to_owned());
    }
    failures.or(reports)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Verdict::ALL.map(Verdict::name);
        let longest = self.rows.iter().map(|row| row.op.len()).max();
        let name = longest.unwrap_or(0).max("operator".len());
        let [a, b, c, d] = words;
        writeln!(
            f,
            "{:name$}  {:13}  {a}  {b}  {c}  {d}  error",
            "operator", "group"
        )?;
        for row in &self.rows {
            write!(f, "{:name$}  {:13}", row.op, row.group.name())?;
            for (word, cases) in words.iter().zip(row.cases) {
                let cases = if cases == 0 {
                    "-".to_owned()
                } else {
                    cases.to_string()
                };
                write!(f, "  {cases:>width$}", width = word.len())?;
            }
            writeln!(f, "  {:.0e}", row.error)?;
        }
        write!(f, "{}: {} operators", self.backend, self.rows.len())?;
        for verdict in Verdict::ALL {
            write!(f, ", {} {}", self.with(verdict).len(), verdict.name())?;
        }
        for line in self.known.iter().map(|line| format!("known: {line}")) {
            write!(f, "\n{line}")?;
        }
        for line in &self.wrong {
            write!(f, "\nwrong: {line}")?;
        }
        Ok(())
    }
}
