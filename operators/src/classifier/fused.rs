//! The group of a kernel that does the work of several operators.

use nongemm_core::op::OpGroup;

/// The group that decides what a kernel is about, in this order: a kernel that normalizes and then
/// activates is bound by the reduction.
const DECISIVE: &[OpGroup] = &[
    OpGroup::Mixed,
    OpGroup::Normalization,
    OpGroup::Logit,
    OpGroup::Roi,
    OpGroup::Interpolation,
    OpGroup::Pooling,
    OpGroup::Embedding,
    OpGroup::Qdq,
    OpGroup::Activation,
    OpGroup::Arithmetic,
    OpGroup::Memory,
    OpGroup::Other,
];

/// The group of a kernel that fuses operators of these groups: a GEMM together with anything else is
/// `mixed`. `None` without any.
pub(super) fn fused_group(groups: &[OpGroup]) -> Option<OpGroup> {
    if groups.contains(&OpGroup::Gemm) {
        let alone = groups.iter().all(|group| *group == OpGroup::Gemm);
        return Some(if alone { OpGroup::Gemm } else { OpGroup::Mixed });
    }
    let mut decisive = DECISIVE.iter().copied();
    decisive.find(|group| groups.contains(group))
}
