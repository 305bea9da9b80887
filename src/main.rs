//! fibdeck: a keyboard-driven terminal console for FIB-SEM microscopes, with a digital twin. Chooses a door; see `cli`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
