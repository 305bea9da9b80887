//! `combine`: pictures of one place made into one.

use super::align::load;
use super::exit::{CliError, Exit};
use super::options::Globals;
use super::output;
use clap::Args;
use model::{Frame, Pixels};
use ndarray::{Array2, ArrayView2};
use serde_json::json;
use std::path::PathBuf;
use vision::Grey;
use vision::focus::Measure;
use vision::stack::{self, BLOCK, Integration};

/// Make one picture of several of the same place: frames integrated against noise, or the sharp parts of a focus series.
///
/// The pictures are taken as they lie: register or re-take what has drifted. The result carries the first picture's metadata and is
/// never written over an existing file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck combine frame_*.tif --by median -o quiet.tif\n  fibdeck combine focus_*.tif --focus tenengrad -o sharp.tif"
)]
pub struct Combine {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The TIFF to write.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// mean, sum, median, max or min of each pixel's values.
    #[arg(long, default_value = "mean")]
    by: String,
    /// Leave out what lies far off a pixel's median: a flash, a passing charge (three pictures or more).
    #[arg(long)]
    adaptive: bool,
    /// A focus series: from each block the sharpest picture, by laplacian, sobel, variance or tenengrad.
    #[arg(long, value_name = "MEASURE", conflicts_with_all = ["by", "adaptive"])]
    focus: Option<String>,
    /// Side of a block of a focus series, px; 0 chooses for every pixel by itself.
    #[arg(long, default_value_t = BLOCK, requires = "focus")]
    block: usize,
    /// Blur of the seams of a focus series, standard deviation in px.
    #[arg(long, default_value_t = 0.0, requires = "focus")]
    smooth: f64,
}

impl Combine {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        if self.files.len() < 2 {
            let text = "one picture is not combined with anything; nothing was written: name two or more";
            return Err(CliError::new(Exit::Usage, text));
        }
        let frames = self
            .files
            .iter()
            .map(|file| load(file))
            .collect::<Result<Vec<Frame>, _>>()?;
        let first = &frames[0];
        let mixed = frames.iter().any(|frame| frame.pixels.bits() != first.pixels.bits());
        if mixed {
            return Err(CliError::failed(
                "the pictures are of 8 and of 16 bits; nothing was written: give pictures of one kind",
            ));
        }
        let pixels = match &first.pixels {
            Pixels::U8(_) => Pixels::U8(self.combined(&views(&frames, |p| match p {
                Pixels::U8(grey) => Some(grey.view()),
                Pixels::U16(_) => None,
            }))?),
            Pixels::U16(_) => Pixels::U16(self.combined(&views(&frames, |p| match p {
                Pixels::U16(grey) => Some(grey.view()),
                Pixels::U8(_) => None,
            }))?),
        };
        let combined = Frame {
            pixels,
            metadata: first.metadata.clone(),
        };
        let path = combined
            .save(&self.output)
            .map_err(|e| CliError::failed(e.to_string()))?;
        output::line(&match globals.json {
            true => json!({ "file": path, "pictures": frames.len() }).to_string(),
            false => path.display().to_string(),
        })?;
        Ok(Exit::Done)
    }

    fn combined<T: Grey>(&self, frames: &[ArrayView2<T>]) -> Result<Array2<T>, CliError> {
        let refused = |e: stack::StackError| CliError::failed(format!("{e}; nothing was written"));
        let Some(measure) = &self.focus else {
            let how = named(&self.by, &Integration::ALL, Integration::name)?;
            let integrate = if self.adaptive {
                stack::integrate_adaptively
            } else {
                stack::integrate
            };
            return integrate(frames, how).map_err(refused);
        };
        let measure = named(measure, &Measure::ALL, Measure::name)?;
        if !(self.smooth.is_finite() && self.smooth >= 0.0) {
            return Err(CliError::new(
                Exit::Usage,
                "--smooth takes 0 px or more; nothing was written",
            ));
        }
        let planes: Vec<Array2<f32>> = frames.iter().map(|f| f.mapv(|v| f32::from(v.level()))).collect();
        let planes: Vec<ArrayView2<f32>> = planes.iter().map(|p| p.view()).collect();
        let chosen = match self.block {
            0 => stack::sharpest(&planes, measure),
            side => stack::sharpest_blocks(&planes, measure, side),
        };
        let picture = chosen
            .and_then(|chosen| stack::composed(&planes, &chosen, self.smooth))
            .map_err(refused)?;
        Ok(picture.mapv(|v| T::truncated(f64::from(v))))
    }
}

/// The pictures of one depth.
fn views<'a, T>(frames: &'a [Frame], of: impl Fn(&'a Pixels) -> Option<ArrayView2<'a, T>>) -> Vec<ArrayView2<'a, T>> {
    frames.iter().filter_map(|frame| of(&frame.pixels)).collect()
}

/// The row of a table with this name.
fn named<T: Copy>(word: &str, rows: &[T], name: impl Fn(T) -> &'static str) -> Result<T, CliError> {
    rows.iter().copied().find(|row| name(*row) == word).ok_or_else(|| {
        let names: Vec<&str> = rows.iter().map(|row| name(*row)).collect();
        let word = model::text::printable(word);
        let text = format!("`{word}` is none of {}; nothing was written", names.join(", "));
        CliError::new(Exit::Usage, text)
    })
}
