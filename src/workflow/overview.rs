//! Overviews: a grid of overlapping pictures, each where the stage took it, and one picture made of them.
//!
//! Source: openFIBSEM's tiled acquisition (grid, orders, names of files). What differs: a tile that fails for what may be different the next
//! time is taken again instead of ending the whole, and tiles are matched by what their overlaps show and blended, their grey values
//! left as they are. Tiles are told as they are taken, each with its stage position, so an overview can be seen as it grows.

use crate::acquire::{PictureOptions, beam_is_up, beams_there};
use crate::autofocus::{AutoFocus, autofocus};
use crate::contrast::{self, AutoContrast};
use crate::movement::Now;
use crate::{Job, JobCx, JobError, Keep};
use hal::{Act, HalError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::kinematics::tiles::{Grid, Tile, TileError, TileOrder};
use model::{Beam, ErrorKind, Frame, ImageSettings, Key, Notice, Severity, StagePosition, Value};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use vision::mosaic::{Laid, laid};

/// When an overview is focused on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Focusing {
    #[default]
    None,
    /// In the middle, before the first tile.
    Once,
    /// At the first tile of each row.
    EachRow,
    EachTile,
}

/// Parameters of [`overview`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Overview {
    pub beam: Beam,
    pub rows: usize,
    pub columns: usize,
    /// Share of a tile that its neighbour shows, too.
    pub overlap: f64,
    pub order: TileOrder,
    /// `mask[row][column]` false leaves a tile out.
    pub mask: Option<Vec<Vec<bool>>>,
    pub autofocus: Focusing,
    /// Of each tile. `autocontrast` is done once, in the middle: tiles of different contrast make no picture.
    #[serde(flatten)]
    pub options: PictureOptions,
    /// The folder that the picture and the folder of its tiles are made in.
    pub path: Option<String>,
    /// Trust the stage: do not match overlaps.
    pub as_said: bool,
}

impl Default for Overview {
    fn default() -> Self {
        Overview {
            beam: Beam::Electron,
            rows: 3,
            columns: 3,
            overlap: 0.1,
            order: TileOrder::default(),
            mask: None,
            autofocus: Focusing::None,
            options: PictureOptions::default(),
            path: None,
            as_said: false,
        }
    }
}

/// What [`overview`] gives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Overviewed {
    pub file: Option<String>,
    /// The tiles' files, in the order in which they were taken.
    pub tiles: Vec<String>,
    /// Pixels, w x h.
    pub size: (usize, usize),
    /// m; of the whole.
    pub hfw: f64,
    /// m per pixel.
    pub pixel_size: f64,
    /// Furthest that matching moved a tile against what the stage said (m).
    pub moved: f64,
    /// Stage position that the middle of the picture shows.
    pub centre: Option<StagePosition>,
}

/// First part of the name of an overview, as openFIBSEM's report looks for it.
const NAME: &str = "overview-image";
/// A tile is begun so often, where it fails for what may be different the next time.
const ATTEMPTS: usize = 3;
/// A stage that answers late or not at all is given this long (s) before a tile is begun again.
const PATIENCE: f64 = 15.0;

/// Takes the tiles around where the stage stands, brings it back, and lays them to one picture. All of it is refused before anything moves
/// where the stage does not reach a tile. What was taken stays on the disk, also when it ends early.
pub fn overview(cx: JobCx, params: Overview) -> Job<Overviewed> {
    Box::pin(async move {
        let plan = Plan::new(&cx, params).await?;
        let mark = cx.mark();
        let taken = take(&cx, &plan).await;
        let back = cx.put_back(mark).await;
        let (frames, tiles) = taken?;
        back?;
        cx.tell_whole(1.0, 0.0, "laying the tiles");
        let (geometry, matched) = (cx.geometry(), !plan.params.as_said);
        let laid = cx.compute(move || laid(&frames, &geometry, matched)).await?;
        let laid = laid.map_err(|error| {
            JobError::new(
                ErrorKind::Other,
                format!(
                    "the tiles make no picture: {error}; they stay in {}",
                    plan.folder.display()
                ),
                "`fibdeck mosaic` lays tiles by hand",
            )
        })?;
        keep(&cx, &plan, laid, tiles)
    })
}

struct Plan {
    params: Overview,
    settings: ImageSettings,
    /// Tiles with where the stage goes, in their order.
    tiles: Vec<(Tile, StagePosition)>,
    before: StagePosition,
    /// The tiles' folder; the picture is called as it is.
    folder: PathBuf,
}

impl Plan {
    async fn new(cx: &JobCx, mut params: Overview) -> Result<Plan, JobError> {
        beams_there(cx, &[params.beam])?;
        let Some(stage) = cx.scope().capabilities().stage.as_ref() else {
            return Err(HalError::unsupported("stage").into());
        };
        beam_is_up(cx, params.beam, "no tile was taken").await?;
        // a spiral has no rows
        if params.order == TileOrder::Spiral && params.autofocus == Focusing::EachRow {
            params.autofocus = Focusing::EachTile;
        }
        let given = params.options.over(cx.host.image_settings(params.beam));
        let settings = ImageSettings {
            beam_type: params.beam,
            save: true,
            reduced_area: None,
            ..given
        };
        let grid = Grid::new(
            params.rows,
            params.columns,
            settings.resolution,
            settings.hfw,
            params.overlap,
        )?;
        let tiles = grid.ordered(params.order, params.mask.as_deref())?;
        if tiles.is_empty() {
            return Err(JobError::new(
                ErrorKind::Usage,
                "the mask leaves no tile; nothing moved",
                "true in the mask takes a tile",
            ));
        }
        let now = Now::read(cx).await?;
        let before = StagePosition::from(now.pose);
        let reached = grid.stage_positions(&now.setup(), params.beam, &before, &tiles, &stage.limits)?;
        let clock = cx.scope().clock();
        let moment = Timestamp::from_microsecond(((clock.epoch() + clock.now()) * 1e6) as i64);
        let stamp = moment.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::system());
        let name = format!("{NAME}-{}", stamp.strftime("%Y-%m-%d_%H-%M-%S"));
        Ok(Plan {
            folder: Path::new(params.path.as_deref().unwrap_or_default()).join(name),
            tiles: tiles.into_iter().zip(reached).collect(),
            settings,
            before,
            params,
        })
    }

    /// The beam's time of a tile (s), and its move.
    fn time(&self) -> f64 {
        self.settings.beam_time() + 2.0
    }
}

async fn take(cx: &JobCx, plan: &Plan) -> Result<(Vec<Frame>, Vec<String>), JobError> {
    let beam = plan.params.beam;
    let focus = cx.scope().get(Key::WorkingDistance, Some(beam)).await.ok();
    let target = StagePosition {
        name: None,
        ..plan.before.clone()
    };
    let mut acts = vec![Act::StageTo { target }];
    if plan.params.autofocus != Focusing::None {
        let value = focus.unwrap_or(Value::Null);
        let key = Key::WorkingDistance;
        acts.extend(value.as_f64().map(|_| Act::BeamSet {
            beam,
            key,
            value: value.clone(),
        }));
    }
    cx.owe("where the stage was before the overview", acts);
    let hfw = Some(plan.settings.hfw);
    if plan.params.autofocus == Focusing::Once {
        focused(cx, beam, hfw).await?;
    }
    if plan.settings.autocontrast {
        let around = AutoContrast {
            hfw,
            ..AutoContrast::of(beam)
        };
        match contrast::autocontrast(cx.clone(), around).await {
            Err(error) if error.kind == ErrorKind::Doubtful => {
                warn(cx, &error, "the tiles are taken with the contrast as it is")
            }
            other => drop(other?),
        }
    }
    let (mut frames, mut files, mut row) = (Vec::new(), Vec::new(), None);
    for (n, (tile, target)) in plan.tiles.iter().enumerate() {
        let done = n as f64 / plan.tiles.len() as f64;
        let words = format!(
            "tile {} of {} (row {}, column {})",
            n + 1,
            plan.tiles.len(),
            tile.row + 1,
            tile.col + 1
        );
        cx.tell_whole(done, (plan.tiles.len() - n) as f64 * plan.time(), &words);
        let refocus = match plan.params.autofocus {
            Focusing::EachTile => true,
            Focusing::EachRow => row != Some(tile.row),
            Focusing::None | Focusing::Once => false,
        };
        row = Some(tile.row);
        let (frame, file) = patiently(cx, plan, tile, target, refocus).await?;
        frames.push(frame);
        files.extend(file);
    }
    cx.parts_tell();
    Ok((frames, files))
}

/// A tile, begun again where it fails for what may be different the next time.
async fn patiently(
    cx: &JobCx,
    plan: &Plan,
    tile: &Tile,
    target: &StagePosition,
    refocus: bool,
) -> Result<(Frame, Option<String>), JobError> {
    for _ in 1..ATTEMPTS {
        match once(cx, plan, tile, target, refocus).await {
            Err(error) if may_differ(error.kind) => {
                let (row, column) = (tile.row + 1, tile.col + 1);
                warn(
                    cx,
                    &error,
                    &format!("the tile of row {row}, column {column} is taken again"),
                );
                cx.wait(PATIENCE, |_| {}).await?;
            }
            ended => return ended,
        }
    }
    once(cx, plan, tile, target, refocus).await
}

/// The same may go better when it is tried again.
fn may_differ(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Timeout | ErrorKind::Protocol | ErrorKind::Busy | ErrorKind::Other
    )
}

async fn once(
    cx: &JobCx,
    plan: &Plan,
    tile: &Tile,
    target: &StagePosition,
    refocus: bool,
) -> Result<(Frame, Option<String>), JobError> {
    let target = StagePosition {
        name: None,
        ..target.clone()
    };
    cx.act(Act::StageTo { target }).await?;
    if refocus {
        focused(cx, plan.params.beam, Some(plan.settings.hfw)).await?;
    }
    let settings = ImageSettings {
        filename: format!("tile_{}_{}", tile.row, tile.col),
        autocontrast: false,
        path: None,
        ..plan.settings.clone()
    };
    let keep = Keep {
        live: false,
        path: Some(plan.folder.display().to_string()),
    };
    cx.frame(&settings, &keep).await
}

/// Focuses; a focus that cannot be found is left as it is, and told.
async fn focused(cx: &JobCx, beam: Beam, hfw: Option<f64>) -> Result<(), JobError> {
    let params = AutoFocus {
        hfw,
        ..AutoFocus::of(beam)
    };
    match autofocus(cx.clone(), params).await {
        Err(error) if error.kind == ErrorKind::Doubtful => {
            warn(cx, &error, "the overview goes on with the focus as it was")
        }
        other => drop(other?),
    }
    Ok(())
}

fn warn(cx: &JobCx, error: &JobError, hint: &str) {
    cx.host
        .notice(Notice::new(Severity::Warning, error.what.clone()).hint(hint));
}

fn keep(cx: &JobCx, plan: &Plan, laid: Laid, tiles: Vec<String>) -> Result<Overviewed, JobError> {
    let mut frame = laid.frame;
    let name = plan.folder.with_extension("tif");
    if let Some(metadata) = frame.metadata.as_mut() {
        metadata.image.filename = name.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
    let keep = Keep {
        live: false,
        path: Some(name.display().to_string()),
    };
    let (frame, file) = cx.host.frame(frame, &keep)?;
    let metadata = frame.metadata.as_ref();
    let pixel_size = metadata.map_or(0.0, |m| m.pixel_size.x);
    Ok(Overviewed {
        file,
        tiles,
        size: frame.pixels.size(),
        hfw: metadata.map_or(0.0, |m| m.image.hfw),
        pixel_size,
        moved: laid.moved * pixel_size,
        centre: metadata.map(|m| m.microscope_state.stage_position.clone()),
    })
}

impl From<TileError> for JobError {
    fn from(error: TileError) -> JobError {
        match error {
            TileError::Position(error) => error.into(),
            TileError::OutOfLimits { .. } => JobError::new(
                ErrorKind::OutOfRange,
                error.to_string(),
                "take fewer tiles, leave some out (mask=), or begin nearer to the middle",
            ),
            other => JobError::new(
                ErrorKind::Usage,
                format!("{other}; nothing moved"),
                "e.g. rows=3 columns=3 overlap=0.1 hfw=400um",
            ),
        }
    }
}
