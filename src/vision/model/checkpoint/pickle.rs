//! What a Python pickle holds, read without running anything.
//!
//! `machine` follows the instructions, but a class or function is only ever a name. Dictionaries, lists and tuples are
//! built; of what a pickle wants to call, PyTorch's tensors and ordered dictionaries are understood, and everything else stays an
//! inert [`Node::Opaque`] that no one can use. Values live in one list and refer to each other by [`Id`], so a pickle that
//! repeats itself costs no more than its length.

use super::{CheckpointError, machine};

/// Where a value stands in [`Pickle::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub(super) usize);

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Tuples and lists.
    List(Vec<Id>),
    /// In the order of the file.
    Dict(Vec<(Id, Id)>),
    Global(String),
    Persistent(Id),
    Tensor(TensorAt),
    /// Something that only running code could make.
    Opaque,
}

/// A tensor as a pickle describes it: a view of a storage.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorAt {
    /// Key of the storage.
    pub storage: String,
    /// `FloatStorage`, `HalfStorage`, ...
    pub kind: String,
    /// First element.
    pub offset: usize,
    pub size: Vec<usize>,
    /// In elements.
    pub stride: Vec<usize>,
}

/// Everything one pickle holds.
#[derive(Clone, Debug)]
pub struct Pickle {
    nodes: Vec<Node>,
    pub root: Id,
}

impl Pickle {
    /// Reads one pickle from the front of `bytes`; also how many bytes it took.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), CheckpointError> {
        let (nodes, root, used) = machine::run(bytes)?;
        Ok((Pickle { nodes, root }, used))
    }

    pub fn node(&self, id: Id) -> &Node {
        self.nodes.get(id.0).unwrap_or(&Node::None)
    }

    /// All values, in no order that means anything.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn int(&self, id: Id) -> Option<i64> {
        match self.node(id) {
            Node::Int(v) => Some(*v),
            _ => None,
        }
    }

    pub fn list(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::List(items) => Some(items),
            _ => None,
        }
    }

    /// The pairs of a dictionary whose keys are texts.
    pub fn items(&self, id: Id) -> impl Iterator<Item = (&str, Id)> {
        let pairs = match self.node(id) {
            Node::Dict(pairs) => pairs.as_slice(),
            _ => &[],
        };
        pairs.iter().filter_map(|(key, value)| Some((self.text(*key)?, *value)))
    }

    /// A value of a dictionary; the last of that key.
    pub fn get(&self, id: Id, key: &str) -> Option<Id> {
        self.items(id).filter(|(k, _)| *k == key).last().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_built_and_calls_are_not_made() {
        // {'a': [1, -2, 3.5], 'b': os.system('x')}, protocol 2
        let bytes = b"\x80\x02}(X\x01\x00\x00\x00a](K\x01J\xfe\xff\xff\xffG@\x0c\x00\x00\x00\x00\x00\x00eX\x01\x00\x00\x00bcos\nsystem\nX\x01\x00\x00\x00x\x85Ru.";
        let (pickle, used) = Pickle::read(bytes).unwrap();
        assert_eq!(used, bytes.len());
        let a = pickle.list(pickle.get(pickle.root, "a").unwrap()).unwrap();
        assert_eq!((pickle.int(a[0]), pickle.int(a[1])), (Some(1), Some(-2)));
        assert_eq!(*pickle.node(a[2]), Node::Float(3.5));
        assert_eq!(*pickle.node(pickle.get(pickle.root, "b").unwrap()), Node::Opaque);
    }

    #[test]
    fn any_damage_is_an_error_or_another_value() {
        let good =
            b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01](K\x01M\x02\x01eX\x01\x00\x00\x00b\x8a\x02\xff\x00h\x00\x86u.";
        assert!(Pickle::read(good).is_ok());
        for i in 0..good.len() {
            assert!(Pickle::read(&good[..i]).is_err());
            for byte in 0..=255 {
                let mut bad = good.to_vec();
                bad[i] = byte;
                let _ = Pickle::read(&bad);
            }
        }
    }

    #[test]
    fn what_lies_under_a_mark_is_out_of_reach() {
        assert!(Pickle::read(b"K\x01(0.").is_err());
        assert!(Pickle::read(b"}(s.").is_err());
    }
}
