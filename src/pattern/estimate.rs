//! How long milling takes, before it has begun: openFIBSEM's estimates, number for number.
//!
//! Three rules for the beam time of a stage: the instrument's own rate of its application file, where it tells; a table of sputter
//! rates by current; or, where an instrument mills by preset, the dose model of its rate. Around it lie times measured on an instrument (openFIBSEM's `timing`, 90th percentiles of few
//! runs): estimates err to the long side. [`crate::Eta`] corrects them as the run goes.

use crate::Pattern;
use crate::task::{Alignment, MillingStage, MillingTask};
use model::ImageSettings;
use model::capabilities::MillingControl;
use model::shape::{CrossSection, Shape};
use std::collections::BTreeMap;

/// What an instrument plans its times by.
#[derive(Clone, Copy, Debug, Default)]
pub struct Planner<'a> {
    pub control: MillingControl,
    /// m3 removed per C, by application file; of those that are not here the table speaks.
    pub rates: Option<&'a BTreeMap<String, f64>>,
}

impl From<MillingControl> for Planner<'_> {
    fn from(control: MillingControl) -> Self {
        Planner { control, rates: None }
    }
}

/// Sputter rate of silicon, um3/s, by milling current, A (the vendor's application files, mostly at 30 kV).
pub const SPUTTER_RATES: &[(f64, f64)] = &[
    (20e-12, 6.85e-3),
    (0.2e-9, 6.578e-2),
    (0.74e-9, 3.349e-1),
    (0.89e-9, 3.920e-1),
    (2.0e-9, 9.549e-1),
    (2.4e-9, 1.309),
    (6.2e-9, 2.907),
    (7.6e-9, 3.041),
    (28.0e-9, 11.8),
];

/// A picture beyond its scan: settling, reading out, saving, s.
pub const IMAGE: f64 = 2.0;
/// Absolute stage move, s.
pub const STAGE_MOVE: f64 = 8.0;
/// Relative stage move, s.
pub const STAGE_MOVE_RELATIVE: f64 = 6.5;
/// Change of the ion beam's current, s.
pub const CURRENT_CHANGE: f64 = 20.5;
/// A picture of the reduced area by which milling is aligned, s.
pub const ALIGNMENT_IMAGE: f64 = 0.85;
/// Contrast before an alignment, s.
pub const ALIGNMENT_CONTRAST: f64 = 1.7;
/// Alignment to a stored reference picture, s.
pub const REFERENCE_ALIGNMENT: f64 = 4.8;
/// A burnt spot beyond its exposure, s.
pub const SPOT: f64 = 0.75;

/// Share of a table estimate that milling takes in openFIBSEM's experience.
const TABLE_SHARE: f64 = 0.75;
/// A cleaning cross-section counts as this share of its volume.
const CLEANING_SHARE: f64 = 0.66;

/// um3/s at `current` (A): the nearest current of the table, scaled to this one. The earlier row wins a tie.
pub fn sputter_rate(current: f64) -> f64 {
    let distance = |row: &&(f64, f64)| (row.0 - current).abs();
    let nearest = SPUTTER_RATES.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.map_or(f64::NAN, |(at, rate)| rate * (current / at))
}

/// Beam time of a pattern by the table of sputter rates, s; what the pattern itself asks for goes first. Infinite at no current.
pub fn pattern_time(pattern: &Pattern, current: f64) -> f64 {
    match pattern.figure.time() {
        0.0 => TABLE_SHARE * (counted_volume(pattern) * 1e18 / sputter_rate(current)),
        time => time,
    }
}

/// Volume as the estimates count it, m3.
pub(crate) fn counted_volume(pattern: &Pattern) -> f64 {
    let share = match pattern.cross_section() {
        Some(CrossSection::CleaningCrossSection) => CLEANING_SHARE,
        _ => 1.0,
    };
    pattern.volume() * share
}

/// Beam time of a pattern by rate (m3/A/s) and the current its preset names, s; none where the preset names no current or the
/// rate is none.
pub fn preset_time(pattern: &Pattern, preset: &str, rate: f64) -> Option<f64> {
    match pattern.figure.time() {
        0.0 => {}
        time => return Some(time),
    }
    let current = preset_current(preset).filter(|i| *i > 0.0)?;
    (rate > 0.0).then(|| counted_volume(pattern) / (rate * current))
}

/// The first current in a preset's name, A: `30 keV; 2.5 nA` is 2.5e-9. Only with a prefix: a bare `2A` is hardly a current.
pub fn preset_current(preset: &str) -> Option<f64> {
    let chars: Vec<char> = preset.chars().collect();
    (0..chars.len()).find_map(|start| current_at(&chars[start..]))
}

/// `digits[.digits] blanks prefix A`, not followed by a letter, at the start of `text`.
fn current_at(text: &[char]) -> Option<f64> {
    let digits = |from: usize| text[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = digits(0);
    if whole == 0 {
        return None;
    }
    let fraction = match text.get(whole) {
        Some('.') => digits(whole + 1),
        _ => 0,
    };
    let end = if fraction > 0 { whole + 1 + fraction } else { whole };
    let blanks = text[end..].iter().take_while(|c| c.is_whitespace()).count();
    let [prefix, 'A', rest @ ..] = &text[end + blanks..] else {
        return None;
    };
    if rest.first().is_some_and(char::is_ascii_alphabetic) {
        return None;
    }
    let scale = match prefix {
        'p' => 1e-12,
        'n' => 1e-9,
        'u' | '\u{b5}' | '\u{3bc}' => 1e-6,
        _ => return None,
    };
    let number: String = text[..end].iter().collect();
    number.parse::<f64>().ok().map(|n| n * scale)
}

/// Beam time of a pattern by the instrument's own rate (m3/C) at a current, s; none where its volume says nothing (lines) or a
/// number is none.
pub fn rated_time(pattern: &Pattern, rate: f64, current: f64) -> Option<f64> {
    match pattern.figure.time() {
        0.0 => {}
        time => return Some(time),
    }
    let solid = !pattern.shapes().iter().any(|shape| matches!(shape, Shape::Line(_)));
    (solid && rate > 0.0 && current > 0.0).then(|| counted_volume(pattern) / (rate * current))
}

/// Beam time of a stage, s. Where neither rate nor preset say anything, the table answers.
pub fn stage_time<'a>(stage: &MillingStage, by: impl Into<Planner<'a>>) -> f64 {
    let (by, beam) = (by.into(), &stage.milling);
    let own = match by.control {
        MillingControl::Preset => preset_time(&stage.pattern, &beam.preset, beam.rate),
        MillingControl::Current => by
            .rates
            .and_then(|rates| rates.get(&beam.application_file))
            .and_then(|rate| rated_time(&stage.pattern, *rate, beam.milling_current)),
    };
    own.unwrap_or_else(|| pattern_time(&stage.pattern, beam.milling_current))
}

/// Scan time of one picture, s: of the whole frame, also where a reduced area is set.
pub fn scan_time(settings: &ImageSettings) -> f64 {
    ImageSettings {
        reduced_area: None,
        ..settings.clone()
    }
    .beam_time()
}

/// Time of one picture with all that belongs to it, s.
pub fn image_time(settings: &ImageSettings) -> f64 {
    scan_time(settings) + IMAGE
}

/// Time of one alignment while milling, s; 0 when it is off.
pub fn alignment_time(alignment: &Alignment) -> f64 {
    match alignment.enabled {
        true => ALIGNMENT_CONTRAST + f64::from(alignment.steps.saturating_add(1)) * ALIGNMENT_IMAGE,
        false => 0.0,
    }
}

/// openFIBSEM's `estimated_time`, s: beam time of the enabled stages and the scans between them.
pub fn task_time(task: &MillingTask, control: MillingControl) -> f64 {
    let milling: f64 = task.enabled().map(|(_, stage)| stage_time(stage, control)).sum();
    milling + f64::from(task.acquisition.beams()) * scan_time(&task.acquisition.imaging)
}

/// openFIBSEM's duration of a milling task, s: beam time with two alignments, two changes of current and the pictures.
pub fn task_duration(task: &MillingTask, control: MillingControl) -> f64 {
    let milling: f64 = task.enabled().map(|(_, stage)| stage_time(stage, control)).sum();
    let changes = if task.enabled().next().is_some() { 2.0 } else { 0.0 };
    let pictures = match task.acquisition.beams() {
        0 => u32::from(task.acquisition.acquire_final_image),
        beams => beams,
    };
    milling
        + 2.0 * alignment_time(&task.alignment)
        + changes * CURRENT_CHANGE
        + f64::from(pictures) * image_time(&task.acquisition.imaging)
}

/// `1h 2m 3.45s`, `4m 12.00s`, `5.25s`; `--` for what is not finite.
pub fn format_duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "--".to_owned();
    }
    let seconds = seconds.max(0.0);
    let (hours, minutes) = ((seconds / 3600.0).floor(), (seconds % 3600.0 / 60.0).floor());
    let seconds = seconds % 60.0;
    match (hours > 0.0, minutes > 0.0) {
        (true, _) => format!("{hours}h {minutes}m {seconds:.2}s"),
        (_, true) => format!("{minutes}m {seconds:.2}s"),
        _ => format!("{seconds:.2}s"),
    }
}

/// `1h 2m`, `4m 12s`, `5s`, rounded before it is cut up; with `pad` the second number always has two digits, so that a
/// countdown keeps its place. `--` for what is not finite.
pub fn format_duration_short(seconds: f64, pad: bool) -> String {
    if !seconds.is_finite() {
        return "--".to_owned();
    }
    // half to even, as Python rounds
    let total = seconds.max(0.0).round_ties_even() as u64;
    let (hours, minutes, seconds) = (total / 3600, total % 3600 / 60, total % 60);
    let width = if pad { 2 } else { 1 };
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m {seconds:0width$}s"),
        _ => format!("{hours}h {minutes:0width$}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currents_are_found_in_names() {
        for (preset, current) in [
            ("30 keV; 2.5 nA", Some(2.5e-9)),
            ("30 keV; 100pA; mine", Some(1e-10)),
            ("1.2.3nA", Some(2.3e-9)),
            ("12nAx 3 \u{b5}A", Some(3e-6)),
            ("2nA 5nA", Some(2e-9)),
            ("2A", None),
            ("2.nA", None),
            ("nA", None),
            ("", None),
        ] {
            let got = preset_current(preset);
            assert_eq!(got.is_some(), current.is_some(), "{preset}");
            assert!(
                (got.unwrap_or(0.0) - current.unwrap_or(0.0)).abs() < 1e-21,
                "{preset} {got:?}"
            );
        }
    }

    #[test]
    fn durations_are_written_long_and_short() {
        for (seconds, long, short, padded) in [
            (5.249, "5.25s", "5s", "5s"),
            (59.6, "59.60s", "1m 0s", "1m 00s"),
            (252.0, "4m 12.00s", "4m 12s", "4m 12s"),
            (3723.45, "1h 2m 3.45s", "1h 2m", "1h 02m"),
            (3600.0, "1h 0m 0.00s", "1h 0m", "1h 00m"),
            (2.5, "2.50s", "2s", "2s"),
            (-1.0, "0.00s", "0s", "0s"),
            (f64::INFINITY, "--", "--", "--"),
        ] {
            assert_eq!(format_duration(seconds), long);
            assert_eq!(format_duration_short(seconds, false), short);
            assert_eq!(format_duration_short(seconds, true), padded);
        }
    }

    #[test]
    fn the_instruments_own_rate_goes_before_the_table() {
        let stage = MillingStage::default();
        let rates = BTreeMap::from([("Si".to_owned(), 0.27e-9), ("Pt".to_owned(), 0.0)]);
        let planner = Planner {
            rates: Some(&rates),
            ..Planner::default()
        };
        let (volume, current) = (stage.pattern.volume(), stage.milling.milling_current);
        assert!((stage_time(&stage, planner) * 0.27e-9 * current / volume - 1.0).abs() < 1e-9);
        let table = pattern_time(&stage.pattern, current);
        for file in ["W", "Pt"] {
            let mut other = stage.clone();
            other.milling.application_file = file.to_owned();
            assert_eq!(stage_time(&other, planner), table, "{file}");
        }
        let line = Pattern::new(crate::figure::Line::default());
        assert_eq!(rated_time(&line, 0.27e-9, current), None);
    }

    #[test]
    fn without_a_current_milling_never_ends() {
        assert_eq!(pattern_time(&Pattern::default(), 0.0), f64::INFINITY);
        assert_eq!(preset_time(&Pattern::default(), "0 nA", 1.3e-8), None);
        assert_eq!(preset_time(&Pattern::default(), "2 nA", 0.0), None);
    }
}
