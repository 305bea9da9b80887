//! From keys to actions: layers, chords, and the keymap of `config/keys.yaml` with the user's file over it.
//!
//! A layer is a place where keys mean something: the form with the focus, the picture, the open tab, a popup. Whoever has the
//! focus says which layers are looked through, innermost first; [`Layer::Global`] comes last, and its Stop keys come before
//! everything, in every layer. To add a layer: a variant, a row of [`LAYERS`], its keys in keys.yaml.

mod chord;
mod load;
#[cfg(test)]
mod tests;

pub use chord::Chord;
pub use load::KeymapError;

use crate::action::Action;

/// A place where keys mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    Global,
    Connection,
    Imaging,
    Movement,
    Milling,
    Manipulator,
    Gis,
    Detection,
    Workflow,
    Log,
    /// A picture with a cursor, in whatever tab.
    Picture,
    /// An area is being drawn in it: Enter takes the area instead of moving anything.
    Mark,
    /// Corners or points are placed in it: Enter sets one instead of moving anything.
    Place,
    /// The stage follows the keys while they are held.
    Jog,
    /// The needle follows the keys.
    Needle,
    /// Rows of a form, none edited.
    Form,
    /// Text is being typed: characters without a binding here become [`Action::Type`].
    Field,
    Help,
    Notices,
    Jobs,
    Confirm,
    Question,
    /// Takes text, as [`Layer::Field`].
    Palette,
    /// A picture that is being labelled; with no instrument there is nothing everywhere.
    Labelling,
    /// Key points are labelled instead of masks.
    Keypoints,
    /// The list of pictures beside it.
    Pictures,
}

/// One row of [`LAYERS`].
pub struct LayerRow {
    pub layer: Layer,
    pub name: &'static str,
    pub title: &'static str,
    /// Keys that mean nothing here do not fall through to the layers below (Stop always works).
    pub closed: bool,
    /// Characters and pastes become text.
    pub text: bool,
}

const fn row(layer: Layer, name: &'static str, title: &'static str) -> LayerRow {
    LayerRow {
        layer,
        name,
        title,
        closed: false,
        text: false,
    }
}

/// Every layer, in the order of the help screen.
pub const LAYERS: &[LayerRow] = &[
    row(Layer::Global, "global", "Everywhere"),
    row(Layer::Connection, "connection", "Connection"),
    row(Layer::Imaging, "imaging", "Imaging"),
    row(Layer::Movement, "movement", "Movement"),
    row(Layer::Milling, "milling", "Milling"),
    row(Layer::Manipulator, "manipulator", "Manipulator"),
    row(Layer::Gis, "gis", "GIS"),
    row(Layer::Detection, "detection", "Detection"),
    row(Layer::Workflow, "workflow", "Workflow"),
    row(Layer::Log, "log", "Log"),
    row(Layer::Picture, "picture", "In a picture"),
    row(Layer::Mark, "mark", "While an area is drawn"),
    row(Layer::Place, "place", "While corners or points are placed"),
    LayerRow {
        closed: true,
        ..row(Layer::Jog, "jog", "Jog mode")
    },
    LayerRow {
        closed: true,
        ..row(Layer::Needle, "needle", "Driving the needle")
    },
    row(Layer::Form, "form", "In a form"),
    LayerRow {
        closed: true,
        text: true,
        ..row(Layer::Field, "field", "While a field is edited")
    },
    LayerRow {
        closed: true,
        ..row(Layer::Help, "help", "Help")
    },
    LayerRow {
        closed: true,
        ..row(Layer::Notices, "notices", "Notices")
    },
    LayerRow {
        closed: true,
        ..row(Layer::Jobs, "jobs", "Jobs")
    },
    LayerRow {
        closed: true,
        ..row(Layer::Confirm, "confirm", "Confirm")
    },
    row(Layer::Question, "question", "A question"),
    LayerRow {
        closed: true,
        text: true,
        ..row(Layer::Palette, "palette", "Command palette")
    },
    LayerRow {
        closed: true,
        ..row(Layer::Labelling, "labelling", "Labelling")
    },
    row(Layer::Keypoints, "keypoints", "Key points"),
    row(Layer::Pictures, "pictures", "In the list of pictures"),
];

impl Layer {
    pub fn row(self) -> &'static LayerRow {
        &LAYERS[self as usize]
    }

    pub fn parse(name: &str) -> Option<Layer> {
        LAYERS.iter().find(|row| row.name == name).map(|row| row.layer)
    }
}

/// One binding.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    pub layer: Layer,
    pub chord: Chord,
    pub action: Action,
}

/// Every binding, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// What a key means, looked up through `layers`, innermost first. `None` where it means nothing.
    pub fn action(&self, chord: Chord, layers: &[Layer]) -> Option<Action> {
        if self.is_stop(chord) {
            return Some(Action::Stop);
        }
        for layer in layers {
            if let Some(action) = self.bound(chord, *layer) {
                return Some(action.clone());
            }
            let row = layer.row();
            if row.text
                && let Some(c) = chord.character()
            {
                return Some(Action::Type(c));
            }
            if row.closed {
                return None;
            }
        }
        self.bound(chord, Layer::Global).cloned()
    }

    /// The Stop keys work in every layer, before anything else.
    pub fn is_stop(&self, chord: Chord) -> bool {
        self.bound(chord, Layer::Global) == Some(&Action::Stop)
    }

    fn bound(&self, chord: Chord, layer: Layer) -> Option<&Action> {
        self.bindings
            .iter()
            .find(|b| b.layer == layer && b.chord == chord)
            .map(|b| &b.action)
    }

    /// The first key of an action as it can be reached through `layers`; for hints.
    pub fn key(&self, action: &Action, layers: &[Layer]) -> Option<Chord> {
        let reach = layers.iter().chain([&Layer::Global]);
        for layer in reach {
            let mine = self
                .bindings
                .iter()
                .filter(|b| b.layer == *layer && b.action == *action);
            for binding in mine {
                if self.action(binding.chord, layers).as_ref() == Some(action) {
                    return Some(binding.chord);
                }
            }
            if layer.row().closed && *action != Action::Stop {
                return None;
            }
        }
        self.bindings
            .iter()
            .find(|b| *action == Action::Stop && b.action == Action::Stop)
            .map(|b| b.chord)
    }

    /// Every binding of one layer, grouped by action in the order of the table.
    pub fn of(&self, layer: Layer) -> Vec<(&Action, Vec<Chord>)> {
        let mut groups: Vec<(&Action, Vec<Chord>)> = Vec::new();
        for binding in self.bindings.iter().filter(|b| b.layer == layer) {
            match groups.iter_mut().find(|(action, _)| **action == binding.action) {
                Some((_, chords)) => chords.push(binding.chord),
                None => groups.push((&binding.action, vec![binding.chord])),
            }
        }
        groups
    }

    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }
}
