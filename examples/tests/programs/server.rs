//! What tests need that start a server of somebody else's: where it is, and ports for it.

use std::net::TcpListener;
use std::path::Path;

/// How often others may take a port away between its being found and the server's binding it.
pub(crate) const TRIES_MAX: usize = 5;

/// Where a server is: it is for the superuser to start, and not in everybody's path.
pub(crate) fn program(name: &str) -> String {
    let usual = format!("/usr/sbin/{name}");
    if Path::new(&usual).exists() { usual } else { name.to_owned() }
}

/// Ports of loopback that nobody has.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    // All at once, so that they are different.
    let taken = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    taken.map(|listener| listener.local_addr().unwrap().port())
}
