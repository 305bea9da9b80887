//! The daemon as the other commands see it: is there one, is it the right one, and starting one.

use super::exit::{CliError, Exit};
use super::options::{Globals, user};
use engine::remote::{Door, NoLine, Remote, Visitor};
use engine::serve::{hold, socket};
use engine::{Failure, Link};
use model::config::{Instrument, Paths};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon that was just started may take to answer.
const START: Duration = Duration::from_secs(20);
/// How often it is looked for meanwhile.
const AGAIN: Duration = Duration::from_millis(20);

pub fn visitor(name: &str, read_only: bool) -> Visitor {
    // who came through ssh to this machine is told by where they sit, too
    let from = std::env::var("SSH_CONNECTION").unwrap_or_default();
    let address = from.split(' ').next().unwrap_or_default();
    let user = user().name;
    Visitor {
        name: name.to_owned(),
        user: match address {
            "" => user,
            address => format!("{user}@{address}"),
        },
        read_only,
    }
}

/// The line to the daemon that these options mean; `None` where none answers, or where a fresh twin is meant.
pub fn visit(globals: &Globals, name: &str) -> Result<Option<Remote>, CliError> {
    if globals.wants_a_fresh_twin() {
        return Ok(None);
    }
    let paths = globals.paths()?;
    let remote = match Remote::open(Door::Here(paths.clone()), visitor(name, false)) {
        Ok(remote) => remote,
        Err(NoLine::NobodyThere) => return Ok(None),
        Err(NoLine::Failed(failure)) => return Err(failure.into()),
    };
    let (instrument, _) = globals.resolve(&paths)?;
    let there = &remote.welcome().instrument;
    let configured = globals.instrument.is_some() || paths.chosen().ok().flatten().is_some();
    if !configured || *there == instrument.info.name {
        return Ok(Some(remote));
    }
    if engine::core::lives_inside(&instrument.driver) {
        return Ok(None);
    }
    Err(CliError::new(
        Exit::Connection,
        format!(
            "the daemon of this data folder owns `{}`, not `{}`; nothing was sent; end it first, or name another --data-dir",
            model::text::printable(there),
            model::text::printable(&instrument.info.name)
        ),
    ))
}

/// As [`visit`], for what makes no sense without a daemon.
pub fn need(globals: &Globals, name: &str) -> Result<Remote, CliError> {
    visit(globals, name)?.ok_or_else(|| CliError::from(nobody()))
}

pub fn nobody() -> Failure {
    Failure::new(
        model::ErrorKind::NotConnected,
        "no daemon answers; nothing was sent",
        "`fibdeck serve` starts one",
    )
}

/// A daemon that speaks another protocol can be asked for its state and stopped, and nothing else.
pub fn whole(remote: &Remote) -> Result<Link, CliError> {
    if !remote.is_limited() {
        return Ok(remote.link());
    }
    let there = remote.welcome();
    Err(CliError::new(
        Exit::Connection,
        format!(
            "the daemon is fibdeck {} and speaks protocol {}, this is {} with {}: `fibdeck status` and `fibdeck stop` work; for the rest use its version",
            model::text::printable(&there.program),
            there.protocol,
            env!("CARGO_PKG_VERSION"),
            engine::wire::PROTOCOL
        ),
    ))
}

/// Starts a daemon for `instrument` that outlives this program and its login, and waits until it answers.
pub fn start(globals: &Globals, paths: &Paths, instrument: &Instrument) -> Result<(), CliError> {
    let failed = |why: &str| {
        CliError::new(
            Exit::Connection,
            format!(
                "no daemon could be started for `{}`: {why}; its words are in {}",
                model::text::printable(&instrument.info.name),
                log(paths).display()
            ),
        )
    };
    let program = std::env::current_exe().map_err(|e| failed(&e.to_string()))?;
    let mut args = vec!["serve".to_owned(), "--detached".to_owned()];
    if let Some(name) = &globals.instrument {
        // a file is named from where we are, and the daemon is elsewhere
        let file = std::path::absolute(name).ok().filter(|file| file.is_file());
        let name = file.map_or_else(|| name.clone(), |file| file.display().to_string());
        args.extend(["--instrument".to_owned(), name]);
    }
    for (option, folder) in [("--config-dir", &paths.config_dir), ("--data-dir", &paths.data_dir)] {
        args.extend([
            option.to_owned(),
            std::path::absolute(folder)
                .unwrap_or(folder.clone())
                .display()
                .to_string(),
        ]);
    }
    if !through_systemd(&program, &args, paths) {
        spawn(&program, &args, paths).map_err(|e| failed(&e.to_string()))?;
    }
    let late = Instant::now() + START;
    loop {
        match Remote::open(Door::Here(paths.clone()), visitor("start", true)) {
            Ok(_) => return Ok(()),
            Err(NoLine::NobodyThere) if Instant::now() < late => std::thread::sleep(AGAIN),
            Err(NoLine::NobodyThere) => return Err(failed("it does not answer")),
            Err(NoLine::Failed(failure)) => return Err(failed(&failure.to_string())),
        }
    }
}

/// Where a daemon that nobody watches writes what it has to say.
fn log(paths: &Paths) -> std::path::PathBuf {
    paths.data_dir.join("daemon.log")
}

fn spawn(program: &Path, args: &[String], paths: &Paths) -> std::io::Result<()> {
    std::fs::create_dir_all(&paths.data_dir)?;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log(paths))?;
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .current_dir(&paths.data_dir);
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const DETACHED_PROCESS: u32 = 0x8;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    }
    // on Unix the child leaves the session itself (`serve --detached`)
    command.spawn().map(drop)
}

/// As a unit of the user's own service manager, which lives on where the login's processes are ended with it. `false` where
/// there is none, or it will not.
#[cfg(target_os = "linux")]
fn through_systemd(program: &Path, args: &[String], paths: &Paths) -> bool {
    let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR") else {
        return false;
    };
    if !Path::new(&runtime).join("systemd/private").exists() {
        return false;
    }
    let log = log(paths).display().to_string();
    let ran = Command::new("systemd-run")
        .args(["--user", "--quiet", "--collect", "--description=fibdeck daemon"])
        // the watchdog outlives a daemon that dies
        .arg("--property=KillMode=process")
        .arg(format!("--property=StandardError=append:{log}"))
        .arg("--")
        .arg(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    ran.is_ok_and(|status| status.success())
}

#[cfg(not(target_os = "linux"))]
fn through_systemd(_: &Path, _: &[String], _: &Paths) -> bool {
    false
}

/// What answers here, in a line, for `doctor`.
pub fn describe(paths: &Paths) -> String {
    match (hold::is_held(paths), hold::holder(paths)) {
        (true, Some(holder)) => format!(
            "process {} of {} owns {} since {}, at {}",
            holder.pid,
            holder.user,
            holder.instrument,
            holder.since,
            socket::address(paths)
        ),
        (true, None) => "an engine owns the instrument of this data folder".to_owned(),
        _ => "none runs (`fibdeck serve` starts one)".to_owned(),
    }
}
