//! Theme files: `theme: {role: "colour on colour modifiers"}`.
//!
//! A colour is `#rrggbb`, one of the sixteen names (`red`, `bright-red`, ...), a number of the 256 palette or `default`.

use super::{Role, Theme};
use model::text;
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;

/// The themes that come with fibdeck.
const SHIPPED: &str = include_str!("../../../config/theme.yaml");

/// A line of a theme file that could not be used; the rest of the file is.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ThemeError {
    #[error("the theme file was not read ({0}); the themes of fibdeck are used")]
    Yaml(String),
    #[error("theme `{theme}`: there is no `{role}`{}; the line was left out", maybe(near))]
    Role {
        theme: String,
        role: String,
        near: Option<String>,
    },
    #[error(
        "theme `{theme}`, {role}: `{word}` is no colour: write #rrggbb, a name like bright-red, 0 to 255 or default"
    )]
    Colour { theme: String, role: String, word: String },
    #[error("there is no theme `{name}`{}; `{used}` is used", maybe(near))]
    Name {
        name: String,
        near: Option<String>,
        used: String,
    },
}

fn maybe(near: &Option<String>) -> String {
    near.as_ref()
        .map(|near| format!(", did you mean `{near}`?"))
        .unwrap_or_default()
}

/// Every theme there is, in the order of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct Themes {
    themes: Vec<Theme>,
}

type File = serde_json::Map<String, serde_json::Value>;

impl Themes {
    /// The shipped themes, overlaid by a user's file: a known theme's roles are replaced one by one, a new name starts from
    /// `dark`. What cannot be used is returned and left out.
    pub fn load(user: Option<&str>) -> (Themes, Vec<ThemeError>) {
        let mut themes = Themes { themes: Vec::new() };
        let mut errors = Vec::new();
        for text in [Some(SHIPPED), user].into_iter().flatten() {
            match serde_yaml::from_str::<File>(text) {
                Ok(file) => themes.overlay(&file, &mut errors),
                Err(error) => errors.push(ThemeError::Yaml(text::printable(&error.to_string()))),
            }
        }
        (themes, errors)
    }

    fn overlay(&mut self, file: &File, errors: &mut Vec<ThemeError>) {
        for (name, roles) in file {
            let index = self.themes.iter().position(|t| t.name == *name).unwrap_or_else(|| {
                let styles = self.themes.first().map(|t| t.styles.clone()).unwrap_or_default();
                self.themes.push(Theme {
                    name: name.clone(),
                    mono: false,
                    styles,
                });
                self.themes.len() - 1
            });
            for (word, look) in roles.as_object().into_iter().flatten() {
                let Some(role) = Role::ALL.into_iter().find(|r| r.name() == word) else {
                    let near = text::nearest(word, Role::ALL.map(Role::name)).map(str::to_owned);
                    errors.push(ThemeError::Role {
                        theme: name.clone(),
                        role: text::printable(word),
                        near,
                    });
                    continue;
                };
                match style(look.as_str().unwrap_or_default()) {
                    Ok(style) => {
                        self.themes[index].styles.insert(role, style);
                    }
                    Err(bad) => errors.push(ThemeError::Colour {
                        theme: name.clone(),
                        role: word.clone(),
                        word: text::printable(&bad),
                    }),
                }
            }
            let styles: &BTreeMap<Role, Style> = &self.themes[index].styles;
            self.themes[index].mono = styles.values().all(|s| s.fg.is_none() && s.bg.is_none());
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.themes.iter().map(|t| t.name.as_str())
    }

    /// The theme of that name, or the first with what to tell about it.
    pub fn get(&self, name: &str) -> (Theme, Option<ThemeError>) {
        if let Some(theme) = self.themes.iter().find(|t| t.name == name) {
            return (theme.clone(), None);
        }
        let first = self.themes.first().cloned().unwrap_or(Theme {
            name: "plain".to_owned(),
            mono: true,
            styles: BTreeMap::new(),
        });
        let near = text::nearest(name, self.names()).map(str::to_owned);
        let error = ThemeError::Name {
            name: text::printable(name),
            near,
            used: first.name.clone(),
        };
        (first, Some(error))
    }

    /// The name after `name`, around.
    pub fn after(&self, name: &str) -> String {
        let at = self
            .themes
            .iter()
            .position(|t| t.name == name)
            .map_or(0, |i| (i + 1) % self.themes.len());
        self.themes.get(at).map(|t| t.name.clone()).unwrap_or_default()
    }
}

/// `cyan on #202020 bold underline`; the word that is none.
fn style(look: &str) -> Result<Style, String> {
    let mut style = Style::new();
    let mut background = false;
    for word in look.split_whitespace() {
        match word {
            "on" => background = true,
            "bold" => style = style.add_modifier(Modifier::BOLD),
            "dim" => style = style.add_modifier(Modifier::DIM),
            "italic" => style = style.add_modifier(Modifier::ITALIC),
            "underline" => style = style.add_modifier(Modifier::UNDERLINED),
            "reverse" => style = style.add_modifier(Modifier::REVERSED),
            "default" => background = false,
            _ => {
                let colour = colour(word).ok_or_else(|| word.to_owned())?;
                style = if background { style.bg(colour) } else { style.fg(colour) };
                background = false;
            }
        }
    }
    Ok(style)
}

fn colour(word: &str) -> Option<Color> {
    const NAMES: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
    if let Some(hex) = word.strip_prefix('#') {
        let value = (hex.len() == 6).then(|| u32::from_str_radix(hex, 16).ok()).flatten()?;
        let [_, r, g, b] = value.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if let Ok(index) = word.parse::<u8>() {
        return Some(Color::Indexed(index));
    }
    let (name, bright) = word.strip_prefix("bright-").map_or((word, 0), |name| (name, 8));
    let index = NAMES.iter().position(|n| *n == name)? as u8 + bright;
    // the sixteen by name, so that a 16-colour terminal is sent nothing it does not know
    Some(match index {
        0 => Color::Black,
        1 => Color::Red,
        2 => Color::Green,
        3 => Color::Yellow,
        4 => Color::Blue,
        5 => Color::Magenta,
        6 => Color::Cyan,
        7 => Color::Gray,
        8 => Color::DarkGray,
        9 => Color::LightRed,
        10 => Color::LightGreen,
        11 => Color::LightYellow,
        12 => Color::LightBlue,
        13 => Color::LightMagenta,
        14 => Color::LightCyan,
        _ => Color::White,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_themes_say_every_role() {
        let (themes, errors) = Themes::load(None);
        assert_eq!(errors, []);
        assert_eq!(themes.names().collect::<Vec<_>>(), ["dark", "light", "ansi", "mono"]);
        for theme in &themes.themes {
            for role in Role::ALL {
                assert!(theme.styles.contains_key(&role), "{}: {}", theme.name, role.name());
            }
        }
        assert!(themes.get("mono").0.mono && !themes.get("dark").0.mono);
    }

    #[test]
    fn sixteen_colours_are_enough_for_ansi() {
        let (themes, _) = Themes::load(None);
        for style in themes.get("ansi").0.styles.values() {
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{colour:?}");
            }
        }
    }

    #[test]
    fn a_users_file_changes_what_it_names_and_mistakes_are_told() {
        let (themes, errors) = Themes::load(Some(
            "dark:\n  accent: '#ff8800 bold'\n  acent: red\nmine:\n  warn: purple-ish\n",
        ));
        assert_eq!(
            themes.get("dark").0.style(Role::Accent).fg,
            Some(Color::Rgb(255, 136, 0))
        );
        assert_eq!(errors.len(), 2);
        assert_eq!(
            errors[0].to_string(),
            "theme `dark`: there is no `acent`, did you mean `accent`?; the line was left out"
        );
        assert!(errors[1].to_string().contains("`purple-ish` is no colour"));
        assert!(themes.get("mine").1.is_none());
        assert_eq!(
            themes.get("darc").1.map(|e| e.to_string()).as_deref(),
            Some("there is no theme `darc`, did you mean `dark`?; `dark` is used")
        );
    }

    #[test]
    fn no_colour_leaves_no_colour() {
        let plain = Themes::load(None).0.get("dark").0.without_colour();
        assert!(plain.styles.values().all(|s| s.fg.is_none() && s.bg.is_none()));
        assert!(plain.style(Role::Selected).add_modifier.contains(Modifier::REVERSED));
    }
}
