//! The way in: a socket in a folder of its own that only the account may enter (or a group it names), on Windows a pipe
//! whose descriptor says the same and that no other machine can reach.

use crate::command::Failure;
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::StreamCommon;
use interprocess::local_socket::traits::tokio::Stream as _;
use interprocess::local_socket::{ListenerOptions, Name};
use model::ErrorKind;
use model::config::Paths;
use std::io;
use std::path::{Path, PathBuf};

/// Who may come in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Access {
    /// Members of this group (name or number) besides the account itself; Unix only.
    pub group: Option<String>,
}

/// Who is at the other end, as the system says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peer {
    pub pid: Option<u32>,
    /// Account; `None` where the system does not say.
    pub uid: Option<u32>,
    /// Our own account.
    own: Option<u32>,
}

impl Peer {
    /// Looks who `stream` comes from; an error is why they are not let in.
    pub(crate) fn of(stream: &Stream, access: &Access) -> Result<Peer, String> {
        let credentials = stream
            .peer_creds()
            .map_err(|e| format!("the system does not say who it is ({e})"))?;
        let peer = Peer {
            pid: credentials.pid().and_then(|pid| u32::try_from(pid).ok()),
            uid: uid(&credentials),
            own: own_uid(),
        };
        match (peer.uid, peer.own) {
            (Some(uid), Some(own)) if uid != own && uid != 0 && access.group.is_none() => {
                Err(format!("account {uid} is not ours and no group was named"))
            }
            _ => Ok(peer),
        }
    }

    /// What to mark the name of somebody with who is not our own account.
    pub(super) fn stranger(&self) -> Option<String> {
        let uid = self.uid.filter(|uid| Some(*uid) != self.own)?;
        Some(format!("uid {uid}"))
    }
}

/// The folder of the socket.
fn folder(paths: &Paths) -> PathBuf {
    paths.data_dir.join("daemon")
}

/// Opens the way in.
pub(super) fn listen(paths: &Paths, access: &Access) -> Result<Listener, Failure> {
    let failed = |e: io::Error| {
        Failure::new(
            ErrorKind::File,
            format!(
                "no way in could be opened at {}: {e}; nothing was started",
                address(paths)
            ),
            "choose another data folder with --data-dir",
        )
    };
    prepare(paths, access).map_err(failed)?;
    let options = ListenerOptions::new()
        .name(name(paths).map_err(failed)?)
        // what a killed daemon left there: its lock is free, so nobody listens at it
        .try_overwrite(true);
    let listener = guarded(options, access)
        .and_then(ListenerOptions::create_tokio)
        .map_err(failed)?;
    open_to_group(paths, access).map_err(failed)?;
    Ok(listener)
}

/// What the system says where nobody listens.
const NOBODY: &[io::ErrorKind] = &[
    io::ErrorKind::NotFound,
    io::ErrorKind::NotADirectory,
    io::ErrorKind::ConnectionRefused,
    io::ErrorKind::InvalidInput,
];

/// Goes to the daemon of this data folder; `None` where nobody answers.
pub async fn connect(paths: &Paths) -> io::Result<Option<Stream>> {
    match Stream::connect(name(paths)?).await {
        Ok(stream) => Ok(Some(stream)),
        // a path too long for a socket: no daemon can listen there, and who starts one is told
        Err(e) if NOBODY.contains(&e.kind()) => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(unix)]
mod system {
    use super::*;
    use interprocess::local_socket::{GenericFilePath, PeerCreds, ToFsName};
    use interprocess::os::unix::local_socket::ListenerOptionsExt;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};

    /// Where it is, for people.
    pub fn address(paths: &Paths) -> String {
        folder(paths).join("socket").display().to_string()
    }

    pub(super) fn name(paths: &Paths) -> io::Result<Name<'static>> {
        folder(paths).join("socket").to_fs_name::<GenericFilePath>()
    }

    pub(super) fn uid(credentials: &PeerCreds) -> Option<u32> {
        credentials.euid()
    }

    /// Our account, as the owner of our own process's files.
    pub(super) fn own_uid() -> Option<u32> {
        Some(rustix::process::geteuid().as_raw())
    }

    pub(super) fn prepare(paths: &Paths, access: &Access) -> io::Result<()> {
        let folder = folder(paths);
        let mode = if access.group.is_some() { 0o750 } else { 0o700 };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let owner = std::fs::metadata(&folder)?.uid();
        if Some(owner) != own_uid() {
            return Err(io::Error::other(format!("its folder belongs to account {owner}")));
        }
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode))?;
        let Some(group) = &access.group else { return Ok(()) };
        let group = gid(group)?;
        chown(&folder, None, Some(group))?;
        let_through(&paths.data_dir, group)
    }

    /// Lets a group pass through a folder of ours, without looking into it.
    fn let_through(folder: &Path, group: u32) -> io::Result<()> {
        let is = std::fs::metadata(folder)?;
        let open = is.mode() & 0o001 != 0 || (is.gid() == group && is.mode() & 0o010 != 0);
        if open || Some(is.uid()) != own_uid() {
            return Ok(());
        }
        chown(folder, None, Some(group))?;
        // what its former group might do is nothing this one was given
        std::fs::set_permissions(folder, PermissionsExt::from_mode((is.mode() & 0o700) | 0o010))
    }

    pub(super) fn guarded<'a>(options: ListenerOptions<'a>, access: &Access) -> io::Result<ListenerOptions<'a>> {
        if !cfg!(target_os = "linux") {
            // the folder keeps others out; a mode at birth is not to be had everywhere
            return Ok(options);
        }
        Ok(options.mode(if access.group.is_some() { 0o660 } else { 0o600 }))
    }

    pub(super) fn open_to_group(paths: &Paths, access: &Access) -> io::Result<()> {
        let Some(group) = &access.group else { return Ok(()) };
        let socket = folder(paths).join("socket");
        chown(&socket, None, Some(gid(group)?))?;
        // the account's umask took from its mode at birth what a group needs to call
        std::fs::set_permissions(&socket, PermissionsExt::from_mode(0o660))
    }

    /// A group by number, or by name from the system's own list.
    fn gid(group: &str) -> io::Result<u32> {
        if let Ok(number) = group.parse() {
            return Ok(number);
        }
        let list = std::fs::read_to_string("/etc/group")?;
        let found = list.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok())?
        });
        found.ok_or_else(|| {
            let group = model::text::printable(group);
            io::Error::other(format!("there is no group `{group}` in /etc/group; its number will do"))
        })
    }
}

#[cfg(windows)]
mod system {
    use super::*;
    use interprocess::local_socket::{GenericNamespaced, PeerCreds, ToNsName};
    use interprocess::os::windows::local_socket::ListenerOptionsExt;
    use interprocess::os::windows::security_descriptor::SecurityDescriptor;
    use widestring::U16CString;

    /// All rights to the owner, the system and administrators, nothing to anybody else.
    const DESCRIPTOR: &str = "D:P(A;;GA;;;OW)(A;;GA;;;SY)(A;;GA;;;BA)";

    fn pipe(paths: &Paths) -> String {
        let folder = std::path::absolute(folder(paths)).unwrap_or_else(|_| folder(paths));
        let text = folder.to_string_lossy().to_lowercase();
        format!("fibdeck-{:08x}", crc32fast::hash(text.as_bytes()))
    }

    /// Where it is, for people.
    pub fn address(paths: &Paths) -> String {
        format!(r"\\.\pipe\{}", pipe(paths))
    }

    pub(super) fn name(paths: &Paths) -> io::Result<Name<'static>> {
        pipe(paths).to_ns_name::<GenericNamespaced>()
    }

    pub(super) fn uid(_: &PeerCreds) -> Option<u32> {
        None
    }

    pub(super) fn own_uid() -> Option<u32> {
        None
    }

    pub(super) fn prepare(_: &Paths, access: &Access) -> io::Result<()> {
        match access.group {
            Some(_) => Err(io::Error::other("a group of the socket is for Unix")),
            None => Ok(()),
        }
    }

    pub(super) fn guarded<'a>(options: ListenerOptions<'a>, _: &Access) -> io::Result<ListenerOptions<'a>> {
        let text = U16CString::from_str(DESCRIPTOR).map_err(io::Error::other)?;
        Ok(options.security_descriptor(SecurityDescriptor::deserialize(&text)?))
    }

    pub(super) fn open_to_group(_: &Paths, _: &Access) -> io::Result<()> {
        Ok(())
    }
}

pub use system::address;
use system::{guarded, name, open_to_group, own_uid, prepare, uid};
