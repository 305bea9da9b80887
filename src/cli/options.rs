//! Options that every command takes, and the engine they describe.

use super::exit::{CliError, Exit};
use clap::{Args, ValueEnum};
use engine::core::{Engine, Options, Speed, lives_inside};
use model::config::{Instrument, Paths};
use std::io::IsTerminal;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

#[derive(Args, Clone, Debug)]
pub struct Globals {
    /// Instrument, by name or file; `replay:PATH` plays the pictures of a folder or a journal.
    #[arg(long, global = true, value_name = "NAME|FILE")]
    pub instrument: Option<String>,
    /// The digital twin, whatever is configured.
    #[arg(long, global = true)]
    pub demo: bool,
    /// Seed of the twin: the same seed gives the same specimen and the same noise.
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Specimen of the twin.
    #[arg(long, global = true, value_enum)]
    pub scene: Option<Scene>,
    /// Speed of the twin's clock: a factor, or `max` for virtual time.
    #[arg(long, global = true, value_name = "X|max", value_parser = speed)]
    pub speed: Option<Speed>,
    /// Faults of the twin: a file, or the name of a set.
    #[arg(long, global = true, value_name = "FILE|NAME")]
    pub faults: Option<String>,
    /// How pictures are shown in the terminal.
    #[arg(long, global = true, value_enum, default_value_t = Graphics::Auto)]
    pub graphics: Graphics,
    /// Theme of the console.
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// What is logged: error, warn, info, debug, trace, or a filter.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
    /// JSON on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// No messages and no progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Answer yes where a command wants a confirmation.
    #[arg(long, global = true)]
    pub yes: bool,
    /// Folder of the settings.
    #[arg(long, global = true, value_name = "DIR", env = "FIBDECK_CONFIG_DIR")]
    pub config_dir: Option<PathBuf>,
    /// Folder of sessions and logs.
    #[arg(long, global = true, value_name = "DIR", env = "FIBDECK_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Scene {
    Grid,
    Waffle,
    Bulk,
    Liftout,
}

impl Scene {
    pub fn word(self) -> &'static str {
        match self {
            Scene::Grid => "grid",
            Scene::Waffle => "waffle",
            Scene::Bulk => "bulk",
            Scene::Liftout => "liftout",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Graphics {
    Auto,
    Kitty,
    Iterm2,
    Sixel,
    Half,
    Braille,
    None,
}

impl Graphics {
    pub fn word(self) -> &'static str {
        match self {
            Graphics::Auto => "auto",
            Graphics::Kitty => "kitty",
            Graphics::Iterm2 => "iterm2",
            Graphics::Sixel => "sixel",
            Graphics::Half => "half",
            Graphics::Braille => "braille",
            Graphics::None => "none",
        }
    }
}

fn speed(text: &str) -> Result<Speed, String> {
    match text.parse::<f64>() {
        _ if text == "max" => Ok(Speed::Virtual),
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(Speed::Real(factor)),
        _ => Err("a factor above 0, or `max`".to_owned()),
    }
}

impl Globals {
    pub fn paths(&self) -> Result<Paths, CliError> {
        Paths::new(self.config_dir.as_deref(), self.data_dir.as_deref()).map_err(|e| CliError::new(Exit::Usage, e))
    }

    /// The instrument these options mean, and what was odd about its files.
    pub fn resolve(&self, paths: &Paths) -> Result<(Instrument, Vec<String>), CliError> {
        let layered = if self.recording().is_some() || self.demo && self.instrument.is_none() {
            model::config::paths::shipped("sim-grid")
        } else {
            paths.instrument(self.instrument.as_deref(), &[])
        };
        let layered = layered.map_err(|e| CliError::new(Exit::Usage, e))?;
        let problems = layered
            .problems
            .iter()
            .map(|p| format!("{}: {}", p.place, p.text))
            .collect();
        let mut instrument = layered.value;
        if self.demo {
            instrument.driver = "sim".to_owned();
        }
        if let Some(path) = self.recording() {
            let path = std::path::absolute(path).map_err(|e| CliError::new(Exit::Usage, e))?;
            let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
            instrument.driver = "replay".to_owned();
            instrument.info.name = name.unwrap_or_else(|| "replay".to_owned());
            instrument.info.ip_address = path.display().to_string();
        }
        if lives_inside(&instrument.driver) {
            if let Some(seed) = self.seed {
                instrument.twin.seed = seed;
            }
            if let Some(scene) = self.scene {
                instrument.twin.scene = scene.word().to_owned();
            }
        } else if self.seed.is_some() || self.scene.is_some() || self.speed.is_some() || self.faults.is_some() {
            return Err(CliError::new(
                Exit::Usage,
                "--seed, --scene, --speed and --faults belong to the digital twin; nothing was started; add --demo, or leave them out",
            ));
        }
        Ok((instrument, problems))
    }

    /// The folder or journal that is to be played as an instrument.
    fn recording(&self) -> Option<&str> {
        self.instrument.as_deref()?.strip_prefix("replay:")
    }

    /// These options describe a twin of this program's own, whatever daemon runs.
    pub fn wants_a_fresh_twin(&self) -> bool {
        self.recording().is_some()
            || self.demo
            || self.seed.is_some()
            || self.scene.is_some()
            || self.speed.is_some()
            || self.faults.is_some()
    }

    /// What an engine for these options is started with.
    pub fn engine_options(&self, connect: bool) -> Result<Options, CliError> {
        let paths = self.paths()?;
        let (instrument, problems) = self.resolve(&paths)?;
        if !self.quiet {
            for problem in problems {
                eprintln!("fibdeck: {problem}");
            }
        }
        Ok(Options {
            instrument,
            speed: self.speed.unwrap_or(Speed::Real(1.0)),
            faults: self.faults.clone(),
            paths,
            user: user(),
            connect,
        })
    }

    /// An engine on a fresh twin. A real instrument belongs to its daemon, and none answers: exit 6, never the twin.
    pub fn twin_engine(&self) -> Result<Engine, CliError> {
        let options = self.engine_options(false)?;
        if !lives_inside(&options.instrument.driver) {
            return Err(CliError::new(
                Exit::Connection,
                format!(
                    "no daemon answers for `{}`; nothing was sent; `fibdeck serve` starts one, `--demo` runs the command on the digital twin",
                    model::text::printable(&options.instrument.info.name)
                ),
            ));
        }
        Ok(engine::core::start(options)?)
    }
}

/// Who is working: the account and host, until somebody says better in the session settings.
pub fn user() -> model::frame::User {
    let from = |names: &[&str]| names.iter().find_map(|n| std::env::var(n).ok()).unwrap_or_default();
    model::frame::User {
        name: model::text::printable(&from(&["USER", "USERNAME", "LOGNAME"])),
        hostname: model::text::printable(&from(&["HOSTNAME", "COMPUTERNAME"])),
        ..Default::default()
    }
}

/// Messages of the program itself go to stderr, errors alone unless asked for more. Notices are left out: what a command came to is
/// told once, by the command.
pub fn log_to_stderr(globals: &Globals) {
    let level = globals
        .log
        .clone()
        .unwrap_or_else(|| if globals.quiet { "off" } else { "error,notice=off" }.to_owned());
    let filter = EnvFilter::try_new(&level).unwrap_or_else(|_| EnvFilter::new("error"));
    // a second subscriber in one process (tests) is refused and harmless
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
}
