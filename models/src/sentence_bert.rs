//! Sentence embeddings (Reimers and Gurevych 2019): a BERT encoder whose tokens become one vector of unit length.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Value};
use nongemm_core::plugin::{DefaultSizes, Domain, Model, ModelConfig};
use nongemm_core::register;
use nongemm_core::shape::TensorSpec;
use nongemm_operators as ops;
use nongemm_operators::layers;

use crate::bert::{Inputs, Net, Sizes, UNCASED, tensorflow_name};
use crate::published::Published;
use crate::settings::signed;

const MINILM: Sizes = Sizes {
    layers: 6,
    hidden: 384,
    heads: 12,
    intermediate: 1536,
    vocab: 30522,
    positions: 512,
};

/// 23 million parameters: transformers' `BertModel`, then mean pooling and normalisation as
/// sentence-transformers has them.
///
/// Inputs `input_ids[batch, seq]`, `token_type_ids[batch, seq]` and `attention_mask[batch, seq]` (1 for a token, 0
/// for padding), output `sentence_embedding[batch, hidden]`. The encoder's own pooling layer runs, as it does in the
/// reference, and nothing reads what it makes.
pub static ALL_MINILM_L6_V2: Published = Published {
    id: "all-minilm-l6-v2",
    domain: Domain::LanguageModel,
    checkpoint: "sentence-transformers/all-MiniLM-L6-v2",
    reference: "transformers 5.17.0 BertModel, with mean pooling and normalisation",
    sizes: DefaultSizes::text(128),
    build: |g, config| build(g, config),
    preprocessor: || Box::new(UNCASED),
};

register!(dyn Model, &ALL_MINILM_L6_V2);

/// The least number of tokens and the least length that are divided by.
const FEWEST: f64 = 1e-9;
const SHORTEST: f64 = 1e-12;

fn build(g: &mut GraphBuilder, config: &ModelConfig) -> Result<(), BuildError> {
    let net = Net::read(MINILM, config)?;
    let row = || TensorSpec::new(DType::I64, [net.batch, net.tokens]);
    let ids = g.index_input("input_ids", row(), net.vocab)?;
    let types = g.index_input("token_type_ids", row(), net.types)?;
    let mask = g.index_input("attention_mask", row(), 2)?;
    let inputs = Inputs {
        ids,
        types: Some(types),
        padding: Some(mask),
    };
    let (tokens, _) = net.encode(g, &inputs)?;
    g.scope("pooler", |g| first_token(g, tokens, net.hidden))?;
    let sizes = [net.batch, net.tokens, net.hidden].map(signed);
    let embedding = g.scope("pooling", |g| mean(g, tokens, mask, sizes))?;
    let embedding = g.scope("normalize", |g| unit_length(g, embedding))?;
    g.output("sentence_embedding", embedding);
    g.alias_all(tensorflow_name);
    Ok(())
}

/// The encoder's own pooling layer.
fn first_token(g: &mut GraphBuilder, tokens: Value, hidden: usize) -> Result<(), BuildError> {
    let first = ops::select(g, tokens, 1, 0)?;
    let x = layers::linear(g, "dense", first, hidden, hidden, true)?;
    g.scope("activation", |g| ops::tanh(g, x))?;
    Ok(())
}

/// The mean of the tokens that are no padding.
fn mean(
    g: &mut GraphBuilder,
    tokens: Value,
    mask: Value,
    sizes: [i64; 3],
) -> Result<Value, BuildError> {
    let weights = ops::unsqueeze(g, mask, -1)?;
    let weights = ops::expand(g, weights, &sizes)?;
    let dtype = g.dtype();
    let weights = ops::to(g, weights, dtype)?;
    let weighted = ops::mul(g, tokens, weights)?;
    let sums = ops::sum(g, weighted, &[1], false)?;
    let counts = ops::sum(g, weights, &[1], false)?;
    let counts = ops::clamp(g, counts, Some(FEWEST), None)?;
    let mean = ops::div(g, sums, counts)?;
    // Several ways of pooling would be joined here.
    ops::cat(g, &[mean], 1)
}

/// `x / |x|`, row by row.
fn unit_length(g: &mut GraphBuilder, x: Value) -> Result<Value, BuildError> {
    let length = ops::linalg_vector_norm(g, x, &[1], true)?;
    let length = ops::clamp_min(g, length, SHORTEST)?;
    let length = ops::expand_as(g, length, x)?;
    ops::div(g, x, length)
}
