//! `attach` and `relay`: the console on a daemon, here or on another machine.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::{console, daemon};
use clap::Args;
use engine::remote::{Door, NoLine, Remote, relay};

/// Open the console on a running daemon.
///
/// `q` detaches: what runs there goes on. `ssh://[USER@]HOST[:PORT][/DATA-DIR]` goes through `ssh` and `fibdeck relay` on that
/// machine; pictures are drawn for the terminal you sit at.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck attach\n  fibdeck attach --read-only\n  fibdeck attach ssh://user@microscope-pc\n  fibdeck attach ssh://microscope-pc:2222/var/lib/fibdeck"
)]
pub struct Attach {
    /// Where; the daemon of the data folder without it.
    #[arg(value_name = "ssh://HOST")]
    place: Option<String>,
    /// Only watch: no command but stop is sent.
    #[arg(long)]
    read_only: bool,
}

impl Attach {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        console::need_terminal()?;
        let door = match &self.place {
            None => Door::Here(globals.paths()?),
            Some(place) => ssh(place)?,
        };
        match Remote::open(door, daemon::visitor("console", self.read_only)) {
            Ok(remote) => console::on(&remote, globals),
            Err(NoLine::NobodyThere) => Err(daemon::nobody().into()),
            Err(NoLine::Failed(failure)) => Err(failure.into()),
        }
    }
}

/// Pass stdin and stdout to the daemon of this machine: the far end of `attach ssh://`.
#[derive(Args)]
pub struct Relay {}

impl Relay {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match relay(&globals.paths()?) {
            Ok(()) => Ok(Exit::Done),
            Err(NoLine::NobodyThere) => Err(daemon::nobody().into()),
            Err(NoLine::Failed(failure)) => Err(failure.into()),
        }
    }
}

/// `ssh://[USER@]HOST[:PORT][/DATA-DIR]` as a door. Nothing of it can become an option or a command of its own.
fn ssh(place: &str) -> Result<Door, CliError> {
    let wrong = || {
        CliError::new(
            Exit::Usage,
            format!(
                "`{}` is no place to attach to: ssh://[USER@]HOST[:PORT][/DATA-DIR], of letters, digits and . _ - only",
                model::text::printable(place)
            ),
        )
    };
    let rest = place.strip_prefix("ssh://").ok_or_else(wrong)?;
    let (host, folder) = match rest.split_once('/') {
        Some((host, folder)) => (host, Some(format!("/{folder}"))),
        None => (rest, None),
    };
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().map_err(|_| wrong())?)),
        None => (host, None),
    };
    let plain = |text: &str, more: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || more.contains(c))
    };
    if !plain(host, "@") || !folder.as_deref().is_none_or(|f| plain(f, "/")) {
        return Err(wrong());
    }
    let options: Vec<String> = folder.into_iter().flat_map(|f| ["--data-dir".to_owned(), f]).collect();
    Ok(Door::ssh(host, port, &options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_cannot_smuggle_options_or_commands() {
        for bad in [
            "host",
            "ssh://",
            "ssh://-oProxyCommand=x",
            "ssh://a b",
            "ssh://a;b",
            "ssh://a:b",
            "ssh://a/$(x)",
            "ssh://a/b c",
        ] {
            assert!(ssh(bad).is_err(), "{bad}");
        }
        let Door::Through { program, args } = ssh("ssh://ann@host:2222/var/lib/fibdeck").unwrap() else {
            panic!("no ssh");
        };
        let tail = [
            "-p",
            "2222",
            "--",
            "ann@host",
            "fibdeck",
            "relay",
            "--data-dir",
            "/var/lib/fibdeck",
        ];
        assert_eq!(program, "ssh");
        assert!(args.ends_with(&tail.map(str::to_owned)), "{args:?}");
    }
}
