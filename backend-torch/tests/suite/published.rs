//! Checkpoints as they are published: what `save_pretrained` and `torch.save` write loads, and computes what
//! the model computed that wrote it.

use std::collections::BTreeMap;

use nongemm_core::dtype::DType;
use nongemm_core::plugin::Device;

use crate::support::case::Case;
use crate::support::flow;
use crate::support::reference::{self, Reference};

/// Largest difference, relative to the largest magnitude of the expected output.
const TOLERANCE: f64 = 1e-4;

#[test]
fn published_checkpoints_load() {
    let mut cases = Case::small();
    // The hub's GPT-2 has neither the head nor the prefix; the other is a state dictionary by `torch.save`.
    for name in ["gpt2-base", "gpt2-pth"] {
        let gpt2 = Case::small_of("gpt2").unwrap();
        cases.push(Case {
            name: name.to_owned(),
            ..gpt2
        });
    }
    let folder = tempfile::tempdir().unwrap();
    Reference::new(None)
        .unwrap()
        .publish(&cases, folder.path())
        .unwrap();
    let mut outputs = BTreeMap::new();
    for case in &cases {
        let name = &case.name;
        let at = |what: &str| folder.path().join(format!("{name}.{what}.safetensors"));
        let graph = case.graph().unwrap();
        let location = folder.path().join(name);
        let weights = flow::weights(location.to_str().unwrap()).unwrap();
        let options = flow::options(Device::Cpu, DType::F32, &[]).unwrap();
        let given = reference::load(&at("inputs")).unwrap();
        let inputs = graph.inputs().iter().map(|input| {
            let found = given.iter().find(|(name, _)| *name == input.name);
            found
                .unwrap_or_else(|| panic!("{name}: no {}", input.name))
                .clone()
        });
        let inputs = inputs.collect();
        let found = flow::run("torch", &options, &graph, weights.as_ref(), &inputs)
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let expected = reference::load(&at("outputs")).unwrap();
        let worst = flow::compare(&found, &expected).unwrap_or_else(|e| panic!("{name}: {e:#}"));
        assert!(worst.relative <= TOLERANCE, "{name}: {worst:?}");
        outputs.insert(name.as_str(), found);
    }
    assert_eq!(outputs["gpt2"], outputs["gpt2-pth"]);
}
