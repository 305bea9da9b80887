//! Quantities with units: `20um`, `0.74nA`, `52deg`, `2kV`, `1us` read and printed.
//!
//! [`parse`] reads what a person types, [`format`] prints for reading, [`format_fixed`] prints for a column that is redrawn,
//! [`format_input`] prints what [`parse`] reads back as the same number. To add a unit: a variant of [`Unit`] and a row of
//! [`Unit::traits`].

use crate::text::printable;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// What a number means. Values are always in this unit's SI base (degrees: in degrees, where a key says so).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Unit {
    /// A bare number.
    None,
    Metre,
    Second,
    Ampere,
    Volt,
    /// Radians; typed as `52deg` or `0.9rad`; a bare number above 2 pi is refused.
    Radian,
    /// Degrees kept as degrees (the few configuration keys that are).
    Degree,
    Pascal,
}

/// The SI prefixes that are read and printed, largest first: letter, power of ten.
const PREFIXES: &[(&str, i32)] = &[
    ("G", 9),
    ("M", 6),
    ("k", 3),
    ("", 0),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
];

/// Other ways to type a prefix: both micro signs, and a capital K.
const PREFIX_SPELLINGS: &[(&str, i32)] = &[("\u{b5}", -6), ("\u{3bc}", -6), ("K", 3)];

/// How one unit is spelled and printed.
struct Traits {
    symbol: &'static str,
    noun: &'static str,
    example: &'static str,
    /// Largest power of ten a prefix is printed for.
    top: i32,
    /// A prefix is printed from this mantissa on: 1, or 0.1 for currents, which the field writes as 0.74 nA.
    from: f64,
    /// Words accepted besides prefix + symbol, with their factor.
    words: &'static [(&'static str, f64)],
}

impl Unit {
    const fn traits(self) -> Traits {
        const fn row(symbol: &'static str, noun: &'static str, example: &'static str, top: i32) -> Traits {
            Traits {
                symbol,
                noun,
                example,
                top,
                from: 1.0,
                words: &[],
            }
        }
        match self {
            Unit::None => Traits {
                words: &[("%", 0.01)],
                ..row("", "number", "0.5", 0)
            },
            Unit::Metre => row("m", "length", "20um", 0),
            Unit::Second => Traits {
                words: &[("min", 60.0), ("h", 3600.0)],
                ..row("s", "time", "1us", 0)
            },
            Unit::Ampere => Traits {
                from: 0.1,
                ..row("A", "current", "0.74nA", 0)
            },
            Unit::Volt => row("V", "voltage", "2kV", 3),
            Unit::Radian => Traits {
                words: &[("deg", TAU / 360.0), ("\u{b0}", TAU / 360.0)],
                ..row("rad", "angle", "52deg", 0)
            },
            Unit::Degree => Traits {
                words: &[("\u{b0}", 1.0), ("rad", 360.0 / TAU)],
                ..row("deg", "angle", "52deg", 0)
            },
            Unit::Pascal => Traits {
                words: &[("mbar", 100.0), ("bar", 1e5)],
                ..row("Pa", "pressure", "1mPa", 3)
            },
        }
    }

    /// The symbol without a prefix: `m`, `s`, `A`, `V`, `rad`, `deg`, `Pa`; empty for a bare number.
    pub const fn symbol(self) -> &'static str {
        self.traits().symbol
    }

    /// What is measured: `length`, `current` ...; for messages.
    pub const fn noun(self) -> &'static str {
        self.traits().noun
    }

    /// A value as one would type it.
    pub const fn example(self) -> &'static str {
        self.traits().example
    }
}

/// Why a text is not the quantity that was asked for. Nothing has been changed when one of these is returned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum UnitError {
    #[error("{noun} is missing: write one like {example}")]
    Empty { noun: &'static str, example: &'static str },
    #[error("`{text}` is no {noun}: write a number with its unit, like {example}")]
    NotANumber {
        text: String,
        noun: &'static str,
        example: &'static str,
    },
    #[error("`{text}` is not a finite {noun}: write one like {example}")]
    NotFinite {
        text: String,
        noun: &'static str,
        example: &'static str,
    },
    #[error("`{unit}` in `{text}` is no unit of {noun}: write one like {example}")]
    WrongUnit {
        text: String,
        unit: String,
        noun: &'static str,
        example: &'static str,
    },
    #[error("{text} rad is more than a full turn: did you mean {text}deg?")]
    LikelyDegrees { text: String },
}

/// The start of a foreign text, safe to print in one line.
fn quoted(text: &str) -> String {
    let mut short: String = printable(text).chars().take(40).collect();
    if text.chars().count() > 40 {
        short.push_str("...");
    }
    short
}

/// Length in bytes of the mantissa and of the whole number that `text` starts with.
fn number_prefix(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let sign = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(sign);
    let mut mantissa = sign + whole;
    let mut fraction = 0;
    if bytes.get(mantissa) == Some(&b'.') {
        fraction = digits(mantissa + 1);
        mantissa += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    let mut end = mantissa;
    if matches!(bytes.get(mantissa), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(mantissa + 1), Some(b'+' | b'-')));
        let exponent = digits(mantissa + 1 + sign);
        if exponent > 0 {
            end = mantissa + 1 + sign + exponent;
        }
    }
    Some((mantissa, end))
}

/// What a suffix multiplies by: a power of ten (kept as such, so that `20um` is exactly 20e-6) or a factor.
enum Scale {
    Ten(i32),
    Factor(f64),
}

fn scale(suffix: &str, unit: Unit) -> Option<Scale> {
    let row = unit.traits();
    if suffix.is_empty() || suffix == row.symbol {
        return Some(Scale::Ten(0));
    }
    if let Some((_, factor)) = row.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(suffix)) {
        return Some(Scale::Factor(*factor));
    }
    if row.symbol.is_empty() {
        return None;
    }
    // A, V, Pa, deg are often typed in lower or upper case; only m is a prefix as well as a symbol, and case tells nothing there.
    let at = suffix
        .len()
        .checked_sub(row.symbol.len())
        .filter(|at| suffix.is_char_boundary(*at))?;
    let (prefix, symbol) = suffix.split_at(at);
    if !symbol.eq_ignore_ascii_case(row.symbol) || (row.symbol == "m" && symbol != "m") {
        return None;
    }
    let known = PREFIXES.iter().chain(PREFIX_SPELLINGS);
    known
        .into_iter()
        .find(|(p, _)| *p == prefix)
        .map(|(_, power)| Scale::Ten(*power))
}

/// Reads a quantity: `20um`, `20 um` (any micro sign), `0.74nA`, `2kV`, `52deg`, `1e-6`, `-3.5mm`, `50%` for a bare number.
///
/// A number without a unit is in the SI base unit; a bare angle of more than a full turn is refused, since degrees were meant.
/// The result is finite and in the unit's base (rad for [`Unit::Radian`], deg for [`Unit::Degree`]).
pub fn parse(text: &str, unit: Unit) -> Result<f64, UnitError> {
    let Traits { noun, example, .. } = unit.traits();
    let text = text.trim();
    if text.is_empty() {
        return Err(UnitError::Empty { noun, example });
    }
    let not_finite = || UnitError::NotFinite {
        text: quoted(text),
        noun,
        example,
    };
    let Some((mantissa, end)) = number_prefix(text) else {
        let word = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
        let is_special = word.starts_with("nan") || word.starts_with("inf");
        return Err(if is_special {
            not_finite()
        } else {
            UnitError::NotANumber {
                text: quoted(text),
                noun,
                example,
            }
        });
    };
    let suffix = text[end..].trim();
    let Some(scale) = scale(suffix, unit) else {
        return Err(UnitError::WrongUnit {
            text: quoted(text),
            unit: quoted(suffix),
            noun,
            example,
        });
    };
    let value = match scale {
        Scale::Factor(factor) => text[..end].parse::<f64>().map(|number| number * factor),
        Scale::Ten(power) => {
            let typed = if end > mantissa {
                text[mantissa + 1..end].parse::<i32>()
            } else {
                Ok(0)
            };
            let exponent = typed.map_err(|_| not_finite())?.saturating_add(power);
            format!("{}e{exponent}", &text[..mantissa]).parse::<f64>()
        }
    };
    let value = value.ok().filter(|v| v.is_finite()).ok_or_else(not_finite)?;
    if unit == Unit::Radian && suffix.is_empty() && value.abs() > TAU {
        return Err(UnitError::LikelyDegrees { text: quoted(text) });
    }
    Ok(value)
}

/// Decimals that show `mantissa` with three significant digits (two below 1).
fn decimals(mantissa: f64) -> usize {
    match mantissa.abs() {
        m if m < 9.995 => 2,
        m if m < 99.95 => 1,
        _ => 0,
    }
}

/// Number and unit of a printed quantity, apart.
fn parts(value: f64, unit: Unit) -> (String, String) {
    let row = unit.traits();
    if !value.is_finite() {
        return ("--".to_owned(), row.symbol.to_owned());
    }
    match unit {
        Unit::None => {
            let text = match value.abs() {
                m if m != 0.0 && !(1e-2..1e6).contains(&m) => format!("{value:.2e}"),
                _ => format!("{value:.*}", decimals(value)),
            };
            (text, String::new())
        }
        Unit::Radian => (format!("{:.1}", value.to_degrees()), "deg".to_owned()),
        Unit::Degree => (format!("{value:.1}"), "deg".to_owned()),
        // as gauges and vendors' programs show a vacuum
        Unit::Pascal => {
            let mbar = value * 1e-2;
            let high_vacuum = mbar != 0.0 && mbar.abs() < 0.1;
            let number = if high_vacuum {
                format!("{mbar:.1e}")
            } else {
                format!("{mbar:.*}", decimals(mbar))
            };
            (number, "mbar".to_owned())
        }
        _ if value == 0.0 => ("0.00".to_owned(), row.symbol.to_owned()),
        _ => {
            let fits = |power: i32| value.abs() * 10f64.powi(-power) >= row.from * 0.9995;
            let printed = || PREFIXES.iter().filter(|(_, power)| *power <= row.top);
            let (prefix, power) = printed()
                .find(|(_, power)| fits(*power))
                .or_else(|| printed().next_back())
                .copied()
                .unwrap_or(("", 0));
            let mantissa = value * 10f64.powi(-power);
            (
                format!("{mantissa:.*}", decimals(mantissa)),
                format!("{prefix}{}", row.symbol),
            )
        }
    }
}

/// A quantity for reading, three significant digits, ASCII: `150 um`, `0.74 nA`, `50.0 pA`, `2.00 kV`, `52.0 deg` (also for
/// radians), `2.1e-6 mbar`. What is not finite is shown as `--`.
pub fn format(value: f64, unit: Unit) -> String {
    let (number, symbol) = parts(value, unit);
    if symbol.is_empty() {
        number
    } else {
        format!("{number} {symbol}")
    }
}

/// As [`format`], right-aligned in `width` columns with the unit in its own column, so that digits stay in place while the
/// value changes. Never cut: a longer text is returned as it is.
pub fn format_fixed(value: f64, unit: Unit, width: usize) -> String {
    let (number, symbol) = parts(value, unit);
    let column = match unit {
        Unit::None => 0,
        Unit::Radian | Unit::Degree => 3,
        _ => unit.symbol().len() + 1,
    };
    let text = if column == 0 {
        number
    } else {
        format!("{number} {symbol:<column$}")
    };
    format!("{text:>width$}")
}

/// A quantity as one would type it, without loss: [`parse`] reads exactly the same number back (`20um`, `52deg`).
/// `value` must be finite.
pub fn format_input(value: f64, unit: Unit) -> String {
    let row = unit.traits();
    if unit == Unit::Radian {
        let degrees = (value.to_degrees() * 1e9).round() / 1e9;
        let text = format!("{degrees}deg");
        return if parse(&text, unit) == Ok(value) {
            text
        } else {
            format!("{value:e}rad")
        };
    }
    if matches!(unit, Unit::None | Unit::Degree) || value == 0.0 || !value.is_finite() {
        return format!("{value}{}", row.symbol);
    }
    // The shortest digits that mean this number, and the power of ten of the last one: moving the point loses nothing.
    let scientific = format!("{:e}", value.abs());
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let prefix = PREFIXES
        .iter()
        .filter(|(_, power)| *power <= row.top)
        .find(|(_, power)| exponent >= *power);
    let Some((prefix, power)) = prefix.filter(|(_, power)| exponent - power < 6) else {
        return format!("{value:e}{}", row.symbol);
    };
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let whole = (exponent - power) as usize + 1;
    let number = match digits.len() {
        n if n <= whole => format!("{digits}{}", "0".repeat(whole - n)),
        _ => format!("{}.{}", &digits[..whole], &digits[whole..]),
    };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{number}{prefix}{}", row.symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNITS: [Unit; 8] = [
        Unit::None,
        Unit::Metre,
        Unit::Second,
        Unit::Ampere,
        Unit::Volt,
        Unit::Radian,
        Unit::Degree,
        Unit::Pascal,
    ];

    #[test]
    fn reads_what_operators_type() {
        let rows = [
            ("20um", Unit::Metre, 20e-6),
            ("20 \u{b5}m", Unit::Metre, 20e-6),
            ("20\u{3bc}m", Unit::Metre, 20e-6),
            (" -3.5mm ", Unit::Metre, -3.5e-3),
            ("1e-06 m", Unit::Metre, 1e-6),
            ("1e-6", Unit::Metre, 1e-6),
            ("+.5m", Unit::Metre, 0.5),
            ("3e2um", Unit::Metre, 3e-4),
            ("0.74nA", Unit::Ampere, 0.74e-9),
            ("50pa", Unit::Ampere, 50e-12),
            ("2kV", Unit::Volt, 2e3),
            ("30KV", Unit::Volt, 30e3),
            ("1us", Unit::Second, 1e-6),
            ("2min", Unit::Second, 120.0),
            ("52deg", Unit::Radian, 52f64.to_radians()),
            ("52\u{b0}", Unit::Radian, 52f64.to_radians()),
            ("0.9rad", Unit::Radian, 0.9),
            ("100 rad", Unit::Radian, 100.0),
            ("3.1", Unit::Radian, 3.1),
            ("52", Unit::Degree, 52.0),
            ("52 deg", Unit::Degree, 52.0),
            ("1mbar", Unit::Pascal, 100.0),
            ("50%", Unit::None, 0.5),
            ("0.5", Unit::None, 0.5),
        ];
        for (text, unit, value) in rows {
            let read = parse(text, unit).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert!(
                (read - value).abs() <= 1e-15 * value.abs(),
                "{text}: {read} is not {value}"
            );
        }
        assert_eq!(parse("20um", Unit::Metre), Ok(20e-6), "powers of ten are exact");
    }

    #[test]
    fn refuses_what_is_no_quantity_and_says_the_way_out() {
        let rows = [
            ("", Unit::Metre, "length is missing: write one like 20um"),
            (
                "52",
                Unit::Radian,
                "52 rad is more than a full turn: did you mean 52deg?",
            ),
            (
                "20um",
                Unit::Ampere,
                "`um` in `20um` is no unit of current: write one like 0.74nA",
            ),
            (
                "20u",
                Unit::Metre,
                "`u` in `20u` is no unit of length: write one like 20um",
            ),
            (
                "20 uM",
                Unit::Metre,
                "`uM` in `20 uM` is no unit of length: write one like 20um",
            ),
            (
                "0,5m",
                Unit::Metre,
                "`,5m` in `0,5m` is no unit of length: write one like 20um",
            ),
            ("nan", Unit::Metre, "`nan` is not a finite length: write one like 20um"),
            ("-inf", Unit::Volt, "`-inf` is not a finite voltage: write one like 2kV"),
            (
                "1e999",
                Unit::Volt,
                "`1e999` is not a finite voltage: write one like 2kV",
            ),
            (
                "1e99999999999",
                Unit::Volt,
                "`1e99999999999` is not a finite voltage: write one like 2kV",
            ),
            (
                "soon",
                Unit::Second,
                "`soon` is no time: write a number with its unit, like 1us",
            ),
            (
                "1\u{1b}[31mm",
                Unit::Metre,
                "`[31mm` in `1[31mm` is no unit of length: write one like 20um",
            ),
        ];
        for (text, unit, message) in rows {
            assert_eq!(parse(text, unit).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn prints_in_the_habits_of_the_field() {
        let rows = [
            (150e-6, Unit::Metre, "150 um"),
            (7e-3, Unit::Metre, "7.00 mm"),
            (999.96e-6, Unit::Metre, "1.00 mm"),
            (-3.456e-6, Unit::Metre, "-3.46 um"),
            (0.0, Unit::Metre, "0.00 m"),
            (50e-12, Unit::Ampere, "50.0 pA"),
            (0.74e-9, Unit::Ampere, "0.74 nA"),
            (60e-9, Unit::Ampere, "60.0 nA"),
            (2e3, Unit::Volt, "2.00 kV"),
            (30e3, Unit::Volt, "30.0 kV"),
            (500.0, Unit::Volt, "500 V"),
            (1e-6, Unit::Second, "1.00 us"),
            (4000.0, Unit::Second, "4000 s"),
            (52f64.to_radians(), Unit::Radian, "52.0 deg"),
            (15.0, Unit::Degree, "15.0 deg"),
            (4e-4, Unit::Pascal, "4.0e-6 mbar"),
            (130.0, Unit::Pascal, "1.30 mbar"),
            (101_325.0, Unit::Pascal, "1013 mbar"),
            (0.5, Unit::None, "0.50"),
            (f64::NAN, Unit::Metre, "-- m"),
        ];
        for (value, unit, text) in rows {
            assert_eq!(format(value, unit), text);
        }
    }

    #[test]
    fn fixed_width_keeps_the_columns() {
        for value in [9.99e-6, 10e-6, 150e-6, 1.2e-3, 0.02, 1.0, -150e-6] {
            assert_eq!(format_fixed(value, Unit::Metre, 9).len(), 9, "{value}");
        }
        assert_eq!(format_fixed(1.0, Unit::Metre, 9), "  1.00 m ");
        assert_eq!(format_fixed(150e-6, Unit::Metre, 9), "   150 um");
    }

    #[test]
    fn input_text_is_short() {
        assert_eq!(format_input(20e-6, Unit::Metre), "20um");
        assert_eq!(format_input(-3.5e-3, Unit::Metre), "-3.5mm");
        assert_eq!(format_input(0.74e-9, Unit::Ampere), "740pA");
        assert_eq!(format_input(30e3, Unit::Volt), "30kV");
        assert_eq!(format_input(52f64.to_radians(), Unit::Radian), "52deg");
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,24}", number in "[-+0-9.eE]{0,12}[a-zA-Z\u{b5}%]{0,4}") {
            for unit in UNITS {
                for text in [&text, &number] {
                    if let Ok(value) = parse(text, unit) {
                        prop_assert!(value.is_finite());
                    }
                }
            }
        }

        #[test]
        fn what_is_printed_reads_back_within_its_rounding(mantissa in -9.99f64..9.99, power in -13i32..3) {
            let value = mantissa * 10f64.powi(power);
            for unit in UNITS.into_iter().filter(|u| *u != Unit::Radian) {
                let text = format(value, unit);
                let read = parse(&text, unit).map_err(|e| TestCaseError::fail(e.to_string()))?;
                // Half of the last printed digit: 5 % where a current shows 0.10 or a vacuum 1.0e-6, half a degree's tenth, two decimals near 0.
                let rounding = match unit {
                    Unit::Degree => 0.05,
                    Unit::Ampere | Unit::Pascal => 0.051 * value.abs(),
                    Unit::None if value.abs() >= 1e-2 => 0.005f64.max(0.005 * value.abs()),
                    _ => 0.0051 * value.abs(),
                };
                prop_assert!((read - value).abs() <= rounding + 1e-17, "{value} -> {text} -> {read}");
            }
        }

        #[test]
        fn input_text_reads_back_exactly(value in proptest::num::f64::NORMAL | proptest::num::f64::ZERO, small in -1e-3f64..1e-3) {
            for unit in UNITS {
                for value in [value, small] {
                    prop_assert_eq!(parse(&format_input(value, unit), unit), Ok(value));
                }
            }
        }
    }
}
