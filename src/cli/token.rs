//! `token`: who may come in by the web door (`serve --http`).

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::{Args, Subcommand};
use engine::http::token::{Power, Tokens, file};
use serde_json::json;
use std::path::PathBuf;

/// Tokens of programs that use `serve --http`: make, list, revoke.
///
/// A token is shown once, when it is made; its file keeps only a hash. A revoked token is refused at once, also by a daemon that runs.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck token new nightly-script\n  fibdeck token new dashboard --read\n  fibdeck token revoke nightly-script"
)]
pub struct Token {
    #[command(subcommand)]
    verb: Verb,
    /// The file of tokens, if not the one of the settings.
    #[arg(long, value_name = "F", global = true)]
    token_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a token and show it.
    New {
        /// Whose it is: the client's name in the journal.
        name: String,
        /// It may only look, and stop.
        #[arg(long)]
        read: bool,
    },
    /// The tokens there are.
    List,
    /// Refuse a token from now on.
    Revoke { name: String },
}

impl Token {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let file = match &self.token_file {
            Some(file) => file.clone(),
            None => file(&globals.paths()?),
        };
        match &self.verb {
            Verb::New { name, read } => {
                let power = if *read { Power::Read } else { Power::Control };
                let made = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
                let token = Tokens::make(&file, name, power, made)?;
                output::line(&match globals.json {
                    true => json!({ "name": name, "power": power, "token": token }).to_string(),
                    false => token,
                })?;
            }
            Verb::List => {
                let tokens = Tokens::load(&file)?.tokens;
                for token in &tokens {
                    let power = if token.power == Power::Read { "read" } else { "control" };
                    output::line(&match globals.json {
                        true => json!({ "name": token.name, "power": token.power, "made": token.made }).to_string(),
                        false => format!("{:20} {power:8} {}", token.name, token.made),
                    })?;
                }
            }
            Verb::Revoke { name } => {
                if !Tokens::revoke(&file, name)? {
                    return Err(CliError::new(
                        Exit::Usage,
                        format!(
                            "there is no token `{}`; nothing was changed",
                            model::text::printable(name)
                        ),
                    ));
                }
            }
        }
        Ok(Exit::Done)
    }
}
