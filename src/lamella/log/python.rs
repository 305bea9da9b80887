//! What Python's `repr` makes of plain data, read back: dictionaries, lists, tuples, sets, numbers, texts, and the objects that
//! log lines hold (`Point(x=0, y=0, name=None)`, `np.float64(1e-6)`, `array([1., 2.])`, `<BeamType.ION: 2>`).

use serde_json::{Map, Number, Value};

/// Deepest nesting that is followed.
const DEEPEST: usize = 200;

/// A whole text as a value; `None` where it is no such thing. An object becomes a mapping of its arguments with its name under
/// `class`; numbers of numpy are numbers, paths and members of an enumeration texts.
pub fn value(text: &str) -> Option<Value> {
    parse(text, true)
}

/// Whether [`value`] could read it; nothing is kept.
pub fn is_value(text: &str) -> bool {
    parse(text, false).is_some()
}

fn parse(text: &str, keep: bool) -> Option<Value> {
    let mut reader = Reader {
        text,
        at: 0,
        keep,
        depth: 0,
    };
    let value = reader.value()?;
    reader.blanks();
    (reader.at == text.len()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Values are made, rather than only checked.
    keep: bool,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn span(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn value(&mut self) -> Option<Value> {
        self.blanks();
        match self.peek()? {
            quote @ (b'\'' | b'"') => self.quoted(quote).map(Value::String),
            b'{' => self.deeper(Self::braces),
            b'[' => self.deeper(|r| r.list(b']')),
            b'(' => self.deeper(|r| r.list(b')')),
            b'<' => self.angle(),
            b'0'..=b'9' | b'-' | b'+' | b'.' => self.number(),
            b if b.is_ascii_alphabetic() || b == b'_' => self.deeper(Self::word),
            _ => None,
        }
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth > DEEPEST { None } else { read(self) };
        self.depth -= 1;
        value
    }

    fn quoted(&mut self, quote: u8) -> Option<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain = self.span(|b| b != quote && b != b'\\');
            if self.keep {
                text.push_str(plain);
            }
            let end = self.take(quote);
            if end {
                return Some(text);
            }
            self.at += 1; // the backslash
            let c = self.escape()?;
            if self.keep {
                text.extend(c);
            }
        }
    }

    /// What stands after a backslash; nothing for a line break.
    fn escape(&mut self) -> Option<Option<char>> {
        let c = self.text.get(self.at..)?.chars().next()?;
        self.at += c.len_utf8();
        let digits = match c {
            'n' => return Some(Some('\n')),
            't' => return Some(Some('\t')),
            'r' => return Some(Some('\r')),
            '\n' => return Some(None),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            c => return Some(Some(c)),
        };
        let code = u32::from_str_radix(self.text.get(self.at..self.at + digits)?, 16).ok()?;
        self.at += digits;
        Some(char::from_u32(code))
    }

    /// A dictionary, or a set as a list.
    fn braces(&mut self) -> Option<Value> {
        self.at += 1;
        let (mut map, mut set) = (Map::new(), Vec::new());
        loop {
            self.blanks();
            if self.take(b'}') {
                return Some(if set.is_empty() {
                    Value::Object(map)
                } else {
                    Value::Array(set)
                });
            }
            let key = self.value()?;
            self.blanks();
            if self.take(b':') {
                let value = self.value()?;
                if self.keep {
                    let key = match key {
                        Value::String(text) => text,
                        other => other.to_string(),
                    };
                    map.insert(key, value);
                }
            } else {
                set.push(key);
            }
            self.blanks();
            if !self.take(b',') && self.peek() != Some(b'}') {
                return None;
            }
        }
    }

    /// A list or tuple; numpy prints its arrays without commas.
    fn list(&mut self, end: u8) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.take(end) {
                return Some(Value::Array(items));
            }
            let item = self.value()?;
            if self.keep {
                items.push(item);
            }
            let before = self.at;
            self.blanks();
            if !self.take(b',') && self.peek() != Some(end) && self.at == before {
                return None;
            }
        }
    }

    /// `<BeamType.ION: 2>` is a member's name, `<object at 0x7f>` a text.
    fn angle(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        let mut depth = 0;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'<' => depth += 1,
                b'>' => depth -= 1,
                _ => continue,
            }
            if depth == 0 {
                self.at += at + 1;
                let inside = &rest[1..at];
                let member = inside
                    .split_once(": ")
                    .filter(|(name, _)| name.contains('.') && !name.contains(' '));
                return Some(match (self.keep, member) {
                    (false, _) => Value::Null,
                    (true, Some((name, _))) => Value::from(name),
                    (true, None) => Value::from(&rest[..=at]),
                });
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value> {
        let start = self.at;
        self.take(b'-');
        if self.peek() == Some(b'i') {
            return (self.span(|b| b.is_ascii_alphabetic()) == "inf").then(|| Value::from("-inf"));
        }
        self.span(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-' | b'_'));
        let text = &self.text[start..self.at];
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Value::from(whole));
        }
        let number = text.parse::<f64>().ok()?;
        Some(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    /// A constant, an object's name, or an object.
    fn word(&mut self) -> Option<Value> {
        let word = self.span(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
        if matches!(word, "b" | "r" | "u" | "f") && matches!(self.peek(), Some(b'\'' | b'"')) {
            return self.value();
        }
        if !self.take(b'(') {
            return Some(match word {
                "None" => Value::Null,
                "True" | "np.True_" => Value::Bool(true),
                "False" | "np.False_" => Value::Bool(false),
                // JSON has no such numbers; as in the original's tables they are words
                _ if !self.keep => Value::Null,
                word => Value::from(word),
            });
        }
        let mut object = Map::new();
        if self.keep {
            object.insert("class".to_owned(), Value::from(word));
        }
        let mut first = None;
        for n in 0_usize.. {
            self.blanks();
            if self.take(b')') {
                break;
            }
            let name = self.argument();
            let value = self.value()?;
            if self.keep {
                match name {
                    None if n == 0 => first = Some(value),
                    None => drop(object.insert(n.to_string(), value)),
                    Some(name) => drop(object.insert(name.to_owned(), value)),
                }
            }
            self.blanks();
            if !self.take(b',') && self.peek() != Some(b')') {
                return None;
            }
        }
        let bare = word.rsplit('.').next().unwrap_or(word);
        Some(match first {
            // numbers and arrays of numpy, and paths, are what they hold
            Some(first)
                if word.starts_with("np.")
                    || word.starts_with("numpy.")
                    || bare == "array"
                    || bare.ends_with("Path") =>
            {
                first
            }
            Some(first) => {
                object.shift_insert(1, "0".to_owned(), first);
                Value::Object(object)
            }
            None => Value::Object(object),
        })
    }

    /// `name=` before an argument.
    fn argument(&mut self) -> Option<&'a str> {
        let start = self.at;
        let name = self.span(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !name.is_empty() && self.take(b'=') {
            return Some(name);
        }
        self.at = start;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_repr_writes_is_read() {
        for (text, wanted) in [
            (
                "{'a': 1, 'b': [1.5, -2e-06], 'c': (None, True, False), 'd': {}}",
                json!({"a": 1, "b": [1.5, -2e-6], "c": [null, true, false], "d": {}}),
            ),
            (
                "{'v': Point(x=0, y=np.float64(1e-06), name=None)}",
                json!({"v": {"class": "Point", "x": 0, "y": 1e-6, "name": null}}),
            ),
            (
                "(np.int64(189), array([189., 215.]), np.False_)",
                json!([189, [189.0, 215.0], false]),
            ),
            (
                "[<BeamType.ION: 2>, BeamType.ION, <a.B object at 0x7f>]",
                json!(["BeamType.ION", "BeamType.ION", "<a.B object at 0x7f>"]),
            ),
            (
                r#"{"it's": 'a\'b\x41\u00e9\n', 1: {2, 3}}"#,
                json!({"it's": "a'bA\u{e9}\n", "1": [2, 3]}),
            ),
            ("[1. 2. 3.]", json!([1.0, 2.0, 3.0])),
            ("PosixPath('/a/b')", json!("/a/b")),
            (
                "datetime.datetime(2026, 11, 22)",
                json!({"class": "datetime.datetime", "0": 2026, "1": 11, "2": 22}),
            ),
            ("[nan, inf, -inf]", json!(["nan", "inf", "-inf"])),
            ("-0.0", json!(-0.0)),
        ] {
            assert_eq!(value(text), Some(wanted), "{text}");
            assert!(is_value(text), "{text}");
        }
        let deep = "[".repeat(5000);
        for text in [
            "",
            "{",
            "{'a' 1}",
            "[1, 2",
            "'a",
            "{'a': 1} x",
            "moving flat",
            "f(",
            "<a",
            "'\\x4",
            "[1,,2]",
            deep.as_str(),
        ] {
            assert!(value(text).is_none() && !is_value(text), "{text}");
        }
    }
}
