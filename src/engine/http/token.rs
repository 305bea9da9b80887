//! Tokens: secrets that programs show at the web door. The file keeps their hashes, never the tokens.
//!
//! A token is 256 random bits, so a plain SHA-256 of it tells nothing. The file is read again when it changes: a revoked token is
//! refused from then on.

use crate::command::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::ErrorKind;
use model::config::Paths;
use model::file::{self, Durability};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    /// Looking, and stop.
    Read,
    /// Everything.
    Control,
}

/// A token as the file knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose it is: the client's name in the journal.
    pub name: String,
    pub power: Power,
    /// SHA-256 of the token, hexadecimal.
    sha256: String,
    /// When it was made, UTC.
    pub made: String,
}

/// The tokens of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    pub tokens: Vec<Entry>,
}

/// The file of tokens unless another is named.
pub fn file(paths: &Paths) -> PathBuf {
    paths.config_file("tokens.json")
}

fn unusable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::new(
        ErrorKind::File,
        format!("the tokens in {} cannot be used: {why}", path.display()),
        "mend the file, or remove it and make new ones (fibdeck token new)",
    )
}

fn hash(token: &str) -> String {
    let digest = digest(&SHA256, token.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Tokens {
    /// The tokens of that file; none where there is no file.
    pub fn load(path: &Path) -> Result<Tokens, Failure> {
        match std::fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|e| unusable(path, e)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Tokens::default()),
            Err(e) => Err(unusable(path, e)),
        }
    }

    fn save(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(self).map_err(|e| unusable(path, e))?;
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            file::ensure_folder(folder).map_err(|e| unusable(path, e))?;
        }
        file::replace(path, Durability::Synced, &text).map_err(|e| unusable(path, e))?;
        // hashes open nothing; who has which token is still nobody else's business
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let owner = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, owner).map_err(|e| unusable(path, e))?;
        }
        Ok(())
    }

    /// Makes a token and writes its hash down; the token itself is told once, here. `made`: the date, for the list.
    pub fn make(path: &Path, name: &str, power: Power, made: String) -> Result<String, Failure> {
        let named = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 40 || !name.chars().all(named) {
            return Err(Failure::usage(
                "a token's name is 1 to 40 letters, digits, - _ or .; nothing was made",
                "name it after who will use it, e.g. `fibdeck token new nightly-script`",
            ));
        }
        let mut tokens = Tokens::load(path)?;
        if tokens.tokens.iter().any(|t| t.name == name) {
            return Err(Failure::usage(
                format!("there is a token `{name}` already; nothing was made"),
                "revoke it first, or choose another name",
            ));
        }
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| {
            Failure::new(
                ErrorKind::Other,
                "the system gave no random numbers; nothing was made",
                "",
            )
        })?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        tokens.tokens.push(Entry {
            name: name.to_owned(),
            power,
            sha256: hash(&token),
            made,
        });
        tokens.save(path)?;
        Ok(token)
    }

    /// Refuses the token of that name from now on; `false` if there is none.
    pub fn revoke(path: &Path, name: &str) -> Result<bool, Failure> {
        let mut tokens = Tokens::load(path)?;
        let before = tokens.tokens.len();
        tokens.tokens.retain(|t| t.name != name);
        if tokens.tokens.len() == before {
            return Ok(false);
        }
        tokens.save(path)?;
        Ok(true)
    }

    /// Whose token this is. Hashes are compared, so the time it takes tells nothing of any token.
    pub(super) fn find(&self, token: &str) -> Option<&Entry> {
        let hash = hash(token);
        self.tokens.iter().find(|t| t.sha256 == hash)
    }
}
