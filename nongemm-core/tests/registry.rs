//! The operator registry: merging, the file format, filters.

use nongemm_core::dtype::DType;
use nongemm_core::op::{Attrs, OpGroup, OpInstance};
use nongemm_core::plugin::Domain;
use nongemm_core::registry::{Call, Filter, Occurrence, OperatorRegistry, decode, encode};
use nongemm_core::shape::TensorSpec;
use proptest::prelude::*;

fn call(op: &str, group: OpGroup, attrs: Attrs, shape: Vec<usize>) -> Call {
    let instance = OpInstance {
        op: op.to_owned(),
        attrs,
        inputs: vec![TensorSpec::new(DType::F32, shape)],
    };
    Call::ir(instance, group)
}

fn met(model: &str, batch: usize, scope: &str, count: u64) -> Occurrence {
    Occurrence {
        model: model.to_owned(),
        domain: Domain::LanguageModel,
        batch: Some(batch),
        seq: Some(8),
        image: None,
        scope: scope.to_owned(),
        parent: (batch == 2).then(|| "whole".to_owned()),
        count,
    }
}

fn registry(items: Vec<(u8, bool, usize, u8, u8, u64)>) -> OperatorRegistry {
    let mut registry = OperatorRegistry::new();
    for (op, ordered, size, model, batch, count) in items {
        let mut attrs = Attrs::new();
        // The order of attributes says nothing.
        for key in if ordered { ["a", "b"] } else { ["b", "a"] } {
            attrs.insert(key.to_owned(), op.into());
        }
        let call = call(&format!("op{op}"), OpGroup::Memory, attrs, vec![size, 2]);
        let model = format!("model{model}");
        registry.add(call, [met(&model, usize::from(batch), "h.*", count)]);
    }
    registry
}

fn any_registry() -> impl Strategy<Value = OperatorRegistry> {
    let item = (0..3u8, any::<bool>(), 0..3usize, 0..2u8, 1..3u8, 1..3u64);
    proptest::collection::vec(item, 0..12).prop_map(registry)
}

fn merged(a: &OperatorRegistry, b: &OperatorRegistry) -> OperatorRegistry {
    let mut sum = a.clone();
    sum.merge(b.clone());
    sum
}

fn occurrences(registry: &OperatorRegistry) -> Vec<(String, Occurrence)> {
    let each = registry.iter().flat_map(|entry| {
        let call = serde_json::to_string(&entry.call).expect("a call is data");
        entry.met.iter().map(move |met| (call.clone(), met.clone()))
    });
    each.collect()
}

proptest! {
    #[test]
    fn merging_is_associative_commutative_and_idempotent(
        (a, b, c) in (any_registry(), any_registry(), any_registry())
    ) {
        let left = merged(&merged(&a, &b), &c);
        let right = merged(&a, &merged(&b, &c));
        prop_assert_eq!(encode(&left), encode(&right));
        prop_assert_eq!(encode(&merged(&a, &b)), encode(&merged(&b, &a)));
        prop_assert_eq!(encode(&merged(&left, &a)), encode(&left));
    }

    #[test]
    fn merging_loses_and_invents_no_occurrence((a, b) in (any_registry(), any_registry())) {
        let both = occurrences(&merged(&a, &b));
        let (a, b) = (occurrences(&a), occurrences(&b));
        prop_assert!(a.iter().chain(&b).all(|met| both.contains(met)));
        prop_assert!(both.iter().all(|met| a.contains(met) || b.contains(met)));
    }

    #[test]
    fn what_is_written_is_read(registry in any_registry()) {
        let bytes = encode(&registry);
        prop_assert_eq!(&decode(&bytes).unwrap().registry, &registry);
        prop_assert_eq!(encode(&decode(&bytes).unwrap().registry), bytes);
    }

    #[test]
    fn damaged_files_are_errors(registry in any_registry(), at in any::<usize>(), bit in 0..8u32) {
        let mut bytes = encode(&registry);
        let at = at % bytes.len();
        prop_assert!(decode(&bytes[..at]).is_err());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = decode(&bytes) {
            // Only a bit that the format leaves free.
            prop_assert_eq!(read.registry, registry);
        }
    }
}

#[test]
fn files_that_are_no_registries_are_errors() {
    let line = |text: &str| decode(text.as_bytes()).unwrap_err().to_string();
    let later = r#"{"nongemm_registry":2,"names":[],"specs":[],"occasions":[]}"#;
    assert!(line(later).contains("version 2"));
    assert!(line(&later.replace("names", "nams")).starts_with("line 1: "));
    assert!(decode(b"x\x9c\x00").is_err());
    assert!(decode(b"").is_err());
}

#[test]
fn bad_lines_are_refused_one_by_one() {
    let header = r#"{"nongemm_registry":1,"names":["ir","x"],"specs":[{"dtype":"f32","shape":[2,3]},{"dtype":"f32","shape":[4000000000,4000000000]},{"dtype":"f32","shape":[-1]},{"dtype":"f33","shape":[]}],"occasions":[]}"#;
    let good = r#"{"v":0,"o":1,"g":"memory","i":[0],"m":[]}"#;
    let bad: &[(&str, &str)] = &[
        (
            r#"{"v":0,"o":1,"g":"memory","i":[1],"m":[]}"#,
            "line 2: x: f32[4000000000, 4000000000] takes more than 1 TiB",
        ),
        (
            r#"{"v":0,"o":1,"g":"memory","i":[2],"m":[]}"#,
            "line 3: x: an input has the negative size -1",
        ),
        (r#"{"v":0,"o":1,"g":"memory","i":[3],"m":[]}"#, "f33"),
        (
            r#"{"v":0,"o":1,"g":"memory","i":[7],"m":[]}"#,
            "line 5: x: it refers to something",
        ),
        (
            r#"{"v":0,"o":1,"g":"memory","i":[],"m":[[0,0,null,1]]}"#,
            "line 6: x: it refers to something",
        ),
        (
            r#"{"v":0,"o":9,"g":"memory","i":[],"m":[]}"#,
            "line 7: it refers to something",
        ),
        (
            r#"{"v":0,"o":1,"g":"memory","a":3,"i":[],"m":[]}"#,
            "line 8: x: ",
        ),
        ("{", "line 9: "),
    ];
    let lines: Vec<&str> = bad.iter().map(|(line, _)| *line).collect();
    let text = format!("{header}\n{}\n{good}\n", lines.join("\n"));
    let found = decode(text.as_bytes()).unwrap();
    assert_eq!(found.registry.len(), 1);
    assert_eq!(found.refused.len(), bad.len());
    for (refused, (line, words)) in found.refused.iter().zip(bad) {
        assert!(refused.to_string().contains(words), "{line}: {refused}");
    }
}

fn example() -> OperatorRegistry {
    let mut registry = OperatorRegistry::new();
    let norm = call("norm", OpGroup::Normalization, Attrs::new(), vec![2, 8, 64]);
    registry.add(norm, [met("a", 1, "ln", 2), met("b", 2, "ln_f", 1)]);
    let gemm = call("mm", OpGroup::Gemm, Attrs::new(), vec![1024, 1024]);
    registry.add(gemm, [met("a", 2, "fc", 4)]);
    registry
}

fn taken(filter: &str) -> Vec<(String, Vec<String>)> {
    let registry = example().filter(&filter.parse::<Filter>().expect("a filter"));
    let entries = registry.iter().map(|entry| {
        let models = entry.models().into_iter().map(str::to_owned);
        (entry.call.instance.op.clone(), models.collect())
    });
    entries.collect()
}

#[test]
fn a_filter_takes_occurrences_that_fit_as_a_whole() {
    let of = |op: &str, models: &[&str]| {
        let models = models.iter().map(|model| (*model).to_owned());
        (op.to_owned(), models.collect::<Vec<_>>())
    };
    assert_eq!(
        taken("group=normalization and model=a"),
        [of("norm", &["a"])]
    );
    // `norm` was met in `a` and with batch 2, but not both at once.
    assert_eq!(taken("model=a and batch=2"), [of("mm", &["a"])]);
    assert_eq!(taken("not model=a"), [of("norm", &["b"])]);
    assert_eq!(taken("bytes>=4MiB"), [of("mm", &["a"])]);
    assert_eq!(taken("elements<1025"), [of("norm", &["a", "b"])]);
    assert_eq!(
        taken("scope~ln and (batch=2 or batch=3)"),
        [of("norm", &["b"])]
    );
    assert_eq!(taken("parent=whole").len(), 2);
    assert_eq!(taken("dtype=f16"), []);
    assert_eq!(
        taken("domain=language-model and variant!='norm'"),
        [of("mm", &["a"])]
    );
    assert_eq!(taken("batch=1 or model=a and batch=2").len(), 2);
}
