//! Where a journal is kept.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// A file that only grows. What was appended is safe once it was synced, and not before.
pub trait Disk: Send {
    /// Takes some of `bytes`, as a file does; how many.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;
    fn sync(&mut self) -> io::Result<()>;
}

/// A real file, locked while it is written.
pub struct FileDisk(File);

impl FileDisk {
    /// A new file; its name is on the disk, too, when this returns.
    pub fn create(path: &Path) -> io::Result<FileDisk> {
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        // a file system without locks: nobody can then tell a living journal from a dead one by it, and nothing else changes
        if let Err(TryLockError::Error(error)) = file.try_lock() {
            tracing::debug!(%error, "a journal is not locked");
        }
        #[cfg(unix)]
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(FileDisk(file))
    }
}

impl Disk for FileDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Nobody writes this file.
pub fn is_free(path: &Path) -> bool {
    // on Windows a shared lock wants a readable file; a file that cannot even be opened is nobody's to settle
    File::open(path).is_ok_and(|file| !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
