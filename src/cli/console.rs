//! The console itself: an engine, here or elsewhere, and the screen on it.

use super::daemon;
use super::exit::{CliError, Exit};
use super::options::{Globals, Graphics};
use engine::Link;
use engine::remote::Remote;
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use ui::{Setup, UiOptions};

/// The console without another word: on the daemon where one answers or an instrument is configured, else on the twin.
pub fn run(globals: Globals) -> Result<Exit, CliError> {
    need_terminal()?;
    if let Some(remote) = daemon::visit(&globals, "console")? {
        return on(&remote, &globals);
    }
    let options = globals.engine_options(true)?;
    if !engine::core::lives_inside(&options.instrument.driver) {
        daemon::start(&globals, &options.paths, &options.instrument)?;
        return on(&daemon::need(&globals, "console")?, &globals);
    }
    let engine = engine::core::start(options)?;
    show(engine.link("console"), &globals, true)
}

/// The console on a daemon.
pub fn on(remote: &Remote, globals: &Globals) -> Result<Exit, CliError> {
    show(daemon::whole(remote)?, globals, false)
}

pub fn need_terminal() -> Result<(), CliError> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            "the console needs a terminal and there is none; nothing was started; `fibdeck --help` lists what works without one",
        ));
    }
    Ok(())
}

pub fn show(link: Link, globals: &Globals, owns_engine: bool) -> Result<Exit, CliError> {
    log_to_screen(globals);
    let screen = UiOptions {
        setup: setup(globals)?,
        start_tab: None,
        owns_engine,
    };
    ui::run(link, screen).map_err(CliError::failed)?;
    Ok(Exit::Done)
}

/// What the command line says about any screen.
pub fn setup(globals: &Globals) -> Result<Setup, CliError> {
    let graphics = match globals.graphics {
        Graphics::Auto => None,
        chosen => chosen.word().parse().ok(),
    };
    Ok(Setup {
        graphics,
        theme: globals.theme.clone(),
        paths: globals.paths()?,
    })
}

/// Everything that is traced goes to the Log tab: stderr is the screen's.
fn log_to_screen(globals: &Globals) {
    let level = globals.log.clone().unwrap_or_else(|| "info".to_owned());
    let filter = EnvFilter::try_new(&level).unwrap_or_else(|_| EnvFilter::new("info"));
    // a second subscriber in one process (tests) is refused and harmless
    let _ = tracing_subscriber::registry()
        .with(ui::log_layer().with_filter(filter))
        .try_init();
}
