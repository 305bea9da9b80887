//! One line of text, asked for in the tab: the file of a milling task.

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
    Load,
    Save,
}

#[derive(Debug)]
pub struct Prompt {
    wanted: Wanted,
    line: AskedLine,
}

impl Prompt {
    /// Proposes `proposal`, which may be empty.
    pub fn new(wanted: Wanted, proposal: String) -> Prompt {
        Prompt {
            wanted,
            line: AskedLine::new("file", proposal),
        }
    }

    /// A new file in the session's folder, named as the task.
    pub fn new_file(task: &str, cx: &Cx) -> String {
        let word = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
        let name: String = task.trim().chars().map(word).collect::<String>().to_lowercase();
        let folder = std::path::Path::new(&cx.snapshot.session.folder);
        folder.join(format!("{name}.yaml")).display().to_string()
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
        let command = match (text, self.wanted) {
            ("", _) => return vec![tell("no file was named; nothing was done", "type its path")],
            (path, Wanted::Save) => Command::new("milling.save").with("path", path),
            (text, Wanted::Load) => match text.split_once(" name=") {
                Some((path, name)) => Command::new(super::draft::LOAD)
                    .with("source", path.trim())
                    .with("name", name.trim()),
                None => Command::new(super::draft::LOAD).with("source", text),
            },
        };
        vec![Effect::Send(command)]
    }

    pub fn draw(&self, theme: &Theme, area: Rect, canvas: &mut Canvas) {
        let title = match self.wanted {
            Wanted::Load => "Load a milling task: FILE, or FILE name=TASK of a protocol",
            Wanted::Save => "Save the milling task to a new file",
        };
        self.line.draw(title, theme, area, canvas);
    }
}
