//! What a handshake agreed on: the proof that a connection speaks TLS.

use alloc::boxed::Box;
use core::fmt;

/// A version of TLS.
///
/// ```
/// use asyncnet_core::tls::TlsVersion;
///
/// assert!(TlsVersion::Tls12 < TlsVersion::Tls13);
/// assert_eq!(TlsVersion::Tls13.to_string(), "TLSv1.3");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// What a handshake agreed on.
///
/// It is had from a handshake that succeeded and in no other way: a function that asks for one is not called on
/// plaintext by mistake.
///
/// ```
/// use asyncnet_core::tls::{TlsInfo, TlsVersion};
///
/// fn log_in(proof: &TlsInfo) -> bool {
///     proof.version() >= TlsVersion::Tls12
/// }
/// # let _ = log_in;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsInfo {
    pub(crate) version: TlsVersion,
    pub(crate) cipher_suite: &'static str,
    pub(crate) key_exchange_group: Option<&'static str>,
    pub(crate) alpn: Option<Box<[u8]>>,
    pub(crate) resumed: bool,
    pub(crate) server_name: Option<Box<str>>,
    pub(crate) early_data_bytes: usize,
}

impl TlsInfo {
    /// The version.
    ///
    /// See the example at [`TlsInfo`].
    #[must_use]
    pub fn version(&self) -> TlsVersion {
        self.version
    }

    /// The cipher suite by its registered name, such as `TLS_AES_128_GCM_SHA256`; `unknown` for one of a provider's own.
    ///
    /// ```
    /// # use asyncnet_core::tls::TlsInfo;
    /// fn is_chacha(info: &TlsInfo) -> bool {
    ///     info.cipher_suite().contains("CHACHA20")
    /// }
    /// # let _ = is_chacha;
    /// ```
    #[must_use]
    pub fn cipher_suite(&self) -> &'static str {
        self.cipher_suite
    }

    /// The group of the key exchange by its registered name, such as `X25519`: `None` when a TLS 1.2 session was resumed,
    /// which exchanges no keys.
    ///
    /// ```
    /// # use asyncnet_core::tls::TlsInfo;
    /// fn is_post_quantum(info: &TlsInfo) -> bool {
    ///     info.key_exchange_group().is_some_and(|group| group.contains("MLKEM"))
    /// }
    /// # let _ = is_post_quantum;
    /// ```
    #[must_use]
    pub fn key_exchange_group(&self) -> Option<&'static str> {
        self.key_exchange_group
    }

    /// The application protocol that both sides chose (RFC 7301), if any.
    ///
    /// ```
    /// # use asyncnet_core::tls::TlsInfo;
    /// fn is_imap(info: &TlsInfo) -> bool {
    ///     info.alpn() == Some(b"imap")
    /// }
    /// # let _ = is_imap;
    /// ```
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The host that the client asked for (Server Name Indication, RFC 6066, section 3), on either side: `None` if it asked
    /// for none, as it does when it wants an address.
    ///
    /// ```
    /// # use asyncnet_core::tls::TlsInfo;
    /// fn is_for(info: &TlsInfo, host: &str) -> bool {
    ///     info.server_name().is_some_and(|name| name.eq_ignore_ascii_case(host))
    /// }
    /// # let _ = is_for;
    /// ```
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// How many bytes of early data a server accepted: 0 if it accepted none, or the client sent none. **They may be a copy of
    /// what was sent before**; what comes after the handshake is not.
    ///
    /// ```
    /// # use asyncnet_core::tls::TlsInfo;
    /// fn has_replayable_part(info: &TlsInfo) -> bool {
    ///     info.early_data_bytes() > 0
    /// }
    /// # let _ = has_replayable_part;
    /// ```
    #[must_use]
    pub fn early_data_bytes(&self) -> usize {
        self.early_data_bytes
    }

    /// Whether an earlier session was resumed.
    ///
    /// ```
    /// # use asyncnet_core::tls::TlsInfo;
    /// fn is_fresh(info: &TlsInfo) -> bool {
    ///     !info.is_resumed()
    /// }
    /// # let _ = is_fresh;
    /// ```
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        })
    }
}

impl fmt::Display for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.version, self.cipher_suite)?;
        if let Some(group) = self.key_exchange_group {
            write!(f, ", {group}")?;
        }
        if let Some(alpn) = &self.alpn {
            write!(f, ", ALPN {}", alpn.escape_ascii())?;
        }
        if self.resumed {
            f.write_str(", resumed")?;
        }
        match self.early_data_bytes {
            0 => Ok(()),
            n => write!(f, ", {n} bytes of early data"),
        }
    }
}
