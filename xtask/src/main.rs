//! Chores of this checkout that are no part of the program: `cargo xtask TASK`. To add one: a function and its row in [`TASKS`].

use std::process::{Command, ExitCode};

struct Task {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> Result<bool, String>,
}

const TASKS: &[Task] = &[Task {
    name: "soak",
    usage: "soak [--minutes N] [--seed S]    2,000 crashes, a million keys, 72 simulated hours of faults, then random commands on the twin (10 minutes, seed 1)",
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

/// What a soak is made of: tests of which every run does a share, and how much of each is the whole.
struct Part<'a> {
    package: &'static str,
    target: &'static [&'static str],
    test: &'static str,
    /// What tells the test how much to do, and how much that is.
    much: (&'static str, &'a str),
}

const PARTS: &[Part<'static>] = &[
    Part {
        package: "fibdeck-engine",
        target: &["--lib"],
        test: "tests::crash::crash_after_crash_no_dose_is_brought_twice_and_none_is_left_out_unsaid",
        much: ("FIBDECK_CRASHES", "2000"),
    },
    Part {
        package: "fibdeck-ui",
        target: &["--lib"],
        test: "state::soup::a_cat_never_gets_anything_irreversible_out_without_a_y",
        much: ("FIBDECK_KEYS", "1000000"),
    },
    Part {
        package: "fibdeck",
        target: &["--test", "it"],
        test: "endurance::hours_under_the_storm_leave_nothing_stuck",
        much: ("FIBDECK_HOURS", "72"),
    },
    Part {
        package: "fibdeck",
        target: &["--test", "it"],
        test: "eyes::confidence_divides_right_pictures_from_wrong_and_blank_ones",
        much: ("FIBDECK_VIEWS", "5"),
    },
    eyes("truth::pairs_without_an_answer_are_refused", "FIBDECK_PAIRS"),
    eyes(
        "truth::true_pairs_are_placed_to_a_pixel_under_heavy_noise",
        "FIBDECK_PAIRS",
    ),
    eyes("fuzz::mangled_checkpoints_do_no_harm", "FIBDECK_FUZZ"),
    eyes("fuzz::mangled_networks_do_no_harm", "FIBDECK_FUZZ"),
    eyes("fuzz::mangled_folders_do_no_harm", "FIBDECK_FUZZ"),
    eyes("fuzz::pickles_of_random_instructions_do_no_harm", "FIBDECK_FUZZ"),
    eyes("fuzz::odd_masks_and_pictures_do_no_harm", "FIBDECK_FUZZ"),
];

/// Two thousand pairs of pictures, or damaged files of a kind.
const fn eyes(test: &'static str, much: &'static str) -> Part<'static> {
    Part {
        package: "fibdeck-vision",
        target: &["--test", "vision"],
        test,
        much: (much, "2000"),
    }
}

/// The whole of every part, then random commands for some minutes (`tests/it/soak` has the generator and the promises).
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
    let minutes = minutes.to_string();
    let commands = Part {
        package: "fibdeck",
        target: &["--test", "it"],
        test: "soak::random_commands_keep_every_promise",
        much: ("FIBDECK_SOAK_MINUTES", &minutes),
    };
    for part in PARTS.iter().chain([&commands]) {
        println!("{} ({}={})", part.test, part.much.0, part.much.1);
        if !part.run(seed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Part<'_> {
    fn run(&self, seed: u64) -> Result<bool, String> {
        let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["test", "--package", self.package])
            .args(self.target)
            .args(["--", "--exact", "--nocapture", self.test])
            .env(self.much.0, self.much.1)
            .env("FIBDECK_SOAK_SEED", seed.to_string())
            // as a daemon has it (src/cli/lean.rs): what glibc keeps for every thread says nothing about what grows
            .env("MALLOC_ARENA_MAX", "2")
            .status()
            .map_err(|e| format!("cargo could not be started: {e}"))?;
        Ok(status.success())
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} {value}: not a number"))
}
