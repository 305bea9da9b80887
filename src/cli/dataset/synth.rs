//! `dataset synth`: labelled pictures of the digital twin, whose masks and points are exact because nobody draws them.

use super::failed;
use crate::cli::exit::{CliError, Exit};
use crate::cli::options::Globals;
use clap::Args;
use hal::sim::studio::{Label, Labelled, Order, Studio};
use learn::classes::Classes;
use learn::dataset::{Known, Made};
use learn::picture::SIDE;
use learn::table::Row;
use model::Beam;
use ndarray::Array2;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use vision::classes::{FIDUCIAL, GRID_BAR, LAMELLA, LANDING_POST, MANIPULATOR, VOLUME_BLOCK};
use vision::features::{self, Which};
use vision::segment::Segmented;

/// Make labelled pictures of the digital twin, with exact masks and points, in a new folder.
///
/// Both beams, several scenes, places, tilts, field widths, noise and focus; lamellae cut to different thickness, milled crosses, a needle.
/// The same --seed makes the same files. The twin has no copper adaptor: class 4 does not occur.
#[derive(Args)]
pub struct Synth {
    /// A folder that is empty or not there yet.
    folder: PathBuf,
    /// Pictures to make; two (one of each beam) show the same.
    #[arg(long, short = 'n', default_value_t = 100)]
    count: usize,
    /// Scenes, in turn.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "grid,liftout,waffle"
    )]
    scenes: Vec<String>,
    /// Pixels, both sides multiples of 32.
    #[arg(long, value_name = "WxH", default_value = "768x512", value_parser = size)]
    size: (u32, u32),
}

/// Features whose places a mask decides; the needle's tip is known from the twin's geometry.
const FEATURES: [&str; 5] = [
    "LamellaCentre",
    "LamellaLeftEdge",
    "LamellaRightEdge",
    "LandingPost",
    "VolumeBlockCentre",
];
const TIP: &str = "NeedleTip";
/// The column `method` of the points.
const METHOD: &str = "fibdeck-twin";

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let fits = |side: u32| side > 0 && (side as usize).is_multiple_of(SIDE) && side <= 8192;
    sides
        .filter(|(w, h)| fits(*w) && fits(*h))
        .ok_or_else(|| format!("width x height, multiples of {SIDE} up to 8192, as 768x512"))
}

fn class(label: Label) -> u8 {
    match label {
        Label::Background => 0,
        Label::Lamella => LAMELLA,
        Label::Needle => MANIPULATOR,
        Label::Post => LANDING_POST,
        Label::Block => VOLUME_BLOCK,
        Label::Fiducial => FIDUCIAL,
        Label::Bar => GRID_BAR,
    }
}

impl Synth {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        if self.count == 0 {
            return Err(CliError::new(
                Exit::Usage,
                "--count is 0; nothing was made: give 1 or more",
            ));
        }
        if let Some(unknown) = self.scenes.iter().find(|name| !Studio::scenes().any(|s| s == *name)) {
            let known: Vec<&str> = Studio::scenes().collect();
            let unknown = model::text::printable(unknown);
            let text = format!(
                "no scene is called `{unknown}`; nothing was made: choose of {}",
                known.join(", ")
            );
            return Err(CliError::new(Exit::Usage, text));
        }
        let (instrument, _) = globals.resolve(&globals.paths()?)?;
        let studio = Studio::new(&instrument).map_err(CliError::failed)?;
        let classes = Classes::default();
        let mut made = Made::begin(&self.folder, &classes).map_err(failed)?;
        let seed = globals.seed.unwrap_or(0);
        let shown = !globals.quiet && !globals.json && std::io::stderr().is_terminal();
        let mut pixels: BTreeMap<u8, u64> = BTreeMap::new();
        for (n, scene) in self.scenes.iter().cycle().take(self.count.div_ceil(2)).enumerate() {
            let order = Order {
                scene: scene.clone(),
                resolution: self.size,
                // seeds that follow each other share no picture
                seed: seed.wrapping_mul(1_000_003).wrapping_add(n as u64),
            };
            let pictures = studio.take(&order).map_err(CliError::failed)?;
            for (k, (picture, beam)) in pictures.into_iter().zip(["eb", "ib"]).enumerate() {
                if 2 * n + k == self.count {
                    break;
                }
                let known = known(picture, format!("synth-{seed}-{n:05}_{beam}"));
                for id in &known.mask {
                    *pixels.entry(*id).or_default() += 1;
                }
                made.add(known).map_err(failed)?;
                if shown {
                    eprint!("\r{} of {} pictures", 2 * n + k + 1, self.count);
                }
            }
        }
        if shown {
            eprintln!();
        }
        made.finish().map_err(failed)?;
        let shares: BTreeMap<String, u64> = pixels.into_iter().map(|(id, n)| (classes.label(id), n)).collect();
        super::tell(
            globals,
            &json!({ "folder": self.folder, "pictures": self.count, "seed": seed, "pixels": shares }),
        )?;
        Ok(Exit::Done)
    }
}

fn known(picture: Labelled, name: String) -> Known {
    let mask: Array2<u8> = picture.labels.mapv(class);
    let metadata = picture.frame.metadata.as_ref();
    let pixel_size = metadata.map(|m| m.pixel_size.x);
    let beam: Option<Beam> = metadata.map(|m| m.image.beam_type);
    let row = |feature: &str, px| Row {
        feature: feature.to_owned(),
        px: Some(px),
        pixel_size,
        beam,
        method: METHOD.to_owned(),
        experiment: "synth".to_owned(),
        corrected: true,
        ..Row::default()
    };
    let wanted: Vec<features::Feature> = FEATURES
        .iter()
        .filter_map(|name| features::feature(name).cloned())
        .collect();
    let found = features::detect(&Segmented::from(mask.clone()), &wanted, pixel_size, Which::Nearest);
    let points = found.features.iter().filter_map(|f| Some(row(&f.name, f.place?.px)));
    let points = picture.tip.map(|px| row(TIP, px)).into_iter().chain(points).collect();
    let mut provenance = picture.told;
    provenance["source"] = json!("the digital twin (fibdeck dataset synth)");
    provenance["version"] = json!(env!("CARGO_PKG_VERSION"));
    provenance["beam"] = json!(beam.map(|b| b.wire_name()));
    provenance["pixelsize_m"] = json!(pixel_size);
    provenance["hfw_m"] = json!(metadata.map(|m| m.image.hfw));
    provenance["dwell_time_s"] = json!(metadata.map(|m| m.image.dwell_time));
    provenance["instrument"] = json!(metadata.and_then(|m| m.system_info.get("name")));
    Known {
        name,
        mask,
        points,
        provenance,
        frame: picture.frame,
    }
}
