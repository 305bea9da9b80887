//! The running screen: input and news come in, effects are done, frames go out.

use super::save::{Saved, Saver};
use super::{Effect, Labelling, Task};
use crate::display::{Display, Heard, News, Wishes, size, window};
use crate::keys::Chord;
use crate::{Setup, UiError};
use crossterm::event::{Event, KeyEventKind, MouseEvent, MouseEventKind};
use ndarray::Array2;
use picture::{Budget, Env, Graphics, Replies};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Within this a second press on the same cell is a double click.
const DOUBLE: Duration = Duration::from_millis(400);

/// Everything the loop hears.
enum Input {
    Display(News),
    Saved(Saved),
    Predicted {
        at: usize,
        result: Result<Array2<u8>, String>,
    },
    /// All is saved: turn to this picture.
    Turn(usize),
    /// All is saved: leave.
    Leave,
}

impl From<News> for Input {
    fn from(news: News) -> Input {
        Input::Display(news)
    }
}

/// Shows the screen until the user leaves. Blocks; to be called on the main thread. Errors: the terminal cannot be used, or something drawn could
/// not be saved.
pub fn run(task: Task, setup: &Setup) -> Result<(), UiError> {
    let env = Env::read(|name| std::env::var(name).ok());
    let files = setup.files(&env);
    let graphics = Graphics::decide(files.choice, &env, &Replies::default(), window());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(UiError::Start)?;
    let (inputs, inbox) = unbounded_channel();
    let wishes = Wishes {
        choice: files.choice,
        mouse: files.options.mouse,
        inks: files.theme.inks(),
        env: env.clone(),
    };
    let saved = inputs.clone();
    // the loop has ended when nobody takes it
    let saver = Saver::start(move |s| drop(saved.send(Input::Saved(s)))).map_err(UiError::Start)?;
    let (state, first) = Labelling::new(task, files, env.depth(), graphics.grid(&Budget::default()));
    let mut app = App {
        state,
        display: Display::open(wishes, &inputs)?,
        saver,
        inputs,
        pressed: None,
        dirty: true,
        leaving: false,
    };
    let result = runtime.block_on(app.run(inbox, first));
    let lost = app.state.lost();
    runtime.shutdown_background();
    app.display.close();
    match (result, lost) {
        (Ok(()), true) => Err(UiError::Unsaved),
        (result, _) => result,
    }
}

struct App {
    state: Labelling,
    display: Display,
    saver: Saver,
    inputs: UnboundedSender<Input>,
    /// Cell and time of the last press.
    pressed: Option<(u16, u16, Instant)>,
    /// Something may look different.
    dirty: bool,
    leaving: bool,
}

impl App {
    async fn run(&mut self, mut inbox: UnboundedReceiver<Input>, first: Vec<Effect>) -> Result<(), UiError> {
        // the first frame, before the terminal has answered anything
        self.draw();
        self.display.listen(&self.inputs);
        self.perform(first);
        while !self.leaving {
            let Some(input) = inbox.recv().await else { break };
            self.take(input)?;
            while let Ok(input) = inbox.try_recv() {
                self.take(input)?;
            }
            if self.dirty && self.display.is_idle() {
                self.draw();
            }
        }
        Ok(())
    }

    fn take(&mut self, input: Input) -> Result<(), UiError> {
        let effects = match input {
            Input::Display(news) => match self.display.hear(news)? {
                Heard::Event(event) => self.event(event),
                Heard::Probed(cell) => {
                    self.state.mouse_pixels(cell);
                    self.state.grid = self.display.grid();
                    Vec::new()
                }
                Heard::Painted => Vec::new(),
                Heard::Written(changed) => {
                    self.dirty |= changed;
                    return Ok(());
                }
                // what was drawn is saved all the same
                Heard::Leave => vec![Effect::Quit],
            },
            Input::Saved(saved) => {
                self.state.saved(saved);
                Vec::new()
            }
            Input::Predicted { at, result } => self.state.predicted(at, result),
            Input::Turn(at) => self.state.turned(at),
            Input::Leave => {
                self.leaving = self.state.leaves();
                Vec::new()
            }
        };
        self.dirty = true;
        self.perform(effects);
        Ok(())
    }

    fn event(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.state.key(Chord::from(key)),
            Event::Mouse(mouse) => {
                let again = self.again(mouse);
                self.state.mouse(mouse, again)
            }
            // the size is asked for at every draw
            _ => Vec::new(),
        }
    }

    fn again(&mut self, mouse: MouseEvent) -> bool {
        if !matches!(mouse.kind, MouseEventKind::Down(_)) {
            return false;
        }
        let (w, h) = (self.state.cell.0.max(1), self.state.cell.1.max(1));
        let (column, row, now) = (mouse.column / w, mouse.row / h, Instant::now());
        let same = |(c, r, at): &(u16, u16, Instant)| (*c, *r) == (column, row) && now.duration_since(*at) < DOUBLE;
        let again = self.pressed.take().is_some_and(|before| same(&before));
        // a third press begins anew
        self.pressed = (!again).then_some((column, row, now));
        again
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            let inputs = self.inputs.clone();
            match effect {
                Effect::Save(what) => self.saver.save(what),
                Effect::Turn(at) => self.saver.then(move || drop(inputs.send(Input::Turn(at)))),
                Effect::Quit => self.saver.then(move || drop(inputs.send(Input::Leave))),
                Effect::Predict { at, picture } => {
                    let Some(assist) = self.state.assist.clone() else {
                        continue;
                    };
                    tokio::task::spawn_blocking(move || {
                        let result = assist(&picture);
                        drop(inputs.send(Input::Predicted { at, result }));
                    });
                }
                Effect::Theme => self.display.inks(self.state.theme.inks()),
                Effect::Redraw => self.display.forget(),
            }
        }
    }

    fn draw(&mut self) {
        let mut canvas = self.state.draw(size());
        self.state.on_screen(&mut canvas);
        let pictures = canvas.placements.iter();
        let pictures = pictures
            .map(|(pane, key)| (*pane, key.clone(), Some(self.state.pixels.clone())))
            .collect();
        if self.display.show(canvas, pictures) {
            self.state.grid = self.display.grid();
        }
        self.dirty = false;
    }
}
