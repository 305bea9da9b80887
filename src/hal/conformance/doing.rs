//! What takes time: pictures, moves, and stop.

use super::{STEP, Suite, near};
use crate::{Progress, Ticket};
use model::{Beam, ErrorKind, ImageSettings, Key, Pose, Rect, Value};

impl Suite<'_> {
    pub(super) fn small(beam: Beam) -> ImageSettings {
        ImageSettings {
            beam_type: beam,
            resolution: (96, 64),
            dwell_time: 1e-6,
            hfw: 100e-6,
            ..ImageSettings::default()
        }
    }

    pub(super) fn begin_picture(&mut self, settings: &ImageSettings) -> Option<Ticket> {
        let begun = self.m.imaging()?.begin(settings);
        self.must("a picture begins", begun)
    }

    pub(super) fn pictures(&mut self, beam: Beam) {
        if self.m.beam(beam).is_none() || self.m.imaging().is_none() {
            return;
        }
        let before = self.beam_state(beam);
        let whole = Self::small(beam);
        let part = ImageSettings {
            reduced_area: Some(Rect {
                left: 0.5,
                top: 0.0,
                width: 0.25,
                height: 0.5,
            }),
            ..whole.clone()
        };
        for settings in [whole, part] {
            let Some(ticket) = self.begin_picture(&settings) else {
                return;
            };
            let end = self.follow("a picture ends", ticket);
            self.expect("a picture ends", end == Some(Progress::Done), || format!("{end:?}"));
            let taken = self.m.imaging().map(|i| (i.take(ticket), i.take(ticket), i.last(beam)));
            let Some((Ok(frame), again, last)) = taken else {
                self.expect("a picture can be taken", false, || format!("{taken:?}"));
                return;
            };
            let (w, h) = settings.scanned();
            let size = frame.pixels.size();
            self.expect(
                "a picture has the size that was asked for",
                size == (w as usize, h as usize),
                || format!("{size:?}"),
            );
            self.expect("a picture can be taken once", again.is_err(), || {
                "the second time it came again".into()
            });
            self.expect("the last picture is the last", last == Ok(Some(frame.clone())), || {
                "another came".into()
            });
            match &frame.metadata {
                None => self.expect("a picture says what it is of", false, || "no metadata".into()),
                Some(data) => {
                    let right = near(&Value::Number(data.pixel_size.x), &Value::Number(settings.pixel_size()))
                        && data.image.beam_type == beam
                        && data.microscope_state.beam(beam).is_some()
                        && data.microscope_state.beam(beam.other()).is_none();
                    self.expect("a picture says what it is of", right, || format!("{data:?}"));
                }
            }
        }
        if let Some(before) = before {
            for (key, value) in [
                (Key::Hfw, Value::Number(before.settings.hfw)),
                (
                    Key::Resolution,
                    Value::Size(before.settings.resolution.0, before.settings.resolution.1),
                ),
                (Key::DwellTime, Value::Number(before.settings.dwell_time)),
            ] {
                let _ = self.set(beam, key, &value);
            }
        }
    }

    pub(super) fn a_picture_can_be_cancelled(&mut self, beam: Beam) {
        if self.m.beam(beam).is_none() || self.m.imaging().is_none() {
            return;
        }
        let Some(before) = self.beam_state(beam) else { return };
        let slow = ImageSettings {
            dwell_time: 1e-3,
            ..Self::small(beam)
        };
        let Some(ticket) = self.begin_picture(&slow) else {
            return;
        };
        let second = self.m.imaging().map(|i| i.begin(&slow));
        let refused = matches!(&second, Some(Err(e)) if e.kind == ErrorKind::Busy);
        self.expect("one picture at a time", refused, || format!("{second:?}"));
        let cancelled = self.m.cancel(ticket);
        self.expect("a picture can be cancelled", cancelled.is_ok(), || {
            format!("{cancelled:?}")
        });
        let end = self.follow("a cancelled picture ends", ticket);
        let ended = match &end {
            Some(Progress::Failed(e)) => e.kind == ErrorKind::Stopped,
            end => *end == Some(Progress::Done),
        };
        self.expect("a cancelled picture ends as stopped or done", ended, || {
            format!("{end:?}")
        });
        for (key, value) in [
            (Key::Hfw, Value::Number(before.settings.hfw)),
            (
                Key::Resolution,
                Value::Size(before.settings.resolution.0, before.settings.resolution.1),
            ),
            (Key::DwellTime, Value::Number(before.settings.dwell_time)),
        ] {
            let _ = self.set(beam, key, &value);
        }
    }

    pub(super) fn unknown_tickets(&mut self) {
        let ticket = Ticket(u64::MAX);
        let (poll, cancel) = (self.m.poll(ticket), self.m.cancel(ticket));
        self.expect("unknown tickets are errors", poll.is_err() && cancel.is_err(), || {
            format!("{poll:?}, {cancel:?}")
        });
        if let Some(imaging) = self.m.imaging() {
            let take = imaging.take(ticket);
            self.expect("unknown tickets are errors", take.is_err(), || "a picture came".into());
        }
    }

    /// Moves under way can be halted: the stage says so for all that moves.
    pub(super) fn halts(&self) -> bool {
        self.m.capabilities().stage.is_none_or(|stage| stage.halts)
    }

    pub(super) fn move_to(&mut self, target: Pose) -> Option<Ticket> {
        let begun = self.m.stage()?.begin_move(target);
        self.must("a move begins", begun)
    }

    pub(super) fn moves(&mut self) {
        let Some(start) = self.stage_state().map(|s| s.pose) else {
            return;
        };
        let bad = self.m.stage().map(|s| s.begin_move(Pose { x: f64::NAN, ..start }));
        self.expect("nonsense is refused", matches!(bad, Some(Err(_))), || {
            format!("{bad:?}")
        });
        for target in [
            Pose {
                x: start.x + 5e-6,
                y: start.y - 5e-6,
                ..start
            },
            start,
        ] {
            let Some(ticket) = self.move_to(target) else { return };
            let second = self.m.stage().map(|s| s.begin_move(start));
            self.expect(
                "one move at a time",
                matches!(&second, Some(Err(e)) if e.kind == ErrorKind::Busy),
                || format!("{second:?}"),
            );
            let end = self.follow("a move ends", ticket);
            self.expect("a move ends", end == Some(Progress::Done), || format!("{end:?}"));
            let state = self.stage_state();
            let there = state.is_some_and(|s| !s.moving && s.pose.is_close(&target, 1e-6));
            self.expect("a move ends where it was sent", there, || {
                format!("{state:?}, not {target}")
            });
        }
        let Some(ticket) = self.move_to(Pose {
            x: start.x + 200e-6,
            ..start
        }) else {
            return;
        };
        (self.pass)(2.0 * STEP);
        let cancelled = self.m.cancel(ticket);
        self.expect("a move can be cancelled", cancelled.is_ok(), || {
            format!("{cancelled:?}")
        });
        self.follow("a cancelled move ends", ticket);
        self.rests("a cancelled move halts");
        self.go_back(start);
    }

    pub(super) fn rests(&mut self, rule: &'static str) {
        let before = self.stage_state();
        (self.pass)(1.0);
        let after = self.stage_state();
        let still = matches!((before, after), (Some(a), Some(b)) if !b.moving && a.pose.is_close(&b.pose, 1e-8));
        self.expect(rule, still, || format!("{before:?} became {after:?}"));
    }

    pub(super) fn go_back(&mut self, start: Pose) {
        if let Some(ticket) = self.move_to(start) {
            self.follow("a move ends", ticket);
        }
    }

    pub(super) fn chamber(&mut self) {
        let Some(caps) = self.m.capabilities().chamber else {
            return;
        };
        let Some(Ok(state)) = self.m.chamber().map(|c| c.read()) else {
            self.expect("the chamber can be read", false, String::new);
            return;
        };
        let pressure = state.value.pressure;
        self.expect("units are SI", (1e-9..=2e5).contains(&pressure), || {
            format!("pressure {pressure} Pa")
        });
        if caps.camera {
            let picture = self.m.chamber().map(|c| c.picture());
            let plain = matches!(&picture, Some(Ok(p)) if p.metadata.is_none() && p.pixels.size().0 > 1);
            self.expect("the chamber camera shows a picture without metadata", plain, || {
                format!("{:?}", picture.map(|p| p.err()))
            });
        }
    }

    pub(super) fn stop(&mut self) {
        let stopper = self.m.stopper();
        let before: Vec<_> = Beam::ALL.map(|b| (b, self.beam_state(b))).to_vec();
        if let Some(start) = self.stage_state().map(|s| s.pose)
            && let Some(ticket) = self.move_to(Pose {
                x: start.x + 200e-6,
                ..start
            })
        {
            (self.pass)(2.0 * STEP);
            let other = stopper.clone();
            let sent = std::thread::spawn(move || other.stop()).join();
            self.expect("stop works from any thread", matches!(sent, Ok(Ok(()))), || {
                format!("{sent:?}")
            });
            let end = self.follow("a stopped move ends", ticket);
            let halts = self.halts();
            let said = match &end {
                Some(Progress::Failed(e)) => halts && e.kind == ErrorKind::Stopped,
                end => !halts && *end == Some(Progress::Done),
            };
            self.expect("a stopped move says so", said, || format!("{end:?}"));
            self.rests("stop halts the stage");
            self.go_back(start);
        }
        let again = stopper.stop();
        self.expect("stop can be pressed at rest", again.is_ok(), || format!("{again:?}"));
        for (beam, before) in before {
            let Some(before) = before else { continue };
            let blanker = self.m.capabilities().beam(beam).is_some_and(|caps| caps.blanker);
            let dark = self.beam_state(beam).is_some_and(|now| now.blanked || !now.on);
            self.expect("stop darkens the beams", dark || !blanker, || format!("{beam} beam"));
            let _ = self.set(beam, Key::Blanked, &Value::Bool(before.blanked));
        }
    }
}
