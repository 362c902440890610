//! How a connection is to begin TLS: on which side, under which configuration, and what becomes of bytes that came before.

use crate::tls::TlsError;
use alloc::sync::Arc;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};

/// How TLS is to begin.
///
/// ```
/// use asyncnet_core::tls::rustls::{ClientConfig, RootCertStore};
/// use asyncnet_core::tls::{Leftover, StartTls, TlsError};
/// use std::sync::Arc;
///
/// # let provider = Arc::new(asyncnet_core::tls::rustls::crypto::ring::default_provider());
/// let config = ClientConfig::builder_with_provider(provider)
///     .with_safe_default_protocol_versions()
///     .unwrap()
///     .with_root_certificates(RootCertStore::empty())
///     .with_no_client_auth();
/// let config = Arc::new(config);
///
/// let how = StartTls::client(&config, "mail.example.org")?.leftover(Leftover::Discard);
/// assert!(how.is_client() && how.is_same(&how.clone()));
/// assert!(matches!(StartTls::client(&config, "not a name"), Err(TlsError::Name(_))));
/// # Ok::<(), TlsError>(())
/// ```
#[derive(Clone)]
#[must_use = "it says how to begin; nothing has begun"]
pub struct StartTls {
    pub(crate) side: Side,
    pub(crate) leftover: Leftover,
    pub(crate) accept_truncation: bool,
}

#[derive(Clone)]
pub(crate) enum Side {
    Client(Arc<ClientConfig>, ServerName<'static>),
    Server(Arc<ServerConfig>),
}

/// What becomes of plaintext that came before the handshake and was not received.
///
/// Such bytes are how commands were slipped into mail sessions that were upgraded to TLS (CVE-2011-0411): whoever is
/// between the two ends can put them there. They never reach the reader as if they had come over TLS.
///
/// ```
/// assert_eq!(asyncnet_core::tls::Leftover::default(), asyncnet_core::tls::Leftover::Refuse);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftover {
    /// TLS does not begin, nothing is sent, and the bytes can still be received as plaintext. One byte is enough, and
    /// half a line is.
    #[default]
    Refuse,
    /// They are the start of the peer's handshake: for protocols in which the peer may begin TLS without waiting for an
    /// answer.
    IntoTls,
    /// They are dropped.
    Discard,
}

impl StartTls {
    /// As a client of the server `name`, a host name or an IP address, which its certificate has to be for.
    ///
    /// A dot at the end of a host name is dropped (RFC 6066, section 3), as are the brackets of an IPv6 address and its zone
    /// (`[fe80::1%eth0]`); an IPv4-mapped address is the IPv4 one. The name must be ASCII: an international one is given
    /// in its `xn--` form.
    ///
    /// # Errors
    ///
    /// [`TlsError::Name`] if it is neither.
    ///
    /// See the example at [`StartTls`].
    pub fn client(config: &Arc<ClientConfig>, name: &str) -> Result<Self, TlsError> {
        let parsed = server_name(name).ok_or_else(|| TlsError::Name(name.into()))?;
        Ok(Self::new(Side::Client(Arc::clone(config), parsed)))
    }

    /// As a server.
    ///
    /// ```
    /// # use asyncnet_core::tls::rustls::server::ResolvesServerCertUsingSni;
    /// # let provider = std::sync::Arc::new(asyncnet_core::tls::rustls::crypto::ring::default_provider());
    /// use asyncnet_core::tls::StartTls;
    /// use asyncnet_core::tls::rustls::ServerConfig;
    ///
    /// let config = ServerConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()
    ///     .unwrap()
    ///     .with_no_client_auth()
    ///     .with_cert_resolver(std::sync::Arc::new(ResolvesServerCertUsingSni::new()));
    /// assert!(!StartTls::server(&std::sync::Arc::new(config)).is_client());
    /// ```
    pub fn server(config: &Arc<ServerConfig>) -> Self {
        Self::new(Side::Server(Arc::clone(config)))
    }

    fn new(side: Side) -> Self {
        Self { side, leftover: Leftover::default(), accept_truncation: false }
    }

    /// What becomes of plaintext that waits to be received: [`Leftover::Refuse`] by default.
    ///
    /// See the example at [`StartTls`].
    pub fn leftover(mut self, leftover: Leftover) -> Self {
        self.leftover = leftover;
        self
    }

    /// Takes an end without the peer's `close_notify` for a clean one, for protocols that tell themselves where a
    /// message ends. Without this it is [`TlsError::Truncated`].
    ///
    /// ```
    /// # use asyncnet_core::tls::rustls::server::ResolvesServerCertUsingSni;
    /// # let provider = std::sync::Arc::new(asyncnet_core::tls::rustls::crypto::ring::default_provider());
    /// # let config = asyncnet_core::tls::rustls::ServerConfig::builder_with_provider(provider)
    /// #     .with_safe_default_protocol_versions()
    /// #     .unwrap()
    /// #     .with_no_client_auth()
    /// #     .with_cert_resolver(std::sync::Arc::new(ResolvesServerCertUsingSni::new()));
    /// # let config = std::sync::Arc::new(config);
    /// let how = asyncnet_core::tls::StartTls::server(&config).accept_truncation(true);
    /// assert!(!how.is_client());
    /// ```
    pub fn accept_truncation(mut self, accept: bool) -> Self {
        self.accept_truncation = accept;
        self
    }

    /// Whether both are of the same side, with the same configuration (not one like it) and name.
    ///
    /// See the example at [`StartTls`].
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.side, &other.side) {
            (Side::Client(config, name), Side::Client(other, other_name)) => {
                Arc::ptr_eq(config, other) && name == other_name
            }
            (Side::Server(config), Side::Server(other)) => Arc::ptr_eq(config, other),
            _ => false,
        }
    }

    /// Whether it is the client's side.
    ///
    /// See the example at [`StartTls`].
    #[must_use]
    pub fn is_client(&self) -> bool {
        matches!(self.side, Side::Client(..))
    }
}

/// What a certificate is to be for.
fn server_name(name: &str) -> Option<ServerName<'static>> {
    let bracketed = name.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    let v6 = bracketed.unwrap_or(Some(name))?;
    if let Ok(address) = v6.split_once('%').map_or(v6, |(address, _)| address).parse::<Ipv6Addr>() {
        let ip = address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4);
        return Some(ServerName::from(ip));
    }
    let host = name.strip_suffix('.').unwrap_or(name);
    let parsed = ServerName::try_from(host).ok().filter(|_| bracketed.is_none())?;
    // A dot belongs behind a host name alone.
    let dotted_ip = host.len() < name.len() && !matches!(parsed, ServerName::DnsName(_));
    (!dotted_ip).then(|| parsed.to_owned())
}

/// A configuration of a server says all that a server needs.
impl From<&Arc<ServerConfig>> for StartTls {
    fn from(config: &Arc<ServerConfig>) -> Self {
        Self::server(config)
    }
}

impl fmt::Debug for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("StartTls");
        match &self.side {
            Side::Client(_, name) => debug.field("client_of", name),
            Side::Server(_) => debug.field("server", &true),
        };
        debug.field("leftover", &self.leftover).field("accept_truncation", &self.accept_truncation).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::server_name;
    use std::string::ToString;

    #[test]
    fn names_and_addresses() {
        let rows = [
            ("mail.example.org", Some("mail.example.org")),
            ("mail.example.org.", Some("mail.example.org")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("[fe80::1%25eth0]", Some("fe80::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1.", None),
            ("[::1].", None),
            ("[::1", None),
            ("[example.org]", None),
            ("[192.0.2.1]", None),
            ("example.org%eth0", None),
            ("a b", None),
            ("..", None),
            ("", None),
        ];
        for (name, expected) in rows {
            let parsed = server_name(name).map(|name| name.to_str().to_string());
            assert_eq!(parsed.as_deref(), expected, "{name:?}");
        }
    }
}
