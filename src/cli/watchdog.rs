//! `watchdog`: the process that `serve` starts beside itself; nobody types this.

use super::exit::{CliError, Exit};
use clap::Args;
use engine::watchdog;
use std::io::BufReader;

/// Stop the instrument when the engine on stdin dies or hangs at work.
#[derive(Args)]
pub struct Watchdog {}

impl Watchdog {
    pub fn run(&self) -> Result<Exit, CliError> {
        let input = BufReader::new(std::io::stdin());
        watchdog::run(input, std::io::stdout(), watchdog::open, watchdog::LIMIT);
        Ok(Exit::Done)
    }
}
