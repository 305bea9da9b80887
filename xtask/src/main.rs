//! Chores of this checkout that are no part of the program: `cargo xtask TASK`. To add one: a function and its row in [`TASKS`].

use std::process::{Command, ExitCode};

struct Task {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Result<bool, String>,
}

const TASKS: &[Task] = &[Task {
    name: "soak",
    usage: "soak [--minutes N] [--seed S]    random commands on the twin, promises checked after each (10 minutes, seed 1)",
    run: soak,
}];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let task = args
        .first()
        .and_then(|name| TASKS.iter().find(|task| task.name == name));
    let Some(task) = task else {
        eprintln!("cargo xtask TASK");
        TASKS.iter().for_each(|task| eprintln!("  {}", task.usage));
        return ExitCode::from(2);
    };
    match (task.run)(&args[1..]) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}\n  {}", task.usage);
            ExitCode::from(2)
        }
    }
}

/// The generator and the promises are `tests/it/soak`, which every test run uses for some seconds; here it has minutes.
fn soak(args: &[String]) -> Result<bool, String> {
    let (mut minutes, mut seed) = (10.0_f64, 1_u64);
    for pair in args.chunks(2) {
        match pair {
            [name, value] if name == "--minutes" => {
                minutes = number(name, value)?;
                if !(minutes.is_finite() && minutes > 0.0) {
                    return Err(format!("--minutes {value}: not a number above 0"));
                }
            }
            [name, value] if name == "--seed" => seed = number(name, value)?,
            other => return Err(format!("`{}` is not understood", other.join(" "))),
        }
    }
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "test",
            "--package",
            "fibdeck",
            "--test",
            "it",
            "--",
            "--exact",
            "--nocapture",
        ])
        .arg("soak::random_commands_keep_every_promise")
        .env("FIBDECK_SOAK_MINUTES", minutes.to_string())
        .env("FIBDECK_SOAK_SEED", seed.to_string())
        .status()
        .map_err(|e| format!("cargo could not be started: {e}"))?;
    Ok(status.success())
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} {value}: not a number"))
}
