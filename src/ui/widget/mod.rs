//! Pieces that several tabs draw: forms, aged values, lists, panes. A widget keeps no instrument state.

pub mod filmstrip;
pub mod form;
pub mod histogram;
pub mod line;
pub mod list;
pub mod pane;
pub mod picture;
pub mod value;
