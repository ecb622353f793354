//! Each of the paper's numbers with the run that is nearest to it.

use nongemm_core::record::RunRecord;

use super::Row;
use super::data::{Paper, Point, What};
use crate::breakdown::Breakdown;
use crate::format::percent;

/// A number of the paper, and a run of its model.
pub(super) struct Pair<'a> {
    pub(super) point: &'a Point,
    pub(super) run: &'a RunRecord,
    pub(super) breakdown: Breakdown<'a>,
}

/// All numbers whose model was run.
pub(super) fn pairs<'a>(paper: &'a Paper, runs: &'a [RunRecord]) -> Vec<Pair<'a>> {
    let found = paper.points.iter().filter_map(|point| {
        let of_model = runs.iter().filter(|run| run.spec.model == point.model);
        let measured = of_model.filter_map(|run| Some((run, Breakdown::of(run)?)));
        // The first of those that are equally near: records are sorted by id.
        let (run, breakdown) = measured.min_by_key(|(run, _)| distance(point, run))?;
        Some(Pair {
            point,
            run,
            breakdown,
        })
    });
    found.collect()
}

/// How far a run is from a number's configuration: the device counts most, then the flow, the batch size,
/// settings.
fn distance(point: &Point, run: &RunRecord) -> (bool, bool, bool, usize, usize) {
    let batch = point.batch.unwrap_or(1);
    (
        device(run) != point.device,
        run.spec.backend != point.flow,
        flow(run) != point.flow,
        run.spec.batch.abs_diff(batch),
        run.spec.settings.len(),
    )
}

/// `cpu` or `cuda`, without the device's number.
pub(super) fn device(run: &RunRecord) -> String {
    let text = run.spec.device.to_string();
    text.split(':').next().unwrap_or_default().to_owned()
}

/// A flow without its variant: `torch` for `torch:script`.
fn flow(run: &RunRecord) -> &str {
    run.spec.backend.split(':').next().unwrap_or_default()
}

impl Pair<'_> {
    /// Whether the measured number points where the paper's does: the same group costs most, or non-GEMM
    /// operators take the same side of half the time.
    pub(super) fn agrees(&self) -> bool {
        match self.point.what {
            What::Top => {
                self.breakdown.top_non_gemm().map(|top| top.name) == self.point.group.as_deref()
            }
            What::NonGemm => (self.point.percent > 50.0) == (self.breakdown.non_gemm().share > 0.5),
        }
    }

    /// Whether the run is of the same kind of device and the same flow.
    pub(super) fn is_alike(&self) -> bool {
        device(self.run) == self.point.device && self.run.spec.backend == self.point.flow
    }

    pub(super) fn row(&self, paper: &Paper) -> Row {
        let Pair { point, run, .. } = self;
        Row {
            what: match point.what {
                What::Top => "most expensive",
                What::NonGemm => "non-GEMM",
            },
            model: point.model.clone(),
            batch: point
                .batch
                .map_or_else(String::new, |batch| batch.to_string()),
            setting: format!("{} {}", point.flow, point.device),
            paper: match &point.group {
                Some(group) => format!("{group} {}%", point.percent),
                None => format!("{}%", point.percent),
            },
            source: point.source.clone(),
            measured: self.measured(),
            verdict: if self.agrees() { "agrees" } else { "differs" },
            flow: format!("{} {}", run.spec.backend, run.spec.device),
            run: run.id.clone(),
            differs: self.differs(paper).join("; "),
        }
    }

    /// The measured number. Where another group costs most, the paper's group too.
    fn measured(&self) -> String {
        let Some(group) = &self.point.group else {
            return percent(self.breakdown.non_gemm().share);
        };
        let Some(top) = self.breakdown.top_non_gemm() else {
            return "none".to_owned();
        };
        let mut text = format!("{} {}", top.name, percent(top.time.share));
        if top.name != group {
            let own = self.breakdown.groups.iter().find(|line| line.name == group);
            let share = own.map_or(0.0, |line| line.time.share);
            text += &format!(", {group} {}", percent(share));
        }
        text
    }

    /// What differs between the configurations, as far as the paper's is known.
    fn differs(&self, paper: &Paper) -> Vec<String> {
        let (point, spec) = (self.point, &self.run.spec);
        let mut list = Vec::new();
        let mut say = |what: &str, own: String, theirs: String| {
            if own != theirs {
                list.push(format!("{what} {own}, not {theirs}"));
            }
        };
        say("device", device(self.run), point.device.clone());
        say("flow", spec.backend.clone(), point.flow.clone());
        if let Some(batch) = point.batch {
            say("batch", spec.batch.to_string(), batch.to_string());
        }
        let known = paper.configuration.iter().filter(|known| {
            known
                .model
                .as_ref()
                .is_none_or(|model| *model == point.model)
                && known
                    .device
                    .as_ref()
                    .is_none_or(|device| *device == point.device)
        });
        for known in known {
            if let Some(dtype) = &known.dtype {
                say("dtype", spec.dtype.to_string(), dtype.clone());
            }
            if let (Some(theirs), Some(own)) = (known.image, spec.image) {
                say("image", own.to_string(), theirs.to_string());
            }
            if let (Some(theirs), Some(own)) = (known.seq, spec.seq) {
                say("seq", own.to_string(), theirs.to_string());
            }
        }
        list
    }
}
