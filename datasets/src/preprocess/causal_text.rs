//! Text for models that predict the next token.

use anyhow::{Result, bail};
use nongemm_core::plugin::{InputRequest, Modality, Preprocessor, Sample};
use nongemm_core::tensor::HostTensor;

use super::request::{integers, sizes};
use super::rows::{token_rows, within};

/// Fills `input_ids` of shape `[batch, sequence]`: every row a passage, no special tokens, no padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CausalText {
    /// The vocabulary whose ids are used, such as `gpt2`.
    pub vocabulary: &'static str,
}

impl Preprocessor for CausalText {
    fn id(&self) -> &'static str {
        "causal-text"
    }

    fn modality(&self) -> Modality {
        Modality::Text
    }

    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        request: &InputRequest,
    ) -> Result<Vec<HostTensor>> {
        let [input] = request.inputs.as_slice() else {
            bail!(
                "`causal-text` fills one input, `input_ids`, but the graph has {}",
                request.inputs.len()
            );
        };
        let length = sizes(input, request.batch, 2)?[1];
        let rows = token_rows(samples, self.vocabulary, request.batch, length)?;
        let ids = rows.into_iter().flatten().map(|id| within(id, input.below));
        Ok(vec![integers(ids.collect(), input)?])
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::dtype::DType;
    use nongemm_core::plugin::RequestedInput;
    use nongemm_core::shape::TensorSpec;
    use nongemm_core::tensor::HostData;

    use super::*;
    use crate::preprocess::rows::tests::passage;

    fn prepare(dtype: DType, batch: usize, below: Option<usize>) -> Result<Vec<HostTensor>> {
        let request = InputRequest {
            batch,
            inputs: vec![RequestedInput {
                name: "input_ids".to_owned(),
                spec: TensorSpec::new(dtype, [2, 3]),
                below,
            }],
        };
        let samples = vec![passage("a", 0, 9), passage("b", 10, 19)];
        CausalText { vocabulary: "v" }.prepare(&mut samples.into_iter(), &request)
    }

    #[test]
    fn ids_row_by_row() {
        let tensors = prepare(DType::I64, 2, None).unwrap();
        assert_eq!(tensors.len(), 1);
        assert_eq!(tensors[0].shape(), [2, 3]);
        assert_eq!(tensors[0].data(), &HostData::I64(vec![0, 1, 2, 10, 11, 12]));
    }

    #[test]
    fn other_integer_types_and_small_tables() {
        let tensors = prepare(DType::U32, 2, Some(11)).unwrap();
        assert_eq!(tensors[0].data(), &HostData::U32(vec![0, 1, 2, 10, 0, 1]));
    }

    #[test]
    fn a_wrong_batch_or_type_is_an_error() {
        let message = |result: Result<_>| format!("{:#}", result.map(|_: Vec<_>| ()).unwrap_err());
        assert_eq!(
            message(prepare(DType::I64, 4, None)),
            "input `input_ids` has the shape [2, 3], not 2 dimensions with a batch of 4"
        );
        assert_eq!(
            message(prepare(DType::F32, 2, None)),
            "input `input_ids` is f32; token inputs are i64, i32 or u32"
        );
    }
}
