//! A cat on the keyboard: random keys, clicks and pastes. Nothing irreversible goes out without its question and its `y`.

use crate::action::Action;
use crate::asked;
use crate::effect::Effect;
use crate::keys::{Chord, Layer};
use crate::sample::{asking, connected, disconnected, handy, state, working};
use crate::state::UiState;
use crate::tab::TABS;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use engine::{Command, Snapshot};
use model::Danger;
use ratatui::layout::Rect;
use std::sync::atomic::{AtomicU64, Ordering};

/// A small generator of its own, so that a failing run can be repeated by its number alone.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

/// Keys, clicks and pastes of a usual test run, and of one console. `FIBDECK_KEYS=1000000` for more of them.
const USUAL: u64 = 12_000;
const A_WHILE: u64 = 400;

const KEYS: &[&str] = &[
    "Enter",
    "Esc",
    "Tab",
    "Shift-Tab",
    "Space",
    "Backspace",
    "Del",
    "Up",
    "Down",
    "Left",
    "Right",
    "PgUp",
    "PgDn",
    "Home",
    "End",
    "F1",
    "F2",
    "F5",
    "F6",
    "F9",
    "F11",
    "Ctrl-a",
    "Ctrl-e",
    "Ctrl-t",
    "Ctrl-u",
    "Ctrl-g",
    "Ctrl-Right",
    "Ctrl-Left",
    "Ctrl-l",
    "Alt-Enter",
    "Shift-Up",
];

fn key(dice: &mut Dice) -> Chord {
    let word = match dice.roll(3) {
        0 => KEYS[dice.roll(KEYS.len())].to_owned(),
        _ => char::from(b'!' + dice.roll(94) as u8).to_string(),
    };
    word.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn mouse(dice: &mut Dice, screen: Rect) -> MouseEvent {
    let left = MouseButton::Left;
    let kinds = [
        MouseEventKind::Down(left),
        MouseEventKind::Down(left),
        MouseEventKind::Up(left),
        MouseEventKind::Drag(left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
        MouseEventKind::Down(MouseButton::Right),
    ];
    let modifiers = if dice.roll(4) == 0 {
        KeyModifiers::ALT
    } else {
        KeyModifiers::NONE
    };
    let (column, row) = (
        dice.roll(usize::from(screen.width) + 3) as u16,
        dice.roll(usize::from(screen.height) + 3) as u16,
    );
    MouseEvent {
        kind: kinds[dice.roll(kinds.len())],
        column,
        row,
        modifiers,
    }
}

/// Would this have been asked about, from wherever it was sent?
fn wants_yes(command: &Command, ui: &UiState, snapshot: &Snapshot) -> bool {
    asked::before(command, &ui.desk.cx(snapshot)).is_some()
}

fn confirms(ui: &UiState) -> bool {
    ui.dialogs.last().is_some_and(|dialog| dialog.layer() == Layer::Confirm)
}

fn stir(seed: u64, events: usize, snapshot: &Snapshot, yes: bool) -> usize {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut ui = state(TABS[dice.roll(TABS.len())].id, snapshot);
    let mut confirmed = 0;
    let mut screen = Rect::new(0, 0, 120, 40);
    for n in 0..events {
        let asks = confirms(&ui);
        let mut said_yes = false;
        let effects = match dice.roll(12) {
            0 => ui.paste(
                ["y", "chamber.vent", "\u{1b}[24~", "y\ny\ny", "5mm"][dice.roll(5)],
                snapshot,
            ),
            1..4 => {
                let event = mouse(&mut dice, screen);
                ui.mouse(event, n as f64 * 0.1, snapshot)
            }
            _ => {
                let chord = key(&mut dice);
                said_yes = asks && ui.desk.keymap.action(chord, &[Layer::Confirm]) == Some(Action::Yes);
                if said_yes && !yes {
                    continue;
                }
                ui.key(chord, snapshot)
            }
        };
        for effect in effects {
            if let Effect::Send(command) = effect {
                let row = engine::command::rows().find(|row| row.name == command.name);
                let danger = row
                    .map(|row| row.danger)
                    .unwrap_or_else(|| panic!("there is no {}", command.name));
                // a short step of the needle, not towards the sample, is the one thing near it that goes unasked
                let needle_step = command.name.starts_with("manipulator.move-");
                if wants_yes(&command, &ui, snapshot) || danger == Danger::Sample && !needle_step {
                    assert!(said_yes, "seed {seed}, event {n}: {command:?} went out unasked");
                    confirmed += 1;
                }
                let id = ui.sent(&command);
                ui.ended(id, &Ok(serde_json::Value::Null), snapshot);
            }
        }
        if n % 50 == 0 {
            screen = [
                Rect::new(0, 0, 120, 40),
                Rect::new(0, 0, 80, 24),
                Rect::new(0, 0, 20, 5),
            ][dice.roll(3)];
        }
        if n % 3 == 0 {
            ui.refresh(snapshot);
            let mut canvas = ui.draw(snapshot, screen);
            ui.on_screen(&mut canvas);
        }
        ui.tick(snapshot);
    }
    confirmed
}

#[test]
fn a_cat_never_gets_anything_irreversible_out_without_a_y() {
    let snapshots = [disconnected(), connected(), working(), asking(), handy()];
    let events = std::env::var("FIBDECK_KEYS").ok().and_then(|n| n.parse().ok());
    let (next, last) = (AtomicU64::new(1), events.unwrap_or(USUAL).div_ceil(A_WHILE));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > last {
                return;
            }
            assert_eq!(stir(seed, A_WHILE as usize, &snapshots[seed as usize % 5], false), 0);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

#[test]
fn with_a_y_it_does_so_the_soup_reaches_the_questions() {
    let snapshot = connected();
    let confirmed: usize = (100..=112).map(|seed| stir(seed, 500, &snapshot, true)).sum();
    assert!(confirmed > 0);
}
