//! `bench`: whole unsupervised runs on the twin, scored against what is really so.
//!
//! `grid`: one run, from a bare grid to polished lamellae, by engine commands alone; `score`: what it came to. Nothing but the scoring
//! knows more than an operator would.

mod grid;
mod score;

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::{Args, Subcommand};
use lamella::Protocol;
use model::config::instrument::TwinErrors;
use score::{Outcome, Total};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;

/// Whole runs on the digital twin, scored.
#[derive(Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Autonomy(Autonomy),
}

/// Unsupervised runs in virtual time, from an overview of a bare grid to polished lamellae, scored against the twin's truth.
///
/// A lamella succeeds when its mean thickness is within 20 % of the protocol's last spacing, it is nowhere milled through, and the cell
/// it was placed on is in it. One that failed and that the run does not tell of is a silent failure. The instrument has ordinary errors:
/// a stage that comes back to 1 um, drift of 10 nm/min, a rotation centre 30 um off, 0.3 um of beam offset for ten times the current, a sample
/// 10 um from the coincidence height.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck bench autonomy --lamellae 5 --grids 4 --seed 1\n  fibdeck bench autonomy --grids 20 --faults storm --json"
)]
struct Autonomy {
    /// Lamellae on each grid.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    lamellae: u32,
    /// Grids, each of the next seed.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    grids: u32,
    /// Rows and columns of the overview, 400 um wide each.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10))]
    tiles: u32,
    /// A protocol's file, or the name of a shipped one.
    #[arg(long, value_name = "FILE|NAME", default_value = "on-grid")]
    protocol: PathBuf,
    /// Keep experiments and pictures here, a folder for each grid.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// An instrument without errors.
    #[arg(long)]
    exact: bool,
}

/// What an instrument in good care still does wrong.
const ORDINARY: TwinErrors = TwinErrors {
    repeatability: 1e-6,
    backlash: 0.0,
    runout: (30e-6, 0.0),
    // 10 nm a minute
    drift: (0.1e-9, 0.13e-9, 0.0),
    vibration: 0.0,
    beam_shift_gain: 0.0,
    current_offset: 0.3e-6,
    idle_lie: 0.0,
    coincidence: 10e-6,
    charging: 0.0,
    current: 0.0,
    patterning_overhead: 0.0,
};

impl Bench {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let What::Autonomy(autonomy) = &self.what;
        autonomy.run(globals)
    }
}

impl Autonomy {
    fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let protocol = super::protocol::load(&self.protocol).map_err(super::protocol::failed)?;
        let target = target(&protocol).ok_or_else(|| {
            CliError::new(
                Exit::Usage,
                "the protocol does not say how thick a lamella becomes (the spacing of a trench that polishes); nothing was run",
            )
        })?;
        let first = globals.seed.unwrap_or(1);
        let began = Instant::now();
        let mut total = Total::default();
        for n in 0..u64::from(self.grids) {
            let grid = grid::Grid {
                seed: first + n,
                lamellae: self.lamellae,
                tiles: self.tiles,
                protocol: &self.protocol,
                errors: if self.exact { TwinErrors::default() } else { ORDINARY },
                keep: self.keep.as_deref(),
            };
            let outcome = grid.run(globals, target)?;
            if !globals.quiet {
                told(&outcome, globals.json)?;
            }
            total.add(outcome);
        }
        let scene = globals.scene.map_or("grid", super::options::Scene::word);
        let summary = total.summary(scene, first, began.elapsed().as_secs_f64());
        match globals.json {
            true => output::line(&summary.to_string())?,
            false => {
                let count = |key: &str| summary[key].as_u64().unwrap_or(0);
                output::line(&format!(
                    "{} of {} lamellae succeeded; {} unsafe events, {} silent failures; {:.1} h simulated in {:.0} s",
                    count("success"),
                    count("lamellae"),
                    count("unsafe_events"),
                    count("silent_failures"),
                    summary["hours_simulated"].as_f64().unwrap_or(0.0),
                    summary["wall_s"].as_f64().unwrap_or(0.0)
                ))?;
            }
        }
        Ok(match total.failed() {
            0 => Exit::Done,
            _ => Exit::Partly,
        })
    }
}

/// One grid's line.
fn told(outcome: &Outcome, json: bool) -> Result<(), CliError> {
    if json {
        return output::line(&json!({ "grid": outcome }).to_string());
    }
    for lamella in &outcome.lamellae {
        let how = match (&lamella.success, &lamella.reason) {
            (true, _) => "succeeded".to_owned(),
            (false, reason) => model::text::printable(reason),
        };
        output::line(&format!("seed {}, {}: {how}", outcome.seed, lamella.name))?;
    }
    Ok(())
}

/// How thick (m) the last trench of the last polishing leaves a lamella.
fn target(protocol: &Protocol) -> Option<f64> {
    let mut polishes = protocol
        .workflow
        .tasks
        .iter()
        .filter_map(|step| protocol.tasks.get(&step.name))
        .filter(|config| config.task_type == "MILL_POLISHING");
    let (task, _) = polishes.next_back()?.milling("mill_polishing")?.ok()?;
    let trench = task
        .stages
        .iter()
        .rev()
        .find(|stage| stage.enabled && stage.pattern.name() == "Trench")?;
    let spacing = trench.pattern.get("spacing").ok()?;
    model::units::parse(&spacing, model::Unit::Metre).ok()
}
