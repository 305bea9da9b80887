//! What is drawn over the picture: the mask, and the features as points with their names.

use model::Point;
use model::detection::{Detection, Labels, Spotted};
use picture::{Ink, Overlay, Position};
use std::sync::Arc;

/// The mask as it is drawn, unpacked once for each detection.
pub struct Cache {
    of: Option<String>,
    classes: Vec<u8>,
    labels: Arc<Labels>,
    colours: Arc<[[u8; 3]]>,
}

/// Classes with a colour of their own.
const COLOURS: u8 = 36;

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            of: None,
            classes: Vec::new(),
            labels: Arc::default(),
            colours: (0..=COLOURS).map(vision::classes::colour).collect(),
        }
    }
}

/// The classes of what was looked for. What else a mask has, bars all over a grid for one, would hide the picture and answer nothing.
pub fn looked_for(found: &Detection) -> Vec<u8> {
    let mut classes: Vec<u8> = found
        .features
        .iter()
        .map(|f| f.class_id)
        .filter(|class| *class > 0)
        .collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

impl Cache {
    pub fn overlay(&mut self, found: &Detection, size: (u32, u32), opacity: f64) -> Option<Overlay> {
        let classes = looked_for(found);
        if self.of != found.record || self.of.is_none() || self.classes != classes {
            let shown = |class: u8| if classes.contains(&class) { class } else { 0 };
            self.labels = Arc::new(found.mask.labels().mapv(shown));
            self.of.clone_from(&found.record);
            self.classes = classes;
        }
        (!self.labels.is_empty()).then(|| Overlay::Mask {
            labels: self.labels.clone(),
            colours: self.colours.clone(),
            size: (f64::from(size.0), f64::from(size.1)),
            opacity,
        })
    }
}

/// Where a pixel of the detection's picture lies in the picture as it is shown, which may have fewer.
pub fn position(px: Point, of: (usize, usize), shown: (u32, u32)) -> Position {
    let scale = |v: f64, of: usize, shown: u32| (v + 0.5) * f64::from(shown) / of.max(1) as f64;
    Position::new(scale(px.x, of.0, shown.0), scale(px.y, of.1, shown.1))
}

/// The pixel that a position lies in, to a tenth.
pub fn pixel(at: Position, size: (u32, u32)) -> (f64, f64) {
    let one = |v: f64, n: u32| ((v - 0.5).clamp(0.0, f64::from(n.max(1)) - 1.0) * 10.0).round() / 10.0;
    (one(at.x, size.0), one(at.y, size.1))
}

/// The feature nearest to a place, if it is within reach.
pub fn nearest(found: &Detection, at: Position, size: (u32, u32), reach: f64) -> Option<usize> {
    let away = |f: &Spotted| {
        let place = position(f.px?, found.size, size);
        Some((place.x - at.x).hypot(place.y - at.y))
    };
    let all = found
        .features
        .iter()
        .enumerate()
        .filter_map(|(i, f)| Some((i, away(f)?)));
    let near = all
        .filter(|(_, away)| *away <= reach)
        .min_by(|a, b| a.1.total_cmp(&b.1));
    near.map(|(i, _)| i)
}

/// Every feature that is there; the selected one last and bright, one that is held under the hand.
pub fn points(found: &Detection, selected: usize, held: Option<(usize, Position)>, size: (u32, u32)) -> Vec<Overlay> {
    let others = (0..found.features.len()).filter(|i| *i != selected);
    let marker = |i: usize| {
        let feature = found.features.get(i)?;
        let at = match held.filter(|(index, _)| *index == i) {
            Some((_, at)) => at,
            None => position(feature.px?, found.size, size),
        };
        let doubtful = feature.confidence.is_some_and(|c| c < found.least_confidence);
        let ink = match (i == selected, doubtful) {
            (true, _) => Ink::Accent,
            (false, true) => Ink::Warn,
            (false, false) => Ink::Good,
        };
        let sure = match feature.confidence {
            Some(c) => format!(" {:.0} %", c * 100.0),
            None => String::new(),
        };
        let text = format!("{} {}{sure}", i + 1, feature.name);
        Some(Overlay::Marker { at, text, ink })
    };
    others.chain([selected]).filter_map(marker).collect()
}
