//! The stack machine. Instructions are those of protocols 2 to 5 (Python's `pickletools` describes each),
//! and the binary ones of protocol 1 that they use.

use std::collections::HashMap;

use super::globals::{self, Global};
use super::heap::{Heap, Id, Pickled, Storage, Value};
use super::input::Input;
use super::literal;

/// A pickle that is being read.
pub(super) struct Machine<'a> {
    input: Input<'a>,
    heap: Heap<'a>,
    stack: Vec<Id>,
    /// Heights of the stack at open marks.
    marks: Vec<usize>,
    /// Objects by the number that the file gives them, which need not be small.
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Machine {
            input: Input::new(bytes),
            heap: Heap::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        }
    }

    /// The object, and the length of the pickle.
    pub(super) fn run(mut self) -> Result<(Pickled<'a>, usize), String> {
        loop {
            let instruction = self.input.byte()?;
            if instruction == b'.' {
                let root = self.pop()?;
                return Ok((self.heap.finish(root), self.input.position()));
            }
            self.step(instruction)?;
        }
    }

    fn step(&mut self, instruction: u8) -> Result<(), String> {
        match instruction {
            // PROTO, FRAME
            0x80 => self.protocol(),
            0x95 => self.input.take(8).map(drop),
            // The stack and the memo: MARK, POP, POP_MARK, DUP.
            b'(' => self.mark(),
            b'0' => self.discard(),
            b'1' => self.above_mark().map(drop),
            b'2' => self.top().and_then(|id| self.push_id(id)),
            // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
            b'q' => self.input.byte().and_then(|at| self.put(at.into())),
            b'r' => self
                .input
                .array()
                .and_then(|at| self.put(u32::from_le_bytes(at))),
            0x94 => self.put(u32::try_from(self.memo.len()).unwrap_or(u32::MAX)),
            b'h' => self.input.byte().and_then(|at| self.fetch(at.into())),
            b'j' => self
                .input
                .array()
                .and_then(|at| self.fetch(u32::from_le_bytes(at))),
            // GLOBAL, STACK_GLOBAL, REDUCE, NEWOBJ, BUILD, BINPERSID
            b'c' => self.global_line(),
            0x93 => self.global_stack(),
            b'R' | 0x81 => self.call(),
            b'b' => self.build(),
            b'Q' => self.persistent(),
            _ => match literal::read(instruction, &mut self.input)? {
                Some(value) => self.push(value),
                None => self.container(instruction),
            },
        }
    }

    /// An instruction that makes or fills a container with what is on the stack.
    fn container(&mut self, instruction: u8) -> Result<(), String> {
        match instruction {
            // TUPLE, TUPLE1, TUPLE2, TUPLE3, LIST, DICT, FROZENSET
            b't' => self
                .above_mark()
                .and_then(|items| self.push(Value::Tuple(items))),
            0x85 => self.tuple(1),
            0x86 => self.tuple(2),
            0x87 => self.tuple(3),
            b'l' => self
                .above_mark()
                .and_then(|items| self.push(Value::List(items))),
            b'd' => {
                let entries = pairs(&self.above_mark()?)?;
                self.push(Value::Dict(entries))
            }
            0x91 => self.above_mark().and_then(|_| self.push(Value::Other)),
            // APPEND, APPENDS, SETITEM, SETITEMS, ADDITEMS
            b'a' => self.pop().and_then(|item| self.append(&[item])),
            b'e' => self.above_mark().and_then(|items| self.append(&items)),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set(&[key, value])
            }
            b'u' => self.above_mark().and_then(|items| self.set(&items)),
            0x90 => self.above_mark().map(drop),
            other => Err(format!(
                "instruction {other:#04x} of the pickle at byte {} is refused: checkpoints do not use it",
                self.input.position() - 1
            )),
        }
    }

    fn protocol(&mut self) -> Result<(), String> {
        match self.input.byte()? {
            2..=5 => Ok(()),
            other => Err(format!("a pickle of protocol {other}; 2 to 5 are read")),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), String> {
        let id = self.heap.add(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), String> {
        self.heap.charge(1)?;
        self.stack.push(id);
        Ok(())
    }

    /// The lowest height that instructions may take from.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, String> {
        match self.stack.len() > self.floor() {
            true => self.stack.pop().ok_or_else(empty),
            false => Err(empty()),
        }
    }

    fn top(&self) -> Result<Id, String> {
        let above = &self.stack[self.floor()..];
        above.last().copied().ok_or_else(empty)
    }

    fn mark(&mut self) -> Result<(), String> {
        self.heap.charge(1)?;
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// POP takes a mark away where that is on top.
    fn discard(&mut self) -> Result<(), String> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    /// Takes everything above the last mark, and the mark.
    fn above_mark(&mut self) -> Result<Vec<Id>, String> {
        let mark = self
            .marks
            .pop()
            .ok_or("the pickle needs a mark where there is none")?;
        let items = self.stack.split_off(mark);
        self.heap.charge(items.len())?;
        Ok(items)
    }

    fn tuple(&mut self, count: usize) -> Result<(), String> {
        let start = self.stack.len().checked_sub(count);
        let start = start
            .filter(|start| *start >= self.floor())
            .ok_or_else(empty)?;
        let items = self.stack.split_off(start);
        self.push(Value::Tuple(items))
    }

    fn put(&mut self, at: u32) -> Result<(), String> {
        let top = self.top()?;
        self.heap.charge(1)?;
        self.memo.insert(at, top);
        Ok(())
    }

    fn fetch(&mut self, at: u32) -> Result<(), String> {
        let found = self.memo.get(&at).copied();
        let found = found.ok_or_else(|| format!("the pickle remembers no object {at}"))?;
        self.push_id(found)
    }

    fn append(&mut self, items: &[Id]) -> Result<(), String> {
        let list = self.top()?;
        match self.heap.get_mut(list) {
            Value::List(list) => list.extend_from_slice(items),
            Value::Other => {}
            _ => return Err("the pickle appends to something else than a list".to_owned()),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), String> {
        let entries = pairs(items)?;
        let dict = self.top()?;
        match self.heap.get_mut(dict) {
            Value::Dict(dict) => dict.extend(entries),
            _ => {
                return Err(
                    "the pickle sets an item of something else than a dictionary".to_owned(),
                );
            }
        }
        Ok(())
    }

    fn global_line(&mut self) -> Result<(), String> {
        let (module, name) = (self.input.line()?, self.input.line()?);
        self.global(module, name)
    }

    fn global_stack(&mut self) -> Result<(), String> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (self.heap.get(module), self.heap.get(name)) {
            (&Value::Text(module), &Value::Text(name)) => self.global(module, name),
            _ => Err("the pickle names code by something else than text".to_owned()),
        }
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), String> {
        let global = globals::find(module, name)?;
        self.push(Value::Global(global))
    }

    fn call(&mut self) -> Result<(), String> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Global(function) = *self.heap.get(function) else {
            return Err("the pickle calls something that has no name".to_owned());
        };
        let made = globals::call(&mut self.heap, function, arguments)?;
        self.push_id(made)
    }

    /// Attributes of an object. Those of dictionaries and tensors are not part of what is read.
    fn build(&mut self) -> Result<(), String> {
        self.pop()?;
        let object = self.top()?;
        match self.heap.get(object) {
            Value::Dict(_) | Value::Tensor(_) | Value::Other => Ok(()),
            _ => Err("the pickle sets attributes of something that has none".to_owned()),
        }
    }

    /// `("storage", class, key, device, elements[, view])`.
    fn persistent(&mut self) -> Result<(), String> {
        let id = self.pop()?;
        let storage = self
            .storage(id)
            .ok_or("the pickle names something outside that is no storage")?;
        self.push(Value::Storage(Box::new(storage)))
    }

    fn storage(&self, id: Id) -> Option<Storage<'a>> {
        let items = |id| match self.heap.get(id) {
            Value::Tuple(items) => Some(items.as_slice()),
            _ => None,
        };
        let natural = |id| globals::natural(&self.heap, id);
        let [kind, class, key, _, elements, rest @ ..] = items(id)? else {
            return None;
        };
        let (Value::Text("storage"), Value::Global(Global::Storage(scalar)), Value::Text(key)) = (
            self.heap.get(*kind),
            self.heap.get(*class),
            self.heap.get(*key),
        ) else {
            return None;
        };
        let view = match rest.first().and_then(|&view| items(view)) {
            Some(&[_, offset, elements]) => Some((natural(offset)?, natural(elements)?)),
            _ => None,
        };
        Some(Storage {
            scalar,
            key,
            elements: natural(*elements)?,
            view,
        })
    }
}

fn empty() -> String {
    "the pickle takes from an empty stack".to_owned()
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>, String> {
    let (pairs, []) = items.as_chunks::<2>() else {
        return Err("the pickle has a key without a value".to_owned());
    };
    Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn root(bytes: &[u8]) -> Result<Value<'_>, String> {
        read(bytes).map(|pickled| pickled.root().clone())
    }

    #[test]
    fn what_is_refused_is_named() {
        let refused = |bytes| root(bytes).unwrap_err();
        assert!(
            refused(b"\x80\x02cos\nsystem\n.").starts_with("names `os.system`, which is refused")
        );
        assert!(refused(b"\x80\x04\x8c\x02os\x8c\x06system\x93.").starts_with("names `os.system`"));
        let instruction =
            "instruction 0x69 of the pickle at byte 2 is refused: checkpoints do not use it";
        assert_eq!(refused(b"\x80\x02iposix\nsystem\n."), instruction);
        assert_eq!(
            refused(b"\x80\x02)R."),
            "the pickle takes from an empty stack"
        );
        assert_eq!(
            refused(b"\x80\x02(K\x01R."),
            "the pickle takes from an empty stack"
        );
        assert_eq!(
            refused(b"\x80\x00."),
            "a pickle of protocol 0; 2 to 5 are read"
        );
        assert_eq!(
            refused(b"\x80\x02h\x05."),
            "the pickle remembers no object 5"
        );
    }
}
