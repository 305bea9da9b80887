//! Features in a picture: taken or given, segmented, looked for, recorded; and what a person corrects of it.
//!
//! `record` writes what openFIBSEM's data engine reads. Nothing moves here: a move that follows is a command of its own. Models stay loaded
//! between detections ([`Eyes`]).

mod record;

pub use record::confirm;

use crate::acquire::PictureOptions;
use crate::{Job, JobCx, JobError, Keep};
use hal::HalError;
use model::carried::{CLASSICAL, Place};
use model::config::Paths;
use model::detection::{ClassShare, Detection, SmallMask, Spotted};
use model::library::Library;
use model::{Beam, ErrorKind, Frame, ImageSettings, Point};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use vision::features::{Detected, DetectedFeatures, Feature, Which, named, own, to_metres};
use vision::model::{Model, ModelError, Step};
use vision::segment::{ClassSeen, Segmented};

/// Parameters of [`detect`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Detect {
    pub beam: Beam,
    /// By their names; of the needle's tip and the middle of the lamella what the model looks for unless given.
    pub features: Vec<String>,
    /// A file or a name; that of the settings unless given.
    pub model: Option<String>,
    /// Instances nearest to this pixel are taken; the picture's middle unless given.
    pub point: Option<Point>,
    /// Every instance instead of the nearest.
    pub all: bool,
    #[serde(flatten)]
    pub options: PictureOptions,
    /// POSIX s: names the picture.
    pub time: f64,
}

impl Default for Detect {
    fn default() -> Self {
        Detect {
            beam: Beam::Electron,
            features: Vec::new(),
            model: None,
            point: None,
            all: false,
            options: PictureOptions::default(),
            time: 0.0,
        }
    }
}

/// A picture that is there already, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub frame: Frame,
    pub file: Option<String>,
}

/// What finds features, over many detections: where settings are, and the model that was used last.
pub struct Eyes {
    paths: Paths,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    place: Place,
    /// Bytes and time of change: another file is another model.
    stamp: String,
    /// What computes: runtime and device.
    by: [String; 2],
    model: Arc<Model>,
}

impl Eyes {
    pub fn new(paths: Paths) -> Eyes {
        Eyes {
            paths,
            loaded: Mutex::new(None),
        }
    }

    /// The settings as they are now.
    pub(crate) fn library(&self) -> Result<Library, JobError> {
        Library::of(&self.paths).map_err(|e| usage(e, "mend detection.yaml in the configuration folder"))
    }

    /// The model a name means, or the settings for such an instrument, kept from the last time where it is the same.
    fn model(&self, library: &Library, name: Option<&str>, instrument: &str) -> Result<Arc<Model>, JobError> {
        let failed = |e: &dyn std::fmt::Display| {
            JobError::new(
                ErrorKind::File,
                format!("{e}"),
                "`fibdeck model list` and `model verify` say more",
            )
        };
        let name = name.unwrap_or_else(|| library.chosen(Some(instrument)));
        if name == CLASSICAL {
            return Ok(Arc::new(Model::classical()));
        }
        let place = library.place(name).map_err(|e| failed(&e))?;
        let stamp = stamp(&place);
        let by = [&library.settings.runtime, &library.settings.device].map(String::clone);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = loaded.as_ref()
            && (kept.place == place && kept.stamp == stamp && kept.by == by)
        {
            return Ok(kept.model.clone());
        }
        let model = Arc::new(Model::load(library, Some(name), None).map_err(|e| failed(&e))?);
        *loaded = Some(Loaded {
            place,
            stamp,
            by,
            model: model.clone(),
        });
        Ok(model)
    }
}

fn stamp(place: &Place) -> String {
    let Place::File(path) = place else {
        return String::new();
    };
    std::fs::metadata(path).map_or_else(
        |_| String::new(),
        |data| format!("{} {:?}", data.len(), data.modified()),
    )
}

fn usage(what: impl std::fmt::Display, hint: &str) -> JobError {
    JobError::new(ErrorKind::Usage, format!("{what}; no picture was taken"), hint)
}

/// The usual features, where none are named.
const USUAL: [&str; 2] = ["NeedleTip", "LamellaCentre"];

/// Takes a picture of the full frame, or takes the one that is given, and looks for features in it. What was found is recorded for the data
/// engine as it is, also where nobody watches.
pub fn detect(cx: JobCx, eyes: Arc<Eyes>, params: Detect, given: Option<Given>) -> Job<Detection> {
    Box::pin(async move {
        let library = eyes.library()?;
        let hint = "detect.features features=NeedleTip,LandingPost; `fibdeck detect --list` shows them";
        let own = own(&library.settings.features).map_err(|e| usage(e, "mend detection.yaml"))?;
        let names: Vec<&str> = match params.features.as_slice() {
            [] => USUAL.to_vec(),
            names => names.iter().map(String::as_str).collect(),
        };
        let features = named(&names, &own).map_err(|e| usage(e, hint))?;
        let model = {
            let (eyes, library, name) = (eyes.clone(), library.clone(), params.model.clone());
            cx.tell(None, None, "loading the model");
            let instrument = cx.scope().identity().model.clone();
            cx.compute(move || eyes.model(&library, name.as_deref(), &instrument))
                .await??
        };
        let features = model.looked_for(features, params.features.is_empty());
        let features = features.map_err(|e| usage(e, "`fibdeck model list` shows those that are here"))?;
        let given = match given {
            Some(given) => given,
            None => take(&cx, &params).await?,
        };
        let job = cx.clone();
        let found = cx.compute(move || {
            let mut watch = |step: Step| {
                let text = format!("segmenting, {} of {}", step.done + 1, step.of);
                job.progress(step.done as f64 / step.of.max(1) as f64, &text);
                if job.hand.is_ended() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            let segmented = segment(&model, &given.frame, &mut watch)?;
            let detection = look(&segmented, &features, &params, &model, &given, &library);
            record::detection(&library.ml, detection, &given.frame, &segmented.labels, &params)
        });
        found.await?
    })
}

/// A picture by the operator's settings, the whole frame of it.
async fn take(cx: &JobCx, params: &Detect) -> Result<Given, JobError> {
    if cx.scope().capabilities().beam(params.beam).is_none() {
        return Err(HalError::unsupported(&format!("{} beam", params.beam)).into());
    }
    let settings = ImageSettings {
        beam_type: params.beam,
        reduced_area: None,
        filename: record::name(params.time),
        save: false,
        ..params.options.over(cx.host.image_settings(params.beam))
    };
    let (frame, file) = cx.frame(&settings, &Keep::default()).await?;
    Ok(Given { frame, file })
}

fn segment(model: &Model, frame: &Frame, watch: vision::model::Watch) -> Result<Segmented, JobError> {
    let segmented = match &frame.pixels {
        model::Pixels::U8(grey) => model.segment(grey.view(), watch),
        model::Pixels::U16(grey) => model.segment(grey.view(), watch),
    };
    segmented.map_err(|e| match e {
        ModelError::Cancelled => HalError::stopped().into(),
        e => JobError::new(
            ErrorKind::Other,
            e.to_string(),
            "`fibdeck model verify` says whether the model is whole",
        ),
    })
}

fn look(
    segmented: &Segmented,
    features: &[Feature],
    params: &Detect,
    model: &Model,
    given: &Given,
    library: &Library,
) -> Detection {
    let which = match params.point {
        _ if params.all => Which::All,
        Some(point) => Which::NearestTo(point),
        None => Which::Nearest,
    };
    let metadata = given.frame.metadata.as_ref();
    let pixelsize_m = metadata.map(|m| m.pixel_size.x).filter(|size| *size > 0.0);
    let found: DetectedFeatures = vision::features::detect(segmented, features, pixelsize_m, which);
    let spotted = |f: &Detected| Spotted {
        name: f.name.clone(),
        class_id: f.class,
        color: f.colour.clone(),
        px: f.place.map(|p| p.px),
        m: f.place.and_then(|p| p.m),
        confidence: f.confidence,
        first: f.as_original(),
        by_hand: false,
    };
    Detection {
        frame: None,
        image: given.file.clone(),
        beam: metadata.map(|m| m.image.beam_type),
        model: model.name.clone(),
        backend: model.backend.name().to_owned(),
        model_sha256: model.hash.clone(),
        pixelsize_m,
        size: given.frame.pixels.size(),
        features: found.features.iter().map(spotted).collect(),
        classes: shares(segmented, model),
        mask: SmallMask::of(&segmented.labels),
        least_confidence: library.settings.least_confidence,
        noisy: found.noisy,
        confirmed: false,
        record: None,
    }
}

fn shares(segmented: &Segmented, model: &Model) -> Vec<ClassShare> {
    let share = |seen: ClassSeen| ClassShare {
        id: seen.class,
        label: model.label(seen.class),
        share: seen.pixels as f64 / segmented.labels.len() as f64,
    };
    let seen = segmented.classes().into_iter();
    seen.filter(|seen| seen.class > 0).map(share).collect()
}

/// Puts a feature where a person says it is, in pixels; outside of the picture is an error.
pub fn moved(detection: &mut Detection, index: usize, px: Point) -> Result<(), JobError> {
    let at = place(detection, px)?;
    if let Some(feature) = detection.features.get_mut(index) {
        (feature.px, feature.m) = (Some(px), at);
        (feature.confidence, feature.by_hand) = (None, true);
        detection.confirmed = false;
    }
    Ok(())
}

/// Adds a feature that was not looked for, or another instance of one.
pub fn added(eyes: &Eyes, detection: &mut Detection, name: &str, px: Point) -> Result<(), JobError> {
    let library = eyes.library()?;
    let refused = |e: vision::features::FeatureError| {
        JobError::new(
            ErrorKind::Usage,
            format!("{e}; nothing was added"),
            "`fibdeck detect --list` shows them",
        )
    };
    let own = own(&library.settings.features).map_err(refused)?;
    let feature = named(&[name], &own).map_err(refused)?.swap_remove(0);
    let m = place(detection, px)?;
    detection.features.push(Spotted {
        name: feature.name.to_string(),
        class_id: feature.class,
        color: feature.colour.to_string(),
        px: Some(px),
        m,
        confidence: None,
        first: Point::default(),
        by_hand: true,
    });
    detection.confirmed = false;
    Ok(())
}

/// The metres of a pixel of the picture.
fn place(detection: &Detection, px: Point) -> Result<Option<Point>, JobError> {
    let (w, h) = detection.size;
    let inside = (0.0..w as f64).contains(&px.x) && (0.0..h as f64).contains(&px.y);
    if !inside {
        let what = format!(
            "{:.1}, {:.1} is not in the picture of {w}x{h} pixels; nothing was changed",
            px.x, px.y
        );
        return Err(JobError::new(
            ErrorKind::Usage,
            what,
            "pixels count from the top left corner",
        ));
    }
    Ok(detection.pixelsize_m.map(|size| to_metres(px, (h, w), size)))
}
