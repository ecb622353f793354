//! The objects of a pickle.

use std::num::TryFromIntError;

use super::super::element::Scalar;

/// Objects and references that one pickle may hold: a checkpoint of 50,000 tensors has
/// fewer.
const MOST: usize = 1 << 23;

/// An object, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Integer(i128),
    Text(&'a str),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A name of code or of a constant.
    Global(super::globals::Global),
    Storage(Box<Storage<'a>>),
    Tensor(Box<Tensor>),
    /// Data that no tensor depends on: `None`, fractions, bytes, sets, devices.
    Other,
}

/// A storage as the pickle names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Storage<'a> {
    /// The type of its elements.
    pub(crate) scalar: &'static Scalar,
    /// Under which the file keeps its elements.
    pub(crate) key: &'a str,
    /// Elements in it.
    pub(crate) elements: usize,
    /// First element and number of elements, where it is a part of the storage of this key.
    pub(crate) view: Option<(usize, usize)>,
}

/// A tensor as the pickle describes it; nothing of it is checked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Its storage.
    pub(crate) storage: Id,
    /// Its type, where that is not its storage's.
    pub(crate) scalar: Option<&'static Scalar>,
    /// Elements of the storage before its first one.
    pub(crate) offset: usize,
    /// The sizes of the dimensions.
    pub(crate) size: Vec<usize>,
    /// Elements from one index to the next, for each dimension.
    pub(crate) stride: Vec<usize>,
}

/// All objects, within bounds.
pub(super) struct Heap<'a> {
    values: Vec<Value<'a>>,
    used: usize,
}

impl<'a> Heap<'a> {
    pub(super) fn new() -> Self {
        Heap {
            values: Vec::new(),
            used: 0,
        }
    }

    /// Counts objects and references before they are made: what is copied counts again, so that copies of
    /// copies end.
    pub(super) fn charge(&mut self, count: usize) -> Result<(), String> {
        self.used = self.used.saturating_add(count);
        match self.used <= MOST {
            true => Ok(()),
            false => Err(format!("more than {MOST} objects are no checkpoint")),
        }
    }

    pub(super) fn add(&mut self, value: Value<'a>) -> Result<Id, String> {
        self.charge(1)?;
        let id = u32::try_from(self.values.len()).map_err(|e: TryFromIntError| e.to_string())?;
        self.values.push(value);
        Ok(Id(id))
    }

    pub(super) fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value<'a> {
        &mut self.values[id.0 as usize]
    }

    /// With the object that the pickle is.
    pub(super) fn finish(self, root: Id) -> Pickled<'a> {
        Pickled {
            values: self.values,
            root,
        }
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickled<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

impl<'a> Pickled<'a> {
    /// The number of the object that the pickle is.
    pub(crate) fn root_id(&self) -> Id {
        self.root
    }

    /// The object that the pickle is.
    pub(crate) fn root(&self) -> &Value<'a> {
        self.value(self.root)
    }

    /// That object, if it is a whole number.
    pub(crate) fn integer(&self) -> Option<i128> {
        match self.root() {
            Value::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// An object of this pickle.
    pub(crate) fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id.0 as usize]
    }

    /// All storages that it names.
    pub(crate) fn storages(&self) -> impl Iterator<Item = &Storage<'a>> {
        self.values.iter().filter_map(|value| match value {
            Value::Storage(storage) => Some(&**storage),
            _ => None,
        })
    }
}
