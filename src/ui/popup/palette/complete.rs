//! What could come next in the palette's line: commands by name, then their arguments and values.

use crate::cx::Cx;
use engine::command::{ArgKind, ArgRow, CommandRow, parse, rows};
use model::key::KEYS;
use model::{Beam, Key, Value, text, units};

/// A word that could stand at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// What is shown.
    pub label: String,
    /// What takes the place of the word at hand.
    pub insert: String,
    pub doc: String,
}

/// What could stand in the place of the last word of `line`, best first.
pub fn offers(line: &str, cx: &Cx) -> Vec<Offer> {
    let (before, word) = line.rsplit_once(' ').unwrap_or(("", line));
    match before.split_whitespace().next() {
        None => commands(word),
        Some(name) => match rows().find(|row| row.name == name) {
            Some(row) => arguments(row, before, word, cx),
            None => Vec::new(),
        },
    }
}

fn commands(word: &str) -> Vec<Offer> {
    let mut scored: Vec<(i32, &CommandRow)> = rows().filter_map(|row| Some((score(word, row.name)?, row))).collect();
    scored.sort_by_key(|(score, row)| (-score, row.name));
    scored
        .into_iter()
        .map(|(_, row)| {
            let gap = if row.args.is_empty() { "" } else { " " };
            Offer {
                label: row.name.to_owned(),
                insert: format!("{}{gap}", row.name),
                doc: row.doc.to_owned(),
            }
        })
        .collect()
}

/// How well `word` fits `name`: every letter in order; whole beginnings of parts count most. `None` = it does not fit.
pub fn score(word: &str, name: &str) -> Option<i32> {
    let mut total = 0;
    let mut last: Option<usize> = None;
    let letters: Vec<char> = name.chars().collect();
    for c in word.to_lowercase().chars() {
        let from = last.map_or(0, |at| at + 1);
        let fits = |at: &usize| letters[*at].to_ascii_lowercase() == c;
        // the beginning of a part before anything else, unless the letter continues a run
        let run = last.map(|at| at + 1).filter(|at| *at < letters.len() && fits(at));
        let start =
            (from..letters.len()).find(|at| fits(at) && (*at == 0 || matches!(letters[*at - 1], '.' | '-' | '_')));
        let at = run.or(start).or_else(|| (from..letters.len()).find(fits))?;
        total += match (run, start) {
            (Some(_), _) => 4,
            (None, Some(_)) => 3,
            _ => 0,
        };
        total -= (at - from).min(3) as i32;
        last = Some(at);
    }
    Some(total * 4 - letters.len() as i32 / 4)
}

fn arguments(row: &CommandRow, before: &str, word: &str, cx: &Cx) -> Vec<Offer> {
    let given: Vec<&str> = before
        .split_whitespace()
        .skip(1)
        .filter_map(|w| w.split_once('=').map(|(key, _)| key))
        .collect();
    match word.split_once('=') {
        Some((name, typed)) => {
            let Some(arg) = row.args.iter().find(|arg| arg.name == name) else {
                return Vec::new();
            };
            values(arg, before, cx)
                .into_iter()
                .filter(|value| value.to_lowercase().starts_with(&typed.to_lowercase()))
                .map(|value| Offer {
                    insert: format!("{name}={}", quoted(&value)),
                    label: value,
                    doc: String::new(),
                })
                .collect()
        }
        None => row
            .args
            .iter()
            .filter(|arg| !given.contains(&arg.name) && arg.name.starts_with(word))
            .map(|arg| {
                let need = if arg.required { "needed" } else { "optional" };
                let default = if arg.default.is_empty() {
                    String::new()
                } else {
                    format!(", else {}", arg.default)
                };
                Offer {
                    label: format!("{}=", arg.name),
                    insert: format!("{}=", arg.name),
                    doc: format!("{} ({}; {need}{default})", arg.doc, arg.kind.hint()),
                }
            })
            .collect(),
    }
}

fn quoted(value: &str) -> String {
    if value.contains(' ') {
        format!("'{value}'")
    } else {
        value.to_owned()
    }
}

/// The values an argument can have, where they can be listed.
fn values(arg: &ArgRow, before: &str, cx: &Cx) -> Vec<String> {
    let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
    match arg.kind {
        ArgKind::Bool => words(&["true", "false"]),
        ArgKind::Word(list) => words(list),
        ArgKind::Beam => words(&["electron", "ion"]),
        ArgKind::Beams => words(&["electron", "ion", "both"]),
        ArgKind::Key => KEYS.iter().map(|row| row.name.to_owned()).collect(),
        ArgKind::PositionName => cx
            .snapshot
            .positions
            .iter()
            .filter_map(|p| p.name.as_deref().map(text::printable))
            .collect(),
        ArgKind::KeyValue => key_values(before, cx),
        _ if arg.name == "gas" => available(Key::PlasmaGas, Beam::Ion, cx),
        _ if arg.name == "instrument" => cx
            .instruments
            .iter()
            .map(|entry| text::printable(&entry.name))
            .collect(),
        _ => Vec::new(),
    }
}

/// The discrete values of the key that `key=` names, for the beam that `beam=` names.
fn key_values(before: &str, cx: &Cx) -> Vec<String> {
    let given = |name: &str| before.split_whitespace().find_map(|word| word.strip_prefix(name));
    let Some(key) = given("key=").and_then(Key::parse) else {
        return Vec::new();
    };
    let beam = given("beam=").and_then(|word| word.parse().ok()).unwrap_or_default();
    match key.row().kind {
        model::key::Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
        _ => available(key, beam, cx),
    }
}

fn available(key: Key, beam: Beam, cx: &Cx) -> Vec<String> {
    let capabilities = cx.snapshot.connection.as_ref().and_then(|c| c.capabilities.beam(beam));
    let values = capabilities.map(|c| c.available(key)).unwrap_or_default();
    values
        .iter()
        .map(|value| match (value, key.row().kind) {
            (Value::Number(n), model::key::Kind::Number(unit)) => units::format_input(*n, unit),
            (Value::Text(t), _) => text::printable(t),
            (Value::Size(w, h), _) => format!("{w}x{h}"),
            (other, _) => serde_json::to_string(other).unwrap_or_default(),
        })
        .collect()
}

/// One line about the command at hand, or the argument being typed.
pub fn usage(line: &str) -> String {
    let Some(name) = line.split_whitespace().next() else {
        return "type a command; Tab completes, Up brings back earlier ones".to_owned();
    };
    let Some(row) = rows().find(|row| row.name == name) else {
        return String::new();
    };
    let word = line.rsplit(' ').next().unwrap_or_default();
    match word
        .split_once('=')
        .and_then(|(name, _)| row.args.iter().find(|arg| arg.name == name))
    {
        Some(arg) => format!("{}: {} ({})", arg.name, arg.doc, arg.kind.hint()),
        None if row.args.is_empty() => row.doc.to_owned(),
        None => format!("{}  e.g. {}", parse::usage(row), row.example),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_initials_of_a_command_find_it() {
        let first = |word: &str| commands(word).first().map(|offer| offer.label.clone());
        assert_eq!(first("smr").as_deref(), Some("stage.move-relative"));
        assert_eq!(first("beam.on").as_deref(), Some("beam.on"));
        assert_eq!(first("vent").as_deref(), Some("chamber.vent"));
        assert_eq!(commands("").len(), rows().count());
        assert!(commands("zzz").is_empty());
        assert_eq!(score("xyz", "stage"), None);
    }
}
