//! Classification of the kernels that TorchInductor generates, and of the library calls between them.

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{OpEvent, OperatorClassifier};
use nongemm_core::register;

use super::aten::aten_group;
use super::fused::fused_group;

/// Classifies events of vocabulary `inductor`: a fused kernel by the operators that it fuses, a library
/// call by the operator in its name (`aoti_torch_cpu_addmm_out`).
#[derive(Clone, Copy, Debug)]
pub(super) struct InductorClassifier;

impl OperatorClassifier for InductorClassifier {
    fn id(&self) -> &'static str {
        "inductor"
    }

    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup> {
        if event.vocabulary != "inductor" {
            return None;
        }
        if event.fused.is_empty() {
            return library_call(event.name);
        }
        fused_ops(event.fused)
    }
}

register!(dyn OperatorClassifier, &InductorClassifier);

fn library_call(name: &str) -> Option<OpGroup> {
    let name = ["aoti_torch_cpu_", "aoti_torch_cuda_", "aten::"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    // The library's names for oneDNN's and MKL's calls do not follow their operators' names.
    if name.starts_with("mkldnn__") || name.starts_with("mkl_") || name.starts_with("onednn_") {
        let gemm = ["linear", "convolution", "conv"];
        return gemm
            .iter()
            .any(|part| name.contains(part))
            .then_some(OpGroup::Gemm);
    }
    aten_group(name)
}

/// The group of a kernel that fuses these operators of ATen; `None` if it knows none of them.
fn fused_ops(ops: &[String]) -> Option<OpGroup> {
    let groups: Vec<OpGroup> = ops.iter().filter_map(|op| aten_group(op)).collect();
    fused_group(&groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fused(ops: &[&str]) -> Option<OpGroup> {
        fused_ops(&ops.iter().map(|op| (*op).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_kernel_is_what_its_decisive_operator_is() {
        assert_eq!(
            fused(&["gelu", "native_layer_norm"]),
            Some(OpGroup::Normalization)
        );
        assert_eq!(
            fused(&["_softmax", "clone", "transpose"]),
            Some(OpGroup::Logit)
        );
        assert_eq!(fused(&["add", "gelu", "view"]), Some(OpGroup::Activation));
        assert_eq!(fused(&["clone", "permute"]), Some(OpGroup::Memory));
        assert_eq!(fused(&["quux"]), None);
    }

    #[test]
    fn a_gemm_with_something_else_is_mixed() {
        assert_eq!(fused(&["addmm", "relu"]), Some(OpGroup::Mixed));
        assert_eq!(fused(&["addmm"]), Some(OpGroup::Gemm));
    }

    /// Kernels that TorchInductor generated for small models, by what they fuse.
    const RECORDED: &[(&str, OpGroup)] = &[
        (
            "add arange embedding native_layer_norm unsqueeze",
            OpGroup::Normalization,
        ),
        ("add native_layer_norm view", OpGroup::Normalization),
        (
            "_softmax add arange clone expand le mul scalar_tensor split transpose unsqueeze view where",
            OpGroup::Logit,
        ),
        ("add mul pow tanh view", OpGroup::Activation),
        ("add mul relu rsqrt sub view", OpGroup::Activation),
        (
            "add max_pool2d_with_indices mul relu rsqrt sub view",
            OpGroup::Pooling,
        ),
        (
            "_to_copy _unsafe_index add arange mul unsqueeze",
            OpGroup::Arithmetic,
        ),
        (
            "_unsafe_view cat clone full_like index slice unbind view",
            OpGroup::Memory,
        ),
        ("index_put unbind zeros", OpGroup::Memory),
        ("clone split transpose view", OpGroup::Memory),
        ("tensor", OpGroup::Memory),
        ("contiguous", OpGroup::Memory),
    ];

    #[test]
    fn recorded_kernels_have_their_groups() {
        for (ops, group) in RECORDED {
            let ops: Vec<&str> = ops.split(' ').collect();
            assert_eq!(fused(&ops), Some(*group), "{ops:?}");
            for op in ops {
                assert!(aten_group(op).is_some(), "{op}");
            }
        }
    }

    #[test]
    fn library_calls_are_classified_by_their_operator() {
        assert_eq!(
            library_call("aoti_torch_cpu_addmm_out"),
            Some(OpGroup::Gemm)
        );
        assert_eq!(
            library_call("aoti_torch_cpu_mkldnn__linear_pointwise"),
            Some(OpGroup::Gemm)
        );
        assert_eq!(
            library_call("aoti_torch_cpu__scaled_dot_product_flash_attention_for_cpu"),
            Some(OpGroup::Mixed)
        );
        assert_eq!(
            library_call("aoti_torch_cpu_cumsum"),
            Some(OpGroup::Arithmetic)
        );
        assert_eq!(library_call("quux"), None);
    }
}
