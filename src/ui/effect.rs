//! What a key press leads to: effects are data, and `app` is the only one who does them.

use crate::action::Action;
use engine::Command;
use model::Notice;
use std::path::PathBuf;

/// Something to be done. Tabs and popups return these; nothing else reaches the engine, the disk or the terminal.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a command. Commands that [`crate::asked`] lists are asked about first (`y`), whoever sends them; the tab that is
    /// open hears the end in [`crate::tab::Tab::ended`]. A failure is shown as a toast by the app: do not show it again.
    Send(Command),
    /// Send a command whose answer somebody wants to read: it is shown when it comes.
    Query(Command),
    /// Asked about and answered with yes: the effect inside is done without another question. Made by the confirmation alone.
    Confirmed(Box<Effect>),
    /// The red button. Goes out before anything else.
    Stop,
    /// Tell the person at the screen; kept in the notices popup of this console.
    Tell(Notice),
    /// Do what that action does, where the keys now go: actions chosen by name in the palette.
    Do(Action),
    /// Open a popup over (or a panel beside) the tab.
    Open(Popup),
    /// Close the innermost popup.
    Close,
    /// Put a file on the disk whole, off the loop; its end is told as a toast. `what` names it ("instrument file").
    Write {
        what: &'static str,
        path: PathBuf,
        bytes: Vec<u8>,
        how: Write,
    },
    /// Make an instrument's file from the answers of its form, `(key, text)` of [`model::config::FORM`], and make it the one
    /// that is used when none is named.
    CreateInstrument(Vec<(&'static str, String)>),
    /// Export the picture of a pane as PNG into the session's folder (the picture as it is placed on the screen).
    ExportPicture { slot: u8 },
    /// Keep a setting for the next start (`imaging.electron.hfw`); `state.yaml` in the data folder.
    Remember { key: String, value: serde_json::Value },
    /// Forget what is on the terminal and draw everything.
    Redraw,
    /// Switch to the theme after this one.
    NextTheme,
    /// Leave.
    Quit,
}

/// Whether a file may take the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Refused where the file exists.
    New,
    /// Over what is there.
    Replace,
}

/// The popups there are.
#[derive(Clone, Debug, PartialEq)]
pub enum Popup {
    Help,
    Notices,
    Jobs,
    /// The palette, with this text already typed.
    Palette(String),
    /// What a typed question was answered.
    Answer {
        command: String,
        answer: serde_json::Value,
    },
    /// Ask before these effects are done.
    Confirm(Ask),
    /// Ask before leaving, as long as something would end with it.
    Leave,
    Question,
}

/// A confirmation: what would be done, to what, and how bad a mistake would be. `y` does it, nothing is the default.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// One line: "Vent the chamber?"
    pub title: String,
    /// Target, current, time: what there is to check.
    pub lines: Vec<String>,
    pub danger: model::Danger,
    /// Done after `y`, without being asked about again.
    pub then: Vec<Effect>,
}
