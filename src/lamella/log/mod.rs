//! openFIBSEM's `logfile.log`, read in full: a stream of records, each a time, a place in the program, and a text or data.
//!
//! `python` reads the data, which is Python's `repr` and no JSON; `digest` makes tables and figures of the records. A log of
//! any length is read in the memory of its longest record.

mod digest;
pub mod python;
mod stats;
#[cfg(test)]
mod tests;

pub use digest::Digest;
use jiff::civil::DateTime;
use serde_json::Value;
pub use stats::{Stats, TaskTime};
use std::io::{self, BufRead};

/// The file of an experiment's log.
pub const FILE: &str = "logfile.log";

/// One record; it may go over several lines.
#[derive(Debug)]
pub struct Record<'a> {
    /// Of its first line, from 1.
    pub line: usize,
    /// `2026-11-22 00:58:07,139`: local time of the machine that wrote it.
    pub time: &'a str,
    pub level: &'a str,
    /// `log_status_message:318`.
    pub place: &'a str,
    pub message: &'a str,
}

impl Record<'_> {
    /// To the millisecond.
    pub fn at(&self) -> Option<DateTime> {
        DateTime::strptime("%Y-%m-%d %H:%M:%S,%3f", self.time)
            .or_else(|_| DateTime::strptime("%Y-%m-%d %H:%M:%S,%f", self.time))
            .ok()
    }

    /// It is meant as data.
    pub fn is_data(&self) -> bool {
        self.message.starts_with('{')
    }

    /// What kind of data, without reading all of it.
    pub fn kind(&self) -> Option<&str> {
        let rest = self.message.strip_prefix("{'msg': '")?;
        rest.split_once('\'').map(|(kind, _)| kind)
    }

    pub fn data(&self) -> Option<Value> {
        if self.is_data() {
            python::value(self.message)
        } else {
            None
        }
    }
}

/// Hands every record of a log to `each`. Bytes that are no UTF-8 are read as Windows' code page 1252, in which older logs are.
/// Returns the number of lines, and of those before the first record or between records that belong to none.
pub fn read(mut log: impl BufRead, mut each: impl FnMut(&Record<'_>)) -> io::Result<Lines> {
    let (mut pending, mut next) = (Vec::new(), Vec::new());
    let mut lines = Lines::default();
    let mut began = 0;
    loop {
        next.clear();
        let ended = log.read_until(b'\n', &mut next)? == 0;
        if ended || begins_record(&next) {
            lines.stray += usize::from(!pending.is_empty() && !tell(&pending, began, &mut each));
            if ended {
                return Ok(lines);
            }
            std::mem::swap(&mut pending, &mut next);
            began = lines.read + 1;
        } else if !pending.is_empty() {
            pending.extend_from_slice(&next);
        } else {
            lines.stray += usize::from(!next.trim_ascii().is_empty());
        }
        lines.read += 1;
    }
}

/// How many lines a log has, and how many say nothing that could be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub read: usize,
    pub stray: usize,
}

/// `2026-11-22 00:58:07,` at the beginning.
fn begins_record(line: &[u8]) -> bool {
    let at = |n: usize, byte: u8| line.get(n) == Some(&byte);
    at(4, b'-')
        && at(7, b'-')
        && at(10, b' ')
        && at(13, b':')
        && at(16, b':')
        && at(19, b',')
        && line[0].is_ascii_digit()
}

fn tell(bytes: &[u8], line: usize, each: &mut impl FnMut(&Record<'_>)) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(_) => std::borrow::Cow::Owned(bytes.iter().map(|byte| windows(*byte)).collect()),
    };
    let mut parts = text.trim_end().splitn(5, " \u{2014} ");
    let mut part = || parts.next();
    let (Some(time), Some(_logger), Some(level), Some(place)) = (part(), part(), part(), part()) else {
        return false;
    };
    each(&Record {
        line,
        time,
        level,
        place,
        message: part().unwrap_or_default(),
    });
    true
}

/// The signs of code page 1252 that log lines hold; the rest is as in Latin 1.
fn windows(byte: u8) -> char {
    match byte {
        0x80 => '\u{20ac}',
        0x85 => '\u{2026}',
        0x91 => '\u{2018}',
        0x92 => '\u{2019}',
        0x93 => '\u{201c}',
        0x94 => '\u{201d}',
        0x95 => '\u{2022}',
        0x96 => '\u{2013}',
        0x97 => '\u{2014}',
        byte => char::from(byte),
    }
}
