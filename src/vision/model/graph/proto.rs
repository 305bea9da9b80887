//! The few messages of ONNX (protocol buffers) that a network needs, written by hand: field numbers are those of `onnx.proto`.

use std::collections::BTreeMap;

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub fn int(mut self, field: u32, value: i64) -> Self {
        self.tag(field, 0);
        // Negative numbers take ten bytes.
        self.varint(value as u64);
        self
    }

    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.tag(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    pub fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub fn message(self, field: u32, value: Message) -> Self {
        self.bytes(field, &value.0)
    }

    pub fn ints(self, field: u32, values: &[i64]) -> Self {
        values.iter().fold(self, |message, v| message.int(field, *v))
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn tag(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// `AttributeProto`: a named setting of a node.
pub(super) enum Attribute<'a> {
    Float(f32),
    Int(i64),
    Text(&'a str),
    Ints(&'a [i64]),
}

impl Attribute<'_> {
    fn message(&self, name: &str) -> Message {
        let message = Message::default().text(1, name);
        match self {
            Attribute::Float(v) => message.float(2, *v).int(20, 1),
            Attribute::Int(v) => message.int(3, *v).int(20, 2),
            Attribute::Text(v) => message.text(4, v).int(20, 3),
            Attribute::Ints(v) => message.ints(8, v).int(20, 7),
        }
    }
}

/// `NodeProto`: an operation.
pub(super) fn node(kind: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) -> Message {
    let node = inputs
        .iter()
        .fold(Message::default(), |node, input| node.text(1, input));
    let node = node.text(2, output).text(3, output).text(4, kind);
    attributes
        .iter()
        .fold(node, |node, (name, value)| node.message(5, value.message(name)))
}

/// `TensorProto` of float32.
pub(super) fn tensor(name: &str, shape: &[usize], data: &[f32]) -> Message {
    let raw: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensor = shape
        .iter()
        .fold(Message::default(), |tensor, side| tensor.int(1, *side as i64));
    tensor.int(2, 1).text(8, name).bytes(9, &raw)
}

/// `TensorProto` of int64 with one axis.
pub(super) fn numbers(name: &str, values: &[i64]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensor = Message::default().int(1, values.len() as i64);
    tensor.int(2, 7).text(8, name).bytes(9, &raw)
}

/// A side of an input or output: fixed, or named.
#[derive(Clone, Copy, Debug)]
pub enum Side<'a> {
    Fixed(usize),
    Named(&'a str),
}

/// `ValueInfoProto`: an input or output of float32.
pub(super) fn value(name: &str, shape: &[Side]) -> Message {
    let shape = shape.iter().fold(Message::default(), |shape, side| {
        let side = match side {
            Side::Fixed(n) => Message::default().int(1, *n as i64),
            Side::Named(name) => Message::default().text(2, name),
        };
        shape.message(1, side)
    });
    let tensor = Message::default().int(1, 1).message(2, shape);
    Message::default()
        .text(1, name)
        .message(2, Message::default().message(1, tensor))
}

/// The notes that a file carries, by their keys. Its outermost fields are walked, nothing else is looked at.
pub(super) fn notes(file: &[u8]) -> BTreeMap<String, String> {
    let text = |entry: &[u8], field: u64| {
        let (_, value) = fields(entry).find(|(f, _)| *f == field)?;
        String::from_utf8(value.to_vec()).ok()
    };
    let entries = fields(file).filter(|(field, _)| *field == 14);
    entries
        .filter_map(|(_, entry)| text(entry, 1).zip(text(entry, 2)))
        .collect()
}

/// Numbers and bytes of the fields that have a length, as far as the message makes sense.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            if let (number, Some(value)) = field(&mut rest)? {
                return Some((number, value));
            }
        }
    })
}

/// The number of the next field, and its bytes where it has a length; `None` where the message makes no sense, or ends.
pub(super) fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Option<&'a [u8]>)> {
    let tag = varint(rest)?;
    let length = match tag & 7 {
        0 => {
            varint(rest)?;
            return Some((tag >> 3, None));
        }
        1 => 8,
        2 => usize::try_from(varint(rest)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (value, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((tag >> 3, (tag & 7 == 2).then_some(value)))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for i in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_back_and_what_is_cut_has_none() {
        let note = Message::default().text(1, "architecture").text(2, "unet");
        let file = Message::default()
            .int(1, 8)
            .float(3, 1.0)
            .bytes(7, &[0xff; 300])
            .message(14, note);
        let file = file.into_bytes();
        assert_eq!(notes(&file)["architecture"], "unet");
        for n in 0..file.len() {
            assert!(notes(&file[..n]).is_empty());
        }
    }
}
