//! What every screen is started with, and the user's files it reads first.

use crate::Console;
use crate::keys::Keymap;
use crate::remembered::Remembered;
use crate::theme::{Theme, Themes};
use model::config::Paths;
use picture::{Choice, ColourDepth, Env};
use std::path::PathBuf;

/// What a screen is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// `--graphics`; `None` = as console.yaml says.
    pub graphics: Option<Choice>,
    /// `--theme`; `None` = the last one, or as console.yaml says.
    pub theme: Option<String>,
    /// Folders of the user's console.yaml, keys.yaml, theme.yaml and instruments, and of what is remembered.
    pub paths: Paths,
}

/// The user's files, read, and what in them cannot be used.
pub struct Files {
    pub options: Console,
    pub keymap: Keymap,
    pub themes: Themes,
    /// The theme to use: one whose colours this terminal has, without them where it has none.
    pub theme: Theme,
    pub no_colour: bool,
    pub choice: Choice,
    pub remembered: Remembered,
    pub problems: Vec<String>,
}

impl Setup {
    /// Where settings are remembered.
    pub(crate) fn state_file(&self) -> PathBuf {
        self.paths.data_dir.join("console-state.yaml")
    }

    /// Reads the user's files over those that are shipped.
    pub(crate) fn files(&self, env: &Env) -> Files {
        let (options, keymap, themes, mut problems) = own_files(&self.paths);
        let remembered = Remembered::parse(&std::fs::read_to_string(self.state_file()).unwrap_or_default());
        let choice = self.graphics.unwrap_or_else(|| {
            options.graphics.parse().unwrap_or_else(|error| {
                problems.push(format!("console.yaml: {error}; auto is used"));
                Choice::Auto
            })
        });
        let name = self
            .theme
            .clone()
            .or_else(|| remembered.text("theme").map(str::to_owned))
            .unwrap_or(options.theme.clone());
        let (theme, error) = themes.get(&suited(name, env.depth()));
        problems.extend(error.map(|error| error.to_string()));
        let no_colour = env.depth() == ColourDepth::Mono;
        Files {
            theme: if no_colour { theme.without_colour() } else { theme },
            options,
            keymap,
            themes,
            no_colour,
            choice,
            remembered,
            problems,
        }
    }
}

/// The user's console.yaml, keys.yaml and theme.yaml over the shipped ones, and what in them cannot be used.
fn own_files(paths: &Paths) -> (Console, Keymap, Themes, Vec<String>) {
    let read = |name: &str| std::fs::read_to_string(paths.config_file(name)).ok();
    let (options, console_errors) = Console::load(read("console.yaml").as_deref());
    let (keymap, key_errors) = Keymap::load(read("keys.yaml").as_deref());
    let (themes, theme_errors) = Themes::load(read("theme.yaml").as_deref());
    let mut problems: Vec<String> = console_errors.iter().map(ToString::to_string).collect();
    problems.extend(key_errors.iter().map(ToString::to_string));
    problems.extend(theme_errors.iter().map(ToString::to_string));
    (options, keymap, themes, problems)
}

/// What in the user's files of the console cannot be used, one sentence each.
pub fn problems(paths: &Paths) -> Vec<String> {
    own_files(paths).3
}

/// A theme whose colours this terminal has.
fn suited(theme: String, depth: ColourDepth) -> String {
    match depth {
        ColourDepth::Sixteen if ["dark", "light"].contains(&theme.as_str()) => "ansi".to_owned(),
        _ => theme,
    }
}
