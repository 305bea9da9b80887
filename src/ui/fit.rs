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

/// Lines of at most `width` columns, broken between words where that is possible.
pub fn wrap(words: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    for (n, word) in words.split(' ').enumerate() {
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
