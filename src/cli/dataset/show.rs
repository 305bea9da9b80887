//! `dataset show`: what is in a dataset, in numbers, picture by picture, and as a figure.

use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::super::{output, show};
use super::chosen::{Chosen, Meaning};
use ::picture::figure::{self, Mask, Panel, Rgb};
use ::picture::{Ink, InkTable, Overlay, Position, export};
use clap::Args;
use learn::classes::Classes;
use learn::dataset::{self, Sample, Summary};
use learn::picture as pictures;
use model::text::printable;
use serde_json::{Value, json};
use std::path::PathBuf;

/// What there is: pictures, classes, features, corrections, instruments, models.
#[derive(Args)]
pub struct Show {
    folder: Option<PathBuf>,
    /// Every picture on a line of its own instead.
    #[arg(long)]
    list: bool,
    /// Write a PNG of the pictures with masks and points; never over an existing file.
    #[arg(long, value_name = "OUT.png")]
    plot: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
    #[command(flatten)]
    meaning: Meaning,
}

/// Pictures of a figure at most, and how many in a row.
const MOST: usize = 24;
const COLUMNS: usize = 4;
const OPACITY: f64 = 0.3;

impl Show {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let mut dataset = super::open(self.folder.as_ref(), globals)?;
        let classes = self.meaning.classes()?;
        self.chosen.filter().keep(&mut dataset);
        if self.list {
            for sample in &dataset.samples {
                let told = listed(sample);
                output::line(&if globals.json { told.to_string() } else { line(sample) })?;
            }
        } else {
            let told = dataset::summary(&dataset, &classes);
            match globals.json {
                true => {
                    let mut told = json!(told);
                    told["folder"] = json!(dataset.folder);
                    output::line(&told.to_string())?;
                }
                false => in_words(&told)?,
            }
        }
        if let Some(path) = &self.plot {
            plot(path, &dataset.samples, &classes, globals)?;
        }
        Ok(Exit::Done)
    }
}

fn listed(sample: &Sample) -> Value {
    let points = sample.points().into_iter().map(|row| {
        json!({ "feature": row.feature, "px": row.px, "corrected": row.corrected, "pixelsize_m": row.pixel_size })
    });
    json!({
        "name": sample.name, "part": sample.part, "image": sample.image, "mask": sample.mask,
        "corrected": sample.corrected(), "points": points.collect::<Vec<_>>(),
    })
}

fn line(sample: &Sample) -> String {
    let point = |row: &&learn::table::Row| {
        let px = row.px.unwrap_or_default();
        format!("{} {:.0},{:.0}", row.feature, px.x, px.y)
    };
    let points: Vec<String> = sample.points().iter().map(point).collect();
    let words = [
        sample.part.folder(),
        if sample.mask.is_some() { "mask" } else { "" },
        if sample.corrected() { "corrected" } else { "" },
        &points.join("; "),
    ];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    printable(&format!("{:32} {}", sample.name, words.join("  ")))
        .trim_end()
        .to_owned()
}

fn in_words(told: &Summary) -> Result<(), CliError> {
    let counted = |of: &dyn Fn() -> Vec<(String, usize)>| {
        let parts = of().into_iter().map(|(name, n)| format!("{n} {name}"));
        printable(&parts.collect::<Vec<_>>().join(", "))
    };
    output::line(&format!(
        "{} pictures ({} train, {} test), {} with a mask, {} with points, {} corrected",
        told.pictures, told.train, told.test, told.with_mask, told.with_points, told.corrected
    ))?;
    if told.unread > 0 {
        output::line(&format!(
            "{} files cannot be read: `fibdeck dataset check` names them",
            told.unread
        ))?;
    }
    let maps = [
        ("sizes", &told.sizes),
        ("instruments", &told.instruments),
        ("models", &told.models),
    ];
    for (name, map) in maps.into_iter().filter(|(_, map)| !map.is_empty()) {
        let all = || map.iter().map(|(k, n)| (k.clone(), *n)).collect();
        output::line(&format!("{name:12} {}", counted(&all)))?;
    }
    let beams = || told.beams.iter().map(|(k, n)| ((*k).to_owned(), *n)).collect();
    output::line(&format!("{:12} {}", "beams", counted(&beams)))?;
    if let Some((least, most)) = told.pixelsize_m {
        output::line(&format!(
            "{:12} {:.3} to {:.3} nm",
            "pixel size",
            least * 1e9,
            most * 1e9
        ))?;
    }
    for class in &told.classes {
        let label = printable(&class.label);
        let share = class.share * 100.0;
        output::line(&format!(
            "class {:3} {label:20} {share:6.2} % in {} pictures",
            class.class_id, class.pictures
        ))?;
    }
    for feature in &told.features {
        let moved = feature
            .moved_px
            .map_or_else(String::new, |px| format!(", by {px:.1} px on average"));
        let name = printable(&feature.feature);
        output::line(&format!(
            "{name:30} {} pictures, {} corrected{moved}",
            feature.pictures, feature.corrected
        ))?;
    }
    Ok(())
}

/// The first pictures with their masks and points.
fn plot(path: &std::path::Path, samples: &[Sample], classes: &Classes, globals: &Globals) -> Result<(), CliError> {
    let panels: Vec<Rgb> = samples
        .iter()
        .take(MOST)
        .filter_map(|sample| panel(sample, classes))
        .collect();
    let figure = figure::montage(&panels, COLUMNS);
    let file = export::save_rgb(path, &figure).map_err(CliError::failed)?;
    if !globals.quiet {
        let left = samples.len().saturating_sub(MOST);
        let rest = if left > 0 {
            format!(", {left} more are not on it")
        } else {
            String::new()
        };
        eprintln!("fibdeck: {}{rest}", file.display());
    }
    if globals.json {
        Ok(())
    } else {
        show::figure(&figure, globals)
    }
}

fn panel(sample: &Sample, classes: &Classes) -> Option<Rgb> {
    let frame = pictures::read(&sample.image).ok()?;
    let size = frame.pixels.size();
    let mask = sample.mask.as_ref().and_then(|path| pictures::read_mask(path).ok());
    let mask = mask.filter(|mask| mask.dim() == (size.1, size.0));
    let colour = |id| classes.colour(id);
    let mut overlays = vec![Overlay::Text {
        at: Position::new(0.0, 0.05 * size.1 as f64),
        text: sample.name.clone(),
        ink: Ink::Neutral,
    }];
    overlays.extend(sample.points().into_iter().filter_map(|row| {
        let px = row.px?;
        Some(Overlay::Marker {
            at: Position::new(px.x + 0.5, px.y + 0.5),
            text: row.feature.clone(),
            ink: if row.corrected { Ink::Warn } else { Ink::Neutral },
        })
    }));
    Some(figure::panel(&Panel {
        pixels: &frame.pixels,
        mask: mask.as_ref().map(|mask| Mask {
            labels: mask.view(),
            colour: &colour,
            opacity: OPACITY,
        }),
        overlays,
        inks: InkTable::default(),
    }))
}
