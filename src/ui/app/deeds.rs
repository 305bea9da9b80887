//! Doing effects.

use super::App;
use super::input::Input;
use crate::canvas::PictureKey;
use crate::display::Manner;
use crate::effect::{Effect, Write};
use engine::Command;
use model::config::form;
use model::file::{self, Durability};
use model::{Notice, Severity};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Remembered settings are written when nothing more was changed for this long.
const QUIET: Duration = Duration::from_secs(2);

impl App {
    pub(super) fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Send(command) => self.send(command),
            // went out before anything else, in `do_all`
            Effect::Stop => {}
            Effect::Write { what, path, bytes, how } => self.blocking(move || write(what, &path, &bytes, how)),
            Effect::CreateInstrument(answers) => self.create_instrument(answers),
            Effect::ExportPicture { slot } => self.export(slot),
            Effect::Remember { .. } => self.keep_at = Some(Instant::now() + QUIET),
            Effect::Redraw => {
                self.display.forget();
                self.urgent = true;
            }
            Effect::NextTheme => {
                self.display.inks(self.state.desk.theme.inks());
                self.urgent = true;
            }
            Effect::Quit => self.leaving = true,
            // the state settles these itself
            Effect::Query(_)
            | Effect::Confirmed(_)
            | Effect::Do(_)
            | Effect::Tell(_)
            | Effect::Open(_)
            | Effect::Close => {}
        }
        self.dirty = true;
    }

    fn send(&mut self, command: Command) {
        let id = self.state.sent(&command);
        let receipt = self.link.send(command);
        let inputs = self.inputs.clone();
        tokio::spawn(async move {
            let end = receipt.ended().await;
            // the loop has ended when nobody takes it
            let _ = inputs.send(Input::Ended { id, end });
        });
    }

    /// Work on files, off the loop; its word is told.
    fn blocking(&self, work: impl FnOnce() -> Notice + Send + 'static) {
        let inputs = self.inputs.clone();
        tokio::task::spawn_blocking(move || drop(inputs.send(Input::Told(work()))));
    }

    fn create_instrument(&self, answers: Vec<(&'static str, String)>) {
        let (paths, inputs) = (self.options.setup.paths.clone(), self.inputs.clone());
        self.blocking(move || {
            let typed: Vec<(&str, &str)> = answers.iter().map(|(key, text)| (*key, text.as_str())).collect();
            let made = form::instrument(&typed).and_then(|instrument| {
                let path = form::create(&paths, &instrument)?;
                paths.choose(&model::frame::safe_name(&instrument.info.name))?;
                Ok(path)
            });
            match made {
                Ok(path) => {
                    drop(inputs.send(Input::Instruments(paths.instruments())));
                    Notice::new(Severity::Info, format!("instrument written to {}", path.display()))
                        .hint("select it and connect; connecting only reads")
                }
                Err(error) => Notice::new(Severity::Error, format!("the instrument was not written: {error}"))
                    .hint("correct the form and write it again"),
            }
        });
    }

    fn export(&self, slot: u8) {
        let Some((key, pixels)) = self.display.placed(slot).and_then(|key| {
            let pixels = self.state.desk.frames.get(key.frame)?.pixels.clone();
            Some((key.clone(), pixels))
        }) else {
            self.told(Notice::new(Severity::Warning, "there is no picture here to export").hint("take one first"));
            return;
        };
        let folder = PathBuf::from(&self.snapshot.session.folder);
        let Manner { inks, .. } = self.display.manner();
        self.blocking(move || {
            let path = folder.join(format!("view-{}.png", key.frame));
            let pixels = key.spread.of(&pixels).map_or(pixels, Arc::new);
            let scene = PictureKey {
                smooth: false,
                ..key.clone()
            }
            .scene(pixels);
            match picture::export::scene(&path, &scene, &inks) {
                Ok(path) => Notice::new(Severity::Info, format!("picture exported to {}", path.display())),
                Err(error) => Notice::new(Severity::Error, format!("the picture was not exported: {error}"))
                    .hint("choose another session folder"),
            }
        });
    }

    fn told(&self, notice: Notice) {
        // the loop itself takes it
        let _ = self.inputs.send(Input::Told(notice));
    }

    /// Writes remembered settings, if any changed.
    pub(super) fn keep(&mut self) {
        if self.keep_at.take().is_none() {
            return;
        }
        let path = self.options.setup.state_file();
        let yaml = self.state.desk.remembered.to_yaml();
        let written = file::ensure_folder(&self.options.setup.paths.data_dir)
            .and_then(|()| file::replace(&path, Durability::Cached, yaml.as_bytes()));
        if let Err(error) = written {
            self.told(Notice::new(
                Severity::Warning,
                format!("the last settings were not kept: {error}"),
            ));
        }
    }
}

fn write(what: &'static str, path: &Path, bytes: &[u8], how: Write) -> Notice {
    let written = match how {
        Write::New => file::create_exact(path, Durability::Synced, bytes),
        Write::Replace => file::replace(path, Durability::Synced, bytes),
    };
    match written {
        Ok(()) => Notice::new(Severity::Info, format!("{what} written to {}", path.display())),
        Err(error) => Notice::new(Severity::Error, format!("{what}: {error}")),
    }
}
