//! `completions` and `man`: made from the parser itself.

use super::Cli;
use super::exit::{CliError, Exit};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print the completion script of a shell.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck completions bash > ~/.local/share/bash-completion/completions/fibdeck")]
pub struct Completions {
    shell: Shell,
}

impl Completions {
    pub fn run(&self) -> Result<Exit, CliError> {
        clap_complete::generate(self.shell, &mut Cli::command(), "fibdeck", &mut std::io::stdout());
        Ok(Exit::Done)
    }
}

/// Print the manual page.
#[derive(Args)]
#[command(after_help = "Example:\n  fibdeck man | man -l -")]
pub struct Man {}

impl Man {
    pub fn run(&self) -> Result<Exit, CliError> {
        let mut command = Cli::command().name("fibdeck");
        command.build();
        let out = &mut std::io::stdout();
        clap_mangen::Man::new(command.clone())
            .render(out)
            .map_err(CliError::failed)?;
        for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
            clap_mangen::Man::new(sub.clone())
                .render_synopsis_section(out)
                .map_err(CliError::failed)?;
            clap_mangen::Man::new(sub.clone())
                .render_description_section(out)
                .map_err(CliError::failed)?;
            clap_mangen::Man::new(sub.clone())
                .render_options_section(out)
                .map_err(CliError::failed)?;
        }
        Ok(Exit::Done)
    }
}
