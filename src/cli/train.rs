//! `train`: a network learnt from labelled pictures, by openFIBSEM's configuration.
//!
//! PyTorch computes: a script of one file (`assets/train`), under torchrun for several processes or machines. What it tells, a line an
//! epoch, is shown here; its best checkpoint becomes ONNX with a card.

use super::dataset::failed;
use super::exit::{CliError, Exit};
use super::model::place;
use super::options::Globals;
use super::output;
use clap::{Args, ValueEnum};
use learn::train::{Epoch, Event, Run, TrainConfig};
use model::file::{self, Durability};
use model::library::Card;
use model::text::printable;
use picture::plot;
use serde_json::json;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use vision::model::{Norm, convert};

/// Train a network from labelled pictures: a checkpoint each epoch, the best one as ONNX with a card.
///
/// Every picture and mask is read and checked before anything begins. Results are in the configuration's `save_path`; metrics.jsonl there has a
/// line for each epoch. This build trains with PyTorch (torch, torchvision, segmentation-models-pytorch), on the processor or on GPUs.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck train config.yml --engine torch\n  fibdeck train config.yml --python venv/bin/python --processes 4\n  fibdeck train config.yml --resume\n\nA configuration:\n  data_paths: [data/train]\n  label_paths: [data/train/labels]\n  save_path: models/new\n  checkpoint: null\n  encoder: resnet34\n  epochs: 20\n  batch_size: 4\n  num_classes: 6\n  lr: 3.0e-4\n  split: 0.15\n  wandb: false\n\nBeside the original's keys:\n  seed: 0                             the same seed, the same training\n  early_stop: 5                       after so many epochs without a better one\n  network: small                      half a million parameters, instead of a U-Net with an encoder\n  loss: [cross-entropy, dice, focal]  their sum, or some of them\n  schedule: cosine                    lr goes down over the epochs, instead of constant\n  augment: mirror                     or none, instead of all that the original does\n  shrink: 2                           learn from pictures of half their width and height"
)]
pub struct Train {
    config: PathBuf,
    /// What computes.
    #[arg(long, value_enum, default_value_t = Engine::Torch)]
    engine: Engine,
    /// The Python that has PyTorch.
    #[arg(long, default_value = "python3", value_name = "PROGRAM")]
    python: PathBuf,
    /// Processes on this machine, by torchrun; one for each GPU.
    #[arg(long, default_value_t = 1, value_name = "N")]
    processes: usize,
    /// Go on where a training into the same folder was cut off.
    #[arg(long)]
    resume: bool,
    /// Leave out pictures that cannot be learnt from.
    #[arg(long)]
    skip: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    Torch,
}

const SCRIPT: &str = include_str!("../../assets/train/torch_train.py");
/// Characters of a curve.
const CURVE: usize = 40;

impl Train {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let Engine::Torch = self.engine;
        let config = TrainConfig::load(&self.config).map_err(failed)?;
        if self.processes == 0 {
            return Err(CliError::new(
                Exit::Usage,
                "--processes is 0; nothing was trained: give 1 or more",
            ));
        }
        let resume = self.state(&config)?;
        let (pairs, remarks) = config.pairs(self.skip).map_err(failed)?;
        if !globals.quiet {
            remarks
                .iter()
                .for_each(|remark| eprintln!("fibdeck: {}", printable(remark)));
        }
        let folder = config.save_path.clone();
        file::ensure_folder(&folder).map_err(CliError::failed)?;
        let run = Run { config, pairs, resume };
        let told = serde_json::to_vec_pretty(&run).map_err(CliError::failed)?;
        // one for each time it was begun or gone on with
        let described = file::create(&folder.join("run.json"), Durability::Synced, |f| f.write_all(&told));
        let described = described.map_err(CliError::failed)?;
        let script = folder.join("torch_train.py");
        file::replace(&script, Durability::Cached, SCRIPT.as_bytes()).map_err(CliError::failed)?;
        let epochs = self.follow(&script, &described, globals)?;
        match epochs.iter().rev().find(|epoch| epoch.best) {
            Some(best) => result(best, &run, &described, globals),
            // gone on with, and nothing became better
            None if run.resume.is_some() => Ok(Exit::Done),
            None => Err(CliError::failed(
                "the training ended without an epoch; nothing was made of it",
            )),
        }
    }

    /// Where to go on. Errors: nothing to go on with, or a training that a new one would write over.
    fn state(&self, config: &TrainConfig) -> Result<Option<PathBuf>, CliError> {
        let state = config.state();
        let folder = printable(&config.save_path.display().to_string());
        match (self.resume, state.exists()) {
            (true, true) => Ok(Some(state)),
            (true, false) => Err(CliError::failed(format!(
                "{folder} holds no training that was cut off (resume.pt); nothing was trained: leave --resume out"
            ))),
            (false, true) => Err(CliError::failed(format!(
                "{folder} holds a training already; nothing was trained: --resume goes on with it, or choose another save_path"
            ))),
            (false, false) => Ok(None),
        }
    }

    /// Runs the engine and shows what it tells, until its end.
    fn follow(&self, script: &Path, run: &Path, globals: &Globals) -> Result<Vec<Epoch>, CliError> {
        let mut command = Command::new(&self.python);
        if self.processes > 1 {
            let processes = self.processes.to_string();
            command.args([
                "-m",
                "torch.distributed.run",
                "--standalone",
                "--nproc_per_node",
                &processes,
            ]);
        }
        let child = command
            .arg(script)
            .arg(run)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|e| {
            // it describes a run that never was
            let _ = std::fs::remove_file(run);
            let python = printable(&self.python.display().to_string());
            CliError::failed(format!(
                "{python} cannot be started ({e}); nothing was trained: name a Python that has PyTorch with --python"
            ))
        })?;
        let heard = child
            .stdout
            .take()
            .map_or_else(|| Ok(Vec::new()), |words| listen(words, globals));
        if heard.is_err() {
            // nobody would see how it goes on; one that has ended cannot be killed
            let _ = child.kill();
        }
        let ended = child.wait().map_err(CliError::failed)?;
        let epochs = heard?;
        match ended.success() {
            true => Ok(epochs),
            false => Err(CliError::failed(format!(
                "the engine ended early ({ended}); its own words are above. The checkpoints of {} epochs remain{}",
                epochs.len(),
                if epochs.is_empty() {
                    ""
                } else {
                    ", and --resume goes on"
                }
            ))),
        }
    }
}

/// Shows what the engine tells, to its last word; the epochs that ended.
fn listen(words: ChildStdout, globals: &Globals) -> Result<Vec<Epoch>, CliError> {
    let bar = !globals.quiet && !globals.json && std::io::stderr().is_terminal();
    let mut epochs: Vec<Epoch> = Vec::new();
    for line in BufReader::new(words).lines() {
        let line = line.map_err(|e| CliError::failed(format!("the engine cannot be heard any more ({e})")))?;
        let Some(event) = Event::read(&line) else { continue };
        if globals.json {
            output::line(&line)?;
        }
        show(&event, &epochs, bar, globals)?;
        if let Event::Epoch(epoch) = event {
            epochs.push(epoch);
        }
    }
    Ok(epochs)
}

fn show(event: &Event, before: &[Epoch], bar: bool, globals: &Globals) -> Result<(), CliError> {
    match event {
        Event::Remark { text } if !globals.quiet => eprintln!("fibdeck: {}", printable(text)),
        Event::Start {
            train,
            validation,
            device,
            parameters,
            epoch,
            epochs,
        } if !globals.quiet && !globals.json => eprintln!(
            "fibdeck: epoch {} to {epochs}, {train} pictures to learn from, {validation} to validate with, {:.1} million parameters, on {}",
            epoch + 1,
            *parameters as f64 / 1e6,
            printable(device)
        ),
        Event::Step { step, steps, loss, .. } if bar => {
            eprint!("\r\x1b[K{step} of {steps} batches, loss {loss:.4}");
            // a bar that cannot be drawn is no loss
            let _ = std::io::stderr().flush();
        }
        Event::Epoch(epoch) => {
            if bar {
                eprint!("\r\x1b[K");
            }
            if !globals.json && !globals.quiet {
                output::line(&line(epoch, before))?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// An epoch in words, with the curves so far.
fn line(epoch: &Epoch, before: &[Epoch]) -> String {
    let all = || before.iter().chain([epoch]);
    let curve = |of: fn(&Epoch) -> f64| plot::bars(&all().map(of).collect::<Vec<_>>(), CURVE);
    let number = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"));
    let mean = all().map(|e| e.seconds).sum::<f64>() / all().count() as f64;
    let left = mean * epoch.epochs.saturating_sub(epoch.epoch + 1) as f64;
    format!(
        "epoch {:3} of {}  loss {:.4}  validation {}  IoU {}{}  {:.0} s, {:.0} s left\n    loss {}  IoU {}",
        epoch.epoch + 1,
        epoch.epochs,
        epoch.train_loss,
        number(epoch.val_loss),
        number(epoch.mean_iou),
        if epoch.best { "  best" } else { "" },
        epoch.seconds,
        left,
        curve(|e| e.train_loss),
        curve(|e| e.mean_iou.unwrap_or(f64::NAN))
    )
}

/// The best checkpoint as ONNX, with a card that says how it came about.
fn result(best: &Epoch, run: &Run, described: &Path, globals: &Globals) -> Result<Exit, CliError> {
    let shown = printable(&best.checkpoint.display().to_string());
    let bytes =
        std::fs::read(&best.checkpoint).map_err(|e| CliError::failed(format!("{shown} cannot be read ({e})")))?;
    let network = convert(bytes, Norm::Trained)
        .map_err(|e| CliError::failed(format!("{shown} is trained, but cannot become ONNX: {e}")))?;
    let number = |v: Option<f64>| v.map_or_else(|| "unknown".to_owned(), |v| format!("{v:.4}"));
    let card = Card {
        source: shown.clone(),
        network: network.name.clone(),
        backend: "onnx".to_owned(),
        classes: network.classes,
        note: format!(
            "trained by fibdeck on {} pictures with seed {}, epoch {} of {}: validation loss {}, mean IoU {}; {}",
            run.pairs.len(),
            run.config.seed,
            best.epoch + 1,
            best.epochs,
            number(best.val_loss),
            number(best.mean_iou),
            described.file_name().unwrap_or_default().to_string_lossy()
        ),
        ..Card::default()
    };
    let Some(onnx) = network.onnx.first() else {
        return Err(CliError::failed(format!("{shown} holds no network")));
    };
    let path = best.checkpoint.with_extension("onnx");
    if !path.exists() {
        place(&path, onnx, card)?;
    }
    let told = json!({
        "event": "result", "onnx": path, "checkpoint": best.checkpoint, "network": network.name, "classes": network.classes,
        "val_loss": best.val_loss, "mean_iou": best.mean_iou,
    });
    output::line(&if globals.json {
        told.to_string()
    } else {
        ui::plain(&told)
    })?;
    Ok(Exit::Done)
}
