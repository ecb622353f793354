//! Whole files.

use nongemm_core::op::{OpGroup, OpRegistry};
use nongemm_core::plugin::{Domain, Exported, Imported, RefusedLine, RegistryFormat};
use nongemm_core::register;
use nongemm_core::registry::{Call, Entry, Occurrence, OperatorRegistry, check};

use super::form::{Form, Placed, forms};
use super::literal::{Literal, parse};

/// Operator-input files of tritonbench and BackendBench.
#[derive(Clone, Copy, Debug)]
struct OperatorInputs;

impl RegistryFormat for OperatorInputs {
    fn id(&self) -> &'static str {
        "operator-inputs"
    }

    fn summary(&self) -> &'static str {
        "operator-input files of tritonbench and BackendBench (`Operator: ..`, `cnt: N, ((T([8], f16),), {})`)"
    }

    fn import(&self, name: &str, text: &str, ops: &OpRegistry) -> Imported {
        let mut imported = Imported::default();
        let forms = match forms() {
            Ok(forms) => forms,
            Err(error) => {
                let reason = error.to_string();
                imported.refused.push(RefusedLine {
                    line: 0,
                    op: None,
                    reason,
                });
                return imported;
            }
        };
        let mut operator = None;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix("Operator:") {
                operator = Some(name.trim());
                continue;
            }
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let entry = call(operator, line, &forms, ops);
            match entry {
                Ok((call, count)) => imported.registry.add(call, [met(name, count)]),
                Err(reason) => imported.refused.push(RefusedLine {
                    line: index + 1,
                    op: operator.map(str::to_owned),
                    reason,
                }),
            }
        }
        imported
    }

    fn export(&self, registry: &OperatorRegistry, ops: &OpRegistry) -> Exported {
        let mut exported = Exported::default();
        let forms = match forms() {
            Ok(forms) => forms,
            Err(error) => {
                exported.refused.push(error.to_string());
                return exported;
            }
        };
        let mut lines = Vec::new();
        for entry in registry.iter() {
            match written(entry, &forms, ops) {
                Ok(line) => lines.push(line),
                Err(reason) => exported.refused.push(reason),
            }
        }
        lines.sort();
        let mut last = String::new();
        for (name, call, count) in lines {
            if name != last {
                exported.text.push_str(&format!("Operator: {name}\n"));
                last = name;
            }
            exported.text.push_str(&format!("cnt: {count}, {call}\n"));
        }
        exported
    }
}

register!(dyn RegistryFormat, &OperatorInputs);

fn met(name: &str, count: u64) -> Occurrence {
    Occurrence {
        model: name.to_owned(),
        domain: Domain::Other,
        batch: None,
        seq: None,
        image: None,
        scope: String::new(),
        parent: None,
        count,
    }
}

/// The call that a line holds, and its count.
fn call(
    operator: Option<&str>,
    line: &str,
    forms: &[Form],
    ops: &OpRegistry,
) -> Result<(Call, u64), String> {
    let full = operator.ok_or("no line `Operator: ..` is before it")?;
    let name = full.strip_prefix("aten.").unwrap_or(full);
    let rest = line
        .strip_prefix("cnt:")
        .ok_or("it does not start with `Operator:` or `cnt:`")?;
    let (count, arguments) = rest.split_once(',').ok_or("nothing follows the count")?;
    let count = count.trim().parse().map_err(|_| {
        let shown: String = count.trim().chars().take(24).collect();
        format!("`{shown}` is not a count")
    })?;
    let Literal::Tuple(parts) = parse(arguments.trim())? else {
        return Err("the call is not `((..), {..})`".to_owned());
    };
    let [Literal::Tuple(positional), Literal::Dict(named)] = parts.as_slice() else {
        return Err("the call is not `((..), {..})`".to_owned());
    };
    let arguments = (positional.clone(), named.clone());
    let mut reason = None;
    for form in forms.iter().filter(|form| form.name == name) {
        match form.read(&arguments, ops) {
            Ok((instance, layout)) => {
                let mut call = Call::ir(instance, OpGroup::Unclassified);
                call.layout = layout;
                let (op, _) = check(&call, ops).map_err(|e| e.to_string())?;
                call.group = op.group();
                return Ok((call, count));
            }
            // The reason of the form that says most.
            Err(why) => reason = reason.or(Some(format!("{full}: {why}"))),
        }
    }
    let unknown = || format!("unknown operator `{full}`: none of the graph's is it");
    Err(reason.unwrap_or_else(unknown))
}

fn written(
    entry: &Entry,
    forms: &[Form],
    ops: &OpRegistry,
) -> Result<(String, String, u64), String> {
    let call = &entry.call;
    let inputs: Vec<String> = entry.inputs().iter().map(ToString::to_string).collect();
    let shown = || format!("{}({})", call.variant(), inputs.join(", "));
    if !call.is_ir() {
        return Err(format!("{}: an operator of another vocabulary", shown()));
    }
    // Once in an inference of each place that it was met in, at least once.
    let count = entry.met.iter().map(|met| met.count).sum::<u64>().max(1);
    let placed: Placed = (call.instance.clone(), call.layout.clone());
    let of_op = forms.iter().filter(|form| form.op == call.instance.op);
    for form in of_op {
        if let Some((positional, named)) = form.write(&placed, ops) {
            let arguments = Literal::Tuple(vec![Literal::Tuple(positional), Literal::Dict(named)]);
            return Ok((format!("aten.{}", form.name), arguments.to_string(), count));
        }
    }
    Err(format!("{}: ATen has no one operator for it", shown()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(text: &str) -> Imported {
        OperatorInputs.import("hf_Bert", text, &OpRegistry::collect().unwrap())
    }

    const GOOD: &str = "\
Operator: aten._softmax.default
cnt: 24, ((T([2, 12, 64, 1024], f16), -1, False), {})
Operator: aten._to_copy.default
cnt: 12, ((T([12, 14, 3], i32),), {'dtype': i64})
Operator: aten.add.Tensor
cnt: 76, ((T([2, 1024, 768], f16), T([2, 1024, 768], f16)), {})
cnt: 12, ((T([2, 1024, 3072], f16), 1.5), {})
cnt: 3, ((T([8, 512], f16, stride=(1, 8)), T([512], f16)), {})
Operator: aten.cat.default
cnt: 1, (([T([1, 4], f32), T([1, 3], f32)], -1), {})
Operator: aten.mean.dim
cnt: 2, ((T([2, 7, 8], f32), [-1], True), {})
Operator: aten.native_layer_norm.default
cnt: 25, ((T([8, 512, 768], bf16), [768], T([768], bf16), T([768], bf16), 1e-05), {})
Operator: aten.where.self
cnt: 4, ((T([4, 4], b8), T([4, 4], f32), T([], f32)), {})
";

    #[test]
    fn entries_travel_both_ways() {
        let imported = import(GOOD);
        assert_eq!(imported.refused, []);
        assert_eq!(imported.registry.len(), 9);
        let ops = OpRegistry::collect().unwrap();
        let exported = OperatorInputs.export(&imported.registry, &ops);
        assert_eq!(exported.refused, Vec::<String>::new());
        let again = import(&exported.text);
        assert_eq!(again.refused, []);
        assert_eq!(again.registry, imported.registry);
        assert!(exported.text.contains(
            "Operator: aten.add.Tensor\ncnt: 12, ((T([2, 1024, 3072], f16), 1.5), {})\n"
        ));
    }

    #[test]
    fn bad_lines_are_refused_one_by_one() {
        let imported = import(
            "cnt: 1, ((T([2], f32),), {})\n\
             Operator: aten.relu.default\n\
             cnt: 1, ((T([2, -3], f32),), {})\n\
             cnt: 1, ((T([2, 3], f32),), {})\n\
             cnt: 1, ((T([100000, 100000, 250], f32),), {})\n\
             cnt: x, ((T([2, 3], f32),), {})\n\
             cnt: 1, ((ST([2, 3], f32, 5),), {})\n\
             cnt: 1, ((T([2, 3], f33),), {})\n\
             cnt: 1, ((T([2, 3\n\
             Operator: aten.relu_backward.default\n\
             cnt: 1, ((T([2, 3], f32),), {})\n\
             Operator: aten.add.Tensor\n\
             cnt: 1, ((T([2, 3], f32), T([5], f32)), {})\n\
             cnt: 1, ((T([2, 3], f32), T([3], f32)), {'alpha': 2})\n",
        );
        assert_eq!(imported.registry.len(), 1);
        let reasons: Vec<String> = imported
            .refused
            .iter()
            .map(|refused| format!("{}: {}", refused.line, refused.reason))
            .collect();
        let expected = [
            "1: no line `Operator: ..` is before it",
            "3: a tensor has the negative size -3",
            "5: relu: f32[100000, 100000, 250] takes more than 1 TiB",
            "6: `x` is not a count",
            "7: `ST(..)` is no dense tensor; only T(..) can be run",
            "8: unknown element type `f33`",
            "9: expected `,` before ``",
            "11: unknown operator `aten.relu_backward.default`: none of the graph's is it",
        ];
        assert_eq!(reasons[..8], expected);
        assert!(
            reasons[8].starts_with("13: aten.add.Tensor: "),
            "{}",
            reasons[8]
        );
        assert_eq!(
            reasons[9],
            "14: aten.add.Tensor: `alpha` is 2; only 1 can be run"
        );
        assert_eq!(reasons.len(), 10);
    }

    #[test]
    fn every_form_is_of_an_operator() {
        let ops = OpRegistry::collect().unwrap();
        for form in forms().unwrap() {
            assert!(ops.iter().any(|(name, _)| name == form.op), "{}", form.op);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            import(&format!("Operator: aten.relu.default\ncnt: 1, {text}"));
            import(&text);
        }
    }
}
