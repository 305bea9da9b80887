//! A line of a journal: eight hexadecimal digits, a blank, JSON. The digits are the CRC-32 of the digits before them and the JSON,
//! so that a line that was changed, lost or moved is found.

use super::Entry;
use serde::Serialize;

/// Writes lines that hold together.
#[derive(Default)]
pub(super) struct Chain(u32);

impl Chain {
    pub fn line(&mut self, json: &str) -> String {
        self.0 = sum(self.0, json.as_bytes());
        format!("{:08x} {json}\n", self.0)
    }
}

/// An entry as the JSON of its line.
pub(super) fn json(entry: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(entry)
}

fn sum(before: u32, json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&before.to_le_bytes());
    hasher.update(json);
    hasher.finalize()
}

/// What could be read of a journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// With the number of its line, from 1.
    pub entries: Vec<(usize, Entry)>,
    /// The last line is not whole: what a crash leaves, and no fault.
    pub torn: bool,
    /// Lines elsewhere that are not as they were written, or do not follow the one before them.
    pub damaged: Vec<usize>,
}

/// Reads a journal. What is damaged is left out and named.
pub fn read(bytes: &[u8]) -> Read {
    let mut found = Read::default();
    let mut before = 0;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    for (i, line) in lines.iter().enumerate() {
        let last = i + 1 == lines.len();
        match parse(line, before) {
            Ok((sum, holds, entry)) => {
                before = sum;
                if !holds {
                    found.damaged.push(i + 1);
                }
                found.entries.push((i + 1, entry));
            }
            Err(()) if last => found.torn = true,
            Err(()) => found.damaged.push(i + 1),
        }
    }
    found
}

/// The sum a whole line states, whether it follows what came before, and its entry.
fn parse(line: &[u8], before: u32) -> Result<(u32, bool, Entry), ()> {
    let line = line.strip_suffix(b"\n").ok_or(())?;
    let (digits, rest) = line.split_at_checked(8).ok_or(())?;
    let json = rest.strip_prefix(b" ").ok_or(())?;
    let digits = std::str::from_utf8(digits).map_err(drop)?;
    let stated = u32::from_str_radix(digits, 16).map_err(drop)?;
    let entry = serde_json::from_slice(json).map_err(drop)?;
    Ok((stated, stated == sum(before, json), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(n: u64) -> Vec<u8> {
        let mut chain = Chain::default();
        let lines = (0..n).map(|i| chain.line(&json(&Entry::Closed { time: i as f64 }).unwrap()));
        lines.collect::<String>().into_bytes()
    }

    #[test]
    fn what_was_written_is_read() {
        let read = read(&journal(5));
        assert_eq!((read.entries.len(), read.torn, read.damaged.len()), (5, false, 0));
    }

    #[test]
    fn a_tail_that_is_torn_anywhere_costs_itself_only() {
        let whole = journal(3);
        let second = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
        for cut in 0..whole.len() {
            let read = read(&whole[..cut]);
            let full = whole[..cut].iter().filter(|b| **b == b'\n').count();
            assert_eq!((read.entries.len(), read.damaged.len()), (full, 0), "{cut}");
            assert_eq!(read.torn, cut % second > 0, "{cut}");
        }
    }

    #[test]
    fn a_changed_a_lost_and_a_moved_line_are_found() {
        let whole = journal(6);
        let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
        for at in 0..whole.len() {
            if whole[at] == b'\n' {
                continue;
            }
            let mut changed = whole.clone();
            changed[at] ^= 1;
            let read = read(&changed);
            assert!(!read.damaged.is_empty() || read.torn, "{at}");
        }
        let lost: Vec<u8> = [&lines[..2], &lines[3..]].concat().concat();
        assert_eq!(read(&lost).damaged, [3]);
        let mut moved = lines.clone();
        moved.swap(2, 3);
        assert!(!read(&moved.concat()).damaged.is_empty());
    }
}
