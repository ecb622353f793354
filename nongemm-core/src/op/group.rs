//! The groups of the taxonomy and the characteristics of the paper's Table 2.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The group that an operator's time is counted in. The spellings are part of the run record's
/// schema; the first eight are those of the NonGEMM Bench paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OpGroup {
    /// Anything that is a matrix multiplication at heart: linear, convolution, matmul, bmm, einsum.
    Gemm,
    /// Element-wise non-linearities of a network: relu, gelu, silu, sigmoid, tanh.
    Activation,
    /// Layer, group, batch and RMS normalization, frozen batch normalization.
    Normalization,
    /// Element-wise arithmetic and reductions.
    Arithmetic,
    /// Allocation and layout: view, permute, cat, slice, contiguous, dtype and mask operators.
    Memory,
    /// Logit computation: softmax and log-softmax.
    Logit,
    /// Region-of-interest selection: non-maximum suppression, RoIAlign.
    Roi,
    /// Resizing of feature maps.
    Interpolation,
    /// Table look-ups by index.
    Embedding,
    /// Max and average pooling.
    Pooling,
    /// Quantize and dequantize.
    Qdq,
    /// Copies between host and device.
    Comm,
    /// One fused step that holds a GEMM and something else.
    Mixed,
    /// Known, and in none of the groups above.
    Other,
    /// An operator name that no classifier knows.
    Unclassified,
}

impl OpGroup {
    /// Every group, in the order of reports.
    pub const ALL: [OpGroup; 15] = [
        OpGroup::Gemm,
        OpGroup::Mixed,
        OpGroup::Normalization,
        OpGroup::Activation,
        OpGroup::Arithmetic,
        OpGroup::Memory,
        OpGroup::Logit,
        OpGroup::Roi,
        OpGroup::Interpolation,
        OpGroup::Embedding,
        OpGroup::Pooling,
        OpGroup::Qdq,
        OpGroup::Comm,
        OpGroup::Other,
        OpGroup::Unclassified,
    ];

    /// The spelling in files and reports.
    pub const fn name(self) -> &'static str {
        match self {
            OpGroup::Gemm => "gemm",
            OpGroup::Activation => "activation",
            OpGroup::Normalization => "normalization",
            OpGroup::Arithmetic => "arithmetic",
            OpGroup::Memory => "memory",
            OpGroup::Logit => "logit",
            OpGroup::Roi => "roi",
            OpGroup::Interpolation => "interpolation",
            OpGroup::Embedding => "embedding",
            OpGroup::Pooling => "pooling",
            OpGroup::Qdq => "qdq",
            OpGroup::Comm => "comm",
            OpGroup::Mixed => "mixed",
            OpGroup::Other => "other",
            OpGroup::Unclassified => "unclassified",
        }
    }
}

impl fmt::Display for OpGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What does not hold is left out of files.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The characteristics by which Table 2 of the paper describes operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OpTraits {
    /// One arithmetic operation per element, rather than a sequence of several.
    #[serde(default, skip_serializing_if = "is_false")]
    pub single_operation: bool,
    /// One tensor operand, rather than two or more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub single_operand: bool,
    /// The result is not a linear function of the operand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub non_linear: bool,
    /// The work or the output shape depends on the values.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dynamic: bool,
    /// Several elements are reduced to one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub reduction: bool,
}

impl OpTraits {
    /// None of the characteristics; the starting point for the methods below.
    pub const NONE: OpTraits = OpTraits {
        single_operation: false,
        single_operand: false,
        non_linear: false,
        dynamic: false,
        reduction: false,
    };

    /// With [`single_operation`](Self::single_operation).
    #[must_use]
    pub const fn single_operation(mut self) -> Self {
        self.single_operation = true;
        self
    }

    /// With [`single_operand`](Self::single_operand).
    #[must_use]
    pub const fn single_operand(mut self) -> Self {
        self.single_operand = true;
        self
    }

    /// With [`non_linear`](Self::non_linear).
    #[must_use]
    pub const fn non_linear(mut self) -> Self {
        self.non_linear = true;
        self
    }

    /// With [`dynamic`](Self::dynamic).
    #[must_use]
    pub const fn dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// With [`reduction`](Self::reduction).
    #[must_use]
    pub const fn reduction(mut self) -> Self {
        self.reduction = true;
        self
    }

    /// The spellings of those that hold, as in files.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.single_operation, "single_operation"),
            (self.single_operand, "single_operand"),
            (self.non_linear, "non_linear"),
            (self.dynamic, "dynamic"),
            (self.reduction, "reduction"),
        ];
        all.into_iter()
            .filter_map(|(holds, name)| holds.then_some(name))
    }
}
