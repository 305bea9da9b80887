//! Milling, needle and gas. A pattern is drawn with the weakest dose there is (a box of nanometres for a second), the needle
//! goes to its first saved position and out again, an injector in and out; no valve is opened and nothing is heated.

use super::{STEP, Suite};
use crate::{HalError, Progress, Ticket};
use model::shape::{CrossSection, Rectangle, ScanDirection};
use model::{
    Beam, ErrorKind, Key, ManipulatorPosition, MillingSettings, PatterningPhase, PatterningState, Point, Shape, Value,
};

/// Beam time of the pattern that is tried (s).
const DRAWN: f64 = 2.0;

fn dot(size: f64) -> Shape {
    Shape::Rectangle(Rectangle {
        width: size,
        height: size,
        depth: 1e-9,
        centre_x: 0.0,
        centre_y: 0.0,
        rotation: 0.0,
        cleaning_cross_section: false,
        scan_direction: ScanDirection::TopToBottom,
        cross_section: CrossSection::Rectangle,
        passes: 0,
        time: DRAWN,
        is_exclusion: false,
    })
}

fn stopped(end: &Option<Progress>) -> bool {
    matches!(end, Some(Progress::Failed(e)) if e.kind == ErrorKind::Stopped)
}

/// What a move that was told to end says: an instrument that cannot halt its stage cannot halt its needle either.
fn ended(end: &Option<Progress>, halts: bool) -> bool {
    if halts {
        stopped(end)
    } else {
        *end == Some(Progress::Done)
    }
}

impl Suite<'_> {
    fn patterning(&mut self) -> Option<PatterningState> {
        self.m.milling().and_then(|m| m.read().ok()).map(|r| r.value)
    }

    fn draw(&mut self) -> Option<Ticket> {
        let begun = self.m.milling()?.begin();
        self.must("a pattern begins", begun)
    }

    pub(super) fn milling(&mut self) {
        let Some(caps) = self.m.capabilities().milling else {
            return;
        };
        let channel = if caps.channels.contains(&Beam::Ion) {
            Beam::Ion
        } else {
            Beam::Electron
        };
        let Some(before) = self.beam_state(channel) else { return };
        let views = [Key::ActiveView, Key::ActiveDevice].map(|key| (key, self.m.get(key).ok()));
        let settings = MillingSettings {
            milling_channel: channel,
            application_file: caps.application_files.first().cloned().unwrap_or_default(),
            preset: caps.presets.first().cloned().unwrap_or_default(),
            hfw: before.settings.hfw,
            ..MillingSettings::default()
        };
        let set = self.m.milling().map(|m| m.setup(&settings));
        self.expect("milling is set up", matches!(set, Some(Ok(_))), || format!("{set:?}"));
        let empty = self.m.milling().map(|m| m.begin());
        self.expect("no pattern, nothing begins", matches!(empty, Some(Err(_))), || {
            format!("{empty:?}")
        });
        let wide = self.m.milling().map(|m| m.load(&[dot(2.0 * settings.hfw)]));
        self.expect(
            "a shape out of the field is refused",
            matches!(wide, Some(Err(_))),
            || format!("{wide:?}"),
        );
        let estimate = self.m.milling().map(|m| m.load(&[dot(20e-9)]));
        self.expect(
            "an estimate is seconds",
            matches!(estimate, Some(Ok(s)) if s > 0.0 && s < 1e6),
            || format!("{estimate:?}"),
        );
        let twice = (self.patterning(), self.patterning());
        self.expect(
            "reading changes nothing",
            twice.0.is_some() && twice.0 == twice.1,
            || format!("{twice:?}"),
        );
        let idle = [
            self.m.milling().map(|m| m.pause()),
            self.m.milling().map(|m| m.resume()),
        ];
        self.expect(
            "what does not run is not paused",
            idle.iter().all(|r| matches!(r, Some(Err(_)))),
            || format!("{idle:?}"),
        );

        if let Some(ticket) = self.draw() {
            let second = self.m.milling().map(|m| (m.begin(), m.load(&[dot(20e-9)]), m.clear()));
            let busy = |r: Result<(), &HalError>| matches!(r, Err(e) if e.kind == ErrorKind::Busy);
            let refused = second.as_ref().is_some_and(|(begin, load, clear)| {
                busy(begin.as_ref().map(drop)) && busy(load.as_ref().map(drop)) && busy(clear.as_ref().map(drop))
            });
            self.expect("one pattern at a time", refused, || format!("{second:?}"));
            if caps.pause {
                self.pauses();
            }
            let end = self.follow("a pattern ends", ticket);
            self.expect("a pattern ends", end == Some(Progress::Done), || format!("{end:?}"));
            let state = self.patterning();
            let drawn = state
                .as_ref()
                .is_some_and(|s| s.phase == PatterningPhase::Idle && s.done.iter().all(|d| *d > 0.999));
            self.expect("a pattern that ended is done", drawn, || format!("{state:?}"));
        }
        if let Some(ticket) = self.draw() {
            (self.pass)(DRAWN / 2.0);
            let cancelled = self.m.cancel(ticket);
            self.expect("a pattern can be cancelled", cancelled.is_ok(), || {
                format!("{cancelled:?}")
            });
            let end = self.follow("a cancelled pattern ends", ticket);
            self.expect("a cancelled pattern says so", stopped(&end), || format!("{end:?}"));
            let done = self.patterning().and_then(|s| s.done.first().copied());
            self.expect(
                "a cancelled pattern says how far it came",
                done.is_some_and(|d| d > 0.2 && d < 0.9),
                || format!("{done:?}"),
            );
        }
        if caps.spot_burn {
            let burnt = self
                .m
                .milling()
                .map(|m| m.begin_spot(channel, Point { x: 0.5, y: 0.5 }, 0.5));
            if let Some(ticket) = burnt.and_then(|b| self.must("a spot burn begins", b)) {
                let end = self.follow("a spot burn ends", ticket);
                self.expect("a spot burn ends", end == Some(Progress::Done), || format!("{end:?}"));
            }
        }
        let cleared = self.m.milling().map(|m| m.clear());
        let none = self.patterning().is_some_and(|s| s.done.is_empty());
        self.expect(
            "patterns can be cleared",
            matches!(cleared, Some(Ok(()))) && none,
            || format!("{cleared:?}"),
        );
        for (key, value) in views {
            if let Some(value) = value {
                let _ = self.m.set(key, &value);
            }
        }
        let settings = &before.settings;
        for (key, value) in [
            (Key::Voltage, Value::Number(settings.voltage)),
            (Key::Current, Value::Number(settings.beam_current)),
            (Key::Preset, settings.preset.clone().map_or(Value::Null, Value::Text)),
            (Key::Hfw, Value::Number(settings.hfw)),
            (Key::Blanked, Value::Bool(before.blanked)),
        ] {
            if value != Value::Null {
                let _ = self.set(channel, key, &value);
            }
        }
    }

    fn pauses(&mut self) {
        (self.pass)(2.0 * STEP);
        let paused = self.m.milling().map(|m| m.pause());
        let first = self.patterning();
        (self.pass)(DRAWN);
        let second = self.patterning();
        let still = matches!((&first, &second), (Some(a), Some(b)) if a.phase == PatterningPhase::Paused && a == b);
        self.expect(
            "a paused pattern stands still",
            matches!(paused, Some(Ok(()))) && still,
            || format!("{paused:?} {first:?} {second:?}"),
        );
        let resumed = self.m.milling().map(|m| m.resume());
        self.expect("a paused pattern goes on", matches!(resumed, Some(Ok(()))), || {
            format!("{resumed:?}")
        });
    }

    pub(super) fn needle(&mut self) {
        let Some(caps) = self.m.capabilities().manipulator else {
            return;
        };
        let read = |s: &mut Self| s.m.manipulator().and_then(|n| n.read().ok()).map(|r| r.value);
        let Some(first) = read(self) else {
            self.expect("the needle can be read", false, String::new);
            return;
        };
        let again = read(self);
        self.expect("reading changes nothing", again.as_ref() == Some(&first), || {
            format!("{first:?} {again:?}")
        });
        if first.inserted {
            return;
        }
        let here = ManipulatorPosition::new(0.0, 0.0, 0.0);
        let nowhere = self
            .m
            .manipulator()
            .map(|n| (n.saved("NOWHERE"), n.begin_insert("NOWHERE"), n.begin_move(&here)));
        let refused = matches!(&nowhere, Some((Err(_), Err(_), Err(_))));
        self.expect("what a retracted needle cannot do is refused", refused, || {
            format!("{nowhere:?}")
        });
        let Some(name) = caps.saved.first().cloned() else {
            return;
        };
        let saved = self.m.manipulator().map(|n| n.saved(&name));
        let begun = self.m.manipulator().map(|n| n.begin_insert(&name));
        let Some(ticket) = begun.and_then(|b| self.must("the needle can be inserted", b)) else {
            return;
        };
        let end = self.follow("an insertion ends", ticket);
        self.expect("an insertion ends", end == Some(Progress::Done), || format!("{end:?}"));
        let state = read(self);
        let there = match (&saved, &state) {
            (Some(Ok(saved)), Some(state)) => state.inserted && !state.moving && state.position.distance(saved) < 1e-6,
            _ => false,
        };
        self.expect("an insertion ends where it was sent", there, || {
            format!("{state:?}, not {saved:?}")
        });
        if let Some(Ok(saved)) = saved {
            let up = saved.moved((20e-6, 0.0, 0.0));
            let begun = self.m.manipulator().map(|n| n.begin_move(&up));
            if let Some(ticket) = begun.and_then(|b| self.must("the needle moves", b)) {
                let second = self.m.manipulator().map(|n| n.begin_move(&saved));
                // a needle that is quicker than the question has arrived, and goes where it is sent next
                if let Some(Ok(next)) = second {
                    let arrived = self.m.poll(ticket);
                    let end = self.follow("the next needle move ends", next);
                    let alone = arrived == Ok(Progress::Done) && end == Some(Progress::Done);
                    self.expect("one needle move at a time", alone, || format!("{arrived:?} {end:?}"));
                } else {
                    let busy = matches!(&second, Some(Err(e)) if e.kind == ErrorKind::Busy);
                    self.expect("one needle move at a time", busy, || format!("{second:?}"));
                    let cancelled = self.m.cancel(ticket);
                    let end = self.follow("a cancelled needle move ends", ticket);
                    self.expect(
                        "a needle move can be cancelled",
                        cancelled.is_ok() && ended(&end, self.halts()),
                        || format!("{end:?}"),
                    );
                }
            }
            let begun = self.m.manipulator().map(|n| n.begin_move(&up));
            if let Some(ticket) = begun.and_then(|b| self.must("the needle moves", b)) {
                let end = self.follow("a needle move ends", ticket);
                let off = read(self).map(|s| s.position.distance(&up));
                let there = end == Some(Progress::Done) && off.is_some_and(|off| off < 1e-6);
                self.expect("a needle move ends where it was sent", there, || {
                    format!("{end:?}, {off:?} m off")
                });
            }
            self.stop_halts_the_needle(&saved);
        }
        let begun = self.m.manipulator().map(|n| n.begin_retract());
        if let Some(ticket) = begun.and_then(|b| self.must("the needle can be retracted", b)) {
            let end = self.follow("a retraction ends", ticket);
            let out = read(self).is_some_and(|s| !s.inserted);
            self.expect("a retraction ends outside", end == Some(Progress::Done) && out, || {
                format!("{end:?}")
            });
        }
    }

    /// The red button on a needle that moves; the beams are then as they were.
    fn stop_halts_the_needle(&mut self, to: &ManipulatorPosition) {
        let before = Beam::ALL.map(|beam| self.beam_state(beam));
        let begun = self.m.manipulator().map(|n| n.begin_move(to));
        if let Some(ticket) = begun.and_then(|b| self.must("the needle moves", b)) {
            let sent = self.m.stopper().stop();
            let end = self.follow("a stopped needle move ends", ticket);
            let now = self.m.manipulator().and_then(|n| n.read().ok()).map(|r| r.value);
            // what was stopped before it went out never began, also where nothing can be halted
            let there = now.as_ref().is_some_and(|now| now.position.distance(to) < 1e-6);
            let said = ended(&end, self.halts()) || stopped(&end) && !there;
            self.expect("a stopped needle move says so", sent.is_ok() && said, || {
                format!("{sent:?} {end:?}")
            });
            let moving = now.map(|now| now.moving);
            self.expect("stop halts the needle", moving == Some(false), || format!("{moving:?}"));
        }
        for (beam, before) in Beam::ALL.into_iter().zip(before) {
            if let Some(before) = before {
                let _ = self.set(beam, Key::Blanked, &Value::Bool(before.blanked));
            }
        }
    }

    pub(super) fn gas(&mut self) {
        let Some(caps) = self.m.capabilities().gas else { return };
        let read = |s: &mut Self| s.m.gas().and_then(|g| g.read().ok()).map(|r| r.value);
        let Some(first) = read(self) else {
            self.expect("the gas system can be read", false, String::new);
            return;
        };
        let names: Vec<&str> = first.ports.iter().map(|p| p.port.as_str()).collect();
        let said: Vec<&str> = caps.ports.iter().map(|p| p.port.as_str()).collect();
        self.expect("ports are what capabilities say", names == said, || {
            format!("{names:?} {said:?}")
        });
        self.expect("valves are closed at rest", !first.open(), || format!("{first:?}"));
        let unknown = self.m.gas().map(|g| {
            (
                g.begin_insert("NOWHERE", None),
                g.valve("NOWHERE", true),
                g.heat("NOWHERE", None, true),
            )
        });
        let refused = matches!(&unknown, Some((Err(_), Err(_), Err(_))));
        self.expect("an unknown port is refused", refused, || format!("{unknown:?}"));
        if first.inserted() {
            return;
        }
        let Some(port) = caps.ports.first() else { return };
        let shut = self.m.gas().map(|g| g.valve(&port.port, true));
        self.expect("no valve opens outside", matches!(shut, Some(Err(_))), || {
            format!("{shut:?}")
        });
        let begun = self
            .m
            .gas()
            .map(|g| g.begin_insert(&port.port, port.positions.first().map(String::as_str)));
        let Some(ticket) = begun.and_then(|b| self.must("an injector can be inserted", b)) else {
            return;
        };
        let end = self.follow("an injector arrives", ticket);
        let inside = read(self).is_some_and(|g| g.inserted());
        self.expect("an injector arrives", end == Some(Progress::Done) && inside, || {
            format!("{end:?}")
        });
        let closed = self
            .m
            .gas()
            .map(|g| (g.valve(&port.port, false), g.valve(&port.port, false)));
        self.expect(
            "a closed valve can be closed",
            matches!(closed, Some((Ok(()), Ok(())))),
            || format!("{closed:?}"),
        );
        let cold = self.m.gas().map(|g| g.heat(&port.port, None, false));
        self.expect(
            "a heater that is off can be turned off",
            matches!(cold, Some(Ok(()))),
            || format!("{cold:?}"),
        );
        let again = self.m.gas().map(|g| g.begin_insert(&port.port, None));
        self.expect("an injector goes in once", matches!(again, Some(Err(_))), || {
            format!("{again:?}")
        });
        let begun = self.m.gas().map(|g| g.begin_retract(&port.port));
        if let Some(ticket) = begun.and_then(|b| self.must("an injector can be retracted", b)) {
            let end = self.follow("an injector goes out", ticket);
            let outside = read(self).is_some_and(|g| !g.inserted());
            self.expect("an injector goes out", end == Some(Progress::Done) && outside, || {
                format!("{end:?}")
            });
        }
    }

    /// The red button on a pattern.
    pub(super) fn stop_while_milling(&mut self) {
        let Some(caps) = self.m.capabilities().milling else {
            return;
        };
        let Some(channel) = caps.channels.iter().copied().find(|c| *c == Beam::Ion) else {
            return;
        };
        let Some(before) = self.beam_state(channel) else { return };
        let loaded = self.m.milling().map(|m| m.load(&[dot(20e-9)]));
        self.expect("shapes are loaded", matches!(loaded, Some(Ok(_))), || {
            format!("{loaded:?}")
        });
        if let Some(ticket) = self.draw() {
            (self.pass)(2.0 * STEP);
            let sent = self.m.stopper().stop();
            let end = self.follow("a stopped pattern ends", ticket);
            self.expect("a stopped pattern says so", sent.is_ok() && stopped(&end), || {
                format!("{sent:?} {end:?}")
            });
            let idle = self.patterning().is_some_and(|s| !s.phase.is_active());
            self.expect("stop takes the beam off the pattern", idle, String::new);
        }
        let _ = self.m.milling().map(|m| m.clear());
        for beam in Beam::ALL {
            let _ = self.set(beam, Key::Blanked, &Value::Bool(before.blanked));
        }
    }
}
