//! From calls that libtorch made back to the graph that was traced.

use std::collections::BTreeMap;

use nongemm_core::interpreter::Interpreter;
use nongemm_core::plugin::{Session, Step};

use crate::engine::Torch;
use crate::recording::Call;

/// The names that libtorch's operators go by.
pub(crate) const VOCABULARY: &str = "aten";

/// The steps of the interpreter that was traced: traced nodes name them by index in their scopes.
#[derive(Default)]
pub(crate) struct Origins(Vec<Step>);

impl Origins {
    pub(crate) fn of(interpreter: &Interpreter<Torch>) -> Self {
        Origins(interpreter.steps().to_vec())
    }

    /// The innermost module that all of these scopes' steps lie in.
    pub(crate) fn common_scope(&self, scopes: &[String]) -> String {
        let mut found = scopes.iter().filter_map(|scope| self.find(scope));
        let Some(first) = found.next() else {
            return String::new();
        };
        let mut common: Vec<&str> = first.scope.split('.').collect();
        for step in found {
            let parts = step.scope.split('.');
            let same = common.iter().zip(parts).take_while(|(a, b)| *a == b);
            common.truncate(same.count());
        }
        common.join(".")
    }

    /// The step that a scope names in its last part.
    fn find(&self, scope: &str) -> Option<&Step> {
        let index: usize = scope.rsplit('/').next()?.parse().ok()?;
        self.0.get(index)
    }
}

/// The steps of a run that made `calls`; `nodes` are the executed program's operators and scopes in
/// order, of which calls are a subsequence: what the executor computes by itself is never called.
pub(crate) fn steps(calls: Vec<Call>, nodes: &[(String, String)], origins: &Origins) -> Vec<Step> {
    let scopes = align(&calls, nodes);
    let mut of_origin: BTreeMap<&str, usize> = BTreeMap::new();
    for scope in scopes.iter().flatten() {
        *of_origin.entry(scope).or_default() += 1;
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut steps = Vec::with_capacity(calls.len());
    for (index, (call, scope)) in calls.into_iter().zip(&scopes).enumerate() {
        let origin = scope.and_then(|scope| Some((scope, origins.find(scope)?)));
        let Some((scope, origin)) = origin else {
            steps.push(foreign(
                call,
                format!("c{index}"),
                scope.unwrap_or_default(),
            ));
            continue;
        };
        let position = seen.entry(scope).or_default();
        let id = match *position {
            0 => origin.id.clone(),
            n => format!("{}.{n}", origin.id),
        };
        *position += 1;
        let alone = of_origin.get(scope) == Some(&1);
        steps.push(known(call, id, origin, alone));
    }
    steps
}

/// A call that belongs to no step of the graph: an operator that an optimisation put there.
pub(crate) fn foreign(call: Call, id: String, scope: &str) -> Step {
    Step {
        id,
        scope: scope.to_owned(),
        vocabulary: VOCABULARY,
        op: short(&call.name).to_owned(),
        kind: None,
        counted: None,
        parents: Vec::new(),
        attrs: call.attrs,
        inputs: call.inputs,
        outputs: call.outputs,
        fused: Vec::new(),
        provider: None,
    }
}

/// A call that a step of the graph makes, `alone` or among others.
fn known(call: Call, id: String, origin: &Step, alone: bool) -> Step {
    let same = alone && plain(&origin.op) == plain(short(&call.name));
    Step {
        id,
        scope: origin.scope.clone(),
        vocabulary: VOCABULARY,
        op: short(&call.name).to_owned(),
        kind: same.then(|| origin.kind.clone()).flatten(),
        counted: if same { origin.counted } else { None },
        parents: origin.parents.clone(),
        attrs: if same {
            origin.attrs.clone()
        } else {
            call.attrs
        },
        inputs: if same {
            origin.inputs.clone()
        } else {
            call.inputs
        },
        outputs: call.outputs,
        fused: Vec::new(),
        provider: None,
    }
}

/// With the name of ATen's own library, where it has none.
pub(crate) fn qualified(name: &str) -> String {
    match name.contains("::") {
        true => name.to_owned(),
        false => format!("aten::{name}"),
    }
}

/// Without the name of ATen's own library.
pub(crate) fn short(name: &str) -> &str {
    name.strip_prefix("aten::").unwrap_or(name)
}

/// Without the mark of an operator that works in place.
pub(crate) fn plain(name: &str) -> &str {
    match name.strip_suffix('_') {
        Some(plain) if !name.ends_with("__") => plain,
        _ => name,
    }
}

/// For each call the scope of the node that makes it.
fn align<'n>(calls: &[Call], nodes: &'n [(String, String)]) -> Vec<Option<&'n str>> {
    let mut rest = nodes;
    calls
        .iter()
        .map(|call| {
            let at = rest.iter().position(|(op, _)| *op == call.name)?;
            let scope = rest[at].1.as_str();
            rest = &rest[at + 1..];
            Some(scope)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use nongemm_core::op::Attrs;

    use super::*;

    fn call(name: &str) -> Call {
        Call {
            name: name.to_owned(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            attrs: Attrs::new(),
        }
    }

    fn node(op: &str, scope: &str) -> (String, String) {
        (op.to_owned(), scope.to_owned())
    }

    #[test]
    fn calls_are_a_subsequence_of_the_nodes() {
        let nodes = [
            node("prim::Constant", "0"),
            node("aten::linear", "0"),
            node("aten::size", "1"),
            node("aten::relu_", "2"),
            node("aten::linear", "3"),
        ];
        let calls = [
            call("aten::linear"),
            call("aten::relu_"),
            call("aten::linear"),
        ];
        assert_eq!(align(&calls, &nodes), [Some("0"), Some("2"), Some("3")]);
        assert_eq!(
            align(&[call("aten::tanh"), call("aten::linear")], &nodes),
            [None, Some("0")]
        );
    }

    #[test]
    fn names_lose_their_library_and_mark() {
        assert_eq!(plain(short("aten::relu_")), "relu");
        assert_eq!(plain(short("aten::__and__")), "__and__");
        assert_eq!(short("torchvision::nms"), "torchvision::nms");
    }
}
