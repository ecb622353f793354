//! Instructions that make a value of what follows them.

use super::heap::Value;
use super::input::{Input, text};

/// The value that an instruction makes; nothing where that depends on the stack.
pub(super) fn read<'a>(
    instruction: u8,
    input: &mut Input<'a>,
) -> Result<Option<Value<'a>>, String> {
    Ok(Some(match instruction {
        // NEWTRUE, NEWFALSE, NONE, BINFLOAT
        0x88 => Value::Bool(true),
        0x89 => Value::Bool(false),
        b'N' => Value::Other,
        b'G' => input.take(8).map(|_| Value::Other)?,
        // BININT, BININT1, BININT2, LONG1, LONG4
        b'J' => Value::Integer(i32::from_le_bytes(input.array()?).into()),
        b'K' => Value::Integer(input.byte()?.into()),
        b'M' => Value::Integer(u16::from_le_bytes(input.array()?).into()),
        0x8a => long(input.counted::<1>()?),
        0x8b => long(input.counted::<4>()?),
        // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8
        b'X' => Value::Text(input.text::<4>()?),
        0x8c => Value::Text(input.text::<1>()?),
        0x8d => Value::Text(input.text::<8>()?),
        // BINSTRING, SHORT_BINSTRING: text or bytes of Python 2.
        b'T' => text(input.counted::<4>()?).map_or(Value::Other, Value::Text),
        b'U' => text(input.counted::<1>()?).map_or(Value::Other, Value::Text),
        // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
        b'B' => input.counted::<4>().map(|_| Value::Other)?,
        b'C' => input.counted::<1>().map(|_| Value::Other)?,
        0x8e | 0x96 => input.counted::<8>().map(|_| Value::Other)?,
        // EMPTY_LIST, EMPTY_TUPLE, EMPTY_DICT, EMPTY_SET
        b']' => Value::List(Vec::new()),
        b')' => Value::Tuple(Vec::new()),
        b'}' => Value::Dict(Vec::new()),
        0x8f => Value::Other,
        _ => return Ok(None),
    }))
}

/// A whole number; those that no size or key can be are only data.
fn long(bytes: &[u8]) -> Value<'static> {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 16];
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            Value::Integer(i128::from_le_bytes(wide))
        }
        None => Value::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::Value;

    fn root(bytes: &[u8]) -> Result<Value<'_>, String> {
        read(bytes).map(|pickled| pickled.root().clone())
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(root(b"\x80\x02K\x07.").unwrap(), Value::Integer(7));
        assert_eq!(
            root(b"\x80\x02J\xfe\xff\xff\xff.").unwrap(),
            Value::Integer(-2)
        );
        assert_eq!(root(b"\x80\x02\x8a\x00.").unwrap(), Value::Integer(0));
        assert_eq!(
            root(b"\x80\x02\x8a\x02\xfe\xff.").unwrap(),
            Value::Integer(-2)
        );
        let long = [&b"\x80\x02\x8a\x11"[..], &[1; 17], b"."].concat();
        assert_eq!(root(&long).unwrap(), Value::Other);
    }
}
