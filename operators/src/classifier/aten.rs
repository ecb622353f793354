//! Classification of ATen's operators, as libtorch's callbacks name them.

use std::collections::HashMap;
use std::sync::LazyLock;

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{OpEvent, OperatorClassifier};
use nongemm_core::register;

/// Classifies events of vocabulary `aten`: the group that the graph counts the node in, where the
/// call comes from one; else by name, without the mark of operators that work in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct AtenClassifier;

impl OperatorClassifier for AtenClassifier {
    fn id(&self) -> &'static str {
        "aten"
    }

    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup> {
        if event.vocabulary != "aten" {
            return None;
        }
        event.counted.or_else(|| aten_group(event.name))
    }
}

register!(dyn OperatorClassifier, &AtenClassifier);

/// The group of an operator by ATen's name for it (`layer_norm`, `relu_`, `torchvision::nms`).
pub(super) fn aten_group(name: &str) -> Option<OpGroup> {
    let name = match name.strip_suffix('_') {
        Some(plain) if !name.ends_with("__") => plain,
        _ => name,
    };
    let name = name.strip_suffix("_out").unwrap_or(name);
    GROUPS.get(name).copied()
}

static GROUPS: LazyLock<HashMap<&str, OpGroup>> = LazyLock::new(|| {
    let names = TABLE
        .iter()
        .flat_map(|(group, names)| names.split(' ').map(move |name| (name, *group)));
    names.collect()
});

/// Names without the mark of working in place, by group.
const TABLE: &[(OpGroup, &str)] = &[
    (
        OpGroup::Gemm,
        "linear matmul mm bmm baddbmm addmm addbmm addmv mv dot einsum bilinear convolution \
         _convolution conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d \
         mkldnn_convolution mkldnn_linear mkldnn::_linear_pointwise \
         mkldnn::_convolution_pointwise mkldnn_prepacked::conv2d_run mkl::_mkl_linear \
         mkldnn_rnn_layer thnn_conv2d cudnn_convolution convolution_overrideable tensordot inner \
         outer ger chain_matmul kron _int_mm _scaled_mm addr vdot linalg_matmul linalg_multi_dot \
         _weight_int8pack_mm _weight_int4pack_mm",
    ),
    (
        OpGroup::Mixed,
        "scaled_dot_product_attention _scaled_dot_product_flash_attention \
         _scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention \
         _scaled_dot_product_cudnn_attention _scaled_dot_product_attention_math \
         _native_multi_head_attention _transformer_encoder_layer_fwd cudnn_convolution_relu \
         cudnn_convolution_add_relu _addmm_activation lstm gru rnn_tanh rnn_relu lstm_cell \
         gru_cell cdist mkldnn_prepacked::linear_run quantized::linear quantized::linear_relu \
         quantized::conv2d quantized::conv2d_relu quantized::linear_dynamic",
    ),
    (
        OpGroup::Activation,
        "relu relu6 gelu silu sigmoid tanh hardswish hardsigmoid hardtanh leaky_relu elu selu \
         celu softplus mish prelu glu logsigmoid log_sigmoid softsign tanhshrink hardshrink \
         softshrink threshold rrelu swish new_gelu _prelu_kernel",
    ),
    (
        OpGroup::Normalization,
        "layer_norm native_layer_norm batch_norm native_batch_norm _native_batch_norm_legit \
         _native_batch_norm_legit_no_training _batch_norm_impl_index cudnn_batch_norm group_norm \
         native_group_norm instance_norm rms_norm _fused_rms_norm local_response_norm weight_norm \
         _weight_norm renorm normalize frozen_batch_norm",
    ),
    (
        OpGroup::Logit,
        "softmax _softmax log_softmax _log_softmax _safe_softmax softmin masked_softmax \
         _masked_softmax gumbel_softmax",
    ),
    (
        OpGroup::Roi,
        "nms roi_align torchvision::nms torchvision::roi_align torchvision::roi_pool \
         torchvision::ps_roi_align torchvision::ps_roi_pool torchvision::deform_conv2d \
         batched_nms",
    ),
    (
        OpGroup::Interpolation,
        "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact2d \
         upsample_linear1d upsample_bilinear2d _upsample_bilinear2d_aa upsample_bicubic2d \
         _upsample_bicubic2d_aa upsample_trilinear3d grid_sampler grid_sampler_2d grid_sampler_3d \
         affine_grid_generator interpolate paste_masks_in_image pixel_shuffle pixel_unshuffle ",
    ),
    (OpGroup::Embedding, "embedding embedding_bag _embedding_bag"),
    (
        OpGroup::Pooling,
        "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices \
         mkldnn_max_pool2d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d \
         adaptive_avg_pool2d _adaptive_avg_pool2d mkldnn_adaptive_avg_pool2d adaptive_avg_pool3d \
         adaptive_max_pool1d adaptive_max_pool2d lp_pool2d",
    ),
    (
        OpGroup::Qdq,
        "quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic dequantize \
         fake_quantize_per_tensor_affine fake_quantize_per_channel_affine q_scale q_zero_point \
         int_repr",
    ),
    (
        OpGroup::Other,
        "dropout feature_dropout alpha_dropout native_dropout multinomial bernoulli _assert_async \
         _assert_scalar random normal uniform rand randn randint randperm",
    ),
    (
        OpGroup::Arithmetic,
        "add sub rsub mul div floor_divide remainder fmod true_divide addcmul addcdiv maximum \
         minimum pow square neg abs floor ceil round trunc frac exp exp2 expm1 log log2 log10 \
         log1p sqrt rsqrt reciprocal sin cos tan asin acos atan atan2 sinh cosh erf erfc erfinv \
         sign sgn clamp clamp_min clamp_max clip lerp hypot eq ne lt le gt ge equal isclose greater \
         rotary_embedding allclose isnan isinf isfinite __and__ __or__ __xor__ __iand__ __ior__ bitwise_and \
         bitwise_or bitwise_xor bitwise_not __lshift__ __rshift__ bitwise_left_shift \
         bitwise_right_shift logical_and logical_or logical_xor logical_not sum mean prod std var \
         std_mean var_mean amax amin aminmax max min argmax argmin any all norm \
         linalg_vector_norm linalg_norm logsumexp cumsum cumprod cummax cummin logcumsumexp diff \
         topk sort argsort msort kthvalue median mode unique _unique2 unique_dim \
         unique_consecutive bucketize searchsorted histc bincount cosine_similarity \
         pairwise_distance cross trace _foreach_add _foreach_mul _fft_r2c _fft_c2r _fft_c2c \
         fft_fft fft_rfft fft_irfft real imag angle view_as_complex view_as_real polar complex \
         linspace sym_max",
    ),
    (
        OpGroup::Memory,
        "view reshape _reshape_alias _unsafe_view flatten unflatten permute transpose t swapaxes \
         movedim numpy_T contiguous clone copy _copy_from expand expand_as repeat \
         repeat_interleave tile broadcast_to broadcast_tensors squeeze unsqueeze cat concat \
         concatenate stack hstack vstack split split_with_sizes chunk tensor_split unbind \
         unsafe_split unsafe_chunk select slice narrow index index_select index_put \
         _index_put_impl index_add index_copy index_fill gather scatter scatter_add \
         scatter_reduce masked_fill masked_select masked_scatter _unsafe_index where nonzero nonzero_numpy one_hot \
         argwhere take take_along_dim pad constant_pad_nd reflection_pad1d reflection_pad2d \
         replication_pad1d replication_pad2d _pad_circular roll flip rot90 tril triu tril_indices \
         triu_indices diag diagonal diag_embed unfold as_strided im2col col2im to _to_copy \
         type_as to_dense to_mkldnn to_sparse cpu cuda float half detach alias lift_fresh \
         lift_fresh_copy lift zeros zeros_like ones ones_like full full_like empty empty_like \
         empty_strided new_zeros new_ones new_full new_empty zero fill arange eye scalar_tensor \
         tensor as_tensor resize resize_as set item _local_scalar_dense is_nonzero size sym_size \
         stride numel dim Bool Int Float ScalarImplicit IntImplicit FloatImplicit view_as \
         reshape_as meshgrid atleast_1d atleast_2d channel_shuffle combinations cartesian_prod \
         select_scatter slice_scatter data record_stream result_type isin _shape_as_tensor \
         block_diag fill_diagonal squeeze_copy T mT adjoint ravel identity",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nongemm_core::op::OpRegistry;

    use super::*;

    #[test]
    fn no_name_is_in_two_groups() {
        let mut seen = BTreeMap::new();
        for (group, names) in TABLE {
            for name in names.split(' ') {
                let other = seen.insert(name, group);
                assert_eq!(other, None, "{name}");
            }
        }
    }

    #[test]
    fn it_agrees_with_the_graphs_own_operators() {
        for case in OpRegistry::collect().unwrap().cases() {
            let name = case.op.name();
            assert_eq!(aten_group(name), Some(case.op.group()), "{name}");
        }
    }

    #[test]
    fn marks_of_working_in_place_do_not_matter() {
        assert_eq!(aten_group("relu_"), Some(OpGroup::Activation));
        assert_eq!(aten_group("__and__"), Some(OpGroup::Arithmetic));
        assert_eq!(aten_group("quux"), None);
    }
}
