//! The paper's numbers, as data.

use anyhow::Context;
use serde::Deserialize;

/// What the paper prints.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paper {
    /// Its title.
    pub(super) paper: String,
    /// The machine of its numbers.
    pub(super) machine: String,
    /// What is known of its configurations.
    pub(super) configuration: Vec<Configuration>,
    /// Its numbers.
    pub(super) points: Vec<Point>,
}

/// What is known of how the paper measured: for a kind of device, or for a model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configuration {
    #[serde(default)]
    pub(super) device: Option<String>,
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    pub(super) dtype: Option<String>,
    #[serde(default)]
    pub(super) image: Option<usize>,
    #[serde(default)]
    pub(super) seq: Option<usize>,
    /// Where that is known from.
    #[expect(dead_code, reason = "provenance, for readers of the file")]
    source: String,
}

/// What a number says.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// The most expensive non-GEMM group and its share.
    Top,
    /// The share of all non-GEMM operators.
    NonGemm,
}

/// One number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    pub(super) what: What,
    /// Model id.
    pub(super) model: String,
    /// Batch size, where the paper names it.
    pub(super) batch: Option<usize>,
    /// Backend id that runs the same way.
    pub(super) flow: String,
    /// `cpu` or `cuda`.
    pub(super) device: String,
    /// Of [`What::Top`]: the group.
    #[serde(default)]
    pub(super) group: Option<String>,
    /// Percent of the execution time.
    pub(super) percent: f64,
    /// Where it is printed.
    pub(super) source: String,
}

impl Paper {
    /// # Errors
    /// When the file is damaged, which would be a defect.
    pub(super) fn read() -> anyhow::Result<Self> {
        serde_json::from_str(include_str!("paper.json")).context("paper.json is damaged")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use nongemm_core::op::OpGroup;

    use super::*;

    #[test]
    fn every_number_is_of_a_known_group_and_has_a_source() {
        let paper = Paper::read().unwrap();
        assert_eq!(paper.points.len(), 42);
        for point in &paper.points {
            assert!(!point.source.is_empty());
            assert!((0.0..100.0).contains(&point.percent));
            match (point.what, &point.group) {
                (What::NonGemm, None) => {}
                (What::Top, Some(group)) => {
                    assert!(
                        OpGroup::ALL.iter().any(|known| known.name() == group),
                        "{group}"
                    );
                }
                other => panic!("{other:?} of {}", point.model),
            }
        }
    }
}
