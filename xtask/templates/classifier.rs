//! The classifier `my-plugin`: the groups of operators that nongemm does not know by name.

use nongemm_core::op::OpGroup;
use nongemm_core::plugin::{OpEvent, OperatorClassifier};
use nongemm_core::register;

/// Names in the vocabulary of the flow that ran them: `aten`, `onnx`, `inductor`. What it does not know is left to the
/// other classifiers; classifiers are asked in the order of their ids.
#[derive(Debug)]
pub struct MyPlugin;

register!(dyn OperatorClassifier, &MyPlugin);

impl OperatorClassifier for MyPlugin {
    fn id(&self) -> &'static str {
        "my-plugin"
    }

    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup> {
        match (event.vocabulary, event.name) {
            ("aten", "my_plugin::fused_norm") => Some(OpGroup::Normalization),
            ("aten", "my_plugin::gated_linear") => Some(OpGroup::Mixed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use nongemm_core::op::Attrs;
    use nongemm_core::plugin::Classification;

    use super::*;

    #[test]
    fn it_is_registered_and_classifies() {
        let classification = Classification::new(Default::default()).unwrap();
        let group = |vocabulary, name| {
            classification.group(&OpEvent {
                vocabulary,
                name,
                attrs: &Attrs::new(),
                fused: &[],
                op: None,
                counted: None,
            })
        };
        assert_eq!(
            group("aten", "my_plugin::fused_norm"),
            OpGroup::Normalization
        );
        assert_eq!(
            group("onnx", "my_plugin::fused_norm"),
            OpGroup::Unclassified
        );
    }
}
