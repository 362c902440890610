//! A connection under test and its peer, with nothing between them.

use asyncnet_conformance::pki::Version;
use asyncnet_conformance::properties::tls::{Driven, Oracle, Setup, Tested};
use asyncnet_core::ProcessError;
use asyncnet_core::tls::rustls::{AlertDescription, Error};

pub(crate) struct Link {
    pub(crate) ours: Driven,
    pub(crate) oracle: Oracle,
}

/// Who is tested under which version: all there are.
pub(crate) fn setups() -> impl Iterator<Item = Setup> {
    Version::EACH.into_iter().flat_map(setups_of)
}

/// A client and a server under the version.
pub(crate) fn setups_of(version: Version) -> [Setup; 2] {
    [Setup::new(Tested::Client, version), Setup::new(Tested::Server, version)]
}

/// What asks the tested side for another handshake (RFC 5246, section 7.4.1): a server's message, or a client's hello.
pub(crate) fn renegotiation(tested: Tested) -> Vec<u8> {
    match tested {
        Tested::Client => vec![0, 0, 0, 0],
        _ => Link::new(Setup::new(Tested::Client, Version::Tls12)).ours.take_output().split_off(5),
    }
}

impl Link {
    /// Two that have not exchanged anything.
    pub(crate) fn new(setup: Setup) -> Self {
        let ends = setup.ends();
        Self { ours: Driven::start(ends.start(setup.tested)), oracle: ends.oracle(setup.tested) }
    }

    /// Two that have made the handshake.
    pub(crate) fn established(setup: Setup) -> Self {
        let mut link = Self::new(setup);
        assert_eq!(link.carry(), Ok(()));
        assert!(link.ours.is_established() && !link.oracle.is_handshaking(), "{setup:?}");
        link
    }

    /// Carries what each has for the other, until neither has anything or ours fails: then its last words too.
    pub(crate) fn carry(&mut self) -> Result<(), ProcessError> {
        let mut carried = Ok(());
        loop {
            let back = self.oracle.take_output();
            if carried.is_ok() {
                carried = self.ours.deliver(&back);
            }
            let there = self.ours.take_output();
            self.oracle.feed(&there);
            if there.is_empty() && (back.is_empty() || carried.is_err()) {
                return carried;
            }
        }
    }

    /// Carries what our side has for the peer, and nothing back.
    pub(crate) fn carry_up(&mut self) {
        let output = self.ours.take_output();
        self.oracle.feed(&output);
    }

    /// Seals text of ours, which arrives.
    pub(crate) fn say(&mut self, text: &[u8]) {
        self.carry_up();
        let before = self.oracle.text().len();
        assert_eq!(self.ours.seal(text), Ok(text.len()));
        self.carry_up();
        assert_eq!(self.oracle.failure(), None);
        assert_eq!(&self.oracle.text()[before..], text);
    }

    /// The peer sends text, which arrives.
    pub(crate) fn hear(&mut self, text: &[u8]) {
        self.oracle.write(text);
        let wire = self.oracle.take_output();
        assert_eq!(self.ours.deliver(&wire), Ok(()));
        assert_eq!(self.ours.take_text(), text);
    }

    /// The alert that the peer decrypted: not `close_notify`.
    pub(crate) fn alert(&mut self) -> AlertDescription {
        self.carry_up();
        match self.oracle.failure() {
            Some(Error::AlertReceived(alert)) if *alert != AlertDescription::CloseNotify => *alert,
            other => panic!("no alert, but {other:?}"),
        }
    }
}
