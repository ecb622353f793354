//! Text for encoders of the BERT family.

use anyhow::{Context, Result, bail, ensure};
use nongemm_core::plugin::{InputRequest, Modality, Preprocessor, RequestedInput, Sample};
use nongemm_core::tensor::HostTensor;

use super::request::{integers, sizes};
use super::rows::{check_tokenizer, describe, kept, padding_mask, token_rows, within};
use crate::tokenizer;

/// Fills `input_ids` and, where the graph has them, `token_type_ids` (all 0: one segment) and
/// `attention_mask`, each of shape `[batch, sequence]`.
///
/// With a tokenizer (one that comes with the weights or that the user named): every row a text of its own,
/// with the tokenizer's special tokens, cut off or padded at its end. Without one, from ids that come with
/// the sample: rows full of passages; with a mask, all rows but the first are shorter and end with padding
/// (id 0, as in BERT's vocabulary), as in a batch of texts of different lengths.
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
            .context("`masked-text` needs a graph with an input `input_ids`")?;
        let length = sizes(tokens, request.batch, 2)?[1];
        ensure!(
            length >= 2,
            "a sequence of {length} has no room for the first and the last token; give at least 2"
        );
        let (ids, mask) = match tokenizer::find(&request.companions)? {
            Some(tokenizer) => {
                let rows = tokenizer.rows(samples, tokens, request.batch, length)?;
                (rows.ids, rows.mask)
            }
            None => self.packed(samples, tokens, request, length)?,
        };
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
                    "attention_mask" => mask.clone(),
                    other => bail!("`masked-text` does not know the input `{other}`"),
                };
                integers(values, input)
            })
            .collect()
    }
}

impl MaskedText {
    /// Rows full of passages, from ids that come with them, and the mask of padding.
    fn packed(
        &self,
        samples: &mut dyn Iterator<Item = Result<Sample>>,
        tokens: &RequestedInput,
        request: &InputRequest,
        length: usize,
    ) -> Result<(Vec<i64>, Vec<i64>)> {
        let rows = token_rows(samples, self.vocabulary, request.batch, length - 2)?;
        let masked = request.input("attention_mask").is_some();
        let mut ids = Vec::with_capacity(rows.len() * length);
        for (index, row) in rows.iter().enumerate() {
            let kept = match masked {
                true => kept(index, request.batch, length).max(2),
                false => length,
            };
            let text = row.iter().copied().take(kept - 2);
            let row = [self.cls].into_iter().chain(text).chain([self.sep]);
            ids.extend(row.map(|id| within(id, tokens.below)));
            ids.resize((index + 1) * length, 0);
        }
        Ok((ids, padding_mask(request.batch, length)))
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::dtype::DType;
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
            ..InputRequest::default()
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
        let ids = vec![101, 0, 1, 2, 102, 101, 10, 11, 102, 0];
        let expected = [
            HostData::I64(vec![1, 1, 1, 1, 1, 1, 1, 1, 1, 0]),
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
