//! `acquire`: pictures to TIFF.

use super::exit::{CliError, Exit};
use super::options::Globals;
use super::session::Session;
use super::{output, show};
use clap::Args;
use engine::Command;
use engine::command::parse;
use serde_json::Value;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use vision::contrast::Spread;

/// Take pictures and save them as TIFF, never over an existing file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  fibdeck acquire --demo --beam both --hfw 150um -o pictures\n  fibdeck acquire --demo --beam ion --dwell 3us --frame-integration 4 --drift-correction -o fib.tif\n  fibdeck acquire --demo --chamber -o chamber.tif"
)]
pub struct Acquire {
    /// electron, ion or both.
    #[arg(long)]
    beam: Option<String>,
    /// Horizontal field width, e.g. 150um.
    #[arg(long)]
    hfw: Option<String>,
    /// Pixels of the full frame, e.g. 1536x1024.
    #[arg(long, value_name = "WxH")]
    resolution: Option<String>,
    /// Dwell time per pixel, e.g. 1us.
    #[arg(long)]
    dwell: Option<String>,
    /// Scan only this part, in fractions of the frame.
    #[arg(long, value_name = "L,T,W,H")]
    reduced_area: Option<String>,
    /// Frames to average.
    #[arg(long, value_name = "N")]
    frame_integration: Option<String>,
    /// Times each line is scanned.
    #[arg(long, value_name = "N")]
    line_integration: Option<String>,
    /// Interlaced passes.
    #[arg(long, value_name = "N")]
    scan_interlacing: Option<String>,
    /// Register frames before they are averaged.
    #[arg(long)]
    drift_correction: bool,
    /// Set contrast and brightness first.
    #[arg(long)]
    autocontrast: bool,
    /// Gamma of the picture shown in the terminal; saved pixels are never changed.
    #[arg(long)]
    autogamma: bool,
    /// File name without ending; _eb or _ib is added.
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
    /// A picture of the chamber camera instead.
    #[arg(long, conflicts_with_all = ["beam", "hfw", "resolution", "dwell", "reduced_area", "autocontrast"])]
    chamber: bool,
    /// Folder, or a file name ending in .tif; the session's folder without it.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

impl Acquire {
    pub fn run(&self, globals: &Globals) -> Result<Exit, CliError> {
        let command = self.command()?;
        let session = Session::open(globals, "acquire", true)?;
        let result = session.run(command)?;
        if globals.json {
            let ended = Ok(result);
            output::line(
                &output::envelope(
                    if self.chamber {
                        "chamber.picture"
                    } else {
                        "image.acquire"
                    },
                    &session.instrument(),
                    &ended,
                )
                .to_string(),
            )?;
            return Ok(Exit::Done);
        }
        for file in files(&result) {
            if std::io::stdout().is_terminal() && !globals.quiet {
                show::picture(Path::new(&file), globals, self.autogamma, Spread::AsTaken)?;
            }
            output::line(&file)?;
        }
        Ok(Exit::Done)
    }

    fn command(&self) -> Result<Command, CliError> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: Option<String>| words.extend(value.map(|v| format!("{name}={v}")));
        let path = self.output.as_ref().map(|p| absolute(p));
        if self.chamber {
            add("path", Some(path.unwrap_or_else(|| ".".to_owned())));
            return Ok(parse::pairs("chamber.picture", words)?);
        }
        add("beam", Some(self.beam.clone().unwrap_or_else(|| "electron".to_owned())));
        add("hfw", self.hfw.clone());
        add("resolution", self.resolution.clone());
        add("dwell_time", self.dwell.clone());
        add("reduced_area", self.reduced_area.clone());
        add("frame_integration", self.frame_integration.clone());
        add("line_integration", self.line_integration.clone());
        add("scan_interlacing", self.scan_interlacing.clone());
        add("drift_correction", self.drift_correction.then(|| "true".to_owned()));
        add("autocontrast", self.autocontrast.then(|| "true".to_owned()));
        add("filename", self.filename.clone());
        add("save", Some("true".to_owned()));
        add("path", path);
        Ok(parse::pairs("image.acquire", words)?)
    }
}

/// The engine may work in another folder than its client.
fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .display()
        .to_string()
}

fn files(result: &Value) -> Vec<String> {
    let one = |v: &Value| v["file"].as_str().map(str::to_owned);
    match result["pictures"].as_array() {
        Some(pictures) => pictures.iter().filter_map(one).collect(),
        None => one(result).into_iter().collect(),
    }
}
