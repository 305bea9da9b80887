//! ZIP files: where the data of each member lies. PyTorch writes them with entries that are stored, not packed.

use super::CheckpointError;
use std::collections::HashMap;
use std::ops::Range;

fn broken(what: &str) -> CheckpointError {
    CheckpointError::Broken(format!("its ZIP {what}"))
}

/// A file inside a ZIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// How it is packed: 0 = not at all, 8 = deflated.
    pub method: usize,
    /// Where its data, as packed, lies.
    pub at: Range<usize>,
    /// Bytes when unpacked.
    pub length: usize,
}

/// Where in the file each entry's data lies, by the name without its first folder.
pub fn entries(bytes: &[u8]) -> Result<HashMap<String, Range<usize>>, CheckpointError> {
    let stored = |member: Member| {
        if member.method != 0 || member.at.len() != member.length {
            return Err(broken("is packed, which PyTorch's are not"));
        }
        let name = &member.name;
        let inner = name.split_once('/').map_or(name.as_str(), |(_, inner)| inner);
        Ok((inner.to_owned(), member.at))
    };
    members(bytes)?.into_iter().map(stored).collect()
}

/// What is in a ZIP, by its directory.
pub fn members(bytes: &[u8]) -> Result<Vec<Member>, CheckpointError> {
    let directory = directory(bytes)?;
    let mut found = Vec::new();
    let mut at = directory.start;
    for _ in 0..directory.entries {
        if number::<4>(bytes, at)? != 0x0201_4b50 {
            return Err(broken("directory is damaged"));
        }
        let [name_length, extra_length, comment_length] = [28, 30, 32].map(|field| number::<2>(bytes, at + field));
        let (name_length, extra_length, comment_length) = (name_length?, extra_length?, comment_length?);
        let name = String::from_utf8_lossy(slice(bytes, at + 46, name_length)?).into_owned();
        let mut wide = Wide::of(slice(bytes, at + 46 + name_length, extra_length)?)?;
        // The wide fields stand in this order, each only if the narrow one is full.
        let length = wide.or(number::<4>(bytes, at + 24)?)?;
        let packed = wide.or(number::<4>(bytes, at + 20)?)?;
        let header = wide.or(number::<4>(bytes, at + 42)?)?;
        let method = number::<2>(bytes, at + 10)?;
        if number::<4>(bytes, header)? != 0x0403_4b50 {
            return Err(broken("entry is damaged"));
        }
        // The local extra field pads the data and is longer than the directory's.
        let before = [
            number::<2>(bytes, add(header, 26)?)?,
            number::<2>(bytes, add(header, 28)?)?,
        ];
        let start = before.into_iter().try_fold(add(header, 30)?, add)?;
        slice(bytes, start, packed)?;
        found.push(Member {
            name,
            method,
            at: start..start + packed,
            length,
        });
        at = [46, name_length, extra_length, comment_length]
            .into_iter()
            .try_fold(at, add)?;
    }
    Ok(found)
}

struct Directory {
    start: usize,
    entries: usize,
}

fn directory(bytes: &[u8]) -> Result<Directory, CheckpointError> {
    // The record at the end is 22 bytes with a comment of up to 65535 behind it.
    let earliest = bytes.len().saturating_sub(22 + 65535);
    let tail = bytes.get(earliest..).unwrap_or_default();
    let end = tail.windows(4).rposition(|w| w == b"PK\x05\x06");
    let end = end.ok_or_else(|| broken("has no directory; the file may be incomplete"))? + earliest;
    let narrow = Directory {
        entries: number::<2>(bytes, end + 10)?,
        start: number::<4>(bytes, end + 16)?,
    };
    let wide = end.checked_sub(20).filter(|at| bytes[*at..].starts_with(b"PK\x06\x07"));
    match wide {
        Some(at) => {
            let record = number::<8>(bytes, at + 8)?;
            if number::<4>(bytes, record)? != 0x0606_4b50 {
                return Err(broken("directory is damaged"));
            }
            Ok(Directory {
                entries: number::<8>(bytes, add(record, 32)?)?,
                start: number::<8>(bytes, add(record, 48)?)?,
            })
        }
        None => Ok(narrow),
    }
}

/// The 64-bit values of an entry's extra field that have not been read.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    fn of(extra: &'a [u8]) -> Result<Self, CheckpointError> {
        let mut rest = extra;
        while rest.len() >= 4 {
            let (kind, length) = (number::<2>(rest, 0)?, number::<2>(rest, 2)?);
            if kind == 1 {
                return Ok(Wide(slice(rest, 4, length)?));
            }
            rest = rest.get(4 + length..).unwrap_or_default();
        }
        Ok(Wide(&[]))
    }

    /// The narrow value, or the next wide one if the narrow one is full.
    fn or(&mut self, narrow: usize) -> Result<usize, CheckpointError> {
        if narrow != 0xffff_ffff {
            return Ok(narrow);
        }
        let value = number::<8>(self.0, 0)?;
        self.0 = &self.0[8..];
        Ok(value)
    }
}

fn add(a: usize, b: usize) -> Result<usize, CheckpointError> {
    a.checked_add(b).ok_or_else(|| broken("is damaged"))
}

fn slice(bytes: &[u8], at: usize, n: usize) -> Result<&[u8], CheckpointError> {
    bytes.get(at..add(at, n)?).ok_or_else(|| broken("ends too early"))
}

/// An unsigned number of N bytes, little end first.
pub(super) fn number<const N: usize>(bytes: &[u8], at: usize) -> Result<usize, CheckpointError> {
    let value = slice(bytes, at, N)?
        .iter()
        .rev()
        .fold(0u64, |v, b| v << 8 | u64::from(*b));
    usize::try_from(value).map_err(|_| broken("is damaged"))
}
