//! Words in so many columns: cut, or wrapped.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Cut to `width` columns, with `…` where something is missing.
pub fn cut(words: &str, width: usize) -> String {
    if words.width() <= width {
        return words.to_owned();
    }
    let mut out = String::new();
    for c in words.chars() {
        if out.width() + c.width().unwrap_or(0) + 1 > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// Its last `width` columns, with `…` where something is missing.
pub fn cut_front(words: &str, width: usize) -> String {
    if words.width() <= width {
        return words.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let fits = |c: &char| {
        let wide = c.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    let kept: Vec<char> = words.chars().rev().take_while(fits).collect();
    let sign = if width > 0 { "…" } else { "" };
    sign.chars().chain(kept.into_iter().rev()).collect()
}

/// Lines of at most `width` columns, broken between words where that is possible; a number keeps its unit.
pub fn wrap(words: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for (n, word) in with_units(words).into_iter().enumerate() {
        let mut line = lines.pop().unwrap_or_default();
        let gap = usize::from(n > 0);
        if line.width() + gap + word.width() <= width {
            line.extend(std::iter::repeat_n(' ', gap));
        } else if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
        lines.push(line);
    }
    lines
}

/// [`wrap`] for a row of a numbered list: the lines after the first are set in under its words.
pub fn hang(words: &str, width: usize) -> Vec<String> {
    let Some((number, rest)) = words.split_once(' ').filter(|(word, _)| word.parse::<u32>().is_ok()) else {
        return wrap(words, width);
    };
    let by = number.len() + 1;
    let lines = wrap(rest, width.saturating_sub(by)).into_iter().enumerate();
    lines
        .map(|(n, line)| {
            if n == 0 {
                format!("{number} {line}")
            } else {
                format!("{:by$}{line}", "")
            }
        })
        .collect()
}

/// The words, a number and the unit after it as one.
fn with_units(words: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = words;
    while let Some(gap) = rest.find(' ') {
        let after = &rest[gap + 1..];
        let unit = after.split(' ').next().unwrap_or_default();
        let is_unit = !unit.is_empty() && unit.len() <= 3 && unit.starts_with(char::is_alphabetic);
        let end = if rest[..gap].parse::<f64>().is_ok() && is_unit {
            gap + 1 + unit.len()
        } else {
            gap
        };
        out.push(&rest[..end]);
        rest = match rest.get(end + 1..) {
            Some(more) => more,
            None => return out,
        };
    }
    out.push(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_in_wrapping() {
        assert_eq!(wrap("to the left", 80), ["to the left"]);
        assert_eq!(wrap("to the left", 6), ["to the", "left"]);
        assert_eq!(wrap("unbreakable", 4), ["unbr", "eaka", "ble"]);
        assert_eq!(wrap("a unbreakable", 4), ["a", "unbr", "eaka", "ble"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("flows for 30.0 s", 14), ["flows for", "30.0 s"]);
        assert_eq!(wrap("at 5 nA", 80), ["at 5 nA"]);
        assert_eq!(
            hang("2 insert it to Electron Default", 16),
            ["2 insert it to", "  Electron", "  Default"]
        );
        assert_eq!(hang("word", 16), ["word"]);
        for width in 0..30 {
            let lines = wrap("  one step more,  in a field (日本)", width);
            assert!(
                lines.iter().all(|line| line.width() <= width.max(2)),
                "{width}: {lines:?}"
            );
            let kept: String = lines.concat().split_whitespace().collect();
            assert_eq!(kept, "onestepmore,inafield(日本)");
        }
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!([cut("abc", 3), cut("abcd", 3), cut("abcd", 0)], ["abc", "ab…", ""]);
    }
}
