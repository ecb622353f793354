//! The names that a pickle may use, and what calling them makes.

use super::super::element::{self, Scalar};
use super::heap::{Heap, Id, Tensor, Value};
use crate::checkpoint::shown;

/// Tensors have at most this many dimensions (PyTorch's own limit).
const MOST_DIMENSIONS: usize = 64;

/// A name that is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Global {
    /// Makes a dictionary of nothing or of pairs.
    Dict,
    /// Makes what its first argument is: a tensor as parameter, a tuple as shape.
    First,
    /// Makes something that no tensor depends on.
    Plain,
    /// `_rebuild_tensor`, `_rebuild_tensor_v2`.
    Tensor,
    /// `_rebuild_tensor_v3`, which names the element type too.
    TypedTensor,
    /// `_rebuild_from_type_v2`: calls its first argument with its third.
    FromType,
    /// A class of tensors or storages, or an element type. None can be called.
    Class,
    /// A class of storages with elements of a type.
    Storage(&'static Scalar),
    /// An element type.
    Dtype(&'static Scalar),
}

/// Looks a name up.
///
/// # Errors
/// When it is not on the list.
pub(super) fn find(module: &str, name: &str) -> Result<Global, String> {
    Ok(match (module, name) {
        ("collections", "OrderedDict" | "Counter") => Global::Dict,
        ("builtins" | "__builtin__", "dict") => Global::Dict,
        ("torch", "Size") => Global::First,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::First,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Global::TypedTensor,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::FromType,
        ("torch", "Tensor") | ("torch.nn.parameter", "Parameter" | "Buffer") => Global::Class,
        ("torch", "device")
        | ("torch.serialization", "_get_layout")
        | ("_codecs", "encode")
        | ("builtins" | "__builtin__", "set" | "frozenset" | "bytearray" | "complex") => {
            Global::Plain
        }
        ("torch" | "torch.storage", name) => of_torch(name).ok_or_else(|| refused(module, name))?,
        _ => return Err(refused(module, name)),
    })
}

fn of_torch(name: &str) -> Option<Global> {
    let storage = element::of_storage(name).map(Global::Storage);
    storage.or_else(|| element::of_dtype(name).map(Global::Dtype))
}

fn refused(module: &str, name: &str) -> String {
    format!(
        "names `{}.{}`, which is refused: only tensors and plain containers are read, no code is run; \
         save model.state_dict(), or convert the file to safetensors",
        shown::name(module),
        shown::name(name)
    )
}

/// What calling a name with `arguments` makes.
///
/// # Errors
/// When the arguments are wrong, or it cannot be called.
pub(super) fn call(heap: &mut Heap<'_>, global: Global, arguments: Id) -> Result<Id, String> {
    let Value::Tuple(given) = heap.get(arguments) else {
        return Err("a call without a tuple of arguments".to_owned());
    };
    let first = given.first().copied();
    match global {
        Global::Dict => dict(heap, first),
        Global::First => first.ok_or_else(|| "a call without its argument".to_owned()),
        Global::Plain => heap.add(Value::Other),
        Global::Tensor => tensor(heap, arguments, None),
        Global::TypedTensor => {
            let Some(Value::Global(Global::Dtype(scalar))) =
                given.get(6).map(|&dtype| heap.get(dtype))
            else {
                return Err("_rebuild_tensor_v3 without an element type".to_owned());
            };
            let scalar = *scalar;
            tensor(heap, arguments, Some(scalar))
        }
        Global::FromType => {
            let inner = match (first.map(|id| heap.get(id)), given.get(2)) {
                (Some(Value::Global(inner)), Some(&arguments)) if *inner != Global::FromType => {
                    Some((*inner, arguments))
                }
                _ => None,
            };
            let (inner, arguments) = inner.ok_or_else(|| {
                "_rebuild_from_type_v2 of something else than a tensor".to_owned()
            })?;
            call(heap, inner, arguments)
        }
        Global::Class | Global::Storage(_) | Global::Dtype(_) => {
            Err("calls a class that only tensors may name".to_owned())
        }
    }
}

/// A dictionary of nothing, or of a list of pairs.
fn dict(heap: &mut Heap<'_>, pairs: Option<Id>) -> Result<Id, String> {
    let pairs = match pairs.map(|pairs| heap.get(pairs)) {
        None => Vec::new(),
        Some(Value::List(pairs) | Value::Tuple(pairs)) => {
            let pair = |&id: &Id| match heap.get(id) {
                Value::List(pair) | Value::Tuple(pair) => <[Id; 2]>::try_from(pair.as_slice()).ok(),
                _ => None,
            };
            let count = pairs.len();
            let pairs = pairs
                .iter()
                .map(|id| Some(pair(id)?.into()))
                .collect::<Option<_>>();
            heap.charge(count)?;
            pairs.ok_or_else(|| "a dictionary of something else than pairs".to_owned())?
        }
        Some(Value::Dict(entries)) => {
            let entries = entries.clone();
            heap.charge(entries.len())?;
            entries
        }
        Some(_) => return Err("a dictionary of something else than pairs".to_owned()),
    };
    heap.add(Value::Dict(pairs))
}

/// `(storage, offset, size, stride, ..)` as a tensor.
fn tensor(
    heap: &mut Heap<'_>,
    arguments: Id,
    scalar: Option<&'static Scalar>,
) -> Result<Id, String> {
    let Value::Tuple(given) = heap.get(arguments) else {
        return Err("a tensor without arguments".to_owned());
    };
    let &[storage, offset, size, stride, ..] = given.as_slice() else {
        return Err("a tensor with too few arguments".to_owned());
    };
    let offset = natural(heap, offset).ok_or("a tensor whose offset is no natural number")?;
    let size = naturals(heap, size).ok_or("a tensor whose shape is not of natural numbers")?;
    let stride = naturals(heap, stride).ok_or("a tensor whose strides are not natural numbers")?;
    if size.len() != stride.len() {
        return Err(format!(
            "a tensor of {} dimensions with {} strides",
            size.len(),
            stride.len()
        ));
    }
    heap.add(Value::Tensor(Box::new(Tensor {
        storage,
        scalar,
        offset,
        size,
        stride,
    })))
}

/// A whole number that is not negative.
pub(super) fn natural(heap: &Heap<'_>, id: Id) -> Option<usize> {
    match heap.get(id) {
        Value::Integer(number) => usize::try_from(*number).ok(),
        _ => None,
    }
}

fn naturals(heap: &Heap<'_>, id: Id) -> Option<Vec<usize>> {
    match heap.get(id) {
        Value::Tuple(items) | Value::List(items) if items.len() <= MOST_DIMENSIONS => {
            items.iter().map(|&item| natural(heap, item)).collect()
        }
        _ => None,
    }
}
