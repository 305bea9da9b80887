//! From what a person types, or JSON, to a checked [`Command`].

use super::row::{ArgKind, ArgRow, CommandRow};
use super::{Command, Failure, words::split};
use model::key::{Key, Kind};
use model::text::{nearest, printable};
use model::{Beam, Rect, units};
use serde_json::{Map, Value, json};

/// Commands that a hint names at most.
const MOST_MEANT: usize = 4;

/// The row of that name, or a refusal that names those that begin so, or else the nearest.
pub fn find(name: &str) -> Result<&'static CommandRow, Failure> {
    let name = name.trim();
    if let Some(row) = super::rows().find(|row| row.name == name) {
        return Ok(row);
    }
    let names = || super::rows().map(|row| row.name);
    let mut meant: Vec<&str> = names().filter(|n| !name.is_empty() && n.starts_with(name)).collect();
    if meant.is_empty() {
        meant.extend(nearest(name, names()));
    }
    let shown: Vec<String> = meant.iter().take(MOST_MEANT).map(|name| format!("`{name}`")).collect();
    let hint = match meant.len() {
        0 => "`fibdeck do --list` shows them all".to_owned(),
        n if n > MOST_MEANT => format!(
            "did you mean {}, ...? `fibdeck do --list` shows them all",
            shown.join(", ")
        ),
        _ => format!("did you mean {}?", shown.join(" or ")),
    };
    Err(Failure::usage(
        format!("there is no command `{}`; nothing was sent", printable(name)),
        hint,
    ))
}

/// `name key=value key="quoted value" value`: a value without a key goes to the first required argument not yet given.
pub fn line(text: &str) -> Result<Command, Failure> {
    let mut words = split(text)?.into_iter();
    let name = words
        .next()
        .ok_or_else(|| Failure::usage("an empty command", "type a command's name"))?;
    pairs(&name, words)
}

/// A command from its name and `key=value` words.
pub fn pairs(name: &str, words: impl IntoIterator<Item = String>) -> Result<Command, Failure> {
    let row = find(name)?;
    let mut args = Map::new();
    for word in words {
        let (key, value) = match word.split_once('=') {
            Some((key, value))
                if row.args.iter().any(|a| a.name == key.replace('-', "_")) || !key.contains(['/', '{', '[']) =>
            {
                (key.to_owned(), value.to_owned())
            }
            _ => {
                let free = row.args.iter().find(|a| a.required && !args.contains_key(a.name));
                let free = free.or_else(|| row.args.iter().find(|a| !args.contains_key(a.name)));
                let free = free.ok_or_else(|| {
                    Failure::usage(
                        format!(
                            "`{}` is one word too many for {}; nothing was sent",
                            printable(&word),
                            row.name
                        ),
                        usage(row),
                    )
                })?;
                (free.name.to_owned(), word)
            }
        };
        let key = key.replace('-', "_");
        if args.insert(key.clone(), Value::String(value)).is_some() {
            return Err(Failure::usage(
                format!("`{}=` is given twice; nothing was sent", printable(&key)),
                usage(row),
            ));
        }
    }
    check(Command {
        name: row.name.to_owned(),
        args,
    })
}

/// Checks names, presence and kinds; strings with units become SI numbers. Nothing wrong passes.
pub fn check(command: Command) -> Result<Command, Failure> {
    let row = find(&command.name)?;
    let mut checked = Map::new();
    for (name, value) in &command.args {
        let Some(arg) = row.args.iter().find(|a| a.name == name) else {
            let near = nearest(name, row.args.iter().map(|a| a.name));
            return Err(Failure::usage(
                format!("{} takes no `{}`; nothing was sent", row.name, printable(name)),
                near.map_or_else(|| usage(row), |near| format!("did you mean `{near}=`? {}", usage(row))),
            ));
        };
        if value.is_null() {
            continue;
        }
        let key = command.args.get("key").and_then(Value::as_str).and_then(Key::parse);
        checked.insert(name.clone(), convert(arg, value, key)?);
    }
    if let Some(missing) = row.args.iter().find(|a| a.required && !checked.contains_key(a.name)) {
        return Err(Failure::usage(
            format!(
                "{} needs `{}=` ({}); nothing was sent",
                row.name,
                missing.name,
                missing.kind.hint()
            ),
            usage(row),
        ));
    }
    Ok(Command {
        name: row.name.to_owned(),
        args: checked,
    })
}

/// `stage.move-relative [x=LENGTH] ...` with what each takes.
pub fn usage(row: &CommandRow) -> String {
    let args: Vec<String> = row
        .args
        .iter()
        .map(|a| {
            if a.required {
                format!("{}=", a.name)
            } else {
                format!("[{}=]", a.name)
            }
        })
        .collect();
    format!("usage: {} {}", row.name, args.join(" ")).trim_end().to_owned()
}

fn wrong(arg: &ArgRow, value: &Value, why: impl std::fmt::Display) -> Failure {
    let shown = value.as_str().map_or_else(|| value.to_string(), printable);
    Failure::usage(
        format!("`{}={shown}` makes no sense: {why}; nothing was sent", arg.name),
        format!("{} takes {}", arg.name, arg.kind.hint()),
    )
}

fn convert(arg: &ArgRow, value: &Value, key: Option<Key>) -> Result<Value, Failure> {
    match arg.kind {
        ArgKind::Number(unit) => number(arg, value, unit),
        ArgKind::Count(low, high) => {
            let n = match value {
                Value::String(text) => text.parse::<u64>().ok(),
                other => other.as_u64(),
            };
            match n {
                Some(n) if (u64::from(low)..=u64::from(high)).contains(&n) => Ok(json!(n)),
                _ => Err(wrong(arg, value, format!("not a whole number {low} to {high}"))),
            }
        }
        ArgKind::Bool => match value {
            Value::Bool(b) => Ok(json!(b)),
            Value::String(word) => match word.to_ascii_lowercase().as_str() {
                "true" | "on" | "yes" | "1" => Ok(json!(true)),
                "false" | "off" | "no" | "0" => Ok(json!(false)),
                _ => Err(wrong(arg, value, "neither true nor false")),
            },
            _ => Err(wrong(arg, value, "neither true nor false")),
        },
        ArgKind::Text | ArgKind::Path | ArgKind::PathOrText | ArgKind::PositionName => match value {
            Value::String(text) if text.is_empty() => Err(wrong(arg, value, "it is empty")),
            Value::String(text) if text.chars().any(char::is_control) => {
                Err(wrong(arg, value, "it holds control characters"))
            }
            Value::String(_) => Ok(value.clone()),
            _ => Err(wrong(arg, value, "not text")),
        },
        ArgKind::Word(words) => {
            let text = value.as_str().unwrap_or_default();
            match words.iter().find(|w| w.eq_ignore_ascii_case(text)) {
                Some(word) => Ok(json!(word)),
                None => Err(wrong(arg, value, format!("not one of {}", words.join(", ")))),
            }
        }
        ArgKind::Beam => match value.as_str().map(str::parse::<Beam>) {
            Some(Ok(beam)) => Ok(json!(beam.word())),
            _ => Err(wrong(arg, value, "neither electron nor ion")),
        },
        ArgKind::Beams => match value.as_str() {
            Some(word) if word.eq_ignore_ascii_case("both") => Ok(json!("both")),
            Some(word) if word.parse::<Beam>().is_ok() => {
                Ok(json!(word.parse::<Beam>().map(Beam::word).unwrap_or("both")))
            }
            _ => Err(wrong(arg, value, "neither electron, ion nor both")),
        },
        ArgKind::Json => match value {
            Value::String(text) => serde_json::from_str(text).map_err(|e| wrong(arg, value, e)),
            other => Ok(other.clone()),
        },
        ArgKind::Size => size(arg, value),
        ArgKind::Rect => rect(arg, value),
        ArgKind::Key => match value.as_str().map(|name| (name, Key::parse(name))) {
            Some((_, Some(key))) => Ok(json!(key.name())),
            Some((name, None)) => {
                let near = nearest(name, model::key::KEYS.iter().map(|r| r.name)).unwrap_or("on");
                Err(Failure::usage(
                    format!("there is no key `{}`; nothing was sent", printable(name)),
                    format!("did you mean `{near}`?"),
                ))
            }
            None => Err(wrong(arg, value, "not a key's name")),
        },
        ArgKind::KeyValue => match key {
            Some(key) => key_value(arg, value, key),
            None => Err(wrong(arg, value, "the key it belongs to is not known")),
        },
    }
}

fn number(arg: &ArgRow, value: &Value, unit: model::Unit) -> Result<Value, Failure> {
    let parsed = match value {
        Value::Number(n) => n
            .as_f64()
            .filter(|v| v.is_finite())
            .ok_or_else(|| wrong(arg, value, "not a finite number"))?,
        Value::String(text) => units::parse(text, unit).map_err(|e| wrong(arg, value, e))?,
        _ => return Err(wrong(arg, value, "not a number")),
    };
    Ok(json!(parsed))
}

fn size(arg: &ArgRow, value: &Value) -> Result<Value, Failure> {
    let pair: Option<(u32, u32)> = match value {
        Value::String(text) => text
            .trim_matches(['[', ']', '(', ')'])
            .split_once(['x', 'X', ','])
            .and_then(|(w, h)| Some((w.trim().parse().ok()?, h.trim().parse().ok()?))),
        other => serde_json::from_value(other.clone()).ok(),
    };
    pair.map(|(w, h)| json!([w, h]))
        .ok_or_else(|| wrong(arg, value, "not a width and a height in pixels"))
}

fn rect(arg: &ArgRow, value: &Value) -> Result<Value, Failure> {
    let area: Option<Rect> = match value {
        Value::String(text) => {
            let parts: Option<Vec<f64>> = text.split(',').map(|p| p.trim().parse().ok()).collect();
            match parts.as_deref() {
                Some([left, top, width, height]) => Some(Rect {
                    left: *left,
                    top: *top,
                    width: *width,
                    height: *height,
                }),
                _ => serde_json::from_str(text).ok(),
            }
        }
        other => serde_json::from_value(other.clone()).ok(),
    };
    match area {
        Some(area) if area.is_valid() => Ok(json!(area)),
        Some(_) => Err(wrong(arg, value, "it does not lie inside the picture")),
        None => Err(wrong(arg, value, "not left,top,width,height")),
    }
}

/// A value as the key's kind wants it.
fn key_value(arg: &ArgRow, value: &Value, key: Key) -> Result<Value, Failure> {
    match key.row().kind {
        Kind::Number(unit) => number(arg, value, unit),
        Kind::Bool => convert(
            &ArgRow {
                kind: ArgKind::Bool,
                ..arg_like(arg)
            },
            value,
            None,
        ),
        Kind::Size => size(arg, value),
        Kind::Rect => rect(arg, value),
        Kind::Point(unit) => {
            let (x, y) = match value {
                Value::String(text) if !text.trim_start().starts_with('{') => {
                    let (x, y) = text.split_once(',').ok_or_else(|| wrong(arg, value, "not x,y"))?;
                    let part = |t: &str| units::parse(t.trim(), unit).map_err(|e| wrong(arg, value, e));
                    (part(x)?, part(y)?)
                }
                other => {
                    let object = other
                        .as_str()
                        .and_then(|t| serde_json::from_str(t).ok())
                        .unwrap_or_else(|| other.clone());
                    let point: model::Point =
                        serde_json::from_value(object).map_err(|_| wrong(arg, value, "not x,y"))?;
                    (point.x, point.y)
                }
            };
            Ok(json!({ "x": x, "y": y }))
        }
        Kind::Text => match value {
            Value::String(text) if !text.chars().any(char::is_control) => Ok(value.clone()),
            _ => Err(wrong(arg, value, "not text")),
        },
        Kind::Position | Kind::List => Err(wrong(arg, value, "this key cannot be set")),
    }
}

fn arg_like(arg: &ArgRow) -> ArgRow {
    ArgRow {
        name: arg.name,
        kind: arg.kind,
        required: arg.required,
        default: arg.default,
        doc: arg.doc,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_si() {
        let command = line("stage.move-relative x=20um t='2 deg'").unwrap();
        assert_eq!(command.args["x"], json!(20e-6));
        assert!((command.args["t"].as_f64().unwrap() - 2f64.to_radians()).abs() < 1e-12);
        let command = line("system.set key=current value=0.74nA beam=ION").unwrap();
        assert_eq!(command.args["value"], json!(0.74e-9));
        assert_eq!(command.args["beam"], json!("ion"));
        let command = line("image.acquire beam=both resolution=768x512 reduced-area=0.25,0.25,0.5,0.5").unwrap();
        assert_eq!(command.args["resolution"], json!([768, 512]));
        assert_eq!(command.args["reduced_area"]["width"], json!(0.5));
    }

    #[test]
    fn a_value_without_a_name_goes_to_the_first_free_argument() {
        assert_eq!(line("position.go here").unwrap().args["name"], json!("here"));
        assert_eq!(line("stage.orientation FIB").unwrap().args["name"], json!("FIB"));
    }

    #[test]
    fn typos_name_what_was_meant() {
        assert!(
            line("stage.move-relativ x=1um")
                .unwrap_err()
                .hint
                .contains("stage.move-relative")
        );
        // the beginning of a name means the names that begin so, whatever is shorter to type
        let hint = line("stage.move x=1um").unwrap_err().hint;
        assert_eq!(hint, "did you mean `stage.move-absolute` or `stage.move-relative`?");
        assert!(line("stage").unwrap_err().hint.contains("do --list"));
        // an argument is looked for among the command's own
        for (typed, meant) in [("stage.move-relative xx=1um", "`x=`"), ("stage.jog stp=1", "`step=`")] {
            let hint = line(typed).unwrap_err().hint;
            assert!(hint.contains(meant), "{typed}: {hint}");
        }
        assert!(line("system.get key=hwf beam=ion").unwrap_err().hint.contains("hfw"));
        assert!(
            line("image.acquire resolutoin=1x1")
                .unwrap_err()
                .hint
                .contains("resolution")
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "   ",
            "stage.move-relative x=NaN",
            "stage.move-relative x=inf",
            "stage.move-relative x=20V",
            "stage.move-absolute t=52",
            "image.acquire beam=proton",
            "image.acquire frame-integration=0",
            "image.acquire reduced-area=0.9,0,0.5,1",
            "position.go name=",
            "position.go name=\"a",
            "position.go a b",
            "position.go name=a name=b",
            "system.set key=hfw beam=ion",
            "position.save name=\u{1b}[2J",
        ] {
            let failure = line(text).expect_err(text);
            assert!(!failure.title.is_empty() && !failure.hint.is_empty(), "{text}");
        }
    }
}
