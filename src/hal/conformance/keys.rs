//! Keys and values: what is listed can be read and set, setters tell what is, nonsense changes nothing.

use super::{Suite, fits, near};
use model::key::{Access, KEYS, Kind};
use model::{Beam, BeamState, ErrorKind, Key, Rect, Value};

impl Suite<'_> {
    pub(super) fn system_keys(&mut self) {
        for row in KEYS.iter().filter(|row| !row.per_beam) {
            match self.m.get(row.key) {
                Ok(value) => {
                    let right = fits(row.kind, &value) && row.access != Access::Write;
                    self.expect("a key reads as its kind", right, || {
                        format!("{} is {value:?}", row.name)
                    });
                }
                Err(e) => self.expect(
                    "a key that is absent is unsupported",
                    e.kind == ErrorKind::Unsupported,
                    || format!("{}: {e}", row.name),
                ),
            }
        }
        for key in [Key::ActiveView, Key::ActiveDevice] {
            let Ok(old) = self.m.get(key) else { continue };
            for beam in Beam::ALL {
                let wanted = Value::Text(beam.wire_name().to_owned());
                let set = self.m.set(key, &wanted);
                self.expect("setters return what is", set.as_ref() == Ok(&wanted), || {
                    format!("{key}: {set:?}")
                });
            }
            let bad = self.m.set(key, &Value::Text("nowhere".into()));
            self.expect("nonsense is refused", bad.is_err(), || format!("{key}: {bad:?}"));
            let _ = self.m.set(key, &old);
        }
    }

    pub(super) fn units_are_sane(&mut self, beam: Beam) {
        let (Some(caps), Some(state)) = (self.m.capabilities().beam(beam).cloned(), self.beam_state(beam)) else {
            return;
        };
        let s = &state.settings;
        for (what, value, low, high) in [
            ("working distance (m)", s.working_distance, 1e-4, 0.2),
            ("current (A)", s.beam_current, 1e-14, 1e-5),
            ("voltage (V)", s.voltage, 50.0, 1e5),
            ("field width (m)", s.hfw, 1e-8, 0.05),
            ("dwell time (s)", s.dwell_time, 1e-9, 1.0),
            ("contrast", state.detector.contrast, 0.0, 1.0),
            ("brightness", state.detector.brightness, 0.0, 1.0),
            ("scan rotation (rad)", s.scan_rotation, -6.3, 6.3),
        ] {
            self.expect("units are SI", (low..=high).contains(&value), || {
                format!("{beam} {what} is {value}")
            });
        }
        self.expect("units are SI", s.beam_type == beam, || {
            format!("the {beam} column calls itself {}", s.beam_type)
        });
        for (what, (low, high)) in [
            ("hfw", caps.hfw),
            ("dwell_time", caps.dwell_time),
            ("working_distance", caps.working_distance),
            ("voltage", caps.voltage),
            ("current", caps.current),
        ] {
            let range = low > 0.0 && low <= high && high.is_finite();
            self.expect("ranges are ranges", range, || format!("{beam} {what}: {low} to {high}"));
        }
    }

    pub(super) fn readable_keys(&mut self, beam: Beam) {
        let Some(caps) = self.m.capabilities().beam(beam).cloned() else {
            return;
        };
        for row in KEYS.iter().filter(|row| row.per_beam) {
            let may = row.access != Access::Write && caps.readable.contains(&row.key);
            match self.get(beam, row.key) {
                Ok(value) => self.expect(
                    "what can be read is listed, and of its kind",
                    may && fits(row.kind, &value),
                    || format!("{beam} {}: {value:?}", row.name),
                ),
                Err(e) => self.expect(
                    "what is listed can be read",
                    !may && e.kind == ErrorKind::Unsupported,
                    || format!("{beam} {}: {e}", row.name),
                ),
            }
            let may = row.access != Access::Read && caps.writable.contains(&row.key);
            if !may {
                let set = self.set(beam, row.key, &Value::Bool(true));
                let refused = set.as_ref().is_err_and(|e| e.kind == ErrorKind::Unsupported);
                self.expect("what is not listed cannot be set", refused, || {
                    format!("{beam} {}: {set:?}", row.name)
                });
            }
        }
    }

    pub(super) fn setters_return_what_is(&mut self, beam: Beam) {
        let Some(caps) = self.m.capabilities().beam(beam).cloned() else {
            return;
        };
        for key in caps
            .writable
            .iter()
            .copied()
            .filter(|key| key.row().access == Access::ReadWrite)
        {
            let Ok(old) = self.get(beam, key) else { continue };
            if old == Value::Null {
                continue;
            }
            let other = match &old {
                // a source that was turned off may take minutes to come back
                _ if key == Key::On => old.clone(),
                Value::Bool(on) => Value::Bool(!on),
                Value::Number(v) if *v == 0.0 => Value::Number(0.1),
                Value::Number(v) => Value::Number(v * 0.9),
                Value::Point(p) => Value::Point(model::Point {
                    x: p.x + 1e-6,
                    y: p.y - 1e-6,
                }),
                Value::Size(..) => Value::Size(768, 512),
                other => other.clone(),
            };
            for wanted in [&other, &old] {
                let set = self.set(beam, key, wanted);
                let is = self.get(beam, key);
                self.expect("setters return what is", set.is_ok() && set == is, || {
                    format!("{beam} {key}: {wanted:?} returned {set:?}, then reads {is:?}")
                });
            }
            let back = self.get(beam, key);
            self.expect(
                "what was read can be set again",
                back.as_ref().is_ok_and(|b| near(b, &old)),
                || format!("{beam} {key}: {old:?} came back as {back:?}"),
            );
        }
        if caps.writable.contains(&Key::ReducedArea) && caps.writable.contains(&Key::FullFrame) {
            let area = Value::Rect(Rect {
                left: 0.25,
                top: 0.25,
                width: 0.5,
                height: 0.5,
            });
            for (key, value, mode) in [
                (Key::ReducedArea, area, "reduced_area"),
                (Key::FullFrame, Value::Bool(true), "full_frame"),
            ] {
                let set = self.set(beam, key, &value);
                self.expect("setters return what is", set.is_ok(), || {
                    format!("{beam} {key}: {set:?}")
                });
                let is = self.get(beam, Key::ScanningMode);
                let right = is.is_err() || is == Ok(Value::Text(mode.into()));
                self.expect("the scanning mode is what was set", right, || {
                    format!("{beam} {key}: {is:?}")
                });
            }
        }
    }

    pub(super) fn available_values_are_taken(&mut self, beam: Beam) {
        let Some(caps) = self.m.capabilities().beam(beam).cloned() else {
            return;
        };
        for (key, values) in caps.available.iter().filter(|(key, _)| caps.writable.contains(key)) {
            let Some(before) = self.beam_state(beam) else { return };
            for value in values {
                let set = self.set(beam, *key, value);
                self.expect(
                    "available values are taken",
                    set.as_ref().is_ok_and(|v| near(v, value)),
                    || format!("{beam} {key}: {value:?} returned {set:?}"),
                );
            }
            self.put_back(beam, &before);
        }
    }

    /// What available values may have changed, the other way round: a preset sets both voltage and current.
    pub(super) fn put_back(&mut self, beam: Beam, before: &BeamState) {
        for (key, value) in [
            (Key::Voltage, Value::Number(before.settings.voltage)),
            (Key::Current, Value::Number(before.settings.beam_current)),
            (Key::DetectorType, Value::Text(before.detector.kind.clone())),
            (Key::DetectorMode, Value::Text(before.detector.mode.clone())),
        ] {
            let _ = self.set(beam, key, &value);
        }
        let after = self.beam_state(beam);
        self.expect("a column can be put back", after.as_ref() == Some(before), || {
            format!("{before:?} became {after:?}")
        });
    }

    pub(super) fn nonsense_changes_nothing(&mut self, beam: Beam) {
        let Some(caps) = self.m.capabilities().beam(beam).cloned() else {
            return;
        };
        let before = self.everything();
        for key in caps.writable.clone() {
            let bad = match key.row().kind {
                Kind::Number(_) => Value::Number(f64::NAN),
                Kind::Point(_) => Value::Point(model::Point {
                    x: f64::INFINITY,
                    y: 0.0,
                }),
                Kind::Rect => Value::Rect(Rect {
                    left: 0.0,
                    top: 0.0,
                    width: 0.0,
                    height: f64::NAN,
                }),
                Kind::Size => Value::Size(0, 0),
                Kind::Text => Value::Text("no such \u{1b}[31mthing".into()),
                _ => Value::Null,
            };
            let set = self.set(beam, key, &bad);
            self.expect("nonsense is refused", set.is_err(), || {
                format!("{beam} {key}: {bad:?} returned {set:?}")
            });
        }
        let after = self.everything();
        self.expect("nonsense changes nothing", before == after, || {
            format!("{before:?} became {after:?}")
        });
        for (key, (low, high)) in [
            (Key::Hfw, caps.hfw),
            (Key::DwellTime, caps.dwell_time),
            (Key::WorkingDistance, caps.working_distance),
            (Key::Voltage, caps.voltage),
            (Key::Current, caps.current),
        ] {
            let (Ok(old), true) = (self.get(beam, key), caps.writable.contains(&key)) else {
                continue;
            };
            for beyond in [low * 1e-3, high * 1e3] {
                let set = self.set(beam, key, &Value::Number(beyond));
                let inside = |v: &Value| {
                    v.as_f64()
                        .is_some_and(|v| v >= low * 0.999_999 && v <= high * 1.000_001)
                };
                self.expect(
                    "what is out of range is refused or clipped",
                    set.as_ref().map_or(true, inside),
                    || format!("{beam} {key}: {beyond} returned {set:?}, range {low} to {high}"),
                );
            }
            let _ = self.set(beam, key, &old);
        }
    }
}
