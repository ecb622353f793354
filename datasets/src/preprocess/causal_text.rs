//! Text for models that predict the next token.

use anyhow::{Context, Result, bail};
use nongemm_core::plugin::{InputRequest, Modality, Preprocessor, RequestedInput, Sample};
use nongemm_core::tensor::HostTensor;

use super::request::{integers, sizes};
use super::rows::{check_tokenizer, describe, padding_mask, token_rows, within};
use crate::tokenizer;

/// Fills `input_ids` of shape `[batch, sequence]`.
///
/// With a tokenizer (one that comes with the weights or that the user named): every row a text of its own,
/// with the tokenizer's special tokens, cut off or padded at its end; `attention_mask`, where the graph has
/// it, says where the padding is. Without one, from ids that come with the sample: every row full of
/// passages, no special tokens, no padding; where the graph has an `attention_mask`, all rows but the first
/// are shorter and end with padding (id 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CausalText {
    /// The vocabulary whose ids are used, such as `gpt2`. Models whose own tokenizer is not free to
    /// distribute take GPT-2's ids: real text in the model's range, but other words.
    pub vocabulary: &'static str,
}

impl Preprocessor for CausalText {
    fn id(&self) -> &'static str {
        "causal-text"
    }

    fn modality(&self) -> Modality {
        Modality::Text
    }

    fn check(&self, first: &Sample, request: &InputRequest) -> Result<()> {
        check_tokenizer(first, self.vocabulary, request)
    }

    fn describe(&self, request: &InputRequest) -> String {
        describe(self.id(), self.vocabulary, request)
    }

    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        request: &InputRequest,
    ) -> Result<Vec<HostTensor>> {
        let tokens = request
            .input("input_ids")
            .context("`causal-text` needs a graph with an input `input_ids`")?;
        let shape = sizes(tokens, request.batch, 2)?;
        let length = shape[1];
        let (ids, mask) = match tokenizer::find(&request.companions)? {
            Some(tokenizer) => {
                let rows = tokenizer.rows(samples, tokens, request.batch, length)?;
                (rows.ids, rows.mask)
            }
            None => self.packed(samples, tokens, request, length)?,
        };
        let fill = |input: &RequestedInput| match input.name.as_str() {
            "input_ids" => integers(ids.clone(), input),
            "attention_mask" if sizes(input, request.batch, 2)? == shape => {
                integers(mask.clone(), input)
            }
            other => bail!("`causal-text` does not know the input `{other}` of the graph"),
        };
        request.inputs.iter().map(fill).collect()
    }
}

impl CausalText {
    /// Rows full of passages, from ids that come with them, and the mask of padding.
    fn packed(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        tokens: &RequestedInput,
        request: &InputRequest,
        length: usize,
    ) -> Result<(Vec<i64>, Vec<i64>)> {
        let rows = token_rows(samples, self.vocabulary, request.batch, length)?;
        let ids = rows.into_iter().flatten();
        let mut ids: Vec<i64> = ids.map(|id| within(id, tokens.below)).collect();
        let mask = padding_mask(request.batch, length);
        if request.input("attention_mask").is_some() {
            for (id, kept) in ids.iter_mut().zip(&mask) {
                *id *= kept;
            }
        }
        Ok((ids, mask))
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::dtype::DType;
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
            ..InputRequest::default()
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
    fn a_mask_shortens_all_rows_but_the_first() {
        let input = |name: &str| RequestedInput {
            name: name.to_owned(),
            spec: TensorSpec::new(DType::I64, [2, 4]),
            below: None,
        };
        let request = InputRequest {
            batch: 2,
            inputs: vec![input("input_ids"), input("attention_mask")],
            ..InputRequest::default()
        };
        let samples = vec![passage("a", 1, 9), passage("b", 10, 19)];
        let text = CausalText { vocabulary: "v" };
        let tensors = text.prepare(&mut samples.into_iter(), &request).unwrap();
        let data: Vec<&HostData> = tensors.iter().map(HostTensor::data).collect();
        let expected = [
            HostData::I64(vec![1, 2, 3, 4, 10, 11, 12, 0]),
            HostData::I64(vec![1, 1, 1, 1, 1, 1, 1, 0]),
        ];
        assert_eq!(data, expected.iter().collect::<Vec<_>>());
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
