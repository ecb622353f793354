//! What operators do with the memory of their operands.

/// Where the outputs of an operator are.
///
/// A graph's values never change, but libraries share memory between them and write over it as the
/// reference does. What is written over must not be an input that the next run reads again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory of their own.
    #[default]
    Own,
    /// They may share the memory of operands: views, and calls that return their operand.
    Shared,
    /// The operand at this position may be written over; outputs share its memory.
    Written(usize),
}

impl Storage {
    /// The storage of an operator that writes over its first operand if it is marked so.
    pub fn in_place(inplace: bool) -> Self {
        if inplace {
            Storage::Written(0)
        } else {
            Storage::Own
        }
    }
}
