//! `show`: pictures in the terminal.

use super::exit::{CliError, Exit};
use super::options::{Globals, Graphics};
use super::{align, output};
use clap::Args;
use image::{DynamicImage, RgbImage};
use model::{Frame, Unit, units};
use picture::figure::Rgb;
use picture::raster::{self, Grid, Raster, Viewport};
use picture::{Ink, InkTable, Overlay, Tone};
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use vision::contrast::Spread;

/// Show pictures in the terminal, with a scale bar and a line of metadata.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck show image_eb.tif image_ib.tif\n  fibdeck show --info --json image_ib.tif"
)]
pub struct Show {
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The metadata alone.
    #[arg(long)]
    info: bool,
    /// Brighten or darken the display by the picture's mean; the file is not changed.
    #[arg(long)]
    autogamma: bool,
    /// How greys are spread in the terminal: taken, stretched or local; the file is not changed.
    #[arg(long, value_name = "SPREAD", default_value = "taken")]
    contrast: Contrast,
}

/// The command line's words for [`Spread`].
#[derive(Clone, Copy, clap::ValueEnum)]
enum Contrast {
    Taken,
    Stretched,
    Local,
}

impl From<Contrast> for Spread {
    fn from(word: Contrast) -> Spread {
        match word {
            Contrast::Taken => Spread::AsTaken,
            Contrast::Stretched => Spread::Stretched,
            Contrast::Local => Spread::Local,
        }
    }
}

impl Show {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let mut failed = 0;
        for file in &self.files {
            let shown = if self.info {
                info(file, globals)
            } else {
                picture(file, globals, self.autogamma, self.contrast.into())
            };
            if let Err(error) = shown {
                eprintln!("fibdeck: {error}");
                failed += 1;
            }
        }
        Ok(match failed {
            0 => Exit::Done,
            n if n < self.files.len() => Exit::Partly,
            _ => Exit::Failed,
        })
    }
}

fn info(file: &Path, globals: &Globals) -> Result<(), CliError> {
    let frame = align::load(file)?;
    let (w, h) = frame.pixels.size();
    let value = json!({ "file": file, "size": [w, h], "bits": frame.pixels.bits(), "metadata": frame.metadata });
    output::line(&if globals.json {
        value.to_string()
    } else {
        ui::plain(&value)
    })
}

/// Shows one file as well as the terminal can, and says in a line what it is.
pub fn picture(file: &Path, globals: &Globals, autogamma: bool, spread: Spread) -> Result<(), CliError> {
    let mut frame = align::load(file)?;
    if globals.graphics != Graphics::None && std::io::stdout().is_terminal() {
        if let Some(pixels) = spread.of(&frame.pixels) {
            frame.pixels = pixels;
        }
        print(&frame, globals.graphics, autogamma)?;
    }
    output::line(&caption(file, &frame))
}

/// Cells a picture may take, so that the caption and the prompt stay on the screen.
fn pane() -> (u16, u16) {
    let (columns, rows) = viuer::terminal_size();
    (columns.clamp(10, 160), rows.saturating_sub(3).clamp(5, 60))
}

fn print(frame: &Frame, graphics: Graphics, autogamma: bool) -> Result<(), CliError> {
    let (columns, rows) = pane();
    // cut to the size it is shown at: viuer would send every pixel of the file
    let cell = (10, 20);
    let grid = Grid {
        per_cell: (10.0, 20.0),
        cell_px: cell,
        max_cells: u16::MAX,
    };
    let viewport = Viewport::of_whole(frame.pixels.size(), (columns, rows), grid);
    let tone = if autogamma { tone(frame) } else { Tone::default() };
    let pixel_size = frame.metadata.as_ref().map_or(0.0, |m| m.pixel_size.x);
    let overlays: Vec<Overlay> = (pixel_size > 0.0)
        .then_some(Overlay::ScaleBar {
            pixel_size,
            ink: Ink::Neutral,
        })
        .into_iter()
        .collect();
    let raster = raster::burn(raster::show(&frame.pixels, &viewport, &tone), &overlays, &viewport);
    on_terminal(&rgb(&raster), (viewport.area.width, viewport.area.height), graphics)
}

/// A figure, as well as the terminal can; nothing where there is none.
pub fn figure(figure: &Rgb, globals: &Globals) -> Result<(), CliError> {
    if globals.graphics == Graphics::None || !std::io::stdout().is_terminal() {
        return Ok(());
    }
    let image = RgbImage::from_fn(figure.width as u32, figure.height as u32, |x, y| {
        image::Rgb(figure.at(x as usize, y as usize))
    });
    let (columns, rows) = pane();
    // a cell is about twice as high as wide
    let wanted = (f64::from(columns) * figure.height as f64 / (2.0 * figure.width as f64)).ceil() as u16;
    let scale = f64::from(rows.min(wanted)) / f64::from(wanted.max(1));
    let area = ((f64::from(columns) * scale) as u16, rows.min(wanted));
    on_terminal(&DynamicImage::ImageRgb8(image), area, globals.graphics)
}

/// In an area of so many columns and rows.
fn on_terminal(image: &DynamicImage, area: (u16, u16), graphics: Graphics) -> Result<(), CliError> {
    let config = viuer::Config {
        absolute_offset: false,
        width: Some(u32::from(area.0.max(1))),
        height: Some(u32::from(area.1.max(1))),
        use_kitty: matches!(graphics, Graphics::Auto | Graphics::Kitty),
        use_iterm: matches!(graphics, Graphics::Auto | Graphics::Iterm2),
        use_sixel: matches!(graphics, Graphics::Auto | Graphics::Sixel),
        ..viuer::Config::default()
    };
    viuer::print(image, &config).map_err(|e| CliError::failed(format!("the picture could not be shown: {e}")))?;
    Ok(())
}

/// Display gamma from the picture's mean; the pixels of the file are not touched.
fn tone(frame: &Frame) -> Tone {
    Tone::new(vision::contrast::auto_gamma(frame.pixels.to_u8().view()), 0, 255)
}

fn rgb(raster: &Raster) -> DynamicImage {
    let inks = InkTable::default();
    let (w, h) = (raster.grey.width, raster.grey.height);
    DynamicImage::ImageRgb8(RgbImage::from_fn(w as u32, h as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        image::Rgb(raster.rgb_at(x, y, &inks))
    }))
}

/// `image_eb.tif  1536x1024 8 bit  SEM 2.00 kV 50.0 pA  WD 7.00 mm  150 um`.
fn caption(file: &Path, frame: &Frame) -> String {
    let (w, h) = frame.pixels.size();
    let mut text = format!(
        "{}  {w}x{h} {} bit",
        model::text::printable(&file.display().to_string()),
        frame.pixels.bits()
    );
    let Some(metadata) = &frame.metadata else {
        return text + "  no metadata";
    };
    let beam = metadata.image.beam_type;
    text += &format!("  {}", beam.short());
    if let Some(state) = metadata.microscope_state.beam(beam) {
        text += &format!(
            " {} {}  WD {}",
            units::format(state.voltage, Unit::Volt),
            units::format(state.beam_current, Unit::Ampere),
            units::format(state.working_distance, Unit::Metre)
        );
    }
    text += &format!("  {}", units::format(metadata.image.hfw, Unit::Metre));
    text
}
