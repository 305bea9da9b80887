//! The stack machine of pickles, protocols 0 to 5, that calls nothing.

use super::CheckpointError;
use super::pickle::{Id, Node, TensorAt};
use std::collections::HashMap;

/// More values than any checkpoint needs: some have ten thousand.
const MOST_NODES: usize = 4_000_000;

/// What is copied again and again, when a pickle says so, must be short.
const LONGEST_NAME: usize = 200;
const MOST_AXES: usize = 8;

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

fn broken(what: &str) -> CheckpointError {
    CheckpointError::Broken(format!("its pickle {what}"))
}

/// The values of the pickle at the front of `bytes`, which of them it is, and how many bytes it took.
pub(super) fn run(bytes: &[u8]) -> Result<(Vec<Node>, Id, usize), CheckpointError> {
    let mut machine = Machine {
        bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    Ok((machine.nodes, root, machine.at))
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, CheckpointError> {
        loop {
            let [op] = self.take()?;
            match op {
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => _ = self.pop()?,
                b'1' => _ = self.since_mark()?,
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                // protocol number, frame length
                0x80 => _ = self.take::<1>()?,
                0x95 => _ = self.take::<8>()?,

                b'N' => self.push(Node::None)?,
                0x88 => self.push(Node::Bool(true))?,
                0x89 => self.push(Node::Bool(false))?,
                b'J' => {
                    let v = i32::from_le_bytes(self.take()?);
                    self.push(Node::Int(v.into()))?;
                }
                b'K' => {
                    let [v] = self.take()?;
                    self.push(Node::Int(v.into()))?;
                }
                b'M' => {
                    let v = u16::from_le_bytes(self.take()?);
                    self.push(Node::Int(v.into()))?;
                }
                0x8a => {
                    let n = self.length::<1>()?;
                    self.long(n)?;
                }
                0x8b => {
                    let n = self.length::<4>()?;
                    self.long(n)?;
                }
                b'I' | b'L' => {
                    let node = match self.line()?.trim_end_matches('L') {
                        "00" => Node::Bool(false),
                        "01" => Node::Bool(true),
                        digits => digits.parse().map_or(Node::Opaque, Node::Int),
                    };
                    self.push(node)?;
                }
                b'G' => {
                    let v = f64::from_be_bytes(self.take()?);
                    self.push(Node::Float(v))?;
                }
                b'F' => {
                    let v = self
                        .line()?
                        .parse()
                        .map_err(|_| broken("holds a number that is none"))?;
                    self.push(Node::Float(v))?;
                }

                b'X' => self.string::<4>()?,
                0x8c => self.string::<1>()?,
                0x8d => self.string::<8>()?,
                b'T' => self.string::<4>()?,
                b'U' => self.string::<1>()?,
                b'V' | b'S' => {
                    let text = self.line()?.trim_matches(['\'', '"']).to_owned();
                    self.push(Node::Text(text))?;
                }
                b'B' | 0x8e | 0x96 | b'C' => {
                    let n = match op {
                        b'C' => self.length::<1>()?,
                        b'B' => self.length::<4>()?,
                        _ => self.length::<8>()?,
                    };
                    self.slice(n)?;
                    self.push(Node::Opaque)?;
                }

                b']' | b')' | 0x8f => self.push(Node::List(Vec::new()))?,
                b'}' => self.push(Node::Dict(Vec::new()))?,
                b'l' | b't' | 0x91 => {
                    let items = self.since_mark()?;
                    self.push(Node::List(items))?;
                }
                0x85..=0x87 => {
                    let items = self.pop_n(usize::from(op - 0x84))?;
                    self.push(Node::List(items))?;
                }
                b'd' => {
                    let pairs = self.since_mark()?;
                    self.push(Node::Dict(Vec::new()))?;
                    self.set(pairs)?;
                }
                b'a' => {
                    let items = self.pop_n(1)?;
                    self.append(items)?;
                }
                b'e' | 0x90 => {
                    let items = self.since_mark()?;
                    self.append(items)?;
                }
                b's' => {
                    let pairs = self.pop_n(2)?;
                    self.set(pairs)?;
                }
                b'u' => {
                    let pairs = self.since_mark()?;
                    self.set(pairs)?;
                }

                b'p' => {
                    let index = self.line()?.parse().map_err(|_| broken("remembers under no number"))?;
                    self.remember(index)?;
                }
                b'q' => {
                    let index = self.length::<1>()?;
                    self.remember(index)?;
                }
                b'r' => {
                    let index = self.length::<4>()?;
                    self.remember(index)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'g' => {
                    let index = self.line()?.parse().map_err(|_| broken("recalls no number"))?;
                    self.recall(index)?;
                }
                b'h' => {
                    let index = self.length::<1>()?;
                    self.recall(index)?;
                }
                b'j' => {
                    let index = self.length::<4>()?;
                    self.recall(index)?;
                }

                b'c' => {
                    let name = format!("{}.{}", self.line()?, self.line()?);
                    self.push(Node::Global(name))?;
                }
                0x93 => {
                    let parts = self.pop_n(2)?;
                    let name = match parts.as_slice() {
                        [module, name] => match (&self.nodes[module.0], &self.nodes[name.0]) {
                            (Node::Text(module), Node::Text(name)) if module.len() + name.len() <= LONGEST_NAME => {
                                format!("{module}.{name}")
                            }
                            _ => return Err(broken("names something by what is no name")),
                        },
                        _ => return Err(broken("names nothing")),
                    };
                    self.push(Node::Global(name))?;
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Node::Persistent(id))?;
                }
                b'P' => {
                    self.line()?;
                    self.push(Node::Opaque)?;
                }
                b'R' | 0x81 => {
                    let arguments = self.pop()?;
                    let callable = self.pop()?;
                    let made = self.made(callable, arguments);
                    self.push(made)?;
                }
                0x92 => {
                    self.pop_n(3)?;
                    self.push(Node::Opaque)?;
                }
                // an object of a class, by its arguments up to the mark
                b'o' => {
                    self.since_mark()?;
                    self.push(Node::Opaque)?;
                }
                b'i' => {
                    self.line()?;
                    self.line()?;
                    self.since_mark()?;
                    self.push(Node::Opaque)?;
                }
                // the state of an object; of an ordered dictionary it is what torch notes about versions
                b'b' => _ = self.pop()?,
                other => return Err(broken(&format!("has an unknown instruction {other:#04x}"))),
            }
        }
    }

    /// What a call would give, for the few that are understood.
    fn made(&self, callable: Id, arguments: Id) -> Node {
        let (Node::Global(name), Node::List(arguments)) = (&self.nodes[callable.0], &self.nodes[arguments.0]) else {
            return Node::Opaque;
        };
        match (name.as_str(), arguments.as_slice()) {
            ("collections.OrderedDict", []) => Node::Dict(Vec::new()),
            (
                "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
                [storage, offset, size, stride, ..],
            ) => {
                let tensor = self.tensor(*storage, *offset, *size, *stride);
                tensor.map_or(Node::Opaque, Node::Tensor)
            }
            ("torch._utils._rebuild_parameter", [tensor, ..]) => match &self.nodes[tensor.0] {
                Node::Tensor(tensor) => Node::Tensor(tensor.clone()),
                _ => Node::Opaque,
            },
            ("torch.Size", [size]) => match &self.nodes[size.0] {
                Node::List(sides) if sides.len() <= MOST_AXES => Node::List(sides.clone()),
                _ => Node::Opaque,
            },
            _ => Node::Opaque,
        }
    }

    fn tensor(&self, storage: Id, offset: Id, size: Id, stride: Id) -> Option<TensorAt> {
        let number = |id: Id| match self.nodes[id.0] {
            Node::Int(v) => usize::try_from(v).ok(),
            _ => None,
        };
        let numbers = |id: Id| match &self.nodes[id.0] {
            Node::List(items) if items.len() <= MOST_AXES => {
                items.iter().map(|i| number(*i)).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        let Node::Persistent(id) = self.nodes[storage.0] else {
            return None;
        };
        let Node::List(parts) = &self.nodes[id.0] else {
            return None;
        };
        let [_, kind, key, ..] = parts.as_slice() else {
            return None;
        };
        let (Node::Global(kind), Node::Text(key)) = (&self.nodes[kind.0], &self.nodes[key.0]) else {
            return None;
        };
        if key.len() > LONGEST_NAME {
            return None;
        }
        Some(TensorAt {
            storage: key.clone(),
            kind: kind.strip_prefix("torch.")?.to_owned(),
            offset: number(offset)?,
            size: numbers(size)?,
            stride: numbers(stride)?,
        })
    }

    fn push(&mut self, node: Node) -> Result<(), CheckpointError> {
        if self.nodes.len() >= MOST_NODES {
            return Err(broken("holds too many values"));
        }
        self.stack.push(Id(self.nodes.len()));
        self.nodes.push(node);
        Ok(())
    }

    /// The lowest entry that may be taken: what lies under a mark belongs to somebody else.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, CheckpointError> {
        let above = self.stack.get(self.floor()..).and_then(<[Id]>::last);
        above.copied().ok_or_else(|| broken("takes more than it has"))
    }

    fn pop(&mut self) -> Result<Id, CheckpointError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_n(&mut self, n: usize) -> Result<Vec<Id>, CheckpointError> {
        let from = self.stack.len().checked_sub(n).filter(|from| *from >= self.floor());
        let from = from.ok_or_else(|| broken("takes more than it has"))?;
        Ok(self.stack.split_off(from))
    }

    fn since_mark(&mut self) -> Result<Vec<Id>, CheckpointError> {
        let mark = self.marks.pop().ok_or_else(|| broken("ends what it never began"))?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), CheckpointError> {
        let top = self.top()?;
        if let Node::List(list) = &mut self.nodes[top.0] {
            list.extend(items);
        }
        Ok(())
    }

    fn set(&mut self, pairs: Vec<Id>) -> Result<(), CheckpointError> {
        let top = self.top()?;
        if let Node::Dict(dict) = &mut self.nodes[top.0] {
            let (pairs, rest) = pairs.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(broken("has a key without a value"));
            }
            dict.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        }
        Ok(())
    }

    fn remember(&mut self, index: usize) -> Result<(), CheckpointError> {
        let top = self.top()?;
        self.memo.insert(index, top);
        Ok(())
    }

    fn recall(&mut self, index: usize) -> Result<(), CheckpointError> {
        let id = self
            .memo
            .get(&index)
            .ok_or_else(|| broken("recalls what it never remembered"))?;
        if self.stack.len() >= MOST_NODES {
            return Err(broken("holds too many values"));
        }
        self.stack.push(*id);
        Ok(())
    }

    fn slice(&mut self, n: usize) -> Result<&[u8], CheckpointError> {
        let end = self.at.checked_add(n).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| broken("ends too early"))?;
        let slice = &self.bytes[self.at..end];
        self.at = end;
        Ok(slice)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let slice = self.slice(N)?;
        slice.try_into().map_err(|_| broken("ends too early"))
    }

    /// An unsigned number of N bytes, little end first.
    fn length<const N: usize>(&mut self) -> Result<usize, CheckpointError> {
        let bytes = self.take::<N>()?;
        let value = bytes.iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b));
        usize::try_from(value).map_err(|_| broken("is too long"))
    }

    fn string<const N: usize>(&mut self) -> Result<(), CheckpointError> {
        let n = self.length::<N>()?;
        let text = String::from_utf8_lossy(self.slice(n)?).into_owned();
        self.push(Node::Text(text))
    }

    /// Two's complement, little end first; what does not fit into 64 bits stays opaque.
    fn long(&mut self, n: usize) -> Result<(), CheckpointError> {
        let bytes = self.slice(n)?;
        let negative = bytes.last().is_some_and(|b| *b >= 0x80);
        let node = if n > 8 {
            Node::Opaque
        } else {
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..n].copy_from_slice(bytes);
            Node::Int(i64::from_le_bytes(wide))
        };
        self.push(node)
    }

    fn line(&mut self) -> Result<String, CheckpointError> {
        let rest = &self.bytes[self.at..];
        let end = rest
            .iter()
            .position(|b| *b == b'\n')
            .ok_or_else(|| broken("ends too early"))?;
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        self.at += end + 1;
        Ok(line)
    }
}
