//! Names of nodes and values.

use std::collections::HashSet;

/// The name of the ONNX nodes of a graph's node: module path, position, operator.
pub(super) fn label(scope: &str, index: usize, op: &str) -> String {
    if scope.is_empty() {
        format!("n{index}:{op}")
    } else {
        format!("{scope}/n{index}:{op}")
    }
}

/// The position in the lowered graph of the node that an ONNX node, named `SCOPE/nINDEX:OPERATOR` or
/// `SCOPE/nINDEX:OPERATOR.PART`, belongs to.
pub fn node_index(name: &str) -> Option<usize> {
    let last = name.rsplit('/').next()?;
    let (index, _) = last.strip_prefix('n')?.split_once(':')?;
    index.parse().ok()
}

/// Names that are taken.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The name, with an ending if it is taken.
    pub(super) fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut count = 1;
        while !self.0.insert(unique.clone()) {
            count += 1;
            unique = format!("{name}~{count}");
        }
        unique
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_nodes() {
        assert_eq!(node_index(&label("h.0.mlp", 12, "mul")), Some(12));
        assert_eq!(node_index(&label("", 7, "_unique2")), Some(7));
        assert_eq!(node_index("h.0/n3:softmax.2"), Some(3));
        assert_eq!(node_index("h.0/norm"), None);
        assert_eq!(node_index("fused nodes"), None);
    }

    #[test]
    fn taken_names_get_an_ending() {
        let mut names = Names::default();
        assert_eq!(names.unique("x"), "x");
        assert_eq!(names.unique("x"), "x~2");
        assert_eq!(names.unique("x"), "x~3");
    }
}
