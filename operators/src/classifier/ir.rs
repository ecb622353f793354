//! Classification of the graph's own operators.

use nongemm_core::op::{Op, OpGroup};
use nongemm_core::plugin::{OpEvent, OperatorClassifier};
use nongemm_core::register;

/// Classifies events of vocabulary `ir`: the group that the graph counts the node in, else that of
/// the operator.
#[derive(Clone, Copy, Debug)]
pub struct IrClassifier;

impl OperatorClassifier for IrClassifier {
    fn id(&self) -> &'static str {
        "ir"
    }

    fn classify(&self, event: &OpEvent<'_>) -> Option<OpGroup> {
        if event.vocabulary != "ir" {
            return None;
        }
        event.counted.or_else(|| event.op.map(Op::group))
    }
}

register!(dyn OperatorClassifier, &IrClassifier);
