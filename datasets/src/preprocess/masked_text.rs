//! Text for encoders of the BERT family.

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{InputRequest, Modality, Preprocessor, Sample};
use nongemm_core::tensor::HostTensor;

use super::request::{integers, sizes};
use super::rows::{token_rows, within};

/// Fills `input_ids` and, where the graph has them, `token_type_ids` (all 0: one segment) and
/// `attention_mask` (all 1: rows are full, nothing is padded), each of shape `[batch, sequence]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedText {
    /// The vocabulary whose ids are used, such as `bert-base-uncased`.
    pub vocabulary: &'static str,
    /// The id that opens every row: `[CLS]`.
    pub cls: u32,
    /// The id that closes every row: `[SEP]`.
    pub sep: u32,
}

impl Preprocessor for MaskedText {
    fn id(&self) -> &'static str {
        "masked-text"
    }

    fn modality(&self) -> Modality {
        Modality::Text
    }

    fn prepare(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        request: &InputRequest,
    ) -> Result<Vec<HostTensor>> {
        let tokens = request
            .input("input_ids")
            .context("`masked-text` needs a graph with an input `input_ids`")?;
        let length = sizes(tokens, request.batch, 2)?[1];
        ensure!(
            length >= 2,
            "a sequence of {length} has no room for the first and the last token; give at least 2"
        );
        let rows = token_rows(samples, self.vocabulary, request.batch, length - 2)?;
        let ids: Vec<i64> = rows
            .iter()
            .flat_map(|row| {
                [self.cls]
                    .into_iter()
                    .chain(row.iter().copied())
                    .chain([self.sep])
            })
            .map(|id| within(id, tokens.below))
            .collect();
        request
            .inputs
            .iter()
            .map(|input| {
                let shape = sizes(input, request.batch, 2)?;
                ensure!(
                    shape[1] == length,
                    "input `{}` has the length {}, but `input_ids` has {length}",
                    input.name,
                    shape[1]
                );
                let values = match input.name.as_str() {
                    "input_ids" => ids.clone(),
                    "token_type_ids" => vec![0; ids.len()],
                    "attention_mask" => vec![1; ids.len()],
                    other => bail!("`masked-text` does not know the input `{other}`"),
                };
                integers(values, input)
            })
            .collect()
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

    fn prepare(names: &[&str], length: usize) -> Result<Vec<HostTensor>> {
        let input = |name: &&str| RequestedInput {
            name: (*name).to_owned(),
            spec: TensorSpec::new(DType::I64, [2, length]),
            below: None,
        };
        let request = InputRequest {
            batch: 2,
            inputs: names.iter().map(input).collect(),
        };
        let samples = vec![passage("a", 0, 9), passage("b", 10, 19)];
        let text = MaskedText {
            vocabulary: "v",
            cls: 101,
            sep: 102,
        };
        text.prepare(&mut samples.into_iter(), &request)
    }

    #[test]
    fn rows_are_framed_and_inputs_keep_their_order() {
        let tensors = prepare(&["attention_mask", "input_ids", "token_type_ids"], 5).unwrap();
        let data: Vec<&HostData> = tensors.iter().map(HostTensor::data).collect();
        let ids = vec![101, 0, 1, 2, 102, 101, 10, 11, 12, 102];
        let expected = [
            HostData::I64(vec![1; 10]),
            HostData::I64(ids),
            HostData::I64(vec![0; 10]),
        ];
        assert_eq!(data, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn unknown_inputs_and_short_rows_are_errors() {
        let message = |result: Result<_>| format!("{:#}", result.map(|_: Vec<_>| ()).unwrap_err());
        assert_eq!(
            message(prepare(&["input_ids", "pixels"], 5)),
            "`masked-text` does not know the input `pixels`"
        );
        assert!(message(prepare(&["input_ids"], 1)).contains("no room"));
        assert!(message(prepare(&["pixels"], 5)).contains("needs a graph with an input"));
        assert_eq!(
            prepare(&["input_ids"], 2).unwrap()[0].data(),
            &HostData::I64(vec![101, 102, 101, 102])
        );
    }
}
