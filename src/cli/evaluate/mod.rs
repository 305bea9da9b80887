//! `evaluate`: models held against key points and masks, by openFIBSEM's configuration.

mod plots;

use super::dataset::{Meaning, failed};
use super::detect::library;
use super::exit::{CliError, Exit};
use super::options::Globals;
use super::{output, show};
use ::picture::figure::{self, Mask, Panel, Rgb};
use ::picture::{Ink, InkTable, Overlay, Position, export, plot};
use clap::Args;
use learn::LearnError;
use learn::evaluate::{self, Config, Look, Report, Rules, Scored};
use model::file::{self, Durability};
use model::text::printable;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use vision::model::Model;

/// Hold models against key points and masks: hit rates, distances, IoU and dice, as text, JSON, tables and figures.
///
/// What is written goes into the configuration's `save_path`, never over an existing file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck evaluate evaluation.yaml\n  fibdeck evaluate evaluation.yaml --baseline good/eval.json && cp new.onnx models\n\nA configuration:\n  data_path: data/test/keypoints.csv\n  images_path: data/test\n  save_path: results\n  checkpoints: [{checkpoint: old.onnx}, {checkpoint: new.onnx}]\n  thresholds: [250, 100, 50, 25, 10]"
)]
pub struct Evaluate {
    config: PathBuf,
    /// An earlier `eval.json`: ends with 1 where a hit rate or an IoU is lower than there.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How much lower does not count yet, 0 to 1.
    #[arg(long, default_value_t = 0.01, value_name = "SHARE", requires = "baseline")]
    tolerance: f64,
    /// Leave out pictures and masks that cannot be read or do not fit.
    #[arg(long)]
    skip: bool,
    #[command(flatten)]
    meaning: Meaning,
}

/// Opacity of a mask over its picture.
const OPACITY: f64 = 0.3;
/// Characters of a small histogram.
const BARS: usize = 24;

impl Evaluate {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let config = Config::load(&self.config).map_err(failed)?;
        // read before the work begins
        let baseline = self.baseline.as_deref().map(report).transpose()?;
        if !(0.0..=1.0).contains(&self.tolerance) {
            let text = format!("--tolerance is {}; nothing was evaluated: give 0 to 1", self.tolerance);
            return Err(CliError::new(Exit::Usage, text));
        }
        let mut figures = Figures::new(&config);
        let report = match config.run_eval {
            true => self.scored(&config, &mut figures, globals)?,
            false => earlier(&config)?,
        };
        if config.run_eval {
            save(&config, &report, globals)?;
        }
        figures.save(&config, globals)?;
        if config.plot_eval {
            plotted(&config, &report, globals)?;
        }
        let worse = baseline.map(|before| evaluate::worse(&report, &before, self.tolerance));
        tell(&report, worse.as_deref(), globals)?;
        for one in worse.iter().flatten() {
            eprintln!("fibdeck: worse: {}", printable(&one.to_string()));
        }
        Ok(match worse {
            Some(worse) if !worse.is_empty() => Exit::Failed,
            _ => Exit::Done,
        })
    }

    fn scored(&self, config: &Config, figures: &mut Figures, globals: &Globals) -> Result<Report, CliError> {
        let library = library(globals)?;
        let own = vision::features::own(&library.settings.features).map_err(|e| CliError::new(Exit::Usage, e))?;
        let classes = self.meaning.classes()?;
        let (cases, remarks) = evaluate::cases(config).map_err(failed)?;
        if !globals.quiet {
            remarks
                .iter()
                .for_each(|remark| eprintln!("fibdeck: {}", printable(remark)));
        }
        let rules = Rules {
            thresholds: &config.thresholds,
            own: &own,
            classes: &classes,
            skip: self.skip,
        };
        let mut report = Report {
            thresholds: config.thresholds.clone(),
            ..Report::default()
        };
        let bar = !globals.quiet && !globals.json && std::io::stderr().is_terminal();
        for checkpoint in &config.checkpoints {
            let model = Model::load(&library, Some(&checkpoint.checkpoint), None).map_err(CliError::failed)?;
            let mut done = 0;
            let seen = |look: &Look| {
                done += 1;
                if bar {
                    eprint!("\r\x1b[K{} {done} of {} pictures", printable(&model.name), cases.len());
                    // a bar that cannot be drawn is no loss
                    let _ = std::io::stderr().flush();
                }
                figures.add(look, &model.name);
            };
            let scored = evaluate::score(&model, &cases, &rules, &mut |_| ControlFlow::Continue(()), seen);
            if bar {
                eprint!("\r\x1b[K");
            }
            let scored = scored.map_err(failed)?;
            for skipped in &scored.skipped {
                eprintln!("fibdeck: left out: {}", printable(skipped));
            }
            report.checkpoints.push(scored);
        }
        Ok(report)
    }
}

fn report(path: &Path) -> Result<Report, CliError> {
    let read = || -> Result<Report, String> {
        let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
        serde_json::from_slice(&bytes).map_err(|e| e.to_string())
    };
    read().map_err(|e| {
        let what = format!("is no eval.json of `fibdeck evaluate` ({e}); nothing was evaluated");
        CliError::failed(LearnError::file(path, what))
    })
}

/// Of a configuration that only wants the figures again.
fn earlier(config: &Config) -> Result<Report, CliError> {
    match &config.save_path {
        Some(folder) => report(&folder.join("eval.json")),
        None => {
            let text = "run_eval is off, and there is no save_path with an earlier eval.json; nothing was done";
            Err(CliError::new(Exit::Usage, text))
        }
    }
}

fn save(config: &Config, report: &Report, globals: &Globals) -> Result<(), CliError> {
    let Some(folder) = &config.save_path else { return Ok(()) };
    file::ensure_folder(folder).map_err(CliError::failed)?;
    let json = serde_json::to_vec_pretty(report).map_err(CliError::failed)?;
    let files = [
        ("eval.csv", evaluate::points(report).map_err(failed)?),
        ("eval_accuracy.csv", evaluate::accuracy(report).map_err(failed)?),
        ("eval.json", json),
    ];
    for (name, bytes) in files {
        let path = file::create(&folder.join(name), Durability::Synced, |f| f.write_all(&bytes));
        let path = path.map_err(CliError::failed)?;
        if !globals.quiet {
            eprintln!("fibdeck: {}", path.display());
        }
    }
    Ok(())
}

fn plotted(config: &Config, report: &Report, globals: &Globals) -> Result<(), CliError> {
    let folder = config.save_path.as_ref().filter(|_| config.save_eval_plot);
    if folder.is_none() && !config.show_eval_plot {
        return Ok(());
    }
    for (name, figure) in plots::all(report) {
        if let Some(folder) = folder {
            file::ensure_folder(folder).map_err(CliError::failed)?;
            export::save_rgb(&folder.join(name), &figure).map_err(CliError::failed)?;
        }
        if config.show_eval_plot && !globals.json {
            show::figure(&figure, globals)?;
        }
    }
    Ok(())
}

/// What is told on stdout: everything but the single points, which are in the files.
fn tell(report: &Report, worse: Option<&[evaluate::Worse]>, globals: &Globals) -> Result<(), CliError> {
    if globals.json {
        let mut told = json!(report);
        for checkpoint in told["checkpoints"].as_array_mut().into_iter().flatten() {
            checkpoint["points"] = Value::from(checkpoint["points"].as_array().map_or(0, Vec::len));
        }
        if let Some(worse) = worse {
            told["worse"] = worse.iter().map(|w| w.to_string()).collect();
        }
        return output::line(&told.to_string());
    }
    for scored in &report.checkpoints {
        in_words(scored, &report.thresholds)?;
    }
    match worse {
        Some([]) => output::line("no figure is worse than the baseline's"),
        _ => Ok(()),
    }
}

fn in_words(scored: &Scored, thresholds: &[f64]) -> Result<(), CliError> {
    output::line(&format!(
        "{}: {} pictures, {} masks",
        printable(&scored.checkpoint),
        scored.pictures,
        scored.masks
    ))?;
    if !scored.features.is_empty() {
        let within: String = thresholds.iter().map(|t| format!("{:>8}", format!("<{t}px"))).collect();
        output::line(&format!(
            "  {:24} {:>9}{within}   median     p95   distances",
            "feature", "found"
        ))?;
    }
    for f in &scored.features {
        let rates: String = f
            .hit_rate
            .iter()
            .map(|rate| format!("{:>7.1}%", rate * 100.0))
            .collect();
        let px = |v: Option<f64>| v.map_or_else(|| "-".to_owned(), |v| format!("{v:.1}px"));
        let um = f.median_um.map_or_else(String::new, |v| format!(" (median {v:.3} um)"));
        let found = format!("{}/{}", f.found, f.expected);
        output::line(&format!(
            "  {:24} {found:>9}{rates} {:>8} {:>7}   {}{um}",
            printable(&f.feature),
            px(f.median_px),
            px(f.p95_px),
            histogram(scored, &f.feature)
        ))?;
    }
    for class in &scored.classes {
        let (iou, dice) = (class.iou, class.dice);
        output::line(&format!(
            "  class {:3} {:20} IoU {iou:.3}  dice {dice:.3}",
            class.class_id,
            printable(&class.label)
        ))?;
    }
    if let Some((iou, dice)) = scored.mean_iou.zip(scored.mean_dice) {
        output::line(&format!(
            "  mean but background            IoU {iou:.3}  dice {dice:.3}"
        ))?;
    }
    Ok(())
}

/// How often which distance occurs, from 0 to the largest.
fn histogram(scored: &Scored, feature: &str) -> String {
    let found = scored
        .points
        .iter()
        .filter(|p| p.feature == feature && p.found.is_some());
    let all: Vec<f64> = found.map(|p| p.distance_px).collect();
    let most = all.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let mut counts = [0.0; BARS];
    for distance in &all {
        counts[((distance / most * BARS as f64) as usize).min(BARS - 1)] += 1.0;
    }
    plot::bars(&counts, BARS)
}

/// Pictures with what each checkpoint found in them, where the configuration asks for that.
struct Figures {
    wanted: bool,
    /// By picture: what is expected, then each checkpoint's.
    panels: BTreeMap<PathBuf, Vec<Rgb>>,
}

impl Figures {
    fn new(config: &Config) -> Figures {
        Figures {
            wanted: config.show_det_plot || config.save_det_plot && config.save_path.is_some(),
            panels: BTreeMap::new(),
        }
    }

    fn add(&mut self, look: &Look, checkpoint: &str) {
        if !self.wanted {
            return;
        }
        let panels = self.panels.entry(look.case.image.clone()).or_default();
        let panel =
            |title: &str, labels: Option<&ndarray::Array2<u8>>, points: &dyn Fn(usize) -> Option<model::Point>| {
                let mut overlays = vec![Overlay::Text {
                    at: Position::new(0.0, 0.05 * look.frame.pixels.size().1 as f64),
                    text: title.to_owned(),
                    ink: Ink::Neutral,
                }];
                for (i, score) in look.points.iter().enumerate() {
                    let Some(px) = points(i) else { continue };
                    overlays.push(Overlay::Marker {
                        at: Position::new(px.x + 0.5, px.y + 0.5),
                        text: score.feature.clone(),
                        ink: Ink::ALL[i % Ink::ALL.len()],
                    });
                }
                figure::panel(&Panel {
                    pixels: &look.frame.pixels,
                    mask: labels.map(|labels| Mask {
                        labels: labels.view(),
                        colour: &vision::classes::colour,
                        opacity: OPACITY,
                    }),
                    overlays,
                    inks: InkTable::default(),
                })
            };
        if panels.is_empty() {
            let mask = look
                .case
                .mask
                .as_ref()
                .and_then(|path| learn::picture::read_mask(path).ok());
            panels.push(panel("expected", mask.as_ref(), &|i| Some(look.points[i].expected)));
        }
        panels.push(panel(checkpoint, Some(look.labels), &|i| look.points[i].found));
    }

    fn save(&self, config: &Config, globals: &Globals) -> Result<(), CliError> {
        for (image, panels) in &self.panels {
            let figure = figure::montage(panels, panels.len());
            if let Some(folder) = config.save_path.as_ref().filter(|_| config.save_det_plot) {
                let name = image.file_stem().unwrap_or_default().to_string_lossy();
                file::ensure_folder(folder).map_err(CliError::failed)?;
                export::save_rgb(&folder.join(format!("{name}.png")), &figure).map_err(CliError::failed)?;
            }
            if config.show_det_plot && !globals.json {
                show::figure(&figure, globals)?;
            }
        }
        Ok(())
    }
}
