//! The console itself: an engine, and the screen on it.

use super::exit::{CliError, Exit};
use super::options::Globals;
use std::io::IsTerminal;

pub fn run(globals: Globals) -> Result<Exit, CliError> {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(CliError::new(
            Exit::Usage,
            "the console needs a terminal and there is none; nothing was started; `fibdeck --help` lists what works without one",
        ));
    }
    Ok(Exit::Done)
}
