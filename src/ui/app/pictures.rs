//! Pictures on their way to the screen: which pixels are missing, which are at hand.

use super::{App, Input};
use crate::canvas::PictureKey;
use crate::cx::Picture;
use crate::display::Placed;
use engine::{Query, Reply};
use picture::plot::Histogram;
use ratatui::layout::Rect;
use std::sync::Arc;

impl App {
    /// Asks the engine for pixels that a placement needs and that are not here.
    pub(super) fn fetch(&mut self, placements: &[(Rect, PictureKey)]) {
        for (_, key) in placements {
            let id = key.frame;
            self.state.desk.frames.touch(id);
            let here = self.state.desk.frames.get(id).is_some() || self.state.desk.frames.is_gone(id);
            if here || !self.asked.insert(id) {
                continue;
            }
            let (link, inputs) = (self.link.clone(), self.inputs.clone());
            tokio::spawn(async move {
                let reply = link.ask(Query::Frame { id, most: 0 }).await;
                let picture = match reply {
                    Ok(Reply::Frame(frame)) => tokio::task::spawn_blocking(move || {
                        let histogram = Histogram::of(&frame.pixels);
                        Box::new(Picture {
                            pixels: Arc::new(frame.pixels.clone()),
                            histogram,
                        })
                    })
                    .await
                    .ok(),
                    _ => None,
                };
                // the loop has ended when nobody takes it
                let _ = inputs.send(Input::Frame { id, picture });
            });
        }
    }

    /// The placements with their pixels. Until those are here a pane keeps what it shows, if it is the same pane.
    pub(super) fn pictures(&self, placements: &[(Rect, PictureKey)]) -> Vec<Placed> {
        let frames = &self.state.desk.frames;
        let pixels = |key: &PictureKey| frames.get(key.frame).map(|picture| picture.pixels.clone());
        let one = |(pane, key): &(Rect, PictureKey)| {
            if let Some(pixels) = pixels(key) {
                return Some((*pane, key.clone(), Some(pixels)));
            }
            let mut ordered = self.display.ordered().iter();
            let (pane, key) = ordered.find(|(was, old)| was == pane && old.slot == key.slot)?;
            Some((*pane, key.clone(), pixels(key)))
        };
        placements.iter().filter_map(one).collect()
    }
}
