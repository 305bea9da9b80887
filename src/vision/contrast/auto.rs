//! The plan of an image-based automatic contrast and brightness: statistics of a probe in, the next detector setting out.

use super::ImageStats;
use serde::{Deserialize, Serialize};

/// When to stop and how far to step; names and defaults of openFIBSEM's settings, except for the last field and the count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoContrastSettings {
    /// Most changes of the detector.
    pub n_iterations: usize,
    /// First step of brightness and of contrast, in detector units (0..1).
    pub brightness_step: f64,
    pub contrast_step: f64,
    /// Wanted mean, share of the full scale, and how near is near enough.
    pub mean_target: f64,
    pub mean_tolerance: f64,
    /// Largest share of saturated pixels.
    pub saturation_limit: f64,
    /// Contrast is raised while the 1st to 99th percentile span less than this.
    pub min_range_utilisation: f64,
    /// Steps in one direction double up to this. Equal to the first steps, the search is openFIBSEM's.
    pub max_step: f64,
}

impl Default for AutoContrastSettings {
    fn default() -> Self {
        AutoContrastSettings {
            n_iterations: 15,
            brightness_step: 0.05,
            contrast_step: 0.05,
            mean_target: 0.5,
            mean_tolerance: 0.05,
            saturation_limit: 0.005,
            min_range_utilisation: 0.6,
            max_step: 0.2,
        }
    }
}

/// Detector contrast and brightness, each 0..1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectorSetting {
    pub contrast: f64,
    pub brightness: f64,
}

/// What to do after a probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NextStep {
    /// Set this and probe again.
    Set(DetectorSetting),
    /// The present setting meets mean and saturation.
    Converged(DetectorSetting),
    /// The steps are used up or the detector is at the end of its range: this was the best setting probed.
    GaveUp(DetectorSetting),
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ContrastError {
    #[error("contrast {} and brightness {} are outside 0 to 1; the detector was left as it is", .0.contrast, .0.brightness)]
    BadSetting(DetectorSetting),
    #[error("the auto contrast settings are out of range: {0}; steps, tolerances and limits lie between 0 and 1")]
    BadSettings(&'static str),
    #[error("the statistics of the probe are not numbers; the detector was left as it is, acquire again")]
    BadStats,
}

/// One search. Feed the statistics of a probe taken at [`AutoContrast::setting`]; do what the answer says.
#[derive(Clone, Debug)]
pub struct AutoContrast {
    settings: AutoContrastSettings,
    now: DetectorSetting,
    brightness: Walk,
    contrast: Walk,
    changes: usize,
    best: Option<(f64, DetectorSetting)>,
}

impl AutoContrast {
    /// Starts from the detector's present setting. Refuses settings that are not finite or outside 0..1.
    pub fn new(settings: AutoContrastSettings, start: DetectorSetting) -> Result<Self, ContrastError> {
        let unit = |v: f64| (0.0..=1.0).contains(&v);
        if !unit(start.contrast) || !unit(start.brightness) {
            return Err(ContrastError::BadSetting(start));
        }
        let s = &settings;
        let checks = [
            (unit(s.brightness_step) && s.brightness_step > 0.0, "brightness_step"),
            (unit(s.contrast_step) && s.contrast_step > 0.0, "contrast_step"),
            (unit(s.mean_target), "mean_target"),
            (unit(s.mean_tolerance), "mean_tolerance"),
            (unit(s.saturation_limit), "saturation_limit"),
            (unit(s.min_range_utilisation), "min_range_utilisation"),
            (unit(s.max_step), "max_step"),
        ];
        if let Some((_, name)) = checks.iter().find(|(good, _)| !good) {
            return Err(ContrastError::BadSettings(name));
        }
        Ok(AutoContrast {
            settings,
            now: start,
            brightness: Walk::new(s.brightness_step, s.max_step),
            contrast: Walk::new(s.contrast_step, s.max_step),
            changes: 0,
            best: None,
        })
    }

    /// The setting the next probe belongs to.
    pub fn setting(&self) -> DetectorSetting {
        self.now
    }

    /// Whether a picture meets both hard criteria: mean and saturation.
    pub fn converged(settings: &AutoContrastSettings, stats: &ImageStats) -> bool {
        (stats.mean - settings.mean_target).abs() <= settings.mean_tolerance
            && stats.saturation_hi <= settings.saturation_limit
    }

    /// Judges the probe taken at [`AutoContrast::setting`].
    pub fn next(&mut self, stats: &ImageStats) -> Result<NextStep, ContrastError> {
        let s = self.settings;
        if ![stats.mean, stats.saturation_hi, stats.range_utilisation]
            .iter()
            .all(|v| v.is_finite())
        {
            return Err(ContrastError::BadStats);
        }
        let off = stats.mean - s.mean_target;
        // Saturated pixels count by the tolerance they use up, so that neither criterion is bought with the other.
        let badness = off.abs() + (stats.saturation_hi - s.saturation_limit).max(0.0);
        if self.best.is_none_or(|(least, _)| badness < least) {
            self.best = Some((badness, self.now));
        }
        if Self::converged(&s, stats) {
            return Ok(NextStep::Converged(self.now));
        }
        let best = self.best.map_or(self.now, |(_, setting)| setting);
        if self.changes >= s.n_iterations {
            return Ok(NextStep::GaveUp(best));
        }
        let darker = if off > 0.0 { -1.0 } else { 1.0 };
        let wider = match stats {
            _ if stats.saturation_hi > s.saturation_limit => -1.0,
            _ if stats.range_utilisation < s.min_range_utilisation => 1.0,
            _ => 0.0,
        };
        let next = DetectorSetting {
            brightness: (self.now.brightness + self.brightness.step(if off == 0.0 { 0.0 } else { darker }))
                .clamp(0.0, 1.0),
            contrast: (self.now.contrast + self.contrast.step(wider)).clamp(0.0, 1.0),
        };
        if next == self.now {
            return Ok(NextStep::GaveUp(best));
        }
        self.changes += 1;
        self.now = next;
        Ok(NextStep::Set(next))
    }
}

/// Steps along one knob: doubling while the direction holds, halving when it turns.
#[derive(Clone, Copy, Debug)]
struct Walk {
    size: f64,
    max: f64,
    last: f64,
}

impl Walk {
    fn new(first: f64, max: f64) -> Self {
        Walk {
            size: first,
            max: max.max(first),
            last: 0.0,
        }
    }

    /// The signed step in `direction` (-1, 0 or 1).
    fn step(&mut self, direction: f64) -> f64 {
        if direction * self.last > 0.0 {
            self.size = (2.0 * self.size).min(self.max);
        } else if direction * self.last < 0.0 && self.max > self.size.min(self.max) * 0.999_999 {
            self.size *= 0.5;
        }
        if direction != 0.0 {
            self.last = direction;
        }
        direction * self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// A detector: signal 0..1 with a wide spread, gain by contrast, offset by brightness.
    fn probe(setting: DetectorSetting) -> ImageStats {
        let gain = 2.0 * setting.contrast;
        let picture = Array2::from_shape_fn((48, 64), |(y, x)| {
            let signal = 0.35 + 0.4 * ((x / 8 + y / 8) % 5) as f64 / 4.0;
            ((gain * (signal - 0.5) + setting.brightness) * 255.0).clamp(0.0, 255.0) as u8
        });
        ImageStats::of(picture.view()).unwrap()
    }

    fn run(settings: AutoContrastSettings, start: DetectorSetting) -> (Vec<DetectorSetting>, NextStep) {
        let mut auto = AutoContrast::new(settings, start).unwrap();
        let mut path = vec![start];
        loop {
            match auto.next(&probe(auto.setting())).unwrap() {
                NextStep::Set(setting) => path.push(setting),
                end => return (path, end),
            }
        }
    }

    #[test]
    fn it_converges_from_any_corner_within_its_steps() {
        let settings = AutoContrastSettings::default();
        for contrast in [0.0, 0.3, 1.0] {
            for brightness in [0.0, 0.2, 0.5, 0.8, 1.0] {
                let (path, end) = run(settings, DetectorSetting { contrast, brightness });
                let NextStep::Converged(setting) = end else {
                    panic!("{contrast} {brightness}: {end:?}, {path:?}")
                };
                assert!(AutoContrast::converged(&settings, &probe(setting)));
                assert!(path.len() <= settings.n_iterations + 1);
                for pair in path.windows(2) {
                    assert!((pair[0].brightness - pair[1].brightness).abs() <= settings.max_step + 1e-12);
                }
            }
        }
    }

    #[test]
    fn with_equal_steps_it_walks_like_the_original() {
        let settings = AutoContrastSettings {
            max_step: 0.05,
            n_iterations: 5,
            ..Default::default()
        };
        let (path, end) = run(
            settings,
            DetectorSetting {
                contrast: 0.5,
                brightness: 0.9,
            },
        );
        let brightness: Vec<f64> = path.iter().map(|p| (p.brightness * 100.0).round()).collect();
        assert_eq!(brightness, [90.0, 85.0, 80.0, 75.0, 70.0, 65.0]);
        assert!(matches!(end, NextStep::GaveUp(s) if (s.brightness - 0.65).abs() < 1e-9));
    }

    #[test]
    fn it_gives_up_at_the_end_of_the_range() {
        let black = ImageStats::of(Array2::from_elem((8, 8), 0u8).view()).unwrap();
        let mut auto = AutoContrast::new(
            Default::default(),
            DetectorSetting {
                contrast: 1.0,
                brightness: 1.0,
            },
        )
        .unwrap();
        assert!(matches!(auto.next(&black), Ok(NextStep::GaveUp(_))));
    }

    #[test]
    fn bad_input_is_refused() {
        let start = |contrast: f64| DetectorSetting {
            contrast,
            brightness: 0.5,
        };
        assert!(AutoContrast::new(Default::default(), start(f64::NAN)).is_err());
        assert!(AutoContrast::new(Default::default(), start(1.5)).is_err());
        let settings = AutoContrastSettings {
            brightness_step: f64::INFINITY,
            ..Default::default()
        };
        assert!(AutoContrast::new(settings, start(0.5)).is_err());
        let mut auto = AutoContrast::new(Default::default(), start(0.5)).unwrap();
        let stats = ImageStats {
            mean: f64::NAN,
            ..probe(start(0.5))
        };
        assert_eq!(auto.next(&stats), Err(ContrastError::BadStats));
        assert_eq!(auto.setting(), start(0.5));
    }
}
