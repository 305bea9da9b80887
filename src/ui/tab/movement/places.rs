//! Places to go to by name: orientations first, then saved positions.

use crate::action::Action;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::widget::list::Selection;
use crate::widget::picture::tell;
use engine::Command;
use model::StagePosition;
use model::kinematics::Orientation;

/// Names the rows in [`Action::Pick`].
pub const ZONE: &str = "places";

/// One row of the list.
pub enum Place<'a> {
    Orientation(Orientation),
    Saved(&'a StagePosition),
}

impl Place<'_> {
    pub fn name(&self) -> String {
        match self {
            Place::Orientation(orientation) => orientation.name().to_owned(),
            Place::Saved(position) => position.name.clone().unwrap_or_default(),
        }
    }
}

/// Every row: the orientations this stage has, and the saved positions.
pub fn places<'a>(cx: &'a Cx) -> Vec<Place<'a>> {
    let geometry = cx.snapshot.connection.as_ref().map(|c| &c.geometry);
    let has = |orientation: &Orientation| match orientation {
        // elsewhere it is the same as FIB
        Orientation::Fm => geometry.is_some_and(|g| g.is_compustage()),
        _ => geometry.is_some(),
    };
    let orientations = Orientation::ALL.into_iter().filter(has).map(Place::Orientation);
    orientations
        .chain(cx.snapshot.positions.iter().map(Place::Saved))
        .collect()
}

/// Which place is chosen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    pub selection: Selection,
}

impl Places {
    /// Moves the choice, or goes there; `None`: not the list's business.
    pub fn update(&mut self, action: &Action, cx: &Cx) -> Option<Vec<Effect>> {
        let places = places(cx);
        if *action == Action::Accept {
            let command = match places.get(self.selection.row)? {
                Place::Orientation(orientation) => Command::new("stage.orientation").with("name", orientation.name()),
                saved => Command::new("position.go").with("name", saved.name()),
            };
            return Some(vec![Effect::Send(command)]);
        }
        self.selection.update(action, ZONE, places.len(), 5).then(Vec::new)
    }

    /// Name of the saved position that is chosen.
    pub fn name(&self, cx: &Cx) -> Option<String> {
        places(cx)
            .get(self.selection.row)
            .filter(|place| matches!(place, Place::Saved(_)))
            .map(Place::name)
    }

    pub fn delete(&self, cx: &Cx) -> Vec<Effect> {
        match self.name(cx) {
            Some(name) => vec![Effect::Send(Command::new("position.remove").with("name", name))],
            None => vec![tell(
                "no saved position is chosen; nothing was deleted",
                "choose one in the list of places",
            )],
        }
    }
}
