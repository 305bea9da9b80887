//! What a bare word is: YAML 1.1 as PyYAML reads it, except where nobody can have meant that.

use super::Scalar;

/// A plain (unquoted) scalar, and what to say about it if PyYAML sees something else.
pub(super) fn plain(text: &str) -> (Scalar, Option<String>) {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return (Scalar::Null, None),
        "None" => {
            let trap = "`None` is a word to YAML, not Python's None; read as null: write `null`";
            return (Scalar::Null, Some(trap.to_owned()));
        }
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return (Scalar::Bool(true), None),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return (Scalar::Bool(false), None),
        ".nan" | ".NaN" | ".NAN" => return (Scalar::Float(f64::NAN), None),
        _ => {}
    }
    let (negative, body) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if matches!(body, ".inf" | ".Inf" | ".INF") {
        return (
            Scalar::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY }),
            None,
        );
    }
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return (Scalar::Text(text.to_owned()), None);
    }
    number(text, negative, body)
}

fn number(text: &str, negative: bool, body: &str) -> (Scalar, Option<String>) {
    let as_text = || (Scalar::Text(text.to_owned()), None);
    let sign = if negative { -1 } else { 1 };
    for (prefix, radix) in [("0x", 16), ("0b", 2)] {
        if let Some(digits) = body.strip_prefix(prefix) {
            return match i64::from_str_radix(&digits.replace('_', ""), radix) {
                Ok(n) => (Scalar::Int(sign * n), None),
                Err(_) => as_text(),
            };
        }
    }
    if body.split(':').count() > 1
        && body
            .split(':')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    {
        let trap = format!("`{text}` is a number in base 60 to PyYAML; read as text: put it in quotes");
        // PyYAML's rule: groups after the first are below 60, and the first has no leading zero.
        let sexagesimal = !body.starts_with('0') && body.split(':').skip(1).all(|p| p.len() <= 2 && p < "60");
        return (Scalar::Text(text.to_owned()), sexagesimal.then_some(trap));
    }
    let digits = body.replace('_', "");
    let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if whole {
        let value = match digits.parse::<i64>() {
            Ok(n) => Scalar::Int(sign * n),
            Err(_) => Scalar::Float(digits.parse::<f64>().unwrap_or(f64::INFINITY) * f64::from(sign as i32)),
        };
        let padded = digits.len() > 1 && digits.starts_with('0');
        let trap = || {
            format!(
                "`{text}` with a leading zero is octal to PyYAML; read as {}: drop the zero",
                value.text()
            )
        };
        return (value.clone(), padded.then(trap));
    }
    // Digits, at most one dot, an exponent: nothing else that Rust would take for a number (inf, nan).
    if !digits.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b)) || digits == "." {
        return as_text();
    }
    let Ok(value) = digits.parse::<f64>() else {
        return as_text();
    };
    let value = if negative { -value } else { value };
    let python_float = digits.contains('.')
        && digits
            .split_once(['e', 'E'])
            .is_none_or(|(_, exponent)| exponent.starts_with(['+', '-']));
    let trap = || {
        format!(
            "`{text}` is text to PyYAML (it wants a dot and a signed exponent); read as a number: write `{}`",
            python(value)
        )
    };
    (Scalar::Float(value), (!python_float).then(trap))
}

/// The number as PyYAML writes it: `0.0001`, `1.0e-06`, `-3.0`.
pub fn python(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            ".nan"
        } else if value > 0.0 {
            ".inf"
        } else {
            "-.inf"
        }
        .to_owned();
    }
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let dot = if mantissa.contains('.') { "" } else { ".0" };
    let (sign, digits) = match exponent.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exponent),
    };
    format!("{mantissa}{dot}e{sign}{digits:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_what_pyyaml_says() {
        for (text, scalar) in [
            ("~", Scalar::Null),
            ("off", Scalar::Bool(false)),
            ("y", Scalar::Text("y".into())),
            ("NaN", Scalar::Text("NaN".into())),
            ("nan", Scalar::Text("nan".into())),
            ("1_000", Scalar::Int(1000)),
            ("-0x1f", Scalar::Int(-31)),
            ("+12", Scalar::Int(12)),
            ("1.", Scalar::Float(1.0)),
            (".5", Scalar::Float(0.5)),
            ("-1.5e-06", Scalar::Float(-1.5e-6)),
            ("-.inf", Scalar::Float(f64::NEG_INFINITY)),
            ("99999999999999999999", Scalar::Float(1e20)),
            ("2026-11-22", Scalar::Text("2026-11-22".into())),
            ("192.168.0.1", Scalar::Text("192.168.0.1".into())),
            ("1.2.3", Scalar::Text("1.2.3".into())),
            ("-", Scalar::Text("-".into())),
            (".", Scalar::Text(".".into())),
            ("5um", Scalar::Text("5um".into())),
            ("00:98", Scalar::Text("00:98".into())),
        ] {
            assert_eq!(plain(text), (scalar, None), "{text}");
        }
    }

    #[test]
    fn traps_are_read_as_meant_and_told() {
        for (text, scalar) in [
            ("2e-9", Scalar::Float(2e-9)),
            ("1.0e6", Scalar::Float(1e6)),
            ("1E5", Scalar::Float(1e5)),
            ("None", Scalar::Null),
            ("010", Scalar::Int(10)),
            ("089", Scalar::Int(89)),
            ("12:30", Scalar::Text("12:30".into())),
        ] {
            let (value, trap) = plain(text);
            assert_eq!(value, scalar, "{text}");
            assert!(trap.is_some_and(|t| t.contains(text)), "{text}");
        }
        assert!(plain("2e-9").1.is_some_and(|t| t.ends_with("`2.0e-09`")));
    }

    #[test]
    fn numbers_are_written_as_pyyaml_writes_them() {
        for (x, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (3.0, "3.0"),
            (1e-4, "0.0001"),
            (5e-5, "5.0e-05"),
            (-1.5e-12, "-1.5e-12"),
            (1e15, "1000000000000000.0"),
            (1e16, "1.0e+16"),
            (5e-324, "5.0e-324"),
            (f64::INFINITY, ".inf"),
        ] {
            assert_eq!(python(x), text);
            assert_eq!(plain(text), (Scalar::Float(x), None));
        }
    }
}
