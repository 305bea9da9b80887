//! Needle positions by name: those the instrument remembers first, then the saved ones.

use super::{capabilities, needle};
use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::list::Selection;
use crate::widget::picture::tell;
use engine::Command;
use model::ManipulatorPosition;

/// Names the rows in [`Action::Pick`].
pub const ZONE: &str = "needle-positions";

/// One row of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub name: String,
    /// The instrument itself remembers it: the needle can be inserted there.
    pub own: bool,
    /// Where it is, as far as the console knows.
    pub at: Option<ManipulatorPosition>,
}

pub fn places(cx: &Cx) -> Vec<Place> {
    let saved = &cx.snapshot.needle_positions;
    let known = |name: &str| saved.iter().find(|(n, _)| n == name).map(|(_, at)| at.clone());
    let own = capabilities(cx).map(|caps| caps.saved.as_slice()).unwrap_or_default();
    let of_instrument = own.iter().map(|name| Place {
        at: known(name),
        name: name.clone(),
        own: true,
    });
    let others = saved.iter().filter(|(name, _)| !own.contains(name));
    let of_console = others.map(|(name, at)| Place {
        name: name.clone(),
        own: false,
        at: Some(at.clone()),
    });
    of_instrument.chain(of_console).collect()
}

/// Which position is chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Positions {
    pub selection: Selection,
}

impl Positions {
    /// Moves the choice, or goes there; `None`: not the list's business.
    pub fn update(&mut self, action: &Action, offset: [f64; 3], cx: &Cx) -> Option<Vec<Effect>> {
        let places = places(cx);
        if *action == Action::Accept {
            return Some(vec![go(places.get(self.selection.row)?, offset, cx)]);
        }
        self.selection.update(action, ZONE, places.len(), 5).then(Vec::new)
    }

    pub fn remove(&self, cx: &Cx) -> Vec<Effect> {
        match places(cx).get(self.selection.row) {
            Some(Place { name, at: Some(_), .. }) => vec![Effect::Send(
                Command::new("manipulator.remove").with("name", name.as_str()),
            )],
            Some(_) => vec![tell(
                "that position is the instrument's own; nothing was removed",
                "choose one that was saved here",
            )],
            None => vec![tell("there is no position to remove", "the save key saves one")],
        }
    }
}

/// In, while it is out and the instrument knows the place; there, while it is in.
fn go(place: &Place, offset: [f64; 3], cx: &Cx) -> Effect {
    if needle(cx).is_some_and(|needle| needle.inserted) {
        let names = ["dx", "dy", "dz"].into_iter().zip(offset);
        let command = Command::new("manipulator.go").with("name", place.name.as_str());
        let given = names.filter(|(_, by)| *by != 0.0);
        return Effect::Send(given.fold(command, |command, (name, by)| command.with(name, by)));
    }
    if place.own {
        return Effect::Send(Command::new("manipulator.insert").with("name", place.name.as_str()));
    }
    tell(
        "the needle is retracted: it is inserted to the instrument's own positions first; nothing moves",
        "choose one of those",
    )
}
