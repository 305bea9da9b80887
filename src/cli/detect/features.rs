//! `detect`: features in pictures.

use super::super::align::load;
use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::super::output;
use super::chosen::{Chosen, Eyes, library};
use super::figure::Figure;
use clap::Args;
use model::{Frame, Point, Unit, units};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vision::features::{Detected, DetectedFeatures, Feature, Which, detect, known, named};

/// Find features in pictures: the tip of a needle, the edges of a lamella, the middle of a post.
///
/// Without a model of your own the classical detectors look, which need none. What was not found is null, and told; exit 3 when
/// something was found with too little confidence, and nothing else failed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck detect --list\n  fibdeck detect image_ib.tif --features LandingPost\n  fibdeck detect *.tif --model unet --features LamellaLeftEdge,LamellaRightEdge --json --plot found.png"
)]
pub struct Detect {
    #[arg(value_name = "IMAGE", required_unless_present = "list")]
    images: Vec<PathBuf>,
    /// Which, separated by commas; of NeedleTip and LamellaCentre those the model looks for without it.
    #[arg(long, short, value_delimiter = ',', value_name = "A,B")]
    features: Vec<String>,
    /// Every instance of features that may occur several times, not only the one nearest to the middle or --point.
    #[arg(long)]
    all: bool,
    /// Take the instances nearest to this pixel.
    #[arg(long, value_name = "X,Y", conflicts_with = "all")]
    point: Option<String>,
    /// Metres per pixel, e.g. 100nm, for pictures that do not say.
    #[arg(long, value_name = "M")]
    pixelsize: Option<String>,
    #[command(flatten)]
    chosen: Chosen,
    /// List the features there are instead.
    #[arg(long)]
    list: bool,
}

impl Detect {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let usage = |text: String| CliError::new(Exit::Usage, format!("{text}; nothing was looked for"));
        let library = library(globals)?;
        let own = vision::features::own(&library.settings.features).map_err(|e| usage(e.to_string()))?;
        if self.list {
            return list(globals, &own);
        }
        let names: Vec<&str> = match self.features.as_slice() {
            [] => vec!["NeedleTip", "LamellaCentre"],
            names => names.iter().map(|name| name.trim()).collect(),
        };
        let features = named(&names, &own).map_err(|e| usage(e.to_string()))?;
        let which = match &self.point {
            _ if self.all => Which::All,
            Some(text) => Which::NearestTo(point(text).ok_or_else(|| {
                usage(format!(
                    "--point takes X,Y in pixels, not `{}`",
                    model::text::printable(text)
                ))
            })?),
            None => Which::Nearest,
        };
        let pixel_size = self.pixelsize.as_deref().map(|text| units::parse(text, Unit::Metre));
        let pixel_size = pixel_size.transpose().map_err(|e| usage(e.to_string()))?;
        if pixel_size.is_some_and(|size| size <= 0.0) {
            return Err(usage("--pixelsize is above 0".to_owned()));
        }
        let eyes = self.chosen.open(globals)?;
        let features = eyes.model.looked_for(features, self.features.is_empty());
        let features = features.map_err(|e| usage(format!("{e} with --model")))?;
        let mut figure = Figure::new(self.chosen.plot.as_deref());
        let mut doubtful = false;
        let ended = super::each(&self.images, globals, |image| {
            let (told, doubt) = look(&eyes, image, &features, which, pixel_size, &mut figure)?;
            doubtful |= doubt;
            Ok(told)
        })?;
        figure.save(globals)?;
        Ok(match ended {
            Exit::Done if doubtful => Exit::Refused,
            exit => exit,
        })
    }
}

/// What is in one picture, by the contract's keys, and whether something found is doubtful.
fn look(
    eyes: &Eyes,
    image: &Path,
    features: &[Feature],
    which: Which,
    pixel_size: Option<f64>,
    figure: &mut Figure,
) -> Result<(Value, bool), CliError> {
    let frame = load(image)?;
    let size = pixel_size.or_else(|| own_pixel_size(&frame));
    let segmented = eyes.segment(&frame)?;
    let found = detect(&segmented, features, size, which);
    let least = eyes.library.settings.least_confidence;
    let doubtful = found.features.iter().any(|f| f.confidence.is_some_and(|c| c < least));
    let told = told(eyes, image, &found);
    figure.add(image, &frame, &segmented, &eyes.model, &found.features);
    Ok((told, doubtful))
}

fn own_pixel_size(frame: &Frame) -> Option<f64> {
    frame
        .metadata
        .as_ref()
        .map(|m| m.pixel_size.x)
        .filter(|size| *size > 0.0)
}

fn told(eyes: &Eyes, image: &Path, found: &DetectedFeatures) -> Value {
    let one = |f: &Detected| {
        json!({
            "name": f.name, "class_id": f.class, "color": f.colour,
            "px": f.place.map(|p| p.px), "m": f.place.and_then(|p| p.m),
            "confidence": f.confidence,
        })
    };
    json!({
        "image": image, "model": eyes.model.name, "backend": eyes.model.backend.name(), "pixelsize_m": found.pixel_size,
        "features": found.features.iter().map(one).collect::<Vec<_>>(),
        "distance_m": found.distance(), "offset_m": found.offset,
    })
}

fn point(text: &str) -> Option<Point> {
    let (x, y) = text.split_once(',')?;
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
    Some(Point {
        x: number(x)?,
        y: number(y)?,
    })
}

fn list(globals: &Globals, own: &[Feature]) -> Result<Exit, CliError> {
    if globals.json {
        let all: Vec<Value> = known(own).map(|feature| json!(feature)).collect();
        output::line(&Value::Array(all).to_string())?;
        return Ok(Exit::Done);
    }
    for feature in known(own) {
        let class = match feature.class {
            0 => "picture".to_owned(),
            class => vision::classes::label(class),
        };
        let many = if feature.many { ", one per instance" } else { "" };
        output::line(&format!("{:28} {class}{many}", feature.name))?;
    }
    Ok(Exit::Done)
}
