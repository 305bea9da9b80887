//! Tables as pandas writes them to CSV, so that scripts made for openFIBSEM's files read ours.

use serde_json::{Map, Value};
use std::fmt::Write;

/// Rows of values by column; a value a row does not have is a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Option<Value>>>,
}

impl Table {
    pub fn new(columns: &[&str]) -> Table {
        Table {
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row; mappings in it are laid flat (`stage.milling.hfw`), columns come in the order in which they are first seen.
    pub fn push(&mut self, record: &Map<String, Value>) {
        let mut row = vec![None; self.columns.len()];
        // pandas puts what is nested after what is not
        let plain = record.iter().filter(|(_, value)| !value.is_object());
        let nested = record.iter().filter(|(_, value)| value.is_object());
        for (key, value) in plain.chain(nested) {
            self.cell(key, value, &mut row);
        }
        self.rows.push(row);
    }

    fn cell(&mut self, name: &str, value: &Value, row: &mut Vec<Option<Value>>) {
        if let Value::Object(inner) = value {
            for (key, value) in inner {
                self.cell(&format!("{name}.{key}"), value, row);
            }
            return;
        }
        let at = self.columns.iter().position(|c| c == name).unwrap_or_else(|| {
            self.columns.push(name.to_owned());
            self.columns.len() - 1
        });
        row.resize(self.columns.len().max(row.len()), None);
        row[at] = Some(value.clone());
    }

    /// The value of a row and column, if it is there.
    pub fn get(&self, row: usize, column: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|c| c == column)?;
        self.rows.get(row)?.get(at)?.as_ref()
    }

    /// As text with a head of column names.
    pub fn to_csv(&self) -> String {
        let mut text = self.columns.iter().map(|c| quoted(c)).collect::<Vec<_>>().join(",") + "\n";
        let columns = 0..self.columns.len();
        let cell = |row: &Vec<Option<Value>>, at: usize| row.get(at).cloned().flatten();
        // pandas makes a column of numbers fractional when one is, or when one is missing
        let fractional: Vec<bool> = columns
            .clone()
            .map(|at| {
                let values: Vec<Option<Value>> = self.rows.iter().map(|row| cell(row, at)).collect();
                let numbers = values.iter().flatten().all(Value::is_number);
                numbers && values.iter().any(|v| v.as_ref().is_none_or(Value::is_f64))
            })
            .collect();
        for row in &self.rows {
            let cells = columns.clone().map(|at| match cell(row, at) {
                None => String::new(),
                Some(Value::Number(n)) if fractional[at] => n.as_f64().map(python_float).unwrap_or_default(),
                Some(value) => quoted(&python(&value)),
            });
            text.push_str(&cells.collect::<Vec<_>>().join(","));
            text.push('\n');
        }
        text
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// A value as Python's `str` shows it; null is the word that openFIBSEM's own parser of log files makes of it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(on) => if *on { "True" } else { "False" }.to_owned(),
        Value::String(text) => text.clone(),
        value => repr(value),
    }
}

fn repr(value: &Value) -> String {
    match value {
        Value::Number(n) if n.is_f64() => n.as_f64().map(python_float).unwrap_or_default(),
        Value::Number(n) => n.to_string(),
        // inside a list the same parser has left None, True and False in quotes
        Value::Null | Value::Bool(_) => format!("'{}'", python(value)),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| format!("'{key}': {}", repr(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The shortest digits that read back, as Python's `repr` lays them out: `1e-09`, `8.5e-05`, `30000.0`.
pub fn python_float(x: f64) -> String {
    if x.is_nan() {
        return String::new();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{x:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if x != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let mut text = String::new();
    let _ = write!(text, "{x}");
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        for (x, text) in [
            (1e-9, "1e-09"),
            (8.5e-5, "8.5e-05"),
            (1e-4, "0.0001"),
            (30000.0, "30000.0"),
            (1e16, "1e+16"),
            (-0.0, "-0.0"),
            (1795309089.793315, "1795309089.793315"),
            (8.333333333333334e-7, "8.333333333333334e-07"),
        ] {
            assert_eq!(python_float(x), text);
        }
    }

    #[test]
    fn columns_are_laid_flat_and_gaps_make_numbers_fractional() {
        let mut table = Table::new(&["a"]);
        for record in [
            json!({"a": "x, \"y\"", "b": {"c": 1, "d": [1, 2.5, "z"]}, "n": null}),
            json!({"a": "", "e": true, "b": {"d": []}}),
        ] {
            table.push(record.as_object().unwrap());
        }
        assert_eq!(
            table.to_csv(),
            "a,n,b.c,b.d,e\n\"x, \"\"y\"\"\",None,1.0,\"[1, 2.5, 'z']\",\n,,,[],True\n"
        );
        assert_eq!(table.get(0, "b.c"), Some(&json!(1)));
    }
}
