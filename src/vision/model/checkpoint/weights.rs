//! Named tensors, whatever file they came in.

use super::CheckpointError;
use std::cell::Cell;
use std::collections::BTreeMap;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    F16,
    BF16,
    F32,
    F64,
    /// Integers and truth values, which no network here computes with: bytes each.
    Whole(usize),
}

impl Kind {
    pub fn bytes(self) -> usize {
        match self {
            Kind::F16 | Kind::BF16 => 2,
            Kind::F32 => 4,
            Kind::F64 => 8,
            Kind::Whole(n) => n,
        }
    }

    /// By the name of PyTorch's storage class, or safetensors' short name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HalfStorage" | "F16" => Kind::F16,
            "BFloat16Storage" | "BF16" => Kind::BF16,
            "FloatStorage" | "F32" => Kind::F32,
            "DoubleStorage" | "F64" => Kind::F64,
            "LongStorage" | "I64" | "U64" => Kind::Whole(8),
            "IntStorage" | "I32" | "U32" => Kind::Whole(4),
            "ShortStorage" | "I16" | "U16" => Kind::Whole(2),
            "CharStorage" | "ByteStorage" | "BoolStorage" | "I8" | "U8" | "BOOL" => Kind::Whole(1),
            _ => return None,
        })
    }

    fn number(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Kind::F32, [a, b, c, d]) => f32::from_le_bytes([*a, *b, *c, *d]),
            (Kind::BF16, [a, b]) => f32::from_le_bytes([0, 0, *a, *b]),
            (Kind::F16, [a, b]) => half(u16::from_le_bytes([*a, *b])),
            (Kind::F64, [a, b, c, d, e, f, g, h]) => f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as f32,
            (_, whole) => whole.iter().rev().fold(0.0, |v, b| v * 256.0 + f32::from(*b)),
        }
    }
}

/// A half-precision number.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}

/// A tensor in memory, the last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// Where a tensor lies: a view of stored bytes.
#[derive(Clone, Debug)]
pub(super) struct Stored<'a> {
    pub kind: Kind,
    pub bytes: &'a [u8],
    /// In elements, as are the strides.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub stride: Vec<usize>,
}

/// Tensors by name, read when asked for.
#[derive(Clone, Debug)]
pub struct Weights<'a> {
    tensors: BTreeMap<String, Stored<'a>>,
    /// Bytes that may still be read.
    left: Cell<usize>,
}

impl<'a> Weights<'a> {
    /// Of a file of so many bytes. That is also what can be read of it in all: a network reads each of its tensors once, but a thousand
    /// tensors may be views of the same bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Weights {
            tensors: BTreeMap::new(),
            left: Cell::new(bytes),
        }
    }

    pub(super) fn insert(&mut self, name: &str, tensor: Stored<'a>) {
        // What saving after parallel or compiled training puts before every name.
        let name = name.trim_start_matches("module.").trim_start_matches("_orig_mod.");
        self.tensors.insert(name.to_owned(), tensor);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub fn shape(&self, name: &str) -> Result<&[usize], CheckpointError> {
        let missing = || CheckpointError::Missing(name.to_owned());
        self.tensors.get(name).map(|t| t.shape.as_slice()).ok_or_else(missing)
    }

    /// Errors: no tensor of that name, one that reaches beyond its storage, values that are not finite.
    pub fn tensor(&self, name: &str) -> Result<Tensor, CheckpointError> {
        let missing = || CheckpointError::Missing(name.to_owned());
        let stored = self.tensors.get(name).ok_or_else(missing)?;
        let size = stored
            .shape
            .iter()
            .try_fold(stored.kind.bytes(), |n, side| n.checked_mul(*side));
        let left = size.and_then(|size| self.left.get().checked_sub(size));
        let tensor = left.and_then(|_| stored.read()).ok_or_else(|| {
            CheckpointError::Broken(format!(
                "its tensor {name} reaches beyond what is stored; the file may be incomplete"
            ))
        })?;
        self.left.set(left.unwrap_or(0));
        if tensor.data.iter().any(|v| !v.is_finite()) {
            return Err(CheckpointError::NotFinite(name.to_owned()));
        }
        Ok(tensor)
    }

    /// A tensor of one axis.
    pub fn vector(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let tensor = self.tensor(name)?;
        match tensor.shape.as_slice() {
            [_] => Ok(tensor.data),
            shape => Err(CheckpointError::Shape {
                name: name.to_owned(),
                shape: shape.to_vec(),
                expected: "one axis",
            }),
        }
    }

    /// A convolution's kernels: outputs x inputs x rows x columns.
    pub fn kernels(&self, name: &str) -> Result<Tensor, CheckpointError> {
        let tensor = self.tensor(name)?;
        match tensor.shape.as_slice() {
            [a, b, c, d] if *a > 0 && *b > 0 && *c > 0 && *d > 0 => Ok(tensor),
            shape => Err(CheckpointError::Shape {
                name: name.to_owned(),
                shape: shape.to_vec(),
                expected: "four axes: outputs, inputs, rows, columns",
            }),
        }
    }
}

impl Stored<'_> {
    fn read(&self) -> Option<Tensor> {
        if self.shape.len() != self.stride.len() {
            return None;
        }
        let count = self.shape.iter().try_fold(1usize, |n, side| n.checked_mul(*side))?;
        let held = self.bytes.len() / self.kind.bytes();
        // Views that repeat elements are not how weights are saved, but a way to ask for all the memory.
        if count > held {
            return None;
        }
        let mut data = Vec::with_capacity(count);
        let mut index = vec![0usize; self.shape.len()];
        for _ in 0..count {
            let mut steps = index.iter().zip(&self.stride);
            let at = steps.try_fold(self.offset, |at, (i, stride)| at.checked_add(i.checked_mul(*stride)?))?;
            let start = at.checked_mul(self.kind.bytes())?;
            data.push(
                self.kind
                    .number(self.bytes.get(start..start.checked_add(self.kind.bytes())?)?),
            );
            for (i, side) in index.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < *side {
                    break;
                }
                *i = 0;
            }
        }
        Some(Tensor {
            shape: self.shape.clone(),
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision() {
        assert_eq!(
            [0x3c00, 0xc000, 0x0001, 0x7bff].map(half),
            [1.0, -2.0, 2f32.powi(-24), 65504.0]
        );
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }

    #[test]
    fn a_transposed_view_is_read_by_its_strides() {
        let bytes: Vec<u8> = (0..6).flat_map(|v| (v as f32).to_le_bytes()).collect();
        let view = |offset, shape: [usize; 2], stride: [usize; 2]| Stored {
            kind: Kind::F32,
            bytes: &bytes,
            offset,
            shape: shape.to_vec(),
            stride: stride.to_vec(),
        };
        assert_eq!(
            view(0, [3, 2], [1, 3]).read().unwrap().data,
            [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
        );
        assert_eq!(view(1, [3, 2], [1, 3]).read(), None);
        assert_eq!(view(0, [1 << 40, 1 << 40], [0, 0]).read(), None);
        assert_eq!(view(0, [7, 1], [0, 0]).read(), None);
    }
}
