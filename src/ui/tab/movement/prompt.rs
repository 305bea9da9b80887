//! One line of text, asked for in the tab: the name of a position, a file.

use crate::action::Action;
use crate::canvas::Canvas;
use crate::cx::Cx;
use crate::effect::Effect;
use crate::keys::Layer;
use crate::theme::Theme;
use crate::widget::line::{AskedLine, Typed};
use crate::widget::picture::tell;
use engine::Command;
use ratatui::layout::Rect;

/// What the text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Save,
    Rename,
    Import,
    Export,
    Capture,
    Restore,
}

impl Wanted {
    /// It concerns the chosen position.
    pub fn of_position(self) -> bool {
        self == Wanted::Rename
    }

    /// Title of the line, and the name of what is typed.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Wanted::Save => ("Save where the stage is", "name"),
            Wanted::Rename => ("Rename the position", "new name"),
            Wanted::Import => ("Import positions", "file"),
            Wanted::Export => ("Export positions to a new file", "file"),
            Wanted::Capture => ("Capture the state to a new file", "file"),
            Wanted::Restore => ("Restore a captured state", "file"),
        }
    }

    /// What is proposed.
    fn proposal(self, position: Option<&str>, cx: &Cx) -> String {
        let folder = std::path::Path::new(&cx.snapshot.session.folder);
        let in_session = |name: &str| folder.join(name).display().to_string();
        match self {
            Wanted::Save => format!("position-{}", cx.snapshot.positions.len() + 1),
            Wanted::Rename => position.unwrap_or_default().to_owned(),
            Wanted::Import => String::new(),
            Wanted::Export => in_session("positions.yaml"),
            Wanted::Capture | Wanted::Restore => in_session("microscope-state.yaml"),
        }
    }
}

/// The line while it is typed.
#[derive(Debug)]
pub struct Prompt {
    wanted: Wanted,
    position: Option<String>,
    line: AskedLine,
}

impl Prompt {
    pub fn new(wanted: Wanted, position: Option<String>, cx: &Cx) -> Prompt {
        let proposal = wanted.proposal(position.as_deref(), cx);
        Prompt {
            wanted,
            position,
            line: AskedLine::new(wanted.words().1, proposal),
        }
    }

    pub fn layer(&self) -> Layer {
        self.line.layer()
    }

    /// Handles a key; says whether the line is done with.
    pub fn update(&mut self, action: &Action) -> (bool, Vec<Effect>) {
        match self.line.update(action) {
            Typed::On => (false, Vec::new()),
            Typed::Left => (true, Vec::new()),
            Typed::Text(text) => (true, self.done(&text)),
        }
    }

    fn done(&self, text: &str) -> Vec<Effect> {
        if text.is_empty() {
            return vec![tell("nothing was typed; nothing was done", "type a name or a file")];
        }
        let command = match self.wanted {
            Wanted::Save => Command::new("position.save").with("name", text),
            Wanted::Rename if self.position.as_deref() == Some(text) => return Vec::new(),
            Wanted::Rename => {
                let name = self.position.clone().unwrap_or_default();
                Command::new("position.rename").with("name", name).with("to", text)
            }
            Wanted::Import => Command::new("position.import").with("path", text),
            Wanted::Export => Command::new("position.export").with("path", text),
            Wanted::Capture => Command::new("system.capture").with("path", text),
            Wanted::Restore => Command::new("system.restore").with("path", text),
        };
        vec![Effect::Send(command)]
    }

    pub fn draw(&self, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        self.line.draw(self.wanted.words().0, theme, area, canvas);
    }
}
