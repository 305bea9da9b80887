//! The console itself: an engine, and the screen on it.

use super::exit::{CliError, Exit};
use super::options::{Globals, Graphics};
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use ui::UiOptions;

pub fn run(globals: Globals) -> Result<Exit, CliError> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            "the console needs a terminal and there is none; nothing was started; `fibdeck --help` lists what works without one",
        ));
    }
    log_to_screen(&globals);
    let options = globals.engine_options(true)?;
    let paths = options.paths.clone();
    let engine = engine::core::start(options)?;
    let graphics = match globals.graphics {
        Graphics::Auto => None,
        chosen => chosen.word().parse().ok(),
    };
    let screen = UiOptions {
        graphics,
        theme: globals.theme.clone(),
        start_tab: None,
        paths,
        owns_engine: true,
    };
    ui::run(engine.link("console"), screen).map_err(CliError::failed)?;
    Ok(Exit::Done)
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
