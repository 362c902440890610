//! What every server of this package is told on its command line, whatever it is made of.

use crate::Fault;
use asyncnet_driver::tls::rustls::ServerConfig;
use asyncnet_os::ServerTls;
use clap::{Args, ValueEnum};
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

/// What a server does, where, and how.
#[derive(Clone, Debug, Args)]
pub struct ServerArguments {
    /// Where to listen: HOST:PORT; port 0 lets the system choose.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub addr: SocketAddr,

    /// Whether connections speak TLS from their first byte.
    #[arg(long, value_enum)]
    pub mode: Mode,

    /// The server's certificate and what leads to its root, as PEM; with --mode tls.
    #[arg(long, value_name = "F", required_if_eq("mode", "tls"))]
    pub cert: Option<PathBuf>,

    /// Its private key, as PEM; with --mode tls.
    #[arg(long, value_name = "F", required_if_eq("mode", "tls"))]
    pub key: Option<PathBuf>,

    /// What to do with what comes.
    #[arg(long, value_enum)]
    pub work: Work,

    /// How lines are taken: one by one, or all that have arrived.
    #[arg(long, value_enum, default_value_t = Style::Await)]
    pub style: Style,
}

/// Whether there is TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// TCP alone.
    Plain,
    /// TLS from the first byte.
    Tls,
}

/// What a server does with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Sends each line back as it came.
    Echo,
    /// Counts lines, answers the count and LF at each empty line, and starts again.
    Sink,
    /// Reads "GET total chunk" and writes so many bytes in writes of chunk; or "PUT total", reads so many and answers "OK".
    Bulk,
}

/// How lines are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// One at a time, each answered for itself: the loop that is written first.
    Await,
    /// All that have arrived, answered together.
    Burst,
}

impl ServerArguments {
    /// How the connections speak TLS, if they do: as this project configures a server, for the peers too.
    ///
    /// # Errors
    ///
    /// When the certificate or its key is of no use; when there is one, and no TLS.
    pub fn tls(&self) -> Result<Option<Arc<ServerConfig>>, Fault> {
        match (self.mode, &self.cert, &self.key) {
            (Mode::Tls, Some(chain), Some(key)) => Ok(Some(ServerTls::from_files(chain, key).build()?)),
            (Mode::Tls, ..) => Err("--mode tls needs --cert and --key".into()),
            (Mode::Plain, None, None) => Ok(None),
            (Mode::Plain, ..) => Err("--cert and --key are for --mode tls".into()),
        }
    }
}

/// What went wrong at an address, with the address.
pub fn at<E: fmt::Display>(what: &str, addr: SocketAddr) -> impl FnOnce(E) -> Fault {
    move |error| format!("{what} {addr}: {error}").into()
}

/// As it is written on the command line.
pub fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The first address of HOST:PORT.
///
/// # Errors
///
/// When it is none, or the host has none.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| error.to_string())?;
    found.next().ok_or_else(|| "there is no such address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{ServerArguments, Style, Work, word};
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        server: ServerArguments,
    }

    fn parse(line: &str) -> Option<ServerArguments> {
        Program::try_parse_from(line.split(' ')).ok().map(|program| program.server)
    }

    #[test]
    fn a_command_line_says_all() {
        let plain = parse("server --addr 127.0.0.1:0 --mode plain --work echo --style burst").unwrap();
        assert_eq!((plain.work, plain.style, plain.addr.port()), (Work::Echo, Style::Burst, 0));
        assert!(plain.tls().unwrap().is_none());
        assert_eq!(parse("server --addr [::1]:7 --mode plain --work sink").unwrap().style, Style::Await);
        let idle = parse("server --addr 127.0.0.1:0 --mode plain --work echo --cert none.pem").unwrap();
        assert!(idle.tls().is_err(), "a certificate, and nobody to show it to");
        let tls = parse("server --addr 127.0.0.1:0 --mode tls --work bulk --cert none.pem --key none.pem");
        assert!(tls.unwrap().tls().is_err(), "the files are not there");
        for wrong in [
            "server --addr 127.0.0.1:0 --mode tls --work echo",
            "server --addr 127.0.0.1 --mode plain --work echo",
            "server --addr 127.0.0.1:0 --mode plain --work read",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(word(&Style::Await), "await");
    }
}
