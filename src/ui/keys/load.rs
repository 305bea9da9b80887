//! Keymap files: `layer: {action: "key key ..."}`. The user's keys of an action replace the shipped ones; an empty text
//! takes its keys away (Stop keeps at least its shipped ones).

use super::{Binding, Chord, Keymap, LAYERS, Layer};
use crate::action::{ACTIONS, Action};
use model::text;
use std::collections::BTreeMap;

const SHIPPED: &str = include_str!("../../../config/keys.yaml");

/// A line of a keymap file that could not be used; the rest of the file is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum KeymapError {
    #[error("the keymap file was not read ({0}); the keys of fibdeck are used")]
    Yaml(String),
    #[error("keymap: there is no layer `{name}`{}; its lines were left out", maybe(near))]
    Layer { name: String, near: Option<String> },
    #[error("keymap, {layer}: there is no action `{name}`{}; the line was left out", maybe(near))]
    Action {
        layer: &'static str,
        name: String,
        near: Option<String>,
    },
    #[error("keymap, {layer}: `{action}` means nothing there, it belongs to {belongs}; the line was left out")]
    Misplaced {
        layer: &'static str,
        action: &'static str,
        belongs: String,
    },
    #[error("keymap, {layer}, {action}: {source}; the key was left out")]
    Chord {
        layer: &'static str,
        action: &'static str,
        source: super::chord::NoChord,
    },
    #[error("keymap, {layer}: {chord} is both `{first}` and `{second}`; it stays `{first}`")]
    Clash {
        layer: &'static str,
        chord: Chord,
        first: &'static str,
        second: &'static str,
    },
    #[error("keymap, {layer}: {chord} is a Stop key everywhere and cannot be `{action}`; the key was left out")]
    StopKey {
        layer: &'static str,
        chord: Chord,
        action: &'static str,
    },
}

fn maybe(near: &Option<String>) -> String {
    near.as_ref()
        .map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default()
}

type File = BTreeMap<String, BTreeMap<String, String>>;
/// Keys by layer and place of the action in its table.
type Wanted = BTreeMap<(Layer, usize), Vec<Chord>>;

impl Keymap {
    /// The shipped keymap with the user's file over it, and what could not be used.
    pub fn load(user: Option<&str>) -> (Keymap, Vec<KeymapError>) {
        let mut errors = Vec::new();
        let mut wanted = Wanted::new();
        let mut own = Wanted::new();
        for (into, text) in [(&mut wanted, Some(SHIPPED)), (&mut own, user)] {
            match text.map(serde_yaml::from_str::<File>) {
                Some(Ok(file)) => read(&file, into, &mut errors),
                Some(Err(error)) => errors.push(KeymapError::Yaml(text::printable(&error.to_string()))),
                None => {}
            }
        }
        let stop = (Layer::Global, index(&Action::Stop));
        if let Some(keys) = own.get_mut(&stop) {
            keys.extend(wanted.get(&stop).cloned().unwrap_or_default());
        }
        // A key the user gave to something else is no longer the shipped action's.
        for ((layer, action), keys) in &own {
            for (_, shipped) in wanted
                .iter_mut()
                .filter(|((l, a), _)| l == layer && a != action && (*l, *a) != stop)
            {
                shipped.retain(|chord| !keys.contains(chord));
            }
        }
        wanted.extend(own);
        (build(wanted, &mut errors), errors)
    }
}

fn index(action: &Action) -> usize {
    ACTIONS.iter().position(|row| row.action == *action).unwrap_or_default()
}

fn read(file: &File, into: &mut Wanted, errors: &mut Vec<KeymapError>) {
    for (name, lines) in file {
        let Some(layer) = Layer::parse(name) else {
            let near = text::nearest(name, LAYERS.iter().map(|row| row.name)).map(str::to_owned);
            errors.push(KeymapError::Layer {
                name: text::printable(name),
                near,
            });
            continue;
        };
        for (name, keys) in lines {
            let layer_name = layer.row().name;
            let Some((place, row)) = ACTIONS.iter().enumerate().find(|(_, row)| row.name == name) else {
                let near = text::nearest(name, ACTIONS.iter().map(|row| row.name)).map(str::to_owned);
                errors.push(KeymapError::Action {
                    layer: layer_name,
                    name: text::printable(name),
                    near,
                });
                continue;
            };
            if !row.layers.contains(&layer) {
                let belongs = row.layers.iter().map(|l| l.row().name).collect::<Vec<_>>().join(", ");
                errors.push(KeymapError::Misplaced {
                    layer: layer_name,
                    action: row.name,
                    belongs,
                });
                continue;
            }
            let mut chords = Vec::new();
            for word in keys.split_whitespace() {
                match word.parse() {
                    Ok(chord) => chords.push(chord),
                    Err(source) => errors.push(KeymapError::Chord {
                        layer: layer_name,
                        action: row.name,
                        source,
                    }),
                }
            }
            into.insert((layer, place), chords);
        }
    }
}

fn build(wanted: Wanted, errors: &mut Vec<KeymapError>) -> Keymap {
    let stop = wanted
        .get(&(Layer::Global, index(&Action::Stop)))
        .cloned()
        .unwrap_or_default();
    let mut bindings: Vec<Binding> = Vec::new();
    for ((layer, place), chords) in wanted {
        let row = &ACTIONS[place];
        for chord in chords {
            let taken = bindings.iter().find(|b| b.layer == layer && b.chord == chord);
            if row.action != Action::Stop && stop.contains(&chord) {
                errors.push(KeymapError::StopKey {
                    layer: layer.row().name,
                    chord,
                    action: row.name,
                });
            } else if let Some(taken) = taken {
                let (first, second) = (taken.action.name(), row.name);
                if first != second {
                    errors.push(KeymapError::Clash {
                        layer: layer.row().name,
                        chord,
                        first,
                        second,
                    });
                }
            } else {
                bindings.push(Binding {
                    layer,
                    chord,
                    action: row.action.clone(),
                });
            }
        }
    }
    Keymap { bindings }
}
