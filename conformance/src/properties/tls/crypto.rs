//! rustls' providers as the properties need them: with the same random numbers each time, and with a way to seal what no
//! honest peer would.
//!
//! Not all is the same each time: ring and AWS-LC make ephemeral keys and the numbers in signatures themselves, and nobody
//! can hand them any. What repeats is what rustls asks for: the randoms of both hellos, session ids, tickets.
//!
//! A lying provider seals like any other, but for text that begins with [`MARK`]: that becomes a record of another
//! type. The connection above it does not notice, so it goes on: sequence numbers are right, keys change, and what the
//! other side answers is decrypted. Only [`Oracle::forge`](super::Oracle::forge) makes such text.
//!
//! ```text
//!   MARK | type | how many bytes the next handshake message loses at its front | content
//! ```

use crate::pki::Provider;
use asyncnet_core::tls::rustls::crypto::cipher::{
    AeadKey, Iv, KeyBlockShape, MessageDecrypter, MessageEncrypter, OutboundChunks, OutboundOpaqueMessage,
    OutboundPlainMessage, Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError,
};
use asyncnet_core::tls::rustls::crypto::{CryptoProvider, GetRandomFailed, SecureRandom};
use asyncnet_core::tls::rustls::{
    CipherSuiteCommon, ConnectionTrafficSecrets, ContentType, Error, NamedGroup, SupportedCipherSuite,
    Tls12CipherSuite, Tls13CipherSuite,
};
use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

/// What text begins with that is to become something else: longer than chance, and in no text of the properties.
pub(super) const MARK: [u8; 17] = *b"\0sealed as other\0";

/// What a provider is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crypto {
    pub(super) provider: Provider,
    pub(super) lies: bool,
    /// It has P-256 alone, which a client does not offer a key for at once.
    pub(super) retries: bool,
    /// Its keys are good for [`SHORT_LIFE`] records.
    pub(super) short_lived: bool,
}

/// How many records the keys of a short-lived suite seal before they are to be changed.
pub(super) const SHORT_LIFE: u64 = 12;

impl Crypto {
    /// The provider: the same one each time it is asked for.
    pub(super) fn provider(self) -> Arc<CryptoProvider> {
        static MADE: Mutex<Vec<(Crypto, Arc<CryptoProvider>)>> = Mutex::new(Vec::new());
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, provider)) = made.iter().find(|(crypto, _)| *crypto == self) {
            return Arc::clone(provider);
        }
        let provider = Arc::new(self.make());
        made.push((self, Arc::clone(&provider)));
        provider
    }

    fn make(self) -> CryptoProvider {
        let mut provider = Arc::unwrap_or_clone(self.provider.crypto());
        provider.secure_random = &Repeated;
        provider.cipher_suites = provider.cipher_suites.into_iter().map(|suite| self.suite(suite)).collect();
        if self.retries {
            provider.kx_groups.retain(|group| group.name() == NamedGroup::secp256r1);
        }
        provider
    }

    /// The suite, as it is wanted. It is leaked, once for each provider: rustls wants suites that stay.
    fn suite(self, suite: SupportedCipherSuite) -> SupportedCipherSuite {
        let common = |common: &CipherSuiteCommon| {
            let limit = if self.short_lived { SHORT_LIFE } else { common.confidentiality_limit };
            CipherSuiteCommon { confidentiality_limit: limit, ..*common }
        };
        match suite {
            SupportedCipherSuite::Tls12(suite) => {
                let aead: &'static dyn Tls12AeadAlgorithm =
                    if self.lies { Box::leak(Box::new(Lying(suite.aead_alg))) } else { suite.aead_alg };
                let common = common(&suite.common);
                SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                    common,
                    aead_alg: aead,
                    ..*suite
                })))
            }
            SupportedCipherSuite::Tls13(suite) => {
                let aead: &'static dyn Tls13AeadAlgorithm =
                    if self.lies { Box::leak(Box::new(Lying(suite.aead_alg))) } else { suite.aead_alg };
                let common = common(&suite.common);
                SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                    common,
                    aead_alg: aead,
                    ..*suite
                })))
            }
        }
    }
}

/// Begins the random numbers of this thread anew.
pub(super) fn restart_randomness() {
    STATE.set(SEED);
}

/// Does some work with other random numbers, the `n`th ones, and goes on with those from before.
pub(super) fn with_other_randomness<R>(n: u64, work: impl FnOnce() -> R) -> R {
    let state = STATE.replace((SEED ^ n.wrapping_mul(0x9E37_79B9_7F4A_7C15)) | 1);
    let done = work();
    STATE.set(state);
    done
}

const SEED: u64 = 0x853C_49E6_748F_EA9B;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(SEED) };
}

/// Numbers that are the same each time (Marsaglia's xorshift, 64 bits).
#[derive(Debug)]
struct Repeated;

impl SecureRandom for Repeated {
    fn fill(&self, buf: &mut [u8]) -> Result<(), GetRandomFailed> {
        let mut state = STATE.get();
        for byte in buf {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_be_bytes()[2];
        }
        STATE.set(state);
        Ok(())
    }
}

struct Lying<A: ?Sized + 'static>(&'static A);

impl Tls13AeadAlgorithm for Lying<dyn Tls13AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(LyingEncrypter { honest: self.0.encrypter(key, iv), skip: 0 })
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        self.0.key_len()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv)
    }
}

impl Tls12AeadAlgorithm for Lying<dyn Tls12AeadAlgorithm> {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        Box::new(LyingEncrypter { honest: self.0.encrypter(key, iv, extra), skip: 0 })
    }

    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        self.0.decrypter(key, iv)
    }

    fn key_block_shape(&self) -> KeyBlockShape {
        self.0.key_block_shape()
    }

    fn extract_keys(
        &self,
        key: AeadKey,
        iv: &[u8],
        explicit: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        self.0.extract_keys(key, iv, explicit)
    }
}

struct LyingEncrypter {
    honest: Box<dyn MessageEncrypter>,
    /// How many bytes the next handshake message loses at its front.
    skip: usize,
}

impl MessageEncrypter for LyingEncrypter {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        seq: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let OutboundPlainMessage { typ, version, payload } = message;
        let OutboundChunks::Single(bytes) = payload else {
            return self.honest.encrypt(OutboundPlainMessage { typ, version, payload }, seq);
        };
        let (typ, bytes) = match (typ, bytes.strip_prefix(&MARK)) {
            (ContentType::ApplicationData, Some([typ, skip, content @ ..])) => {
                self.skip = usize::from(*skip);
                (ContentType::from(*typ), content)
            }
            (ContentType::Handshake, _) => (typ, &bytes[std::mem::take(&mut self.skip).min(bytes.len())..]),
            _ => (typ, bytes),
        };
        let payload = OutboundChunks::Single(bytes);
        self.honest.encrypt(OutboundPlainMessage { typ, version, payload }, seq)
    }

    fn encrypted_payload_len(&self, payload_len: usize) -> usize {
        self.honest.encrypted_payload_len(payload_len)
    }
}
