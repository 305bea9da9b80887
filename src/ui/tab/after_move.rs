//! "Acquire after every move": which commands are moves, and what is taken once one has ended.
//!
//! The switch belongs to the console, not to the engine: a script or another client moves without it. It acts when a move
//! that this console sent has ended well, in the tabs with pictures.

use crate::cx::Cx;
use crate::effect::Effect;
use engine::{Command, Failure};
use serde_json::Value;

/// Commands that leave the stage elsewhere. Jog steps are not among them: pictures come when jog mode ends.
const MOVES: &[&str] = &[
    "stage.move-absolute",
    "stage.move-relative",
    "stage.safe-move",
    "stage.stable-move",
    "stage.vertical-move",
    "stage.flat-to",
    "stage.orientation",
    "stage.milling-angle",
    "stage.center-on",
    "position.go",
    "system.restore",
];

/// Where the switch is kept.
const KEY: &str = "movement.acquire-after";

/// What there is to take: the word for `image.acquire`, and how it is shown.
const CHOICES: &[(&str, &str)] = &[
    ("off", "nothing"),
    ("electron", "SEM"),
    ("ion", "FIB"),
    ("both", "SEM and FIB"),
];

pub fn is_move(command: &Command) -> bool {
    MOVES.contains(&command.name.as_str())
}

fn chosen(cx: &Cx) -> usize {
    let kept = cx.remembered.text(KEY).unwrap_or("off");
    CHOICES.iter().position(|(word, _)| *word == kept).unwrap_or(0)
}

/// What is taken after a move, in words.
pub fn shown(cx: &Cx) -> &'static str {
    CHOICES[chosen(cx)].1
}

/// The next setting of the switch.
pub fn switch(cx: &Cx) -> Effect {
    let (word, _) = CHOICES[(chosen(cx) + 1) % CHOICES.len()];
    Effect::Remember {
        key: KEY.to_owned(),
        value: word.into(),
    }
}

/// The picture to take after a command of this console has ended.
pub fn ended(command: &Command, end: &Result<Value, Failure>, cx: &Cx) -> Vec<Effect> {
    if end.is_ok() && is_move(command) {
        picture(cx)
    } else {
        Vec::new()
    }
}

/// The picture the switch asks for.
pub fn picture(cx: &Cx) -> Vec<Effect> {
    match CHOICES[chosen(cx)].0 {
        "off" => Vec::new(),
        beam => vec![Effect::Send(Command::new("image.acquire").with("beam", beam))],
    }
}
