//! `pattern`: the milling patterns there are, and pictures of them.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::{align, output};
use clap::{Args, Subcommand};
use engine::plan::{self, Source};
use model::{Pixels, Point, Unit, units};
use pattern::{MillingStage, MillingTask, PATTERNS, Pattern as Milled, PatternRow, estimate};
use picture::raster::{self, Look, Position};
use picture::{Ink, InkTable, Overlay, Scene, Tone, View, export};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Milling patterns: which there are, and what they look like.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Pattern {
    #[command(subcommand)]
    verb: PatternVerb,
}

const EXAMPLES: &str = "Examples:
  fibdeck pattern list
  fibdeck pattern draw Trench width=12um spacing=2um -o trench.png
  fibdeck pattern draw protocol.yaml --name mill_rough --on lamella_ib.tif -o rough.png";

#[derive(Subcommand)]
enum PatternVerb {
    /// The patterns with their parameters, limits and defaults.
    List,
    Draw(Draw),
}

/// Draw a pattern, or the stages of a milling task, as they would be milled; never over an existing file.
#[derive(Args)]
struct Draw {
    /// A pattern's name, or the file of a milling task or protocol.
    #[arg(value_name = "PATTERN|FILE")]
    what: String,
    /// Parameters of the pattern, `name=value`, with units.
    #[arg(value_name = "K=V")]
    parameters: Vec<String>,
    /// The PNG to write.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Which task of a protocol; the first without it.
    #[arg(long)]
    name: Option<String>,
    /// Width of the field, e.g. 150um; the picture's, the task's, or 150um without it.
    #[arg(long)]
    hfw: Option<String>,
    /// Pixels of the field, e.g. 1536x1024; the picture's, or 1536x1024 without it.
    #[arg(long, value_name = "WxH")]
    resolution: Option<String>,
    /// A picture to draw on.
    #[arg(long, value_name = "TIFF")]
    on: Option<PathBuf>,
}

impl Pattern {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        match &self.verb {
            PatternVerb::List => list(globals),
            PatternVerb::Draw(draw) => draw.run(globals),
        }
    }
}

fn usage(text: impl std::fmt::Display) -> CliError {
    CliError::new(Exit::Usage, format!("{text}; nothing was drawn"))
}

fn list(globals: &Globals) -> Result<Exit, CliError> {
    if globals.json {
        let rows: Vec<Value> = PATTERNS.iter().map(as_json).collect();
        output::line(&Value::Array(rows).to_string())?;
        return Ok(Exit::Done);
    }
    for row in PATTERNS {
        let note = if row.registered {
            ""
        } else {
            " (openFIBSEM does not load it by name)"
        };
        output::line(&format!("{}\n    {}{note}", row.name, row.doc))?;
        let default = Milled::new((row.default)());
        for field in default.fields() {
            let value = default.get(field.key).unwrap_or_default();
            output::line(&format!("      {:22} {} [{value}]", field.key, field.doc))?;
        }
    }
    Ok(Exit::Done)
}

fn as_json(row: &PatternRow) -> Value {
    let default = Milled::new((row.default)());
    let fields: Vec<Value> = default
        .fields()
        .map(|field| {
            let (min, max) = match field.kind {
                pattern::Kind::Quantity { min, max, .. } => (json!(min), json!(max)),
                pattern::Kind::Integer { min, max } => (json!(min), json!(max)),
                _ => (Value::Null, Value::Null),
            };
            json!({
                "name": field.key, "doc": field.doc, "min": min, "max": max, "choices": field.choices(),
                "degrees": field.unit() == Some(Unit::Degree), "advanced": field.advanced,
            })
        })
        .collect();
    json!({ "name": row.name, "doc": row.doc, "registered": row.registered, "fields": fields, "default": default })
}

/// The field that is drawn in.
struct Field {
    pixels: Arc<Pixels>,
    /// m.
    hfw: f64,
}

impl Field {
    fn size(&self) -> (usize, usize) {
        self.pixels.size()
    }

    fn pixel_size(&self) -> f64 {
        self.hfw / self.size().0.max(1) as f64
    }

    /// Where a point of the field (m, y up) is in the picture.
    fn pixel(&self, at: Point) -> Position {
        let ((w, h), px) = (self.size(), self.pixel_size());
        Position::new(w as f64 / 2.0 + at.x / px, h as f64 / 2.0 - at.y / px)
    }
}

impl Draw {
    fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let (task, notes) = self.task()?;
        let field = self.field(task.field_of_view)?;
        let task = MillingTask {
            field_of_view: field.hfw,
            ..task
        };
        let (w, h) = field.size();
        task.check((w as u32, h as u32))
            .map_err(|refused| CliError::new(Exit::Refused, format!("{refused}; nothing was drawn")))?;
        if !globals.quiet {
            for note in &notes {
                eprintln!("fibdeck: {}", model::text::printable(note));
            }
        }
        let scene = Scene {
            overlays: overlays(&task, &field),
            pixels: field.pixels.clone(),
            revision: 0,
            view: View::default(),
            tone: Tone::default(),
            smooth: false,
        };
        let file = export::scene(&self.output, &scene, &InkTable::default()).map_err(CliError::failed)?;
        let result = report(&file, &task);
        output::line(&match globals.json {
            true => result.to_string(),
            false => ui::plain(&result),
        })?;
        Ok(Exit::Done)
    }

    /// What is drawn, as a task; and what was odd in it.
    fn task(&self) -> Result<(MillingTask, Vec<String>), CliError> {
        let is_file = Path::new(&self.what).is_file();
        if let (true, Some(word)) = (is_file, self.parameters.first()) {
            let word = model::text::printable(word);
            return Err(usage(format!(
                "`{word}` is a parameter, and a file was named: change it in the file"
            )));
        }
        if is_file {
            let given = plan::read(Source::File(&self.what), self.name.as_deref(), "nothing was drawn")?;
            return Ok((given.task, given.notes));
        }
        if pattern::row(&self.what).is_none() && Path::new(&self.what).extension().is_some() {
            return Err(CliError::failed(format!(
                "there is no file {}; nothing was drawn",
                model::text::printable(&self.what)
            )));
        }
        let mut pattern = Milled::named(&self.what).map_err(usage)?;
        for word in &self.parameters {
            let (key, value) = word.split_once('=').ok_or_else(|| {
                usage(format!(
                    "`{}` is no parameter: write name=value",
                    model::text::printable(word)
                ))
            })?;
            pattern.set(key, value).map_err(usage)?;
        }
        plan::load_pictures(&mut pattern, Path::new(""), "nothing was drawn")?;
        let stage = MillingStage {
            name: pattern.name().to_owned(),
            pattern,
            ..MillingStage::default()
        };
        let task = MillingTask {
            name: stage.name.clone(),
            stages: vec![stage],
            ..MillingTask::default()
        };
        Ok((task, Vec::new()))
    }

    fn field(&self, hfw: f64) -> Result<Field, CliError> {
        let frame = self.on.as_deref().map(align::load).transpose()?;
        let of_picture = frame.as_ref().and_then(|f| f.metadata.as_ref()).map(|m| m.image.hfw);
        let hfw = match &self.hfw {
            Some(text) => units::parse(text, Unit::Metre).map_err(|e| usage(format!("--hfw: {e}")))?,
            None if frame.is_some() && of_picture.is_none() => {
                return Err(usage("the picture does not say how wide it is: give --hfw"));
            }
            None => of_picture.unwrap_or(hfw),
        };
        if let (Some(_), Some(_)) = (&frame, &self.resolution) {
            return Err(usage("--resolution and --on: a picture has its own"));
        }
        let pixels = match (frame, &self.resolution) {
            (Some(frame), _) => frame.pixels,
            (None, None) => blank((1536, 1024)),
            (None, Some(text)) => blank(size(text)?),
        };
        Ok(Field {
            pixels: Arc::new(pixels),
            hfw,
        })
    }
}

/// `1536x1024`.
fn size(text: &str) -> Result<(u32, u32), CliError> {
    let pair = text
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    pair.filter(|(w, h)| (16..=8192).contains(w) && (16..=8192).contains(h))
        .ok_or_else(|| {
            let text = model::text::printable(text);
            usage(format!(
                "--resolution: `{text}` is no size of 16 to 8192 pixels: write one like 1536x1024"
            ))
        })
}

/// A field without a picture: dark enough for every ink.
fn blank((w, h): (u32, u32)) -> Pixels {
    Pixels::filled(w as usize, h as usize, 40)
}

/// The stages as the Milling tab draws them, with their numbers and a scale bar.
fn overlays(task: &MillingTask, field: &Field) -> Vec<Overlay> {
    let at = |point: Point| field.pixel(point);
    let mut all = vec![Overlay::ScaleBar {
        pixel_size: field.pixel_size(),
        ink: Ink::Neutral,
    }];
    for (i, stage) in task.stages.iter().enumerate() {
        let (shapes, ink) = (stage.pattern.shapes(), Ink::of_series(i));
        let look = Look {
            ink,
            on: stage.enabled,
            selected: false,
        };
        all.extend(raster::shapes(&shapes, look, at));
        all.extend(raster::number(i + 1, &shapes, ink, at).filter(|_| task.stages.len() > 1));
    }
    all
}

fn report(file: &Path, task: &MillingTask) -> Value {
    let stages: Vec<Value> = task
        .stages
        .iter()
        .map(|stage| {
            json!({
                "name": stage.name, "pattern": stage.pattern.name(), "enabled": stage.enabled,
                "shapes": stage.pattern.shapes().len(), "depth_m": stage.pattern.depth(), "volume_m3": stage.pattern.volume(),
                "current_a": stage.milling.milling_current,
                "beam_time_s": estimate::pattern_time(&stage.pattern, stage.milling.milling_current),
            })
        })
        .collect();
    json!({ "file": file, "task": task.name, "beam": task.channel.word(), "hfw_m": task.field_of_view, "stages": stages })
}
