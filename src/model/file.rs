//! Files written whole or not at all.
//!
//! [`create`] never touches an existing file (it counts up: `a.tif`, `a-1.tif`, ...), [`replace`] leaves either the old
//! file or the new one, never half of one. Both write a hidden file in the same folder first. Every room that writes a
//! file somebody needs later comes through here; nothing here knows what is in the file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a file could not be written; nothing was overwritten. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("the disk is full, {path} was not written: free some space or save to another folder")]
    DiskFull { path: PathBuf },
    #[error(
        "{path} was not written, its folder is read-only or not yours: choose another folder or ask for the right to write there"
    )]
    ReadOnly { path: PathBuf },
    #[error("{path} was not written, its folder does not exist: create it or choose another")]
    NoFolder { path: PathBuf },
    #[error("{path} exists and was left as it is: choose another name")]
    Exists { path: PathBuf },
    #[error("`{path}` is no name for a file here: choose a shorter, plainer one")]
    BadName { path: PathBuf },
    #[error("{path} was not written ({source}): save again, or to another folder")]
    Io { path: PathBuf, source: io::Error },
}

impl SaveError {
    /// The error as a person should see it, with `path` the file that was asked for.
    pub fn new(path: &Path, source: io::Error) -> SaveError {
        let path = path.to_path_buf();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => SaveError::DiskFull { path },
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => SaveError::ReadOnly { path },
            ErrorKind::NotFound | ErrorKind::NotADirectory => SaveError::NoFolder { path },
            ErrorKind::AlreadyExists => SaveError::Exists { path },
            ErrorKind::InvalidFilename => SaveError::BadName { path },
            _ => SaveError::Io { path, source },
        }
    }
}

/// How hard to make sure that a file survives a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The operating system writes it out when it likes.
    #[default]
    Cached,
    /// On the disk before the call returns.
    Synced,
}

/// Most files of one name that [`create`] counts through.
const MOST: u32 = 1_000_000;

/// Write a new file at `path`, or, where that name is taken, at the first free `stem-N.ext`; returns the name it got.
/// `write` fills it; if it fails, no file remains.
pub fn create(
    path: &Path,
    durability: Durability,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<PathBuf, SaveError> {
    let fail = |source| SaveError::new(path, source);
    let draft = Draft::write(path, durability, write).map_err(fail)?;
    for n in 0..MOST {
        let name = numbered(path, n);
        match draft.publish_new(&name) {
            Ok(()) => return finish(name, durability).map_err(fail),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(fail(e)),
        }
    }
    Err(SaveError::Exists {
        path: path.to_path_buf(),
    })
}

/// Write a new file at exactly `path`; [`SaveError::Exists`] where there is one.
pub fn create_exact(path: &Path, durability: Durability, bytes: &[u8]) -> Result<(), SaveError> {
    let fail = |source| SaveError::new(path, source);
    let draft = Draft::write(path, durability, |file| file.write_all(bytes)).map_err(fail)?;
    draft
        .publish_new(path)
        .and_then(|()| finish(path.to_path_buf(), durability))
        .map_err(fail)?;
    Ok(())
}

/// Put `bytes` at `path`, over what is there: a reader sees the old file or the new one.
pub fn replace(path: &Path, durability: Durability, bytes: &[u8]) -> Result<(), SaveError> {
    let fail = |source| SaveError::new(path, source);
    let draft = Draft::write(path, durability, |file| file.write_all(bytes)).map_err(fail)?;
    draft
        .publish_over(path)
        .and_then(|()| finish(path.to_path_buf(), durability))
        .map_err(fail)?;
    Ok(())
}

/// Make `folder` and its parents.
pub fn ensure_folder(folder: &Path) -> Result<(), SaveError> {
    fs::create_dir_all(folder).map_err(|source| SaveError::new(folder, source))
}

/// `a.tif` for 0, `a-1.tif` for 1.
fn numbered(path: &Path, n: u32) -> PathBuf {
    if n == 0 {
        return path.to_path_buf();
    }
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{n}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn finish(path: PathBuf, durability: Durability) -> io::Result<PathBuf> {
    // A new name is on the disk only when its folder is; elsewhere than on Unix a folder cannot be opened for that.
    #[cfg(unix)]
    if durability == Durability::Synced {
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = durability;
    Ok(path)
}

/// The hidden file that is filled before it gets its name; removed when it did not get one.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(
        target: &Path,
        durability: Durability,
        write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> io::Result<Draft> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let name = target
            .file_name()
            .ok_or(ErrorKind::InvalidFilename)?
            .to_string_lossy()
            .into_owned();
        let (draft, file) = loop {
            let n = COUNTER.fetch_add(1, Ordering::Relaxed);
            // The start of the name only: a long one must not become too long through ours.
            let short: String = name.chars().take(40).collect();
            let path = target.with_file_name(format!(".{short}.{}-{n}.part", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => break (Draft { path }, file),
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        };
        let mut file = BufWriter::with_capacity(1 << 16, file);
        write(&mut file)?;
        file.flush()?;
        // Closing hides a full disk on some network file systems; asking where we are does not, sync does.
        file.stream_position()?;
        if durability == Durability::Synced {
            file.get_ref().sync_all()?;
        }
        Ok(draft)
    }

    /// Give the draft a name nobody has; `AlreadyExists` if somebody does.
    fn publish_new(&self, name: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, name) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Err(e),
            Ok(()) => Ok(()),
            // FAT, exFAT and some shares have no links: take the name with an empty file of our own, then move over it.
            Err(_) => {
                drop(OpenOptions::new().write(true).create_new(true).open(name)?);
                self.publish_over(name).inspect_err(|_| drop(fs::remove_file(name)))
            }
        }
    }

    fn publish_over(&self, name: &Path) -> io::Result<()> {
        let mut tries = 0;
        loop {
            match fs::rename(&self.path, name) {
                // Windows refuses while a virus scanner or an editor has the file open; that passes.
                Err(e) if cfg!(windows) && e.kind() == ErrorKind::PermissionDenied && tries < 20 => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                done => return done,
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Already gone when it was moved; a leftover hidden file harms nobody.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_taken_name_is_counted_up_and_nothing_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tif");
        for text in ["one", "two", "three"] {
            create(&path, Durability::Synced, |f| f.write_all(text.as_bytes())).unwrap();
        }
        assert_eq!(names(dir.path()), ["a-1.tif", "a-2.tif", "a.tif"]);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read(dir.path().join("a-2.tif")).unwrap(), b"three");
    }

    #[test]
    fn a_failed_write_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let full = || Err(io::Error::from(ErrorKind::StorageFull));
        let error = create(&dir.path().join("a.tif"), Durability::Cached, |_| full()).unwrap_err();
        assert!(matches!(error, SaveError::DiskFull { .. }), "{error}");
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = create_exact(&dir.path().join("no/a.tif"), Durability::Cached, b"x").unwrap_err();
        assert!(matches!(error, SaveError::NoFolder { .. }), "{error}");
    }

    #[test]
    fn exact_refuses_and_replace_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.yaml");
        create_exact(&path, Durability::Cached, b"old").unwrap();
        assert!(matches!(
            create_exact(&path, Durability::Cached, b"new"),
            Err(SaveError::Exists { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace(&path, Durability::Synced, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a.yaml"]);
    }
}
