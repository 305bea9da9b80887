//! `doctor`: is everything there that fibdeck needs?

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::Args;
use picture::detect::{Choice, Env, Graphics, Replies};
use serde_json::{Value, json};
use std::path::Path;
use vision::model::Runtime;

/// Check folders, configuration, terminal and the twin, and say what to do about what is wrong.
#[derive(Args)]
pub struct Doctor {}

struct Finding {
    what: &'static str,
    good: bool,
    text: String,
}

impl Doctor {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let findings = vec![
            program(),
            folders(globals),
            instrument(globals),
            daemon(globals),
            console(globals),
            terminal(globals),
            eyes(globals),
            twin(globals),
        ];
        let good = findings.iter().all(|f| f.good);
        if globals.json {
            let list: Vec<Value> = findings
                .iter()
                .map(|f| json!({ "check": f.what, "ok": f.good, "text": f.text }))
                .collect();
            output::line(&json!({ "ok": good, "checks": list }).to_string())?;
        } else {
            for f in &findings {
                let sign = if f.good { "ok  " } else { "FAIL" };
                output::line(&format!("{sign}  {:10}  {}", f.what, model::text::printable(&f.text)))?;
            }
        }
        Ok(if good { Exit::Done } else { Exit::Failed })
    }
}

fn program() -> Finding {
    let text = format!(
        "fibdeck {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    Finding {
        what: "program",
        good: true,
        text,
    }
}

fn daemon(globals: &Globals) -> Finding {
    let (good, text) = match globals.paths() {
        Ok(paths) => (true, super::daemon::describe(&paths)),
        Err(error) => (false, error.text),
    };
    Finding {
        what: "daemon",
        good,
        text,
    }
}

fn console(globals: &Globals) -> Finding {
    let problems = match globals.paths() {
        Ok(paths) => ui::problems(&paths),
        Err(error) => vec![error.text],
    };
    Finding {
        what: "console",
        good: problems.is_empty(),
        text: match problems.is_empty() {
            true => "console.yaml, keys.yaml and theme.yaml can be used, or are not there".to_owned(),
            false => problems.join("; "),
        },
    }
}

fn folders(globals: &Globals) -> Finding {
    let paths = match globals.paths() {
        Ok(paths) => paths,
        Err(error) => {
            return Finding {
                what: "folders",
                good: false,
                text: error.text,
            };
        }
    };
    let absent = if paths.config_dir.is_dir() {
        ""
    } else {
        " (not there yet; made when needed)"
    };
    let text = format!(
        "settings {}{absent}, data {}",
        paths.config_dir.display(),
        paths.data_dir.display()
    );
    match writable(&paths.data_dir) {
        Ok(()) => Finding {
            what: "folders",
            good: true,
            text,
        },
        Err(error) => Finding {
            what: "folders",
            good: false,
            text: format!("{text}: the data folder cannot be written ({error}); choose another with --data-dir"),
        },
    }
}

/// Makes the folder if need be and writes a file into it, which is taken away again.
fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    std::fs::write(&probe, b"fibdeck")?;
    std::fs::remove_file(&probe)
}

fn instrument(globals: &Globals) -> Finding {
    let resolved = globals.paths().and_then(|paths| globals.resolve(&paths));
    match resolved {
        Ok((instrument, problems)) => {
            let name = &instrument.info.name;
            let tried = engine::core::driver_tried(&instrument.driver);
            let odd = if problems.is_empty() {
                String::new()
            } else {
                format!("; to note: {}", problems.join("; "))
            };
            let text = match tried {
                Some(tried) => format!("{name} by driver `{}` ({tried}){odd}", instrument.driver),
                None => format!(
                    "{name}: there is no driver `{}` in this fibdeck; --demo opens the digital twin{odd}",
                    instrument.driver
                ),
            };
            Finding {
                what: "instrument",
                good: tried.is_some(),
                text,
            }
        }
        Err(error) => Finding {
            what: "instrument",
            good: false,
            text: error.text,
        },
    }
}

fn terminal(globals: &Globals) -> Finding {
    let env = Env::read(|name| std::env::var(name).ok());
    let choice: Choice = globals.graphics.word().parse().unwrap_or_default();
    let graphics = Graphics::decide(choice, &env, &Replies::default(), None);
    let through = if env.tmux { " through tmux" } else { "" };
    let text = format!(
        "TERM={}{through}: pictures as {:?} before the terminal is asked, {:?} colours",
        if env.term.is_empty() { "(none)" } else { &env.term },
        graphics.protocol,
        env.depth()
    );
    Finding {
        what: "terminal",
        good: true,
        text,
    }
}

/// What finds features, and what computes it.
fn eyes(globals: &Globals) -> Finding {
    let found = super::detect::library(globals).and_then(|library| {
        let (runtime, doubt) = vision::model::runtime(&library).map_err(CliError::failed)?;
        let doubt = doubt.map_or_else(String::new, |doubt| format!(" ({doubt})"));
        let engine = match runtime {
            Runtime::BuiltIn => "the built-in engine".to_owned(),
            Runtime::Native(native) => format!("{} at {}", native.name(), native.path().display()),
        };
        let model = &library.settings.model;
        if ![model::carried::CLASSICAL, model::carried::AUTO].contains(&model.as_str()) {
            library.place(model).map_err(CliError::failed)?;
        }
        let models = library.list().len();
        Ok(format!(
            "{models} models, `{model}` unless named, networks by {engine}{doubt}"
        ))
    });
    Finding {
        what: "detection",
        good: found.is_ok(),
        text: found.unwrap_or_else(|error| error.text),
    }
}

/// Opens a twin, takes a small picture in virtual time, and leaves.
fn twin(globals: &Globals) -> Finding {
    let globals = Globals {
        demo: true,
        instrument: None,
        speed: Some(engine::core::Speed::Virtual),
        faults: None,
        quiet: true,
        ..globals.clone()
    };
    let taken = super::session::Session::open(&globals, "doctor", true).and_then(|session| {
        let command = engine::command::parse::line("image.acquire beam=electron resolution=384x256 save=false")?;
        Ok(session.run(command)?)
    });
    match taken {
        Ok(_) => Finding {
            what: "twin",
            good: true,
            text: "the digital twin connects and takes a picture".to_owned(),
        },
        Err(error) => Finding {
            what: "twin",
            good: false,
            text: error.text,
        },
    }
}
