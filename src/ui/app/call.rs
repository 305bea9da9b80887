//! Calling somebody back to the terminal: a bell or a desktop message when a job needs an answer, a long one ends, or something
//! is wrong. The way is `call` in console.yaml; through tmux the messages are passed on.

use engine::hooks::{Kind, Occasion};
use serde::Deserialize;

/// How the terminal calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    None,
    /// The terminal's bell; terminals and multiplexers mark the window, too.
    #[default]
    Bell,
    /// A desktop message by OSC 9 (iTerm2, Windows Terminal, kitty, WezTerm).
    Osc9,
    /// A desktop message with a title by OSC 777 (urxvt, foot, VTE, Ghostty).
    Osc777,
}

/// A job shorter than this (s) is still being looked at when it is done.
const LONG: f64 = 60.0;

impl Call {
    /// The bytes that call for this occasion; none for what nobody need come for.
    pub fn bytes(self, occasion: &Occasion, tmux: bool) -> Vec<u8> {
        let worth = match occasion.kind {
            // somebody pressed it
            Kind::JobStopped => false,
            Kind::JobDone => occasion.took.is_some_and(|seconds| seconds >= LONG),
            Kind::OperatorNeeded | Kind::JobFailed | Kind::Alarm | Kind::LinkLost | Kind::DiskLow => true,
        };
        if !worth {
            return Vec::new();
        }
        let Occasion { instrument, title, .. } = occasion;
        let message = match self {
            Call::None => return Vec::new(),
            Call::Bell => return b"\x07".to_vec(),
            // a semicolon would begin another field; `4;` is another message altogether in some terminals
            Call::Osc9 => format!("\x1b]9;fibdeck {}: {}\x07", plain(instrument), plain(title)),
            Call::Osc777 => format!("\x1b]777;notify;fibdeck {};{}\x07", plain(instrument), plain(title)),
        };
        if tmux {
            format!("\x1bPtmux;{}\x1b\\", message.replace('\x1b', "\x1b\x1b")).into_bytes()
        } else {
            message.into_bytes()
        }
    }
}

/// Without what would end the message or begin another field of it.
fn plain(text: &str) -> String {
    model::text::printable(text).replace(';', ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occasion(kind: Kind, took: Option<f64>) -> Occasion {
        Occasion {
            kind,
            instrument: "sim-grid".to_owned(),
            title: "lamella 04; \x1b]0;unsure".to_owned(),
            text: String::new(),
            time: 0.0,
            took,
        }
    }

    #[test]
    fn it_calls_for_what_somebody_must_come_for() {
        let calls = |kind, took| !Call::Bell.bytes(&occasion(kind, took), false).is_empty();
        for kind in [
            Kind::OperatorNeeded,
            Kind::JobFailed,
            Kind::Alarm,
            Kind::LinkLost,
            Kind::DiskLow,
        ] {
            assert!(calls(kind, None), "{kind:?}");
        }
        assert!(calls(Kind::JobDone, Some(61.0)));
        assert!(!calls(Kind::JobDone, Some(5.0)) && !calls(Kind::JobDone, None));
        assert!(!calls(Kind::JobStopped, Some(600.0)));
        assert!(Call::None.bytes(&occasion(Kind::Alarm, None), false).is_empty());
    }

    #[test]
    fn a_name_cannot_end_the_message_or_begin_another() {
        let alarm = occasion(Kind::Alarm, None);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let nine = text(Call::Osc9.bytes(&alarm, false));
        assert!(
            nine.starts_with("\x1b]9;fibdeck sim-grid: lamella 04, ") && nine.ends_with('\x07'),
            "{nine:?}"
        );
        assert_eq!((nine.matches('\x1b').count(), nine.matches('\x07').count()), (1, 1));
        let seven = text(Call::Osc777.bytes(&alarm, false));
        assert_eq!(seven.matches(';').count(), 3, "{seven:?}");
        let through = text(Call::Osc777.bytes(&alarm, true));
        assert!(
            through.starts_with("\x1bPtmux;\x1b\x1b]777;") && through.ends_with("\x07\x1b\\"),
            "{through:?}"
        );
        assert_eq!(Call::Bell.bytes(&alarm, true), b"\x07", "tmux has a bell of its own");
    }
}
