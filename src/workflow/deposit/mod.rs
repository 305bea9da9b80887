//! Laying matter down: cryo deposition from a gas injector, sputter coating.
//!
//! Source: openFIBSEM's two cryo depositions (one for a multichem, one for single ports; both settings formats are read) and its
//! sputter coater. What was opened is closed, what was heated cooled and what was inserted retracted on any exit: each is owed
//! before it is done; what was left in all the same is taken out by `retract`. Deposition at a pattern is milling with gas: see the milling room.

mod cryo;
mod retract;
mod sputter;

pub(crate) use cryo::open;
pub use cryo::{Cryo, Deposited, cryo};
pub use retract::{Retract, retract};
pub use sputter::{Coated, Sputter, sputter};
