//! What is kept from one start to the next: the last tab, the theme, image settings. Plain values by dotted name.

use serde_json::{Map, Value};

/// Settings by name (`tab`, `theme`, `imaging.electron`); kept as YAML in the data folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered(Map<String, Value>);

impl Remembered {
    /// Reads the kept file; one that cannot be read is as good as none, since nothing in it is needed.
    pub fn parse(text: &str) -> Remembered {
        Remembered(serde_yaml::from_str(text).unwrap_or_default())
    }

    pub fn to_yaml(&self) -> String {
        serde_yaml::to_string(&self.0).unwrap_or_default()
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Keeps a value; says whether it is another than before.
    pub(crate) fn set(&mut self, key: &str, value: Value) -> bool {
        self.0.insert(key.to_owned(), value.clone()) != Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_values_read_back_and_rubbish_is_forgotten() {
        let mut kept = Remembered::default();
        assert!(kept.set("tab", "imaging".into()));
        assert!(!kept.set("tab", "imaging".into()));
        assert!(kept.set(
            "imaging.electron",
            serde_json::json!({"hfw": 150e-6, "resolution": [1536, 1024]})
        ));
        let back = Remembered::parse(&kept.to_yaml());
        assert_eq!(back, kept);
        assert_eq!(back.text("tab"), Some("imaging"));
        assert_eq!(Remembered::parse("- [:\u{1b}"), Remembered::default());
    }
}
