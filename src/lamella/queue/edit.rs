//! Changes of a queue, also while it runs. What is under way or behind never moves.

use super::{Item, Queue};
use crate::experiment::{Lamella, Status};

/// Where an item goes among those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Front,
    End,
    Before(u64),
    After(u64),
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no item {0} in the queue")]
    NotFound(u64),
    #[error("item {0} no longer waits for its turn")]
    NotPending(u64),
    #[error("an item cannot go before or after itself")]
    Itself,
}

impl Queue {
    fn waiting(&self, id: u64) -> Result<usize, Refused> {
        let at = self
            .items
            .iter()
            .position(|item| item.id == id)
            .ok_or(Refused::NotFound(id))?;
        match self.items[at].status {
            Status::NotStarted => Ok(at),
            _ => Err(Refused::NotPending(id)),
        }
    }

    /// Where something put there comes to stand.
    fn index(&self, place: Place) -> Result<usize, Refused> {
        let waits = |item: &Item| item.status == Status::NotStarted;
        Ok(match place {
            Place::Front => self.items.iter().position(waits).unwrap_or(self.items.len()),
            Place::End => self.items.len(),
            Place::Before(id) => self.waiting(id)?,
            Place::After(id) => self.waiting(id)? + 1,
        })
    }

    /// Puts a task in, also one that is there already: it is done twice then. Its number.
    pub fn add(&mut self, lamella: &Lamella, task: &str, place: Place) -> Result<u64, Refused> {
        let at = self.index(place)?;
        let item = self.item_of(lamella, task);
        let id = item.id;
        self.items.insert(at, item);
        self.version += 1;
        Ok(id)
    }

    /// Takes an item out; it stays on the list as removed.
    pub fn remove(&mut self, id: u64) -> Result<(), Refused> {
        let at = self.waiting(id)?;
        self.items[at].status = Status::Removed;
        self.version += 1;
        Ok(())
    }

    /// Moves an item to another place.
    pub fn shift(&mut self, id: u64, place: Place) -> Result<(), Refused> {
        let from = self.waiting(id)?;
        if matches!(place, Place::Before(other) | Place::After(other) if other == id) {
            return Err(Refused::Itself);
        }
        let to = self.index(place)?;
        let item = self.items.remove(from);
        self.items.insert(if to > from { to - 1 } else { to }, item);
        self.version += 1;
        Ok(())
    }
}
