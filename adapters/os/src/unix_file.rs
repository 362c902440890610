//! The file of a Unix socket that is to go when its socket does.
//!
//! Invariant: only the file that the socket was bound to is removed. While the socket is open its inode is not given to
//! another file, so device and number tell: whoever holds both drops this first.

use asyncnet_core::Endpoint;
use std::io;

/// The file of a Unix socket: dropped, it is removed, if it is still the same one.
///
/// Keep it beside the socket, and in front of it, so that it is dropped first.
///
/// ```
/// # #[cfg(unix)] {
/// use asyncnet_core::Endpoint;
/// use asyncnet_os::{SocketBuilder, UnixFile, unix_name};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("app.sock");
/// let at = Endpoint::Unix(unix_name(&path)?);
/// let socket = SocketBuilder::new().listen(&at)?;
/// let file = UnixFile::of(&at)?.expect("a path has a file");
/// assert!(path.exists());
/// drop(file);
/// drop(socket);
/// assert!(!path.exists());
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct UnixFile {
    #[cfg(unix)]
    file: imp::File,
    #[cfg(not(unix))]
    none: std::convert::Infallible,
}

impl UnixFile {
    /// The file that a socket was just bound to: none, if the endpoint has none.
    ///
    /// # Errors
    ///
    /// What the system says when it is asked for the file.
    ///
    /// See the example at [`UnixFile`].
    #[cfg(unix)]
    pub fn of(bound: &Endpoint) -> io::Result<Option<Self>> {
        let Endpoint::Unix(name) = bound else { return Ok(None) };
        let Some(path) = crate::endpoint::unix_path(name) else { return Ok(None) };
        Ok(Some(Self { file: imp::File::of(path)? }))
    }

    /// The file that a socket was just bound to: there are none on this platform.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub fn of(_: &Endpoint) -> io::Result<Option<Self>> {
        Ok(None)
    }
}

impl Drop for UnixFile {
    fn drop(&mut self) {
        #[cfg(unix)]
        self.file.remove();
        #[cfg(not(unix))]
        match self.none {}
    }
}

#[cfg(unix)]
mod imp {
    use std::os::unix::fs::MetadataExt;
    use std::path::{Path, PathBuf};
    use std::{fs, io};

    #[derive(Debug)]
    pub(super) struct File {
        /// Absolute, since the process may change its folder.
        path: PathBuf,
        device: u64,
        inode: u64,
    }

    impl File {
        pub(super) fn of(path: &Path) -> io::Result<Self> {
            let path = std::path::absolute(path)?;
            let metadata = fs::symlink_metadata(&path)?;
            Ok(Self { device: metadata.dev(), inode: metadata.ino(), path })
        }

        /// Removes it. That it is gone already, or cannot be removed, nobody is left to be told.
        pub(super) fn remove(&self) {
            let same = fs::symlink_metadata(&self.path)
                .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
            if same {
                fs::remove_file(&self.path).ok();
            }
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::UnixFile;
    use crate::{SocketBuilder, unix_name};
    use asyncnet_core::{Endpoint, UnixName};
    use std::fs;

    #[test]
    fn another_file_at_the_path_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let at = Endpoint::Unix(unix_name(&path).unwrap());
        let _socket = SocketBuilder::new().listen(&at).unwrap();
        let file = UnixFile::of(&at).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        let _other = SocketBuilder::new().listen(&at).unwrap();
        drop(file);
        assert!(path.exists(), "somebody else's file was removed");
    }

    #[test]
    fn a_file_that_is_gone_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let at = Endpoint::Unix(unix_name(&path).unwrap());
        let _socket = SocketBuilder::new().listen(&at).unwrap();
        let file = UnixFile::of(&at).unwrap();
        fs::remove_file(&path).unwrap();
        drop(file);
    }

    #[test]
    fn an_endpoint_without_a_file() {
        for at in [
            Endpoint::Inet("127.0.0.1:1".parse().unwrap()),
            Endpoint::Unix(UnixName::Unnamed),
            Endpoint::Unix(UnixName::Abstract(Box::from(&b"a"[..]))),
        ] {
            assert!(UnixFile::of(&at).unwrap().is_none(), "{at}");
        }
    }
}
