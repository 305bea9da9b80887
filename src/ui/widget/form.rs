//! A form: rows of label and value; the selected one can be edited.
//!
//! While a field is edited it takes text with any unit, shows its range, arrows step by a sensible digit, `Esc` puts the old
//! value back and `Enter` takes the new one if it is one. Taking a value changes nothing here: the owner gets
//! [`Outcome::Set`], sends what it must, and the row shows the new value when the snapshot does ([`Form::set`]).
//!
//! ```text
//! let mut form = Form::new("imaging", vec![
//!     Field::new("hfw", "field", Kind::length(1e-6, 900e-6)),
//!     Field::new("autocontrast", "autocontrast", Kind::Bool),
//! ]);
//! form.set("hfw", Value::Number(150e-6));            // in Tab::refresh, from the snapshot
//! match form.update(action) {                        // in Tab::update
//!     Outcome::Set { key, value } => ...,            // send a command
//!     Outcome::Handled => return vec![],
//!     Outcome::Ignored => ...,                       // not the form's business
//! }
//! vec![form.layer(), Layer::Imaging]                 // in Tab::layers, while the form has the focus
//! form.draw(focus, theme, area, canvas);             // in Tab::draw
//! ```

mod draw;
mod edit;
#[cfg(test)]
mod tests;

use crate::action::Action;
use crate::keys::Layer;
use edit::Edit;
use model::{Unit, Value};

/// What a field takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A quantity in its unit's SI base. `choices` are the discrete values there are, in rising order; empty = any in range.
    Number {
        unit: Unit,
        low: f64,
        high: f64,
        choices: Vec<f64>,
    },
    /// A whole number.
    Count {
        low: u32,
        high: u32,
    },
    Bool,
    Text,
    /// One of these words.
    Choice(Vec<String>),
    /// Width x height in pixels; the sizes to step through, or any.
    Size(Vec<(u32, u32)>),
    /// Does something when it is chosen: [`Outcome::Set`] with true.
    Button,
    /// Shown, not edited.
    Shown,
}

impl Kind {
    pub fn number(unit: Unit, low: f64, high: f64) -> Kind {
        Kind::Number {
            unit,
            low,
            high,
            choices: Vec::new(),
        }
    }

    /// A length, m.
    pub fn length(low: f64, high: f64) -> Kind {
        Kind::number(Unit::Metre, low, high)
    }
}

/// One row.
#[derive(Clone, Debug)]
pub struct Field {
    pub key: &'static str,
    pub label: &'static str,
    pub kind: Kind,
    /// `Value::Null` is shown as `--`.
    pub value: Value,
    /// A change was sent and has not arrived: shown with `…`.
    pub pending: bool,
    /// Old value: shown grey.
    pub stale: bool,
    /// Said beside the range while it is edited.
    pub doc: &'static str,
}

impl Field {
    pub fn new(key: &'static str, label: &'static str, kind: Kind) -> Field {
        Field {
            key,
            label,
            kind,
            value: Value::Null,
            pending: false,
            stale: false,
            doc: "",
        }
    }

    pub fn doc(mut self, doc: &'static str) -> Field {
        self.doc = doc;
        self
    }

    pub fn value(mut self, value: Value) -> Field {
        self.value = value;
        self
    }
}

/// What an action came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Not the form's business.
    Ignored,
    /// Selection, text, nothing more.
    Handled,
    /// The user wants this value.
    Set { key: &'static str, value: Value },
}

/// The rows, which one is selected, and what is being typed.
#[derive(Clone, Debug)]
pub struct Form {
    /// Names the rows in [`Action::Pick`].
    zone: &'static str,
    fields: Vec<Field>,
    selected: usize,
    edit: Option<Edit>,
}

impl Form {
    pub fn new(zone: &'static str, fields: Vec<Field>) -> Form {
        Form {
            zone,
            fields,
            selected: 0,
            edit: None,
        }
    }

    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&Field> {
        self.fields.get(self.selected)
    }

    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// For kinds, ages and pending marks; use [`Form::set`] for values.
    pub fn field_mut(&mut self, key: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.key == key)
    }

    /// Brings a row up to date; text that is being typed there stays.
    pub fn set(&mut self, key: &str, value: Value) {
        if let Some(field) = self.field_mut(key) {
            field.value = value;
        }
    }

    /// Other rows (another beam, another instrument); an edit goes on where its row still exists.
    pub fn replace(&mut self, fields: Vec<Field>) {
        let key = self.selected().map(|field| field.key);
        let at = fields.iter().position(|field| Some(field.key) == key);
        if at.is_none() || at.is_some_and(|at| self.fields[self.selected].kind != fields[at].kind) {
            self.edit = None;
        }
        self.selected = at.unwrap_or(0);
        self.fields = fields;
    }

    /// A field is being edited.
    pub fn editing(&self) -> bool {
        self.edit.is_some()
    }

    /// [`Layer::Field`] while a field is edited, else [`Layer::Form`].
    pub fn layer(&self) -> Layer {
        if self.editing() { Layer::Field } else { Layer::Form }
    }

    /// The next keys of the form; the owner appends its own.
    pub fn next(&self) -> Vec<Action> {
        match (&self.edit, self.selected().map(|f| &f.kind)) {
            (Some(_), _) => vec![
                Action::Accept,
                Action::Up,
                Action::Down,
                Action::NextField,
                Action::Close,
            ],
            (None, None | Some(Kind::Shown)) => vec![Action::Up, Action::Down],
            (None, Some(_)) => vec![Action::Accept, Action::Up, Action::Down],
        }
    }

    /// Starts editing a row.
    pub fn edit(&mut self, key: &str) {
        if let Some(at) = self.fields.iter().position(|field| field.key == key) {
            self.selected = at;
            self.begin();
        }
    }

    /// Puts the old value back and ends editing.
    pub fn abandon(&mut self) {
        self.edit = None;
    }

    pub fn update(&mut self, action: &Action) -> Outcome {
        match self.edit {
            Some(_) => self.edit_action(action),
            None => self.select_action(action),
        }
    }

    fn select_action(&mut self, action: &Action) -> Outcome {
        let last = self.fields.len().saturating_sub(1);
        match action {
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::Down => self.selected = (self.selected + 1).min(last),
            Action::Home | Action::PageUp => self.selected = 0,
            Action::End | Action::PageDown => self.selected = last,
            Action::Pick { zone, row } if *zone == self.zone => {
                if self.selected == *row {
                    return self.begin();
                }
                self.selected = (*row).min(last);
            }
            Action::Accept => return self.begin(),
            _ => return Outcome::Ignored,
        }
        Outcome::Handled
    }

    /// A switch is thrown at once, everything else is edited.
    fn begin(&mut self) -> Outcome {
        let Some(field) = self.fields.get(self.selected) else {
            return Outcome::Ignored;
        };
        match field.kind {
            Kind::Shown => {}
            Kind::Button => {
                return Outcome::Set {
                    key: field.key,
                    value: Value::Bool(true),
                };
            }
            Kind::Bool => {
                let on = field.value.as_bool().unwrap_or(false);
                return Outcome::Set {
                    key: field.key,
                    value: Value::Bool(!on),
                };
            }
            _ => self.edit = Some(Edit::new(field)),
        }
        Outcome::Handled
    }

    fn edit_action(&mut self, action: &Action) -> Outcome {
        let Some(edit) = &mut self.edit else {
            return Outcome::Ignored;
        };
        let Some(field) = self.fields.get(self.selected) else {
            return Outcome::Ignored;
        };
        match action {
            Action::Close => self.edit = None,
            Action::Accept => return self.take(0),
            Action::NextField => return self.take(1),
            Action::PreviousField => return self.take(-1),
            // a click elsewhere must not throw typed text away
            Action::Pick { zone, row } if *zone == self.zone && *row != self.selected => {
                let outcome = self.take(0);
                if self.edit.is_none() {
                    self.selected = *row;
                }
                return outcome;
            }
            other => {
                if !edit.update(other, &field.kind) {
                    return Outcome::Ignored;
                }
            }
        }
        Outcome::Handled
    }

    /// Takes the typed value if it is one and moves on by `step` rows.
    fn take(&mut self, step: isize) -> Outcome {
        let (Some(edit), Some(field)) = (&mut self.edit, self.fields.get(self.selected)) else {
            return Outcome::Ignored;
        };
        let value = match edit.value(&field.kind) {
            Ok(value) => value,
            Err(error) => {
                edit.error = Some(error);
                return Outcome::Handled;
            }
        };
        let outcome = match edit.changed() {
            true => Outcome::Set { key: field.key, value },
            false => Outcome::Handled,
        };
        self.edit = None;
        if step != 0 {
            let last = self.fields.len().saturating_sub(1);
            self.selected = self.selected.saturating_add_signed(step).min(last);
            if !matches!(self.fields[self.selected].kind, Kind::Bool | Kind::Button | Kind::Shown) {
                self.begin();
            }
        }
        outcome
    }
}
