//! A log of the secrets of connections, for those who have to look into what they sent.
//!
//! In the format of NSS (`draft-ietf-tls-keylogfile`), which Wireshark reads: whoever has the log and a recording can
//! read and, while a connection lasts, forge all of it. So there is one only if it was asked for by a call, whatever
//! the environment says. rustls' own does not tell of a file that cannot be opened; this one does.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use asyncnet_core::tls::rustls::KeyLog;
use std::env;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Clone, Debug, Default)]
pub(super) enum KeyLogTo {
    #[default]
    Nowhere,
    File(PathBuf),
    /// The file that `SSLKEYLOGFILE` names, if it does.
    Environment,
}

impl KeyLogTo {
    pub(super) fn open(&self) -> Result<Option<Arc<dyn KeyLog>>, TlsConfigError> {
        let path = match self {
            Self::Nowhere => None,
            Self::File(path) => Some(path.clone()),
            // An empty one is how a shell takes it back for one command.
            Self::Environment => {
                env::var_os("SSLKEYLOGFILE").filter(|path| !path.is_empty()).map(PathBuf::from)
            }
        };
        let Some(path) = path else { return Ok(None) };
        let file = append(&path)
            .map_err(|error| TlsConfigError::new(TlsConfigFault::Unwritable).at(&path).because(error))?;
        Ok(Some(Arc::new(KeyLogFile { file })))
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[derive(Debug)]
struct KeyLogFile {
    file: File,
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = String::with_capacity(label.len() + 2 * (client_random.len() + secret.len()) + 3);
        line.push_str(label);
        for part in [client_random, secret] {
            line.push(' ');
            for byte in part {
                write!(line, "{byte:02x}").expect("memory takes what is written to it");
            }
        }
        line.push('\n');
        // In one write, behind all that is there: lines of other threads and processes do not mix with it (O_APPEND,
        // open(2)). There is nobody to tell that it failed, and no reason for a connection to fail with it.
        drop((&self.file).write_all(line.as_bytes()));
    }
}
