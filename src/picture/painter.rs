//! The whole way of a picture, for a screen with several: frame to canvas, smoothing, overlays, encoding.
//!
//! A painter lives where encoding may take its time (a worker thread) and is given the latest scene of each pane.

use crate::encode::{Budget, Encoded, Encoder};
use crate::raster::{Change, InkTable, Overlay, Smoother, Tone, View, Viewport, burn, show};
use crate::{Graphics, Grey};
use model::Pixels;
use ratatui::layout::Rect;
use std::collections::HashMap;
use std::sync::Arc;

/// What one pane shows.
#[derive(Clone, Debug)]
pub struct Scene {
    pub pixels: Arc<Pixels>,
    /// Another number for another frame; the same frame painted again (a cursor moved) is not averaged twice.
    pub revision: u64,
    pub view: View,
    pub tone: Tone,
    pub overlays: Vec<Overlay>,
    /// Average over frames of an unchanged scene (live view). A single picture is shown as it is.
    pub smooth: bool,
}

/// Paints scenes into panes, remembering by id what each shows.
#[derive(Debug)]
pub struct Painter {
    encoder: Encoder,
    panes: HashMap<u32, Pane>,
}

#[derive(Debug)]
struct Pane {
    revision: u64,
    viewport: Viewport,
    tone: Tone,
    smooth: bool,
    smoother: Smoother,
    change: Change,
}

impl Painter {
    pub fn new(graphics: Graphics, budget: Budget, inks: InkTable) -> Painter {
        Painter {
            encoder: Encoder::new(graphics, budget, inks),
            panes: HashMap::new(),
        }
    }

    /// Takes another protocol, budget or theme; everything is painted anew. What is on the screen must be erased before.
    pub fn configure(&mut self, graphics: Graphics, budget: Budget, inks: InkTable) {
        *self = Painter::new(graphics, budget, inks);
    }

    /// Paints `scene` into `pane` (cells of the screen). `id` from 1 to 2^24 - 1, one per pane. `None` when the terminal
    /// shows just that already: what was returned last stays good.
    pub fn paint(&mut self, id: u32, scene: &Scene, pane: Rect) -> Option<Encoded> {
        let viewport = Viewport::new(scene.pixels.size(), pane, self.encoder.grid(), &scene.view);
        let grey = self.grey(id, scene, &viewport);
        let raster = burn(grey, &scene.overlays, &viewport);
        self.encoder.encode(id, &raster, viewport.area)
    }

    /// What the last frame did to the pane: new, the same scene with less noise, or nothing.
    pub fn change(&self, id: u32) -> Option<Change> {
        self.panes.get(&id).map(|pane| pane.change)
    }

    /// The pane is gone from the screen: what takes its picture away, see [`Encoder::erase`].
    pub fn erase(&mut self, id: u32) -> Vec<u8> {
        self.panes.remove(&id);
        self.encoder.erase(id)
    }

    /// Takes all pictures away, on quit.
    pub fn clear_all(&mut self) -> Vec<u8> {
        self.panes.clear();
        self.encoder.clear_all()
    }

    fn grey(&mut self, id: u32, scene: &Scene, viewport: &Viewport) -> Grey {
        // A single picture is not averaged with the one before; a live one is, until the view changes.
        let goes_on = self.panes.get(&id).is_some_and(|pane| {
            let same_view = pane.viewport == *viewport && pane.tone == scene.tone;
            same_view && (pane.revision == scene.revision || pane.smooth && scene.smooth)
        });
        if !goes_on {
            self.panes.remove(&id);
        }
        let pane = self.panes.entry(id).or_insert_with(|| Pane {
            // Any other than the scene's, so that its frame is taken in.
            revision: !scene.revision,
            viewport: *viewport,
            tone: scene.tone.clone(),
            smooth: scene.smooth,
            smoother: Smoother::default(),
            change: Change::New,
        });
        if pane.revision != scene.revision {
            pane.change = pane.smoother.push(&show(&scene.pixels, viewport, &scene.tone));
            pane.revision = scene.revision;
            pane.smooth = scene.smooth;
        }
        pane.smoother.shown().clone()
    }
}
