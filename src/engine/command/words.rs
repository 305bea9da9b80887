//! A line's words.

use super::Failure;

/// Words at blanks; "double" and 'single' quotes hold blanks together.
pub(super) fn split(text: &str) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut open: Option<char> = None;
    let mut any = false;
    for c in text.chars() {
        match open {
            Some(quote) if c == quote => open = None,
            Some(_) => word.push(c),
            // a quote opens only at a word's or value's start, so that 5' in a name stays as typed
            None if (c == '"' || c == '\'') && (word.is_empty() || word.ends_with('=')) => {
                open = Some(c);
                any = true;
            }
            None if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            None => word.push(c),
        }
    }
    if let Some(quote) = open {
        return Err(Failure::usage(
            format!("a quotation opened with {quote} does not end; nothing was sent"),
            "close it",
        ));
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// A value as [`split`] reads it as one word: in quotes where it needs them. One that holds both kinds of quotes and a blank cannot be written.
pub fn quoted(value: &str) -> String {
    if !value.is_empty() && !value.contains(char::is_whitespace) && !value.starts_with(['"', '\'']) {
        return value.to_owned();
    }
    let quote = if value.contains('\'') { '"' } else { '\'' };
    format!("{quote}{value}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_one_word_again() {
        for value in [
            "plain",
            "two words",
            "it's (a)",
            "'begins",
            "5' wide",
            "say \"a\" b",
            "",
        ] {
            let line = format!("x name={}", quoted(value));
            assert_eq!(split(&line).unwrap()[1], format!("name={value}"), "{line}");
        }
    }
}
