//! From column and detector settings to what limits a picture: spot, aperture, blur, dose and the detector's answer.
//!
//! Orders of magnitude are those of a field-emission electron column and a gallium liquid-metal ion column.

use super::specimen::Channel;
use model::{Beam, BeamState, Point};

/// Charge of an electron (C).
const ELEMENTARY_CHARGE: f64 = 1.602_176_634e-19;

/// What a real column has that its settings do not show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColumnFlaws {
    /// Stigmator setting at which the column is free of astigmatism.
    pub stigmation: Point,
    /// Real over asked beam shift.
    pub shift_gain: f64,
    /// Where the beam lands beside its axis, metres in the picture: changes with the current on a real column.
    pub offset: Point,
}

impl Default for ColumnFlaws {
    fn default() -> Self {
        ColumnFlaws {
            stigmation: Point::default(),
            shift_gain: 1.0,
            offset: Point::default(),
        }
    }
}

/// Blur of a picture as the covariance of its spot: metres squared, axes right and up of the column's picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    pub xx: f64,
    pub xy: f64,
    pub yy: f64,
}

impl Spot {
    /// Standard deviation in the direction in which the beam is narrowest (m).
    pub fn narrowest(&self) -> f64 {
        let (mean, apart) = ((self.xx + self.yy) / 2.0, (self.xx - self.yy) / 2.0);
        (mean - apart.hypot(self.xy)).max(0.0).sqrt()
    }
}

/// Full width at half maximum of the focused beam (m).
pub fn spot_size(beam: Beam, current: f64, voltage: f64) -> f64 {
    let (current, voltage) = (current.max(1e-13), voltage.max(100.0));
    match beam {
        Beam::Electron => {
            let sharpest = 1.2e-9 * (2000.0 / voltage).powf(0.4).max(0.6);
            sharpest.hypot(0.35e-9 * (current / 1e-12).powf(0.45))
        }
        Beam::Ion => 6.5e-9_f64.hypot(1.35e-9 * (current / 1e-12).sqrt()) * (30_000.0 / voltage).sqrt(),
    }
}

/// Half angle of the beam at the sample (rad).
pub fn aperture(beam: Beam, current: f64, working_distance: f64) -> f64 {
    let current = current.max(1e-13);
    match beam {
        Beam::Electron => 6e-3 * (current / 50e-12).powf(0.3) * (7e-3 / working_distance.max(1e-3)),
        Beam::Ion => 0.6e-3 * (current / 20e-12).powf(0.35) * (16.5e-3 / working_distance.max(1e-3)),
    }
}

/// Distance between the line foci that a stigmator setting of 1 makes, half of it either side (m).
fn stigmator_range(beam: Beam) -> f64 {
    match beam {
        Beam::Electron => 0.4e-3,
        Beam::Ion => 6e-3,
    }
}

/// The spot on a surface that lies `defocus` metres in front of (+) or behind (-) the focal plane.
pub fn spot(beam: &BeamState, flaws: &ColumnFlaws, defocus: f64) -> Spot {
    let s = &beam.settings;
    let sharp = (spot_size(s.beam_type, s.beam_current, s.voltage) / 2.355).powi(2);
    let range = stigmator_range(s.beam_type);
    let (p, q) = (
        range * (s.stigmation.x - flaws.stigmation.x),
        range * (s.stigmation.y - flaws.stigmation.y),
    );
    // Two-fold astigmatism: the ray slopes become positions through a symmetric matrix of defocus.
    let (dxx, dxy, dyy) = (defocus + p, q, defocus - p);
    // A disc of radius a has the variance a^2 / 4 along each axis.
    let scale = (aperture(s.beam_type, s.beam_current, s.working_distance) / 2.0).powi(2);
    Spot {
        xx: sharp + scale * (dxx * dxx + dxy * dxy),
        xy: scale * dxy * (dxx + dyy),
        yy: sharp + scale * (dxy * dxy + dyy * dyy),
    }
}

/// Where the Everhart-Thornley detector sits: from the coincidence point, in the chamber frame. Surfaces that face it are
/// brighter, and the chamber camera sees it there.
pub const DETECTOR_SEAT: [f64; 3] = [0.78, -0.34, 0.53];

/// A detector at its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detector {
    pub channel: Channel,
    /// How much brighter a surface is that faces the detector; 0 inside the column.
    pub one_sided: f32,
    /// Counted electrons per beam particle and unit of yield.
    efficiency: f64,
    gain: f32,
    offset: f32,
    /// Noise of the amplifier for one pixel scanned once, in units of the full range.
    pub noise: f32,
}

impl Detector {
    /// Contrast is the gain, 100-fold from 0 to 1; brightness the offset, half the range either way.
    pub fn of(beam: &BeamState) -> Self {
        let d = &beam.detector;
        let back = d.mode.contains("Back") || d.kind.contains("BSE") || d.kind.contains("CBS");
        let (one_sided, efficiency) = match (d.kind.as_str(), back) {
            // X-rays: hardly one for ten thousand electrons.
            ("EDS", _) => (0.0, 2e-5),
            (_, true) => (0.15, 0.08),
            ("TLD" | "ICE" | "T1" | "T2", false) => (0.0, 0.35),
            (_, false) => (0.38, 0.25),
        };
        let ions = if beam.settings.beam_type == Beam::Ion { 2.2 } else { 1.0 };
        let contrast = d.contrast.clamp(0.0, 1.0);
        // The pre-amplifier changes range with the beam current and leaves a quarter of the change (in decades) to contrast.
        let usual = if beam.settings.beam_type == Beam::Ion {
            20e-12
        } else {
            50e-12
        };
        let level = (beam.settings.beam_current.max(1e-13) / usual).powf(0.25);
        let slow = match beam.settings.beam_type {
            Beam::Electron => (2000.0 / beam.settings.voltage.max(100.0)).powf(0.25),
            Beam::Ion => 1.0,
        };
        Detector {
            channel: match (back, beam.settings.beam_type) {
                (true, _) => Channel::Backscatter,
                (false, Beam::Electron) => Channel::Electron,
                (false, Beam::Ion) => Channel::Ion,
            },
            one_sided,
            efficiency: efficiency * ions,
            gain: (0.75 * level * slow * 10f64.powf(2.0 * (contrast - 0.5))) as f32,
            offset: (d.brightness.clamp(0.0, 1.0) - 0.5 + 0.05) as f32,
            noise: 0.012,
        }
    }

    /// Electrons counted at unit yield in `time` seconds of beam.
    pub fn counts(&self, beam: &BeamState, time: f64) -> f32 {
        (beam.settings.beam_current.max(0.0) * time / ELEMENTARY_CHARGE * self.efficiency) as f32
    }

    /// Grey, 0..1 of the full range (not clipped), of a signal in units of yield.
    pub fn grey(&self, signal: f32) -> f32 {
        self.offset + self.gain * signal
    }

    /// Noise of the amplifier in grey grows with the gain.
    pub fn grey_noise(&self) -> f32 {
        self.noise * (0.4 + 0.6 * self.gain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{BeamSettings, DetectorSettings};

    fn state(beam: Beam) -> BeamState {
        BeamState {
            on: true,
            blanked: false,
            settings: BeamSettings {
                beam_type: beam,
                working_distance: 7e-3,
                beam_current: 50e-12,
                voltage: 2e3,
                hfw: 150e-6,
                resolution: (1536, 1024),
                dwell_time: 1e-6,
                stigmation: Point::default(),
                shift: Point::default(),
                scan_rotation: 0.0,
                preset: None,
            },
            detector: DetectorSettings::default(),
            plasma_gas: None,
        }
    }

    #[test]
    fn spots_grow_with_current_and_shrink_with_voltage() {
        for beam in Beam::ALL {
            assert!(spot_size(beam, 1e-9, 30e3) > 1.5 * spot_size(beam, 10e-12, 30e3));
            assert!(spot_size(beam, 1e-10, 5e3) > spot_size(beam, 1e-10, 30e3));
        }
        let fib = spot_size(Beam::Ion, 0.74e-9, 30e3);
        assert!((20e-9..60e-9).contains(&fib), "{fib}");
    }

    #[test]
    fn astigmatism_is_a_line_that_turns_through_focus() {
        let mut b = state(Beam::Electron);
        b.settings.stigmation = Point { x: 0.05, y: 0.0 };
        let flaws = ColumnFlaws::default();
        let (over, under) = (spot(&b, &flaws, 20e-6), spot(&b, &flaws, -20e-6));
        assert!(over.xx > 10.0 * over.yy && under.yy > 10.0 * under.xx);
        let round = spot(&b, &flaws, 0.0);
        assert!(
            (round.xx / round.yy - 1.0).abs() < 1e-9,
            "the circle of least confusion is round"
        );
        let healed = ColumnFlaws {
            stigmation: b.settings.stigmation,
            ..flaws
        };
        assert!(spot(&b, &healed, 0.0).xx < 0.01 * round.xx);
    }

    #[test]
    fn contrast_is_gain_and_brightness_offset() {
        let mut b = state(Beam::Ion);
        let at = |b: &BeamState| Detector::of(b);
        let (low, mid) = (at(&b).grey(0.0), at(&b).grey(0.5) - at(&b).grey(0.0));
        b.detector.contrast = 0.75;
        assert!((at(&b).grey(0.5) - at(&b).grey(0.0)) > 2.0 * mid);
        b.detector.brightness = 0.7;
        assert!((at(&b).grey(0.0) - low - 0.2).abs() < 1e-6);
    }

    #[test]
    fn the_backscatter_mode_is_another_signal() {
        let mut b = state(Beam::Electron);
        b.detector.mode = "BackscatteredElectrons".into();
        assert_eq!(Detector::of(&b).channel, Channel::Backscatter);
    }
}
