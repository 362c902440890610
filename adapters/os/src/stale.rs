//! The file of a Unix socket: one that its listener has left behind, and its permissions.
//!
//! The file does not say whether anybody listens; only a connection to it does, so this makes one. A listener that is
//! alive sees a connection that ends at once.

use crate::builder::SocketBuilder;
use crate::endpoint::unix_name;
use asyncnet_core::Endpoint;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Removes the socket at `path` if nobody answers on it; whether the path is free now.
///
/// What is not a socket is left alone: connecting to a plain file is refused too, and it may be somebody's data.
pub(crate) fn remove(path: &Path) -> io::Result<bool> {
    // Not through a symbolic link, which is not what a listener leaves behind.
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => {}
        Ok(_) => return Ok(false),
        Err(error) => return free_if_missing(error),
    }
    let endpoint = Endpoint::Unix(unix_name(path)?);
    match SocketBuilder::new().start_connect(&endpoint) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_or_else(free_if_missing, |()| Ok(true))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        // Somebody answers, or is too busy to, or the answer is not for us to have: the name is in use.
        _ => Ok(false),
    }
}

/// Gives the file of a socket that was just bound its permission bits; if that fails, the file goes.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).inspect_err(|_| drop(fs::remove_file(path)))
}

fn free_if_missing(error: io::Error) -> io::Result<bool> {
    if error.kind() == ErrorKind::NotFound { Ok(true) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use crate::{SocketBuilder, peer_endpoint, unix_name};
    use asyncnet_core::Endpoint;
    use std::io;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
    use std::path::{Path, PathBuf};

    fn listen(path: &Path, remove_stale: bool) -> io::Result<socket2::Socket> {
        let endpoint = Endpoint::Unix(unix_name(path).unwrap());
        SocketBuilder::new().remove_stale(remove_stale).listen(&endpoint)
    }

    fn check_in_use(path: &Path, remove_stale: bool) {
        assert_eq!(listen(path, remove_stale).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(path.symlink_metadata().is_ok(), "the file was removed");
    }

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        (directory, path)
    }

    #[test]
    fn a_stale_socket_is_replaced_on_request_only() {
        let (_directory, path) = directory();
        drop(UnixListener::bind(&path).unwrap());
        check_in_use(&path, false);
        let listener = listen(&path, true).unwrap();
        let client = UnixStream::connect(&path).unwrap();
        assert_eq!(peer_endpoint(&client).unwrap(), crate::local_endpoint(&listener).unwrap());
    }

    #[test]
    fn a_socket_that_somebody_listens_on_is_kept() {
        let (_directory, path) = directory();
        let first = UnixListener::bind(&path).unwrap();
        check_in_use(&path, true);
        drop(first.accept().unwrap());
        let _client = UnixStream::connect(&path).unwrap();
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_listener_with_a_full_backlog_is_kept() {
        let (_directory, path) = directory();
        let endpoint = Endpoint::Unix(unix_name(&path).unwrap());
        let _listener = SocketBuilder::new().backlog(0).listen(&endpoint).unwrap();
        let _waiting = SocketBuilder::new().start_connect(&endpoint).unwrap();
        check_in_use(&path, true);
    }

    #[test]
    fn a_datagram_socket_is_kept() {
        let (_directory, path) = directory();
        let _datagrams = UnixDatagram::bind(&path).unwrap();
        check_in_use(&path, true);
    }

    #[test]
    fn a_plain_file_and_a_symbolic_link_are_kept() {
        let (directory, path) = directory();
        std::fs::write(&path, "somebody's data").unwrap();
        check_in_use(&path, true);

        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        drop(UnixListener::bind(&target).unwrap());
        std::os::unix::fs::symlink(&target, &link).unwrap();
        check_in_use(&link, true);
        assert!(target.symlink_metadata().is_ok());
    }
}
