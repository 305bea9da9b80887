//! What `--plot` draws: for each picture itself, its mask, and both with points and boxes on them.

use super::super::exit::CliError;
use super::super::options::Globals;
use super::super::show;
use model::{Frame, Pixels};
use picture::figure::{self, Mask, Panel, Rgb};
use picture::{Ink, InkTable, Overlay, Position, export};
use std::path::{Path, PathBuf};
use vision::classes::{self, named_colour};
use vision::features::Detected;
use vision::model::Model;
use vision::objects::Object;
use vision::segment::Segmented;

/// Opacity of a mask over its picture.
const OPACITY: f64 = 0.3;
const COLUMNS: usize = 3;

pub struct Figure {
    /// Where it is written; without one nothing is gathered.
    path: Option<PathBuf>,
    rows: Vec<Row>,
}

struct Row {
    title: String,
    pixels: Pixels,
    labels: ndarray::Array2<u8>,
    /// Where, what, in which colour.
    marks: Vec<(Overlay, [u8; 3])>,
    legend: Vec<(String, [u8; 3])>,
}

impl Figure {
    pub fn new(path: Option<&Path>) -> Self {
        let path = path.map(Path::to_owned);
        Figure { path, rows: Vec::new() }
    }

    pub fn add(&mut self, file: &Path, frame: &Frame, segmented: &Segmented, model: &Model, found: &[Detected]) {
        if self.path.is_none() {
            return;
        }
        let mark = |f: &Detected| {
            let px = f.place?.px;
            let sure = f
                .confidence
                .map_or_else(String::new, |c| format!(" {:.0} %", c * 100.0));
            let overlay = Overlay::Marker {
                at: Position::new(px.x + 0.5, px.y + 0.5),
                text: format!("{}{sure}", f.name),
                ink: Ink::Neutral,
            };
            Some((overlay, named_colour(&f.colour).unwrap_or([255; 3])))
        };
        let classes = segmented.classes();
        let legend = classes.iter().map(|c| c.class).filter(|class| *class > 0);
        self.rows.push(Row {
            title: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            pixels: frame.pixels.clone(),
            labels: segmented.labels.clone(),
            marks: found.iter().filter_map(mark).collect(),
            legend: legend
                .map(|class| (model.label(class), classes::colour(class)))
                .collect(),
        });
    }

    /// Boxes about the objects of the picture that was added last.
    pub fn boxes(&mut self, objects: &[Object], model: &Model) {
        let Some(row) = self.rows.last_mut() else { return };
        for object in objects {
            let [(y0, x0), (y1, x1)] = object.bbox().map(|(y, x)| (y as f64, x as f64));
            let colour = classes::colour(object.class);
            let text = format!("{} {}", model.label(object.class), object.instance);
            let ink = Ink::Neutral;
            let corner = |x, y| Position::new(x, y);
            let points = vec![corner(x0, y0), corner(x1, y0), corner(x1, y1), corner(x0, y1)];
            row.marks.push((Overlay::Outline { points, ink }, colour));
            let at = corner(x0, y0);
            row.marks.push((Overlay::Text { at, text, ink }, colour));
        }
    }

    /// Writes the figure where one was asked for, and shows it on a terminal.
    pub fn save(&self, globals: &Globals) -> Result<(), CliError> {
        let Some(path) = self.path.as_deref().filter(|_| !self.rows.is_empty()) else {
            return Ok(());
        };
        let panels: Vec<Rgb> = self.rows.iter().flat_map(Row::panels).collect();
        let figure = figure::montage(&panels, COLUMNS);
        let file = export::save_rgb(path, &figure).map_err(CliError::failed)?;
        if !globals.quiet {
            eprintln!("fibdeck: {}", file.display());
        }
        if globals.json {
            Ok(())
        } else {
            show::figure(&figure, globals)
        }
    }
}

impl Row {
    fn panels(&self) -> [Rgb; COLUMNS] {
        let title = Overlay::Text {
            at: Position::new(0.0, 0.05 * self.pixels.size().1 as f64),
            text: self.title.clone(),
            ink: Ink::Neutral,
        };
        let bare = |overlays| Panel {
            pixels: &self.pixels,
            mask: None,
            overlays,
            inks: InkTable::default(),
        };
        let masked = |opacity| Mask {
            labels: self.labels.view(),
            colour: &classes::colour,
            opacity,
        };
        let (overlays, inks) = inked(&self.marks);
        let step = 0.08 * self.pixels.size().1 as f64;
        let names = self.legend.iter().enumerate().map(|(i, (name, colour))| {
            let overlay = Overlay::Text {
                at: Position::new(0.0, (i as f64 + 1.0) * step),
                text: name.clone(),
                ink: Ink::Neutral,
            };
            (overlay, *colour)
        });
        let (legend, legend_inks) = inked(&names.collect::<Vec<_>>());
        let panels = [
            bare(vec![title]),
            Panel {
                mask: Some(masked(1.0)),
                inks: legend_inks,
                ..bare(legend)
            },
            Panel {
                mask: Some(masked(OPACITY)),
                inks,
                ..bare(overlays)
            },
        ];
        panels.map(|panel| figure::panel(&panel))
    }
}

/// Overlays in their colours: as many as there are inks, the others in the last.
fn inked(marks: &[(Overlay, [u8; 3])]) -> (Vec<Overlay>, InkTable) {
    let mut colours: Vec<[u8; 3]> = Vec::new();
    let mut table = InkTable::default();
    let overlays = marks.iter().map(|(overlay, colour)| {
        let known = colours.iter().position(|c| c == colour);
        let at = known.unwrap_or_else(|| {
            colours.push(*colour);
            colours.len() - 1
        });
        let at = at.min(Ink::ALL.len() - 1);
        table.0[at] = *colour;
        overlay.clone().in_ink(Ink::ALL[at])
    });
    (overlays.collect(), table)
}
