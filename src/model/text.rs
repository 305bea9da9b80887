//! Foreign text made safe to print.

/// `text` without control characters and escape codes (C0, C1, DEL, bidirectional overrides): a name in a file cannot
/// drive the terminal. Tabs and line breaks become spaces.
pub fn printable(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\t' | '\n' | '\r' => Some(' '),
            c if c.is_control() => None,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => None,
            c => Some(c),
        })
        .collect()
}

/// Fewest single-character edits that turn `a` into `b`; for "did you mean".
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let insert_or_delete = row[j].min(row[j + 1]) + 1;
            let replace = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = insert_or_delete.min(replace);
        }
    }
    row[b.len()]
}

/// The candidate nearest to `word`, if any is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|c| (distance(&word, &c.to_lowercase()), c))
        .filter(|(d, c)| *d <= 1 + c.len().max(word.len()) / 3)
        .min_by_key(|(d, _)| *d)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_do_not_survive() {
        assert_eq!(printable("a\x1b[31mred\x07\u{9b}2J\u{202e}b\n"), "a[31mred2Jb ");
    }

    #[test]
    fn nearest_finds_a_typo_and_refuses_nonsense() {
        assert_eq!(nearest("hwf", ["hfw", "voltage"]), Some("hfw"));
        assert_eq!(nearest("banana", ["hfw", "voltage"]), None);
    }
}
