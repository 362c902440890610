//! Who is at the other end of a Unix socket.

use crate::handle::SocketHandle;
use asyncnet_core::PeerCredentials;
use std::io;

/// Asks who is at the other end of a connected Unix stream socket (unix(7), `SO_PEERCRED`): what the kernel noted when it
/// connected. The process may have ended since, and its number may be another's.
///
/// # Errors
///
/// What getsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported) on systems other than Linux, whose calls for it no
/// crate below offers in safe code, and for a socket of another family.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// let (one, _other) = std::os::unix::net::UnixStream::pair()?;
/// assert_eq!(asyncnet_os::peer_credentials(&one)?.process, std::process::id());
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[cfg(target_os = "linux")]
pub fn peer_credentials(socket: &impl SocketHandle) -> io::Result<PeerCredentials> {
    let socket = socket.sock_ref();
    if socket.domain()? != socket2::Domain::UNIX {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "only a Unix socket knows its peer's process",
        ));
    }
    let peer = rustix::net::sockopt::socket_peercred(&*socket)?;
    let process = u32::try_from(peer.pid.as_raw_nonzero().get()).map_err(io::Error::other)?;
    Ok(PeerCredentials::new(process, peer.uid.as_raw(), peer.gid.as_raw()))
}

/// As above, where there is no such call.
///
/// # Errors
///
/// [`Unsupported`](io::ErrorKind::Unsupported), always.
#[cfg(not(target_os = "linux"))]
pub fn peer_credentials(_: &impl SocketHandle) -> io::Result<PeerCredentials> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "no safe call of the crates below asks for a peer's process",
    ))
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
    fn a_unix_socket_knows_its_peer() {
        let folder = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        let client = std::os::unix::net::UnixStream::connect(folder.path().join("s")).unwrap();
        let (server, _) = listener.accept().unwrap();
        for end in [&client, &server] {
            let peer = peer_credentials(end).unwrap();
            assert_eq!(peer.process, std::process::id());
            assert_eq!(peer.user, rustix::process::getuid().as_raw());
        }
    }
}
