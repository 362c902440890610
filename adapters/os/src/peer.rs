//! Who is at the other end of a Unix socket.

use crate::handle::SocketHandle;
use asyncnet_core::PeerCredentials;
use std::io;

/// Asks who is at the other end of a connected Unix stream socket (unix(7), `SO_PEERCRED`): what the kernel noted when it
/// connected. The process may have ended since, and its number may be another's.
///
/// # Errors
///
/// What getsockopt(2) says; [`NotConnected`](io::ErrorKind::NotConnected); [`Unsupported`](io::ErrorKind::Unsupported) for a
/// socket of another family, and on systems other than Linux, Android and Apple's, whose calls for it no crate below offers in
/// safe code.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// let (one, _other) = std::os::unix::net::UnixStream::pair()?;
/// assert_eq!(asyncnet_os::peer_credentials(&one)?.process, Some(std::process::id()));
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer_credentials(socket: &impl SocketHandle) -> io::Result<PeerCredentials> {
    let socket = unix(socket)?;
    let peer = nix::sys::socket::getsockopt(&*socket, nix::sys::socket::sockopt::PeerCredentials)?;
    // What an unconnected socket has: nobody's numbers (unix(7)).
    if peer.uid() == u32::MAX {
        return Err(io::ErrorKind::NotConnected.into());
    }
    // 0 is how the kernel writes the number of a process that has none here (pid_namespaces(7)).
    let process = u32::try_from(peer.pid()).ok().filter(|process| *process > 0);
    Ok(PeerCredentials::new(process, peer.uid(), peer.gid()))
}

/// As on Linux, from unix(4)'s `LOCAL_PEERCRED` and `LOCAL_PEERPID`.
///
/// # Errors
///
/// What getsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported) for a socket of another family.
#[cfg(target_vendor = "apple")]
pub fn peer_credentials(socket: &impl SocketHandle) -> io::Result<PeerCredentials> {
    use nix::sys::socket::{getsockopt, sockopt};
    let socket = unix(socket)?;
    let peer = getsockopt(&*socket, sockopt::LocalPeerCred)?;
    let process = getsockopt(&*socket, sockopt::LocalPeerPid)?;
    let process = u32::try_from(process).ok().filter(|process| *process > 0);
    let group = peer.groups().first().copied().ok_or(io::ErrorKind::InvalidData)?;
    Ok(PeerCredentials::new(process, peer.uid(), group))
}

/// As above, where there is no such call.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported), always.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub fn peer_credentials(_: &impl SocketHandle) -> io::Result<PeerCredentials> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "no safe call of the crates below asks for a peer's process",
    ))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn unix(socket: &impl SocketHandle) -> io::Result<socket2::SockRef<'_>> {
    let socket = socket.sock_ref();
    if socket.local_addr()?.domain() == socket2::Domain::UNIX {
        return Ok(socket);
    }
    Err(io::Error::new(io::ErrorKind::Unsupported, "only a Unix socket knows its peer's process"))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::peer_credentials;
    use std::io::ErrorKind;

    #[test]
    fn an_internet_socket_knows_no_process() {
        let (one, _other) = crate::tcp_pair().unwrap();
        assert_eq!(peer_credentials(&one).unwrap_err().kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn an_unconnected_socket_has_no_peer() {
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        assert_eq!(peer_credentials(&socket).unwrap_err().kind(), ErrorKind::NotConnected);
    }

    #[test]
    fn a_unix_socket_knows_its_peer() {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        let client = std::os::unix::net::UnixStream::connect(folder.path().join("s")).unwrap();
        let (server, _) = listener.accept().unwrap();
        for end in [&client, &server] {
            let peer = peer_credentials(end).unwrap();
            assert_eq!(peer.process, Some(std::process::id()));
            assert_eq!(peer.user, rustix::process::getuid().as_raw());
        }
    }
}
