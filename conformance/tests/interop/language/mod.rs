//! Node's `tls` and Python's `ssl`: a client and a server in each language, which take the same options and say the same.
//!
//! - `client` is told where to connect, the one version it speaks, and the name it asks for and expects. It says what was
//!   agreed on: the version, `alpn=` and `resumed=`. Then it sends each line of stdin and says the line it gets for it, to
//!   the end of either: `ended` is the server's. With `--file` it sends that instead, and writes what it is sent. With
//!   `--times` it connects so often, with the session it was given before, and says one line each time.
//! - `server` is told its version and its certificate, and says where it is `listening on`; it has a certificate for
//!   `wrong.example` too. Of each connection it says what was agreed on, the name it was asked for and whose certificate
//!   it was shown, gives back what it is sent, and says that it `ended`, or the `error:`.

pub(crate) mod client;
pub(crate) mod server;

use crate::failed;
use asyncnet_conformance::Verdict;
use asyncnet_conformance::pki::Version;
use asyncnet_driver::Error;
use asyncnet_driver::tls::{Alert, TlsError};
use std::path::Path;

/// A language, and what differs between those who use it.
pub(crate) trait Language: 'static {
    /// What the tests of its client are called.
    const CLIENT: &'static str;
    const SERVER: &'static str;
    const TOOL: &'static str;
    /// That of its programs' files.
    const EXTENSION: &'static str;
    /// What its client says of a stream that was cut, and its status.
    const OF_A_CUT: (&'static str, i32);
    /// Whether it looks at the peer's certificate in the handshake, and sends an alert about it. Otherwise it hangs up
    /// behind the handshake.
    const REFUSES_IN_THE_HANDSHAKE: bool;
}

pub(crate) struct Node;

impl Language for Node {
    const CLIENT: &'static str = "node_client";
    const SERVER: &'static str = "node_server";
    const TOOL: &'static str = "node";
    const EXTENSION: &'static str = "js";
    // It takes that for an end.
    const OF_A_CUT: (&'static str, i32) = ("ended\n", 0);
    const REFUSES_IN_THE_HANDSHAKE: bool = false;
}

pub(crate) struct Python;

impl Language for Python {
    const CLIENT: &'static str = "python_client";
    const SERVER: &'static str = "python_server";
    const TOOL: &'static str = "python3";
    const EXTENSION: &'static str = "py";
    const OF_A_CUT: (&'static str, i32) = ("EOF occurred in violation of protocol", 1);
    const REFUSES_IN_THE_HANDSHAKE: bool = true;
}

/// Writes the programs to the folder that the tools run in.
pub(crate) fn write_programs(folder: &Path) -> std::io::Result<()> {
    for (name, text) in [
        ("client.js", include_str!("client.js")),
        ("client.py", include_str!("client.py")),
        ("server.js", include_str!("server.js")),
        ("server.py", include_str!("server.py")),
    ] {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

fn name_of(version: Version) -> &'static str {
    if version == Version::Tls12 { "TLSv1.2" } else { "TLSv1.3" }
}

/// That a peer does not take us: in the handshake with this alert, or by hanging up behind it.
fn ensure_refused<L: Language, T>(outcome: Result<T, Error>, alert: u8, what: &str) -> Verdict {
    let alert = TlsError::AlertReceived(Alert::new(alert));
    match outcome {
        Err(Error::Tls(error)) if error == alert => Ok(()),
        // How well, and how much of it has been sent before, is up to its haste.
        Err(Error::Tls(TlsError::Truncated | TlsError::HandshakeEnded)) if !L::REFUSES_IN_THE_HANDSHAKE => {
            Ok(())
        }
        Err(error) if error.is_disconnect() && !L::REFUSES_IN_THE_HANDSHAKE => Ok(()),
        Err(error) => Err(failed(format!("{what}: we say: {error} ({error:?})"))),
        Ok(_) => Err(failed(format!("{what}: it is content"))),
    }
}
