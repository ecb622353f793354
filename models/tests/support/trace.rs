//! Operators as lines of text: `scope: operator(inputs) -> outputs {attributes}`.

use anyhow::Context;
use nongemm_core::graph::{CompositePolicy, Graph, Node, Value as Operand, lower};
use nongemm_core::op::Attrs;
use serde_json::{Value, json};

/// Arguments of PyTorch's that say nothing about the computation here, or that no operator here has.
const IGNORED: [&str; 8] = [
    "copy",
    "cudnn_enable",
    "cudnn_enabled",
    "device",
    "layout",
    "non_blocking",
    "pin_memory",
    "train",
];

/// Attributes that say a size, which is written out by the reference and open in a graph.
const SIZES: [&str; 5] = ["shape", "size", "split_sizes", "start", "end"];

/// Operators that PyTorch gives a factor, which no operator here has: the reference must have left it at 1.
const FACTORS: &[(&str, &[&str])] = &[
    ("add", &["alpha"]),
    ("add_", &["alpha"]),
    ("sub", &["alpha"]),
    ("rsub", &["alpha"]),
    ("addmm", &["alpha", "beta"]),
    ("index_add_", &["alpha"]),
];

/// Whether an argument says nothing about the call.
fn ignored(op: &str, key: &str, value: &Value) -> bool {
    let factor = |(name, keys): &(&str, &[&str])| *name == op && keys.contains(&key);
    let unit = FACTORS.iter().any(factor) && value.as_f64() == Some(1.0);
    value.is_null() || unit || IGNORED.contains(&key)
}

/// One operator call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `scope: operator(inputs)`.
    pub head: String,
    /// Specs of the outputs; none where the reference returns no tensor.
    pub outputs: String,
    pub attrs: Attrs,
}

impl Call {
    /// A call that the reference recorded. A number in a tensor's place becomes an attribute.
    pub fn recorded(op: &Value) -> anyhow::Result<Self> {
        let text = |key: &str| {
            op[key]
                .as_str()
                .with_context(|| format!("no {key} in {op}"))
        };
        let list = |key: &str| {
            op[key]
                .as_array()
                .with_context(|| format!("no {key} in {op}"))
        };
        let attrs = op["attrs"].as_object().context("no attrs")?;
        let mut attrs: Attrs = attrs.clone();
        let name = text("op")?;
        attrs.retain(|key, value| !ignored(name, key, value));
        let mut inputs = Vec::new();
        for input in list("inputs")? {
            match input.get("value") {
                Some(value) => {
                    let name = input["arg"].as_str().context("a number without a name")?;
                    attrs.insert(name.to_owned(), value.clone());
                }
                None => inputs.push(spec(input)?),
            }
        }
        let outputs: anyhow::Result<Vec<String>> = list("outputs")?.iter().map(spec).collect();
        let name = text("op")?.trim_start_matches("torchvision::");
        Ok(Call {
            head: format!("{}: {}({})", text("scope")?, name, inputs.join(", ")),
            outputs: outputs?.join(", "),
            attrs,
        })
    }

    /// The line of a golden file.
    pub fn line(&self) -> String {
        format!("{} -> {} {}", self.head, self.outputs, json!(self.attrs))
    }

    /// Reads the line of a golden file.
    pub fn parse(line: &str) -> anyhow::Result<Self> {
        let (head, rest) = line.split_once(" -> ").context("no ->")?;
        let (outputs, attrs) = rest.split_once('{').context("no attributes")?;
        Ok(Call {
            head: head.to_owned(),
            outputs: outputs.trim().to_owned(),
            attrs: serde_json::from_str(&format!("{{{attrs}"))?,
        })
    }

    fn of(graph: &Graph, node: &Node) -> Self {
        let list = |values| {
            let specs: Vec<String> = graph
                .specs(values)
                .iter()
                .map(ToString::to_string)
                .collect();
            specs.join(", ")
        };
        let mut attrs = node.op.attrs();
        // PyTorch marks a call that works in place with an underscore, and calls a number `other`.
        let mark = match attrs.remove("inplace") {
            Some(Value::Bool(true)) => "_",
            _ => "",
        };
        if let Some(scalar) = attrs.remove("scalar") {
            attrs.insert("other".to_owned(), scalar);
        }
        let (inputs, outputs) = called(node);
        Call {
            head: format!(
                "{}: {}{mark}({})",
                node.scope,
                node.op.name(),
                list(&inputs)
            ),
            outputs: list(&outputs),
            attrs,
        }
    }

    /// Whether this call is what the reference recorded: the attributes that both name agree, and the
    /// outputs, where the reference has any.
    pub fn agrees(&self, recorded: &Call) -> bool {
        let open = self.head.contains('#') || self.outputs.contains('#');
        let same = |(key, value): (&String, &Value)| {
            let size = open && SIZES.contains(&key.as_str());
            size || self.attrs.get(key).is_none_or(|own| equal(own, value))
        };
        alike(&self.head, &recorded.head)
            && (recorded.outputs.is_empty() || alike(&self.outputs, &recorded.outputs))
            && recorded.attrs.iter().all(same)
    }
}

/// The calls of a graph, composites in parts where the reference runs parts.
pub fn calls(graph: &Graph) -> anyhow::Result<Vec<Call>> {
    let lowered = lower(graph, CompositePolicy::Reference, &|_, _| true)?;
    let nodes = lowered.nodes().iter();
    Ok(nodes.map(|node| Call::of(&lowered, node)).collect())
}

/// Inputs and outputs of a node as PyTorch's call has them: a tensor whose size is taken is no operand
/// there, and a write into a part returns the part.
fn called(node: &Node) -> (Vec<Operand>, Vec<Operand>) {
    let inputs = &node.inputs;
    match node.op.name() {
        "copy_" => (inputs[..2].to_vec(), inputs[..1].to_vec()),
        "split_with_sizes" => (inputs[..1].to_vec(), node.outputs.to_vec()),
        "zeros" | "arange" | "empty" => (Vec::new(), node.outputs.to_vec()),
        _ => (inputs.to_vec(), node.outputs.to_vec()),
    }
}

fn spec(tensor: &Value) -> anyhow::Result<String> {
    let dtype = tensor["dtype"].as_str().context("a tensor without dtype")?;
    let shape = tensor["shape"]
        .as_array()
        .context("a tensor without shape")?;
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    Ok(format!("{dtype}[{}]", sizes.join(", ")))
}

/// Equal lines, where a size that only the data decide (`name#node`) is like any number.
fn alike(own: &str, recorded: &str) -> bool {
    let between = |c: char| "[](), ".contains(c);
    let pairs = own.split(between).zip(recorded.split(between));
    let same = |(own, recorded): (&str, &str)| {
        own == recorded || own.contains('#') && recorded.parse::<u64>().is_ok()
    };
    own.split(between).count() == recorded.split(between).count() && { pairs }.all(same)
}

/// Equal values; numbers up to the last digits, which may be computed in another way.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-14 * b.abs(),
            _ => a == b,
        },
    }
}
