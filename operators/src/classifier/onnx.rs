//! Classification of ONNX's operators and of those that ONNX Runtime puts in their place.

use std::collections::HashMap;
use std::sync::LazyLock;

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{OpEvent, OperatorClassifier};
use nongemm_core::register;

use super::fused::fused_group;

/// Classifies events of vocabulary `onnx`: the group that the graph counts the node in, where the whole
/// call comes from one; else by name; else, for a fused operator that is not known, by what it fuses.
///
/// A GEMM's own scaling, transposition and bias are a part of it, as in BLAS (`FusedMatMul`, `Gemm`); one
/// with an activation, an addition of another tensor or a requantization in it is `mixed`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnnxClassifier;

impl OperatorClassifier for OnnxClassifier {
    fn id(&self) -> &'static str {
        "onnx"
    }

    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup> {
        if event.vocabulary != "onnx" {
            return None;
        }
        let group = event.counted.or_else(|| onnx_group(event.name));
        match group {
            // Blocked and fused convolutions keep what they fuse as an attribute.
            Some(OpGroup::Gemm) if event.attrs.contains_key("activation") => Some(OpGroup::Mixed),
            Some(group) => Some(group),
            None => fused_ops(event.fused),
        }
    }
}

register!(dyn OperatorClassifier, &OnnxClassifier);

/// The group of a kernel that fuses these operators; `None` if one of them is not known.
fn fused_ops(ops: &[String]) -> Option<OpGroup> {
    let groups: Option<Vec<OpGroup>> = ops.iter().map(|op| onnx_group(op)).collect();
    fused_group(&groups?)
}

/// Operator sets whose names are in the table; an operator of another one is not ours to know.
const DOMAINS: &[&str] = &[
    "com.microsoft.nchwc.",
    "com.ms.internal.nhwc.",
    "com.microsoft.",
    "ai.onnx.ml.",
    "ai.onnx.",
];

/// The group of an operator by its name with its set: `Softmax`, `com.microsoft.BiasGelu`.
fn onnx_group(name: &str) -> Option<OpGroup> {
    let mut domains = DOMAINS.iter();
    let plain = domains.find_map(|domain| name.strip_prefix(domain));
    GROUPS.get(plain.unwrap_or(name)).copied()
}

static GROUPS: LazyLock<HashMap<&str, OpGroup>> = LazyLock::new(|| {
    let names = TABLE
        .iter()
        .flat_map(|(group, names)| names.split(' ').map(move |name| (name, *group)));
    names.collect()
});

/// Names without their sets, by group.
const TABLE: &[(OpGroup, &str)] = &[
    (
        OpGroup::Gemm,
        "MatMul Gemm Conv ConvTranspose Einsum FusedMatMul GemmFloat8 GemmFastGelu_NoActivation \
         MatMulInteger MatMulInteger16 ConvInteger MatMulNBits MatMulBnb4 MatMulFpQ4 SparseToDenseMatMul \
         NhwcConv ConvTransposeWithDynamicPads DeformConv TransposeMatMul",
    ),
    (
        OpGroup::Mixed,
        "FusedConv FusedGemm NhwcFusedConv GemmFastGelu QLinearConv QLinearMatMul QGemm \
         MatMulIntegerToFloat DynamicQuantizeMatMul GatedRelativePositionBias Attention \
         MultiHeadAttention GroupQueryAttention PagedAttention SparseAttention LongformerAttention \
         PackedAttention PackedMultiHeadAttention DecoderAttention DecoderMaskedSelfAttention \
         DecoderMaskedMultiHeadAttention QAttention QOrderedAttention QOrderedMatMul \
         QOrderedLongformerAttention LinearAttention \
         RemovePadding_Attention MoE QMoE LSTM GRU RNN DynamicQuantizeLSTM AttnLSTM \
         FusedMatMulActivation GatedMLP MLP CDist",
    ),
    (
        OpGroup::Activation,
        "Relu Gelu FastGelu QuickGelu BiasGelu BiasSplitGelu Sigmoid Tanh HardSigmoid HardSwish \
         LeakyRelu Elu Celu Selu Softplus Softsign PRelu ThresholdedRelu Mish Swish Shrink \
         QLinearSigmoid QLinearLeakyRelu QOrderedGelu BiasAdd_Gelu SwiGLU ScaledTanh \
         ParametricSoftplus Affine_Activation",
    ),
    (
        OpGroup::Normalization,
        "LayerNormalization SimplifiedLayerNormalization SkipLayerNormalization \
         SkipSimplifiedLayerNormalization EmbedLayerNormalization BatchNormalization \
         InstanceNormalization GroupNormalization GroupNorm SkipGroupNorm RMSNormalization \
         LpNormalization LRN MeanVarianceNormalization QOrderedLayerNormalization \
         QEmbedLayerNormalization Normalizer",
    ),
    (
        OpGroup::Logit,
        "Softmax LogSoftmax Hardmax BiasSoftmax QLinearSoftmax SoftmaxCrossEntropyLoss \
         NegativeLogLikelihoodLoss",
    ),
    (
        OpGroup::Roi,
        "NonMaxSuppression RoiAlign MaxRoiPool CropAndResize",
    ),
    (
        OpGroup::Interpolation,
        "Resize Upsample GridSample AffineGrid DepthToSpace SpaceToDepth",
    ),
    (OpGroup::Embedding, "GatherBlockQuantized"),
    (
        OpGroup::Pooling,
        "MaxPool AveragePool GlobalMaxPool GlobalAveragePool GlobalLpPool LpPool MaxUnpool \
         NhwcMaxPool QLinearAveragePool QLinearGlobalAveragePool MaxpoolWithMask",
    ),
    (
        OpGroup::Qdq,
        "QuantizeLinear DequantizeLinear DynamicQuantizeLinear QuantizeBFP DequantizeBFP \
         QuantizeWithOrder DequantizeWithOrder",
    ),
    (OpGroup::Comm, "MemcpyToHost MemcpyFromHost"),
    (
        OpGroup::Arithmetic,
        "Add Sub Mul Div Pow Mod Neg Abs Sign Floor Ceil Round Sqrt Exp Log Sin Cos Tan Asin Acos Atan \
         Sinh Cosh Asinh Acosh Atanh Erf Reciprocal Rsqrt Min Max Sum Mean Clip Equal Less Greater \
         LessOrEqual GreaterOrEqual And Or Xor Not BitShift BitwiseAnd BitwiseOr BitwiseXor \
         BitwiseNot IsNaN IsInf IsAllFinite ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd \
         ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare ReduceSumInteger ArgMax ArgMin \
         CumSum CumProd TopK Unique Det DFT STFT MelWeightMatrix HannWindow HammingWindow \
         BlackmanWindow QLinearAdd QLinearMul QLinearReduceMean BiasAdd BiasDropout AddMul \
         RotaryEmbedding GemmaRotaryEmbedding QuickScale MulSigmoid Inverse Rfft Irfft ComplexMul \
         ComplexMulConj Scaler Binarizer Bincount Sampling",
    ),
    (
        OpGroup::Memory,
        "Reshape Transpose Flatten Squeeze Unsqueeze Concat ConcatFromSequence Split SplitToSequence \
         Slice Pad Tile Expand Gather GatherElements GatherND Scatter ScatterElements ScatterND \
         TensorScatter Where NonZero OneHot Compress Identity Cast CastLike Shape Size Constant \
         ConstantOfShape Range EyeLike Trilu ReverseSequence BitCast Col2Im CenterCropPad \
         ReorderInput ReorderOutput ReorderImageInput Upsample_Reorder QLinearConcat QLinearWhere \
         SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength \
         Optional OptionalGetElement OptionalHasElement RemovePadding RestorePadding ExpandDims \
         Crop DynamicSlice UnfoldTensor Unfold NhwcTranspose TransposeBSHToBNSH BifurcationDetector \
         Imputer_Where Tokenizer_Slice ZipMap CastMap DictVectorizer FeatureVectorizer \
         ArrayFeatureExtractor SliceAxes",
    ),
    (
        OpGroup::Other,
        "If Loop Scan SequenceMap Dropout RandomNormal RandomNormalLike RandomUniform \
         RandomUniformLike Bernoulli Multinomial StringNormalizer StringConcat StringSplit \
         RegexFullMatch StringEqual Tokenizer TfIdfVectorizer MurmurHash3 LabelEncoder \
         CategoryMapper OneHotEncoder Imputer LinearClassifier LinearRegressor SVMClassifier \
         SVMRegressor TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor ImageDecoder \
         BeamSearch GreedySearch WhisperBeamSearch WordConvEmbedding NGramRepeatBlock EPContext \
         ImageScaler",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use nongemm_core::op::Attrs;

    use super::*;

    fn group(name: &str, attrs: &[&str], fused: &[&str]) -> Option<OpGroup> {
        let attrs: Attrs = attrs
            .iter()
            .map(|key| ((*key).to_owned(), "x".into()))
            .collect();
        let fused: Vec<String> = fused.iter().map(|op| (*op).to_owned()).collect();
        OnnxClassifier.classify(&OpEvent {
            vocabulary: "onnx",
            name,
            attrs: &attrs,
            fused: &fused,
            op: None,
            counted: None,
        })
    }

    #[test]
    fn no_name_is_in_two_groups() {
        let mut seen = BTreeMap::new();
        for (group, names) in TABLE {
            for name in names.split(' ') {
                assert_eq!(seen.insert(name, group), None, "{name}");
            }
        }
    }

    #[test]
    fn a_gemm_with_something_else_is_mixed() {
        assert_eq!(
            group("Conv", &[], &["Conv", "BatchNormalization"]),
            Some(OpGroup::Gemm)
        );
        assert_eq!(
            group("com.microsoft.FusedMatMul", &[], &[]),
            Some(OpGroup::Gemm)
        );
        assert_eq!(
            group("com.microsoft.FusedConv", &[], &[]),
            Some(OpGroup::Mixed)
        );
        assert_eq!(
            group("com.microsoft.nchwc.Conv", &[], &[]),
            Some(OpGroup::Gemm)
        );
        assert_eq!(
            group("com.microsoft.nchwc.Conv", &["activation"], &[]),
            Some(OpGroup::Mixed)
        );
        assert_eq!(
            group("com.microsoft.Attention", &[], &[]),
            Some(OpGroup::Mixed)
        );
    }

    #[test]
    fn sets_that_are_not_known_are_not_classified() {
        assert_eq!(group("my.company.Relu", &[], &[]), None);
        assert_eq!(group("com.microsoft.Quux", &[], &[]), None);
        assert_eq!(
            group("ai.onnx.ml.Scaler", &[], &[]),
            Some(OpGroup::Arithmetic)
        );
    }

    #[test]
    fn an_unknown_fused_operator_is_what_it_fuses() {
        assert_eq!(
            group("com.microsoft.Quux", &[], &["MatMul", "Relu"]),
            Some(OpGroup::Mixed)
        );
        assert_eq!(
            group("com.microsoft.Quux", &[], &["Mul", "Softmax"]),
            Some(OpGroup::Logit)
        );
        assert_eq!(group("com.microsoft.Quux", &[], &["Mul", "my.Op"]), None);
    }
}
