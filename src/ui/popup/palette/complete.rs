//! What could come next in the palette's line: commands of the engine and actions of the screen by name, then arguments and
//! values.

use crate::action::{ACTIONS, Action, ActionRow};
use crate::cx::Cx;
use crate::keys::Layer;
use engine::command::{ArgKind, ArgRow, CommandRow, parse, quoted, rows};
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

/// What names are offered from: where the palette was opened, and what was typed before, oldest first.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub layers: &'a [Layer],
    pub history: &'a [String],
}

/// What could stand in the place of the last word of `line`, best first.
pub fn offers(line: &str, known: Known, cx: &Cx) -> Vec<Offer> {
    let (before, word) = line.rsplit_once(' ').unwrap_or(("", line));
    match before.split_whitespace().next() {
        None => names(word, known, cx),
        Some(name) => match rows().find(|row| row.name == name) {
            Some(row) => arguments(row, before, word, cx),
            None => Vec::new(),
        },
    }
}

/// The action of that name, where it can be done from `layers` by its name. Those that only mean something at a row or in a text
/// (up, erase, choose) cannot; Stop is a command already.
pub fn action(name: &str, layers: &[Layer]) -> Option<Action> {
    actions(layers)
        .find(|row| row.name == name)
        .map(|row| row.action.clone())
}

fn actions(layers: &[Layer]) -> impl Iterator<Item = &'static ActionRow> {
    let of_rows = [Layer::Form, Layer::Field, Layer::Log, Layer::Help];
    ACTIONS.iter().filter(move |row| {
        let here = row.layers.iter().any(|l| *l == Layer::Global || layers.contains(l));
        let by_name = !row.layers.iter().any(|l| of_rows.contains(l) && row.layers.len() > 1);
        here && by_name && ![Action::Stop, Action::Palette].contains(&row.action)
    })
}

/// How well a name fits what was typed, best last: letters in order; a part of it begins so; it begins so; it is that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Letters,
    Part,
    Beginning,
    Whole,
}

fn fit(word: &str, name: &str) -> Option<Fit> {
    let word = word.to_lowercase();
    Some(match () {
        () if name == word => Fit::Whole,
        () if name.starts_with(&word) => Fit::Beginning,
        () if name.split(['.', '-', '_']).any(|part| part.starts_with(&word)) => Fit::Part,
        () => score(&word, name).map(|_| Fit::Letters)?,
    })
}

/// Commands and actions: the better fit first, then what was used last, then the better run of letters.
fn names(word: &str, known: Known, cx: &Cx) -> Vec<Offer> {
    let recent = |name: &str| {
        let used = |line: &String| line.split_whitespace().next() == Some(name);
        known.history.iter().rposition(used).map_or(0, |at| at + 1)
    };
    let commands = rows().map(|row| {
        let gap = if row.args.is_empty() { "" } else { " " };
        (row.name, format!("{}{gap}", row.name), row.doc.to_owned())
    });
    let actions = actions(known.layers).map(|row| {
        let key = cx.keymap.key(&row.action, known.layers);
        let key = key.map(|key| format!("{key}: ")).unwrap_or_default();
        (row.name, row.name.to_owned(), format!("{key}{}", row.doc))
    });
    let mut fitting: Vec<_> = commands
        .chain(actions)
        .filter_map(|offer| Some((fit(word, offer.0)?, recent(offer.0), score(word, offer.0), offer)))
        .collect();
    // of equals commands come first, in the order of their table
    fitting.sort_by_key(|(fit, recent, score, _)| std::cmp::Reverse((*fit, *recent, *score)));
    fitting
        .into_iter()
        .map(|(.., (name, insert, doc))| Offer {
            label: name.to_owned(),
            insert,
            doc,
        })
        .collect()
}

/// How well `word` fits `name`: every letter in order; whole beginnings of parts count most. `None` = it does not fit.
fn score(word: &str, name: &str) -> Option<i32> {
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

/// One line about the command or action at hand, or the argument being typed.
pub fn usage(line: &str, layers: &[Layer]) -> String {
    let Some(name) = line.split_whitespace().next() else {
        return "type a command or an action; Tab completes, Up brings back earlier ones".to_owned();
    };
    let Some(row) = rows().find(|row| row.name == name) else {
        let row = action(name, layers).and_then(|action| action.row());
        return row.map(|row| row.doc.to_owned()).unwrap_or_default();
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
    use crate::sample::{connected, state};
    use crate::tab::TabId;

    fn labels(word: &str, layers: &[Layer], history: &[&str]) -> Vec<String> {
        let s = connected();
        let ui = state(TabId::Log, &s);
        let history: Vec<String> = history.iter().map(|line| (*line).to_owned()).collect();
        let known = Known {
            layers,
            history: &history,
        };
        let offers = offers(word, known, &ui.desk.cx(&s));
        offers.into_iter().map(|offer| offer.label).collect()
    }

    #[test]
    fn the_initials_of_a_command_find_it() {
        let first = |word: &str| labels(word, &[], &[]).first().cloned();
        assert_eq!(first("smr").as_deref(), Some("stage.move-relative"));
        assert_eq!(first("beam.on").as_deref(), Some("beam.on"));
        assert_eq!(first("vent").as_deref(), Some("chamber.vent"));
        let all = labels("", &[], &[]);
        assert!(rows().all(|row| all.iter().any(|label| label == row.name)));
        assert!(labels("zzz", &[], &[]).is_empty());
        assert_eq!(score("xyz", "stage"), None);
    }

    #[test]
    fn better_fits_come_first_and_of_equals_what_was_used_last() {
        let position = |labels: &[String], name: &str| labels.iter().position(|l| l == name).unwrap();
        let found = labels("beam.o", &[], &[]);
        assert!(found[..2].contains(&"beam.on".to_owned()) && found[..2].contains(&"beam.off".to_owned()));
        let found = labels("position", &[], &[]);
        assert!(
            position(&found, "position.go") < position(&found, "stage.position"),
            "{found:?}"
        );
        let history = ["stage.jog dx=1um", "stage.orientation name=SEM", "beam.on"];
        let found = labels("stage", &[], &history);
        assert_eq!(found[..2], ["stage.orientation", "stage.jog"]);
        assert_eq!(labels("", &[], &history)[0], "beam.on");
        assert_eq!(
            labels("stage.jog", &[], &history)[0],
            "stage.jog",
            "the whole name before all"
        );
    }

    #[test]
    fn actions_are_offered_where_they_work_and_only_those_with_a_meaning_of_their_own() {
        let imaging = [Layer::Picture, Layer::Imaging];
        assert_eq!(labels("references", &imaging, &[])[0], "references");
        assert_eq!(labels("next-theme", &[], &[])[0], "next-theme");
        assert!(!labels("references", &[], &[]).contains(&"references".to_owned()));
        let all = labels("", &imaging, &[]);
        for no in ["up", "accept", "close", "backspace", "palette", "page-down"] {
            assert!(!all.iter().any(|label| label == no), "{no}");
        }
        assert_eq!(all.iter().filter(|label| *label == "stop").count(), 1, "the command");
    }
}
