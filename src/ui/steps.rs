//! The way to the first steps: what the message line says while nothing else is to be said. On the twin it leads from the first
//! picture over the first move to the first cut, each until it was done once; on an instrument it names the first picture's key
//! while there is no picture.

use crate::action::Action;
use crate::cx::Cx;
use crate::keys::Layer;
use crate::tab::{after_move, imaging};
use engine::Command;
use serde_json::Value;

/// One thing a new user learns.
struct Step {
    /// The word it is remembered by.
    name: &'static str,
    done: fn(&Command) -> bool,
    /// How to do it; fits 80 columns with the shipped keys.
    words: fn(&Cx) -> String,
}

const STEPS: &[Step] = &[
    Step {
        name: "picture",
        // the look the console takes by itself taught nobody its key
        done: |command| takes_picture(command) && *command != imaging::first_look(),
        words: picture,
    },
    Step {
        name: "move",
        done: after_move::is_move,
        words: |cx| {
            format!(
                "first move: arrows set a cursor in the picture, {} moves the stage there",
                key(cx, &Action::MoveHere, Layer::Picture)
            )
        },
    },
    Step {
        name: "cut",
        done: |command| ["milling.run", "milling.continue"].contains(&command.name.as_str()),
        words: |cx| {
            format!(
                "first cut: {} Milling, then {} adds a stage and {} asks before it mills",
                key(cx, &Action::TabMilling, Layer::Global),
                key(cx, &Action::AddStage, Layer::Milling),
                key(cx, &Action::MillTask, Layer::Milling)
            )
        },
    },
];

fn takes_picture(command: &Command) -> bool {
    let looks =
        command.name == "detect.features" && !["file", "last"].iter().any(|key| command.args.contains_key(*key));
    command.name == "image.acquire" || looks
}

/// Where it is remembered which were done.
pub const KEPT: &str = "first-steps";

/// The next step for this user, if one is left.
pub fn next(cx: &Cx) -> Option<String> {
    let connection = cx.snapshot.connection.as_ref()?;
    if cx.snapshot.frames.is_empty() {
        return Some(picture(cx));
    }
    let left = |step: &&Step| !done(cx.remembered.get(KEPT)).contains(&step.name);
    let step = STEPS.iter().find(left).filter(|_| connection.capabilities.simulated)?;
    Some((step.words)(cx))
}

/// What is to be remembered under [`KEPT`] once `command` has ended well; `None`: nothing new.
pub fn learnt(command: &Command, kept: Option<&Value>) -> Option<Value> {
    let mut done = done(kept);
    let step = STEPS.iter().find(|step| (step.done)(command))?;
    if done.contains(&step.name) {
        return None;
    }
    done.push(step.name);
    Some(done.into())
}

fn done(kept: Option<&Value>) -> Vec<&'static str> {
    let words = kept.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_in = |step: &&Step| words.iter().any(|word| word == step.name);
    STEPS.iter().filter(is_in).map(|step| step.name).collect()
}

fn picture(cx: &Cx) -> String {
    format!(
        "first picture: {}, in {} Imaging; {} for the other beam, {} shows every key",
        key(cx, &Action::Acquire, Layer::Imaging),
        key(cx, &Action::TabImaging, Layer::Global),
        key(cx, &Action::NextPane, Layer::Imaging),
        key(cx, &Action::Help, Layer::Global)
    )
}

fn key(cx: &Cx, action: &Action, layer: Layer) -> String {
    cx.keymap
        .key(action, &[layer])
        .map(|chord| chord.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::sample;
    use crate::state::UiState;
    use crate::tab::{TabId, imaging};
    use engine::{Command, Snapshot};
    use ratatui::layout::Rect;
    use serde_json::json;

    /// The line of the first step, or nothing.
    fn line(ui: &UiState, s: &Snapshot) -> String {
        let shown = sample::shown(&ui.draw(s, Rect::new(0, 0, 80, 24)));
        shown
            .lines()
            .find(|line| line.contains(" i first "))
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn each_step_is_named_until_it_was_done_once() {
        let mut s = sample::connected();
        s.frames.push_back(sample::frame(1, None));
        let mut ui = sample::state(TabId::Imaging, &s);
        ui.desk.remembered.set(super::KEPT, json!([]));
        let end = |ui: &mut UiState, command: Command| {
            let id = ui.sent(&command);
            ui.ended(id, &Ok(json!({})), &s);
            line(ui, &s)
        };
        let look = Command::new("detect.features").with("beam", "ion");
        for nothing_taken in [imaging::first_look(), look.clone().with("last", true)] {
            assert!(end(&mut ui, nothing_taken).contains("first picture: F2, in 2 Imaging; Tab for"));
        }
        assert!(end(&mut ui, look).contains("first move: arrows set a cursor in the picture, Enter moves"));
        assert!(end(&mut ui, Command::new("stage.stable-move")).contains("first cut: 4 Milling, then a adds"));
        assert_eq!(end(&mut ui, Command::new("milling.run")), "");
        assert_eq!(
            ui.desk.remembered.get(super::KEPT),
            Some(&json!(["picture", "move", "cut"]))
        );
    }
}
