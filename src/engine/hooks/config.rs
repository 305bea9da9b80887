//! `hooks.yaml`: who is told what, and how.

use super::deliver::{FORMS, Form, Way};
use super::occasion::{Kind, Occasion};
use model::units;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// Shorter jobs end while somebody looks at them.
const LONG: Duration = Duration::from_secs(60);
/// How often a heart beats, unless told, and at most.
const EVERY: Duration = Duration::from_secs(60);
const EVERY_LEAST: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    pub hooks: Vec<Hook>,
    pub heartbeat: Option<Heartbeat>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    pub on: Vec<Kind>,
    /// Ends of jobs that took less are not told.
    pub longer_than: Duration,
    pub way: Way,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    pub url: String,
    pub every: Duration,
}

impl Hook {
    pub fn wants(&self, occasion: &Occasion) -> bool {
        let brief = occasion.took.is_some_and(|took| took < self.longer_than.as_secs_f64());
        self.on.contains(&occasion.kind) && !brief
    }
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    hooks: Vec<WrittenHook>,
    heartbeat: Option<WrittenHeartbeat>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenHook {
    on: Vec<Kind>,
    jobs_longer_than: Option<String>,
    run: Option<Vec<String>>,
    url: Option<String>,
    form: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenHeartbeat {
    url: String,
    every: Option<String>,
}

impl Config {
    /// Reads the file; without one there are no hooks. One that makes no sense is used in no part.
    pub fn load(file: &Path) -> Result<Config, String> {
        match std::fs::read_to_string(file) {
            Ok(text) => Config::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub fn parse(text: &str) -> Result<Config, String> {
        let written: Written = model::yaml::read(text).map_err(|e| e.to_string())?;
        let hooks = written.hooks.into_iter().enumerate();
        let hooks = hooks.map(|(n, hook)| hook.checked().map_err(|e| format!("hook {}: {e}", n + 1)));
        let heartbeat = written.heartbeat.map(WrittenHeartbeat::checked).transpose()?;
        Ok(Config {
            hooks: hooks.collect::<Result<_, _>>()?,
            heartbeat,
        })
    }
}

impl WrittenHook {
    fn checked(self) -> Result<Hook, String> {
        let way = match (self.run, self.url) {
            (Some(argv), None) if argv.first().is_some_and(|program| !program.trim().is_empty()) => {
                if self.form.is_some() {
                    return Err("`form` belongs to `url`".to_owned());
                }
                Way::Run(argv)
            }
            (None, Some(url)) => Way::Post {
                url: web(url)?,
                form: self.form.as_deref().map(form).transpose()?.unwrap_or(FORMS[0].0),
            },
            _ => return Err("either `run: [program, argument, ...]` or `url: https://...`".to_owned()),
        };
        Ok(Hook {
            on: self.on,
            longer_than: seconds(self.jobs_longer_than)?.unwrap_or(LONG),
            way,
        })
    }
}

impl WrittenHeartbeat {
    fn checked(self) -> Result<Heartbeat, String> {
        Ok(Heartbeat {
            url: web(self.url)?,
            every: seconds(self.every)?.unwrap_or(EVERY).max(EVERY_LEAST),
        })
    }
}

fn form(word: &str) -> Result<Form, String> {
    let known: Vec<&str> = FORMS.iter().map(|(form, ..)| form.word()).collect();
    let row = FORMS.iter().find(|(form, ..)| form.word() == word);
    row.map(|row| row.0)
        .ok_or_else(|| format!("`form` is one of {}", known.join(", ")))
}

fn web(url: String) -> Result<String, String> {
    match url.starts_with("https://") || url.starts_with("http://") {
        true => Ok(url),
        false => Err("an address begins with https:// or http://".to_owned()),
    }
}

/// `90 s`, `5 min` or a number of seconds.
fn seconds(text: Option<String>) -> Result<Option<Duration>, String> {
    let Some(text) = text else { return Ok(None) };
    let (number, factor) = match text.trim().strip_suffix("min") {
        Some(minutes) => (minutes.trim().to_owned(), 60.0),
        None => (text.clone(), 1.0),
    };
    let value = units::parse(&number, model::Unit::Second).map_err(|e| e.to_string())? * factor;
    Duration::try_from_secs_f64(value)
        .map(Some)
        .map_err(|_| format!("`{text}` is no length of time"))
}
