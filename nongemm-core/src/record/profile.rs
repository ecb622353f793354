//! The operator breakdown in a run record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::op::{Attrs, OpGroup, OpTraits};
use crate::shape::TensorSpec;
use crate::stats::Summary;

/// One operator of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpRow {
    /// Id, unique in the run.
    pub id: String,
    /// Module path.
    pub scope: String,
    /// Operator name.
    pub op: String,
    /// Which names the flow uses: `ir`, `aten`, `onnx`, ...; absent in records of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vocabulary: Option<String>,
    /// Name of the composite that it is a part of.
    pub parent: Option<String>,
    /// Id of that composite.
    pub parent_id: Option<String>,
    /// The group that its time is counted in.
    pub group: OpGroup,
    /// For a part of a composite that is counted as a whole: the group of the part alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_group: Option<OpGroup>,
    /// Attributes.
    pub attrs: Attrs,
    /// Inputs as they were.
    pub inputs: Vec<TensorSpec>,
    /// Outputs as they were.
    pub outputs: Vec<TensorSpec>,
    /// Operators that a fused step holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fused: Vec<String>,
    /// The execution provider that ran it, in flows whose library chooses among several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Host self time.
    pub host_ns: Summary,
    /// Device time; null where the device is the host or has no clock of its own.
    pub device_ns: Option<Summary>,
    /// Floating-point operations of one call; null for operators outside the graph.
    pub flops: Option<u64>,
    /// Bytes that one call must move; null for operators outside the graph.
    pub bytes: Option<u64>,
    /// Characteristics of the operator; absent for operators outside the graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<OpTraits>,
}

/// A composite operator that ran in parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompositeRow {
    /// Id, unique in the run; the `parent_id` of its parts.
    pub id: String,
    /// Operator name.
    pub op: String,
    /// Id of the composite that it is a part of itself.
    pub parent_id: Option<String>,
    /// Whether its parts are counted in its group, as one operator.
    pub counted_whole: bool,
    /// Attributes.
    pub attrs: Attrs,
    /// Inputs.
    pub inputs: Vec<TensorSpec>,
    /// Characteristics of the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traits: Option<OpTraits>,
}

/// The operator breakdown from instrumented runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Wall time of the median instrumented run: the mean over the middle half of them by wall time
    /// (the interquartile mean), which is robust as a median is and adds up as a mean does.
    pub wall_median_ns: f64,
    /// Wall times of all instrumented runs, in order.
    pub walls_ns: Vec<u64>,
    /// Number of instrumented runs.
    pub n: usize,
    /// How many of them are the middle half.
    pub middle: usize,
    /// How much longer an instrumented run takes than a plain one, as a part of it: the
    /// Hodges-Lehmann estimate over the pairs of one plain and one instrumented run.
    pub perturbation: f64,
    /// Its 95% confidence interval.
    pub perturbation_ci95: [f64; 2],
    /// Whether the perturbation is so large (its whole interval above 5%) that shares are not to be
    /// trusted.
    pub unreliable: bool,
    /// Time between operators, over the same runs: with it, the operators' `host_ns.median` add up to
    /// `wall_median_ns`.
    pub unattributed_ns: f64,
    /// The time of each group and of `unattributed` in each instrumented run, in the order of `walls_ns`, on
    /// the timeline that groups refer to. Records of older versions have none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub group_ns: BTreeMap<String, Vec<f64>>,
    /// The device's own timeline, where it has a clock: groups then refer to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Timeline>,
    /// Every operator, in execution order.
    pub ops: Vec<OpRow>,
    /// The composites that operators are parts of, in the order of their first part.
    pub composites: Vec<CompositeRow>,
}

/// The time of the median run by one clock, the host's or that of a device that works beside it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// From the start of a run to its end; on a device, from the first mark to the last.
    pub wall_median_ns: f64,
    /// Time between operators: with it, their medians add up to `wall_median_ns`.
    pub unattributed_ns: f64,
}

/// The time of one group.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// Sum of the times of its operators in the median run.
    pub ns: f64,
    /// Part of the instrumented wall time, 0 to 1. The shares of all groups and of `unattributed` add
    /// up to 1.
    pub share: f64,
    /// Number of operators.
    pub count: usize,
}
