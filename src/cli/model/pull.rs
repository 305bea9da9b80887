//! `model pull`: one file of a model hub, over HTTP, from a mirror, or from a file that somebody carried here.
//!
//! The hub's layout: `ENDPOINT/REPO/resolve/REVISION/FILE`. Its first answer names the SHA-256 of large files, before it sends on to where
//! the bytes are. What came so far is kept, and the next try goes on from there.

use super::super::exit::{CliError, Exit};
use super::super::options::Globals;
use super::place;
use clap::Args;
use model::library::{Card, Library, PART, sha256};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;
use ureq::http::{HeaderMap, StatusCode};

/// Fetch a model into the folder of models: from the hub, from a mirror of it, or from a file.
#[derive(Args)]
pub struct Pull {
    /// Repository, `owner/name`.
    repository: String,
    /// File of it.
    file: String,
    /// A file that was carried here, or the address of a mirror, instead of the hub.
    #[arg(long, value_name = "FILE|URL")]
    from: Option<String>,
    /// Branch, tag or commit.
    #[arg(long, default_value = "main")]
    revision: String,
    /// SHA-256 that the file must have.
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Licence, for the card.
    #[arg(long, default_value = "")]
    licence: String,
}

const HUB: &str = "https://huggingface.co";
/// The environment's word for a mirror of the hub, as its own tools read it.
const MIRROR_VARIABLE: &str = "HF_ENDPOINT";
const CONNECT: Duration = Duration::from_secs(20);
const MOST_HOPS: usize = 5;

fn failed(what: impl std::fmt::Display) -> CliError {
    CliError::failed(format!("{what}; no model was added"))
}

impl Pull {
    pub fn run(&self, library: &Library, globals: &Globals) -> Result<Exit, CliError> {
        let plain = |part: &str| {
            let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
            !part.is_empty() && !part.starts_with('.') && !part.contains(odd)
        };
        let repository: Vec<&str> = self.repository.split('/').collect();
        let named = repository.len() == 2 && repository.iter().copied().chain(self.file.split('/')).all(plain);
        if !named || !plain(&self.revision) {
            let text = "a repository is owner/name, and its file a plain name; nothing was fetched";
            return Err(CliError::new(Exit::Usage, text));
        }
        let name = self.file.rsplit('/').next().unwrap_or(&self.file);
        let target = library.folder.join(name);
        if target.exists() {
            let text = format!(
                "{} is there already, nothing was fetched: remove it first",
                target.display()
            );
            return Err(failed(text));
        }
        let carried = self.from.as_deref().filter(|from| !from.starts_with("http"));
        let (bytes, expected, part) = match carried {
            Some(path) => (fs::read(path).map_err(|e| failed(format!("{path}: {e}")))?, None, None),
            None => {
                let part = library.folder.join(format!("{PART}{name}"));
                model::file::ensure_folder(&library.folder).map_err(CliError::failed)?;
                let expected = self.fetch(&part, globals)?;
                let bytes = fs::read(&part).map_err(|e| failed(format!("{}: {e}", part.display())))?;
                (bytes, expected, Some(part))
            }
        };
        let hash = sha256(&bytes);
        let wanted = self.sha256.as_ref().map(|hex| hex.to_ascii_lowercase()).or(expected);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != hash) {
            // what came wrong once is not gone on from
            part.map(fs::remove_file);
            return Err(failed(format!(
                "the file that came has the SHA-256 {hash}, not {wanted}"
            )));
        }
        let card = Card {
            source: format!("{}/{}@{}", self.repository, self.file, self.revision),
            licence: self.licence.clone(),
            ..Card::default()
        };
        place(&target, &bytes, card)?;
        part.map(fs::remove_file);
        super::tell(
            globals,
            &json!({ "file": target, "bytes": bytes.len(), "sha256": hash }),
        )?;
        Ok(Exit::Done)
    }

    /// Brings the whole file to `part`, going on where an earlier try ended; the SHA-256 it should have, if the hub says.
    fn fetch(&self, part: &Path, globals: &Globals) -> Result<Option<String>, CliError> {
        let mirror = std::env::var(MIRROR_VARIABLE).ok().filter(|m| !m.is_empty());
        let endpoint = self.from.clone().or(mirror).unwrap_or_else(|| HUB.to_owned());
        let mut url = format!(
            "{}/{}/resolve/{}/{}",
            endpoint.trim_end_matches('/'),
            self.repository,
            self.revision,
            self.file
        );
        let begun = fs::metadata(part).map_or(0, |data| data.len());
        let mut expected = None;
        for _ in 0..MOST_HOPS {
            let request = agent().get(&url);
            let request = if begun > 0 {
                request.header("Range", format!("bytes={begun}-"))
            } else {
                request
            };
            let mut answer = request.call().map_err(|e| unreachable(&url, e))?;
            let status = answer.status();
            expected = expected.or_else(|| named_hash(answer.headers()));
            if status.is_redirection() {
                url = next(&url, answer.headers()).ok_or_else(|| failed(format!("{url} sends on to nowhere")))?;
                continue;
            }
            // the whole file was there: only what comes after its end was asked for
            if status == StatusCode::RANGE_NOT_SATISFIABLE {
                return Ok(expected);
            }
            let append = status == StatusCode::PARTIAL_CONTENT;
            if status != StatusCode::OK && !append {
                let hint = "check repository, file and revision, or give --from FILE";
                return Err(failed(format!("{url} answers {status}: {hint}")));
            }
            let length = answer
                .headers()
                .get("content-length")
                .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
            let start = if append { begun } else { 0 };
            let progress = Progress {
                on: !globals.quiet && !globals.json && std::io::stderr().is_terminal(),
                of: length.map(|length| start + length),
            };
            copy(&mut answer.body_mut().as_reader(), part, append, start, &progress).map_err(|e| {
                failed(format!(
                    "{url} broke off ({e}); what came is kept, try again to go on from there"
                ))
            })?;
            return Ok(expected);
        }
        Err(failed(format!("{url} sends on for ever")))
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into()
}

fn unreachable(url: &str, error: ureq::Error) -> CliError {
    let text = format!(
        "{url} cannot be reached ({error}); no model was added: without internet, fetch the file elsewhere and give --from FILE"
    );
    CliError::new(Exit::Connection, text)
}

/// The SHA-256 in the hub's answer: the tag of a large file is one, of a small one it is something shorter.
fn named_hash(headers: &HeaderMap) -> Option<String> {
    let tag = headers
        .get("x-linked-etag")
        .or_else(|| headers.get("etag"))?
        .to_str()
        .ok()?;
    let tag = tag.trim_start_matches("W/").trim_matches('"').to_ascii_lowercase();
    (tag.len() == 64 && tag.bytes().all(|b| b.is_ascii_hexdigit())).then_some(tag)
}

/// Where an answer sends on to; a path is one of the same host.
fn next(url: &str, headers: &HeaderMap) -> Option<String> {
    let to = headers.get("location")?.to_str().ok()?;
    if to.starts_with("http://") || to.starts_with("https://") {
        return Some(to.to_owned());
    }
    let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    to.starts_with('/').then(|| format!("{host}{to}"))
}

struct Progress {
    on: bool,
    of: Option<u64>,
}

fn copy(from: &mut impl Read, to: &Path, append: bool, start: u64, progress: &Progress) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(append)
        .truncate(!append)
        .open(to)?;
    let mut buffer = vec![0; 1 << 20];
    let mut done = start;
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        file.write_all(&buffer[..n])?;
        done += n as u64;
        if progress.on {
            let of = progress
                .of
                .map_or_else(String::new, |of| format!(" of {:.1}", of as f64 / 1e6));
            eprint!("\r\x1b[K{:.1}{of} MB", done as f64 / 1e6);
        }
    }
    if progress.on {
        eprint!("\r\x1b[K");
    }
    // a line that was cut looks like an end to some servers' clients
    match progress.of {
        Some(of) if done < of => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => file.sync_all(),
    }
}
