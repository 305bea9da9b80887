//! Pieces that several tabs draw: forms, aged values, lists, panes. A widget keeps no instrument state.

pub mod form;
pub mod list;
pub mod pane;
pub mod value;
