//! A feed-forward network of experts (Jiang et al. 2024, <https://arxiv.org/abs/2401.04088>): a router sends
//! each token to a few of them.
//!
//! The reference loops over the experts that any token was sent to. A graph holds a turn of the loop for
//! every expert; one that no token was sent to works on no rows.

use nongemm_core::dtype::DType;
use nongemm_core::graph::{BuildError, GraphBuilder, Init, Piece, Value};
use nongemm_core::plugin::Settings;
use nongemm_operators as ops;
use nongemm_operators::{Binary, BinaryKind, CompareKind, layers};

use crate::layout::sizes;
use crate::settings::{signed, small_size};

/// More experts than this are taken for a mistake.
const MOST: usize = 1 << 8;

#[derive(Clone, Copy, Debug)]
pub(super) struct Experts {
    pub(super) count: usize,
    /// Experts that each token is sent to.
    pub(super) per_token: usize,
}

/// Where the tokens of one layer go.
struct Routes {
    /// The tokens `[tokens, hidden]`.
    tokens: Value,
    /// The router's weight of each choice, `[tokens, per_token]`.
    weights: Value,
    /// 1 where a token's choice is an expert, `[experts, per_token, tokens]`.
    mask: Value,
}

impl Experts {
    /// Reads the settings `experts` and `experts_per_token`.
    pub(super) fn read(self, settings: &Settings) -> Result<Self, BuildError> {
        let count = small_size(settings, "experts", self.count, MOST)?;
        let per_token = small_size(settings, "experts_per_token", self.per_token, MOST)?;
        if per_token > count {
            return Err(BuildError::config(format!(
                "a token cannot be sent to {per_token} of {count} experts"
            )));
        }
        Ok(Experts { count, per_token })
    }

    /// The network on `[batch, seq, hidden]`.
    pub(super) fn build(
        self,
        g: &mut GraphBuilder,
        x: Value,
        intermediate: usize,
    ) -> Result<Value, BuildError> {
        let [batch, seq, hidden] = sizes(g, x)?;
        let tokens = ops::view(g, x, &[-1, signed(hidden)])?;
        let (weights, choices) = g.scope("gate", |g| self.route(g, tokens, hidden))?;
        let x = g.scope("experts", |g| {
            let x = ops::zeros_like(g, tokens, g.spec(tokens).dtype)?;
            let mask = ops::one_hot(g, choices, self.count)?;
            let mask = ops::permute(g, mask, &[2, 1, 0])?;
            let routes = Routes {
                tokens,
                weights,
                mask,
            };
            self.dispatch(g, x, &routes, [hidden, intermediate])
        })?;
        ops::reshape(g, x, &[batch, seq, hidden].map(signed))
    }

    /// The weights and the numbers of each token's experts, `[tokens, per_token]`.
    fn route(
        self,
        g: &mut GraphBuilder,
        x: Value,
        hidden: usize,
    ) -> Result<(Value, Value), BuildError> {
        let x = ops::reshape(g, x, &[-1, signed(hidden)])?;
        let logits = layers::linear(g, "", x, hidden, self.count, false)?;
        let logits = ops::to(g, logits, DType::F32)?;
        let chances = ops::softmax(g, logits, -1)?;
        let [best, choices] = ops::topk(g, chances, self.per_token, -1)?;
        let total = ops::sum(g, best, &[-1], true)?;
        let normalize = Binary {
            kind: BinaryKind::Div,
            scalar: None,
            inplace: true,
        };
        Ok((g.one(normalize, &[best, total])?, choices))
    }

    /// Adds what the experts say about their tokens to `x`.
    fn dispatch(
        self,
        g: &mut GraphBuilder,
        mut x: Value,
        routes: &Routes,
        [hidden, intermediate]: [usize; 2],
    ) -> Result<Value, BuildError> {
        let init = |fan_in: usize| Init::std((fan_in as f32).sqrt().recip());
        let shape = [self.count, 2 * intermediate, hidden];
        let gate_up = g.param("gate_up_proj", shape, init(hidden))?;
        let shape = [self.count, hidden, intermediate];
        let down = g.param("down_proj", shape, init(intermediate))?;
        let counts = ops::sum(g, routes.mask, &[-1, -2], false)?;
        let busy = ops::compare_scalar(g, CompareKind::Greater, counts, 0.0)?;
        let busy = ops::nonzero(g, busy)?;
        let numbers = ops::unbind_counted(g, busy, 0, self.count)?;
        for (expert, number) in numbers.into_iter().enumerate() {
            let number = ops::select(g, number, 0, 0)?;
            let past = ops::compare_scalar(g, CompareKind::Eq, number, self.count as f64)?;
            ops::is_nonzero(g, past)?;
            let nth = |g: &mut GraphBuilder, x| {
                // The host reads the number of the expert each time.
                ops::item(g, number)?;
                ops::select(g, x, 0, signed(expert))
            };
            let mask = nth(g, routes.mask)?;
            let [choice, token] = ops::where_pairs(g, mask)?;
            let rows = ops::index(g, routes.tokens, &[token])?;
            let weight = nth(g, gate_up)?;
            let both = ops::linear(g, rows, weight, None)?;
            let &[gate, up] = ops::chunk(g, both, 2, -1)?.as_slice() else {
                return Err(BuildError::config("gate_up_proj must split into two"));
            };
            let gate = g.scope("act_fn", |g| ops::silu(g, gate))?;
            let rows = ops::mul(g, gate, up)?;
            let weight = nth(g, down)?;
            let rows = ops::linear(g, rows, weight, None)?;
            let weights = ops::unsqueeze(g, routes.weights, 2)?;
            let weights = ops::index(g, weights, &[token, choice])?;
            let rows = ops::mul(g, rows, weights)?;
            let rows = ops::to(g, rows, g.spec(x).dtype)?;
            x = ops::index_add_(g, x, token, rows)?;
        }
        Ok(x)
    }
}

/// What published checkpoints call the module.
const PUBLISHED: &str = ".block_sparse_moe.";

/// The name in published checkpoints.
pub(super) fn published_name(name: &str) -> Option<String> {
    let is_gate = name.ends_with(".mlp.gate.weight");
    is_gate.then(|| name.replace(".mlp.", PUBLISHED))
}

/// Published checkpoints hold every expert's matrices apart: gate `w1`, down `w2`, up `w3`.
pub(super) fn published_pieces(name: &str, shape: &[usize]) -> Option<Vec<Piece>> {
    let (experts, fused) = name.rsplit_once('.')?;
    let experts = experts.strip_suffix(".mlp.experts")?;
    let matrices: &[&str] = match fused {
        "gate_up_proj" => &["w1", "w3"],
        "down_proj" => &["w2"],
        _ => return None,
    };
    let &[count, rows, columns] = shape else {
        return None;
    };
    let piece = |expert: usize, matrix: &str| Piece {
        name: format!("{experts}{PUBLISHED}experts.{expert}.{matrix}.weight"),
        shape: vec![rows / matrices.len(), columns],
    };
    let of_expert = |expert| matrices.iter().map(move |matrix| piece(expert, matrix));
    Some((0..count).flat_map(of_expert).collect())
}
