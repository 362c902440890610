//! How sessions are remembered, so that a later handshake is short.
//!
//! A memory belongs to one configuration: what was agreed under one is never resumed under another. It forgets the
//! oldest first, and ends with its configuration.

use crate::tls::error::TlsConfigError;
use crate::tls::protocol::ticketer;
use asyncnet_core::tls::rustls::ServerConfig;
use asyncnet_core::tls::rustls::client::Resumption;
use asyncnet_core::tls::rustls::crypto::CryptoProvider;
use asyncnet_core::tls::rustls::server::{NoServerSessionStorage, ServerSessionMemoryCache};
use std::sync::Arc;

/// Of servers, that a client remembers by itself: what a busy mail relay or crawler comes back to within an hour or so.
const SERVERS_DEFAULT: usize = 256;
/// Room is set aside when a configuration is made, some 20 MiB for so many.
const SIZE_MAX: usize = 65_536;
/// rustls counts tickets, and reckons with so many a server.
const TICKETS_PER_SERVER: usize = 8;

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Sessions {
    /// A client remembers servers, a server gives out tickets.
    #[default]
    ByDefault,
    /// So many are remembered.
    Cached(usize),
    /// Each handshake is a full one.
    Forgotten,
}

impl Sessions {
    pub(super) fn cached(size: usize) -> Self {
        if size == 0 { Self::Forgotten } else { Self::Cached(size.min(SIZE_MAX)) }
    }

    /// The same, with a server's sessions in its memory alone: a ticket that holds one could be used again and again.
    pub(super) fn in_memory(self) -> Self {
        match self {
            Self::ByDefault => Self::Cached(SERVERS_DEFAULT),
            remembered => remembered,
        }
    }

    /// A memory for a client.
    pub(super) fn resumption(self) -> Resumption {
        match self {
            Self::ByDefault => Resumption::in_memory_sessions(SERVERS_DEFAULT * TICKETS_PER_SERVER),
            Self::Cached(servers) => Resumption::in_memory_sessions(servers * TICKETS_PER_SERVER),
            Self::Forgotten => Resumption::disabled(),
        }
    }

    /// A memory for a server, which has none of its own yet but rustls' default.
    pub(super) fn apply(
        self,
        config: &mut ServerConfig,
        provider: &CryptoProvider,
    ) -> Result<(), TlsConfigError> {
        match self {
            Self::ByDefault => {
                if let Some(ticketer) = ticketer(provider)? {
                    config.ticketer = ticketer;
                }
            }
            // Without what seals tickets, rustls hands out keys into the memory.
            Self::Cached(sessions) => config.session_storage = ServerSessionMemoryCache::new(sessions),
            Self::Forgotten => {
                config.session_storage = Arc::new(NoServerSessionStorage {});
                config.send_tls13_tickets = 0;
            }
        }
        Ok(())
    }
}
