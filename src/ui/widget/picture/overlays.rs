//! What is burned into a picture, back to front.

use super::mark::measured;
use super::{PicturePane, Shot, aim};
use crate::cx::Cx;
use crate::widget::picture::pair::Look;
use engine::event::FrameInfo;
use engine::snapshot::at;
use model::kinematics::project;
use model::{Point, Pose};
use picture::{Ink, Overlay};

impl PicturePane {
    /// The overlays of `frame` in this pane; the cursor only where the pane has the focus.
    pub(super) fn overlays(&self, frame: &FrameInfo, look: Look, focus: bool, cx: &Cx) -> Vec<Overlay> {
        let shot = Shot::of(frame);
        let cursor = self.cursor(frame.size);
        let mut all = Vec::new();
        if look.overlays {
            all.extend(shot.and_then(|shot| self.area(frame, shot, cx)));
            all.extend(shot.map(|shot| positions(frame, shot, cx)).unwrap_or_default());
        }
        all.extend(self.guest.overlays.iter().cloned());
        if look.crosshair {
            all.push(Overlay::Crosshair { ink: Ink::Info });
        }
        if let Some(mark) = self.mark {
            let (left, top, width, height) = mark.rect(cursor);
            all.push(Overlay::Rect {
                left,
                top,
                width,
                height,
                ink: Ink::Warn,
            });
        }
        if let Some((from, to)) = self.ruler.ends(cursor) {
            all.push(Overlay::Ruler {
                from,
                to,
                text: measured(from, to, shot),
                ink: Ink::Accent,
            });
        }
        if focus {
            let ink = if self.vertical { Ink::Warn } else { Ink::Accent };
            all.push(Overlay::Cursor { at: cursor, ink });
        }
        if look.overlays
            && let Some(shot) = shot
        {
            all.push(Overlay::ScaleBar {
                pixel_size: shot.pixel_size,
                ink: Ink::Neutral,
            });
        }
        all
    }

    /// The area the next picture will scan, where this picture shows the field it will be cut from.
    fn area(&self, frame: &FrameInfo, shot: Shot, cx: &Cx) -> Option<Overlay> {
        let settings = &cx.snapshot.settings[at(self.beam)];
        let area = settings.reduced_area?;
        let same_field = frame
            .settings
            .as_ref()
            .is_some_and(|s| (s.hfw / settings.hfw - 1.0).abs() < 0.01);
        let (left, top, width, height) = shot.area(&area);
        (same_field && shot.is_whole()).then_some(Overlay::Rect {
            left,
            top,
            width,
            height,
            ink: Ink::Info,
        })
    }
}

/// Saved positions that lie in this picture.
fn positions(frame: &FrameInfo, shot: Shot, cx: &Cx) -> Vec<Overlay> {
    let (Some(connection), Some(beam), Some(pose)) = (&cx.snapshot.connection, frame.beam, aim::pose(frame)) else {
        return Vec::new();
    };
    let view = project::View {
        scan_rotation: frame.scan_rotation,
        ..project::View::new(&connection.geometry, beam, pose)
    };
    let (w, h) = (f64::from(frame.size.0), f64::from(frame.size.1));
    let marker = |position: &model::StagePosition| {
        let plane = view.to_plane(Pose::try_from(position).ok()?);
        let at = shot.to_pixel(Point {
            x: plane.x,
            y: -plane.y,
        });
        let inside = (0.0..w).contains(&at.x) && (0.0..h).contains(&at.y);
        let text = position.name.clone().unwrap_or_default();
        inside.then_some(Overlay::Marker {
            at,
            text,
            ink: Ink::Good,
        })
    };
    cx.snapshot.positions.iter().filter_map(marker).collect()
}
