//! Synthetic weights: reproducible, in range, the same for any number of threads.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{graph, load};
use nongemm_core::dtype::DType;
use nongemm_core::graph::{Graph, GraphBuilder, Init};
use nongemm_core::plugin::{Claim, WeightFormat, WeightSource};
use nongemm_core::rng::Uniform;
use nongemm_weights::{Synthetic, SyntheticWeights};

/// More than one task of any thread, and an odd number.
const MANY: usize = 300_001;

fn values(seed: u64, dtype: DType, count: usize) -> Vec<f64> {
    let graph = graph(dtype, &[("w", &[count])]);
    load(&SyntheticWeights::new(seed), &graph, 0)
        .unwrap()
        .data()
        .to_f64()
}

fn around(mean: f32, spread: f32) -> Graph {
    let mut builder = GraphBuilder::new(DType::F32);
    builder
        .param("w", [MANY], Init::around(mean, spread))
        .unwrap();
    builder.finish()
}

#[test]
fn claims_its_spelling_only() {
    for location in ["synthetic", "synthetic:0", "synthetic:x"] {
        assert_eq!(Synthetic.claim(location), Claim::Sure, "{location}");
    }
    for location in [
        "synthetics",
        "synthetic.safetensors",
        "./synthetic",
        "hf:gpt2",
    ] {
        assert_eq!(Synthetic.claim(location), Claim::No, "{location}");
    }
}

#[test]
fn the_seed_is_a_number() {
    assert_eq!(
        Synthetic.open("synthetic").unwrap().describe(),
        "synthetic:0"
    );
    assert_eq!(
        Synthetic.open("synthetic:17").unwrap().describe(),
        "synthetic:17"
    );
    for wrong in [
        "synthetic:",
        "synthetic:-1",
        "synthetic:one",
        "synthetic:1:2",
    ] {
        let error = Synthetic.open(wrong).map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "weights `{wrong}`: the seed must be a whole number from 0 to 18446744073709551615"
            )
        );
    }
}

#[test]
fn every_word_of_the_stream_makes_two_elements() {
    let graph = around(3.0, 0.5);
    let tensor = load(&SyntheticWeights::new(5), &graph, 0).unwrap();
    let found = tensor.data().to_f64();
    let stream = Uniform::new(5, "w");
    for index in (0..MANY).step_by(997).chain([MANY - 1]) {
        let bits = (stream.bits_at(index as u64 / 2) >> (32 * (index % 2))) as u32;
        let unit = f64::from(bits) / f64::from(u32::MAX);
        assert!(
            (found[index] - (2.5 + unit)).abs() < 1e-6,
            "element {index}"
        );
    }
}

#[test]
fn values_are_uniform_around_the_mean() {
    let graph = around(-1.0, 0.25);
    let tensor = load(&SyntheticWeights::new(0), &graph, 0).unwrap();
    let values = tensor.data().to_f64();
    assert!(values.iter().all(|x| (-1.25..=-0.75).contains(x)));
    let mean = values.iter().sum::<f64>() / MANY as f64;
    assert!((mean + 1.0).abs() < 1e-3, "mean {mean}");
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / MANY as f64;
    assert!(
        (variance - 0.25f64.powi(2) / 3.0).abs() < 1e-4,
        "variance {variance}"
    );
}

#[test]
fn without_spread_all_are_the_mean() {
    let graph = around(1.0, 0.0);
    let tensor = load(&SyntheticWeights::new(0), &graph, 0).unwrap();
    assert!(tensor.data().to_f64().iter().all(|x| *x == 1.0));
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| values(0, DType::F32, MANY))
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn seeds_names_and_prefixes() {
    assert_ne!(values(0, DType::F32, 8), values(1, DType::F32, 8));
    assert_eq!(values(0, DType::F32, 8), values(0, DType::F32, MANY)[..8]);
    let graph = graph(DType::F32, &[("a", &[8]), ("b", &[8])]);
    let source = SyntheticWeights::new(0);
    assert_ne!(
        load(&source, &graph, 0).unwrap(),
        load(&source, &graph, 1).unwrap()
    );
}

#[test]
fn other_types_hold_the_same_values_rounded() {
    let exact = values(0, DType::F32, 5000);
    assert_eq!(values(0, DType::F64, 5000), exact);
    for (dtype, precision) in [(DType::F16, 2f64.powi(-11)), (DType::BF16, 2f64.powi(-8))] {
        for (rounded, exact) in values(0, dtype, 5000).iter().zip(&exact) {
            let allowed = exact.abs() * precision + 1e-7;
            assert!(
                (rounded - exact).abs() <= allowed,
                "{dtype}: {rounded} for {exact}"
            );
        }
    }
}

#[test]
fn shapes_are_kept_and_empty_ones_work() {
    let graph = graph(
        DType::F32,
        &[("w", &[2, 3]), ("scalar", &[]), ("none", &[0, 4])],
    );
    let source = SyntheticWeights::new(0);
    source.verify(&graph).unwrap();
    for (index, shape) in [&[2usize, 3][..], &[], &[0, 4]].into_iter().enumerate() {
        assert_eq!(load(&source, &graph, index).unwrap().shape(), shape);
    }
}

#[test]
fn an_integer_parameter_is_an_error() {
    let graph = graph(DType::I64, &[("ids", &[2])]);
    let source = SyntheticWeights::new(0);
    let expected = "synthetic weights are floating-point, parameter `ids` is i64";
    assert_eq!(source.verify(&graph).unwrap_err().to_string(), expected);
    assert_eq!(load(&source, &graph, 0).unwrap_err().to_string(), expected);
}
