//! Scripts made up for the properties of TLS: less even than random bytes, so that more of them get somewhere.

/// Makes up scripts, the same ones for the same seed.
///
/// ```
/// use asyncnet_conformance::properties::tls::{Scripts, tls_stream};
///
/// let script = Scripts::new(1, 0).stream();
/// assert_eq!(script, Scripts::new(1, 0).stream());
/// assert_ne!(script, Scripts::new(1, 1).stream());
/// tls_stream(&script);
/// ```
#[derive(Clone, Debug)]
pub struct Scripts {
    state: u64,
}

impl Scripts {
    /// The number `n` of those that the seed stands for.
    #[must_use]
    pub fn new(seed: u64, n: u64) -> Self {
        // Two steps of splitmix64, so that neighbours have nothing in common (Steele, Lea and Flood, OOPSLA 2014).
        Self { state: mix(mix(seed) ^ n) }
    }

    /// A script for [`tls_stream`](super::tls_stream).
    #[must_use]
    pub fn stream(&mut self) -> Vec<u8> {
        let fragment = if self.below(3) == 0 { self.number() } else { b'0' };
        let mut script = vec![self.letter(24), self.letter(4), self.one_of(b"~~~_01z(*/:"), fragment];
        for _ in 0..self.below(240) {
            let usual = b"wwwwuuuugggggoootttyllbbfqqqssspppppkkrr";
            let step = if self.below(80) == 0 { self.one_of(b"ccceeex") } else { self.one_of(usual) };
            script.extend([step, self.number()]);
        }
        script
    }

    /// A script for [`tls_pair`](super::tls_pair).
    #[must_use]
    pub fn pair(&mut self) -> Vec<u8> {
        let mut script = vec![self.letter(24), self.letter(9)];
        for _ in 0..self.below(12) {
            script.extend([self.one_of(b"aAbbBBBuUtT"), self.number()]);
        }
        // Half of them upgrade as protocols do: all that was said is read first.
        if self.below(2) == 0 {
            script.extend(b"b~B~u0U0");
        }
        for upgrade in [b's', b'S'] {
            script.extend([upgrade, b'0']);
            for _ in 0..self.below(3) / 2 * 3 {
                script.extend([self.one_of(b"bBaA"), self.number()]);
            }
        }
        for _ in 0..self.below(120) {
            let usual = b"aaaAAAbbbbbBBBBBttTTuUooOO";
            let step = if self.below(80) == 0 { self.one_of(b"cCfFxXsS") } else { self.one_of(usual) };
            script.extend([step, self.number()]);
        }
        script
    }

    /// A script for [`tls_mutated`](super::tls_mutated).
    #[must_use]
    pub fn mutated(&mut self) -> Vec<u8> {
        let mut script = vec![self.letter(24), self.letter(4)];
        // As far as the handshake may get before anything is broken: it has four flights at most, and tickets.
        for _ in 0..self.below(6) {
            self.going_on(&mut script);
        }
        for _ in 0..=self.below(3) {
            let breaking = self.one_of(b"fffffyvlddduuusssrrriigjmmhhhhh");
            // Any record, any content, any place.
            let n = if self.below(3) == 0 { self.number() } else { self.letter(40) };
            script.extend([breaking, n]);
            for _ in 0..self.below(4) {
                self.going_on(&mut script);
            }
        }
        script.push(b'|');
        script.extend((0..self.below(40)).map(|_| self.byte()));
        script
    }

    fn going_on(&mut self, script: &mut Vec<u8>) {
        let step = self.one_of(b"WWWWWWWWWWWWwwwppppppqqqqotkkcex");
        let n = match step {
            b'W' => self.one_of(b"000001259z&("),
            _ => self.number(),
        };
        script.extend([step, n]);
    }

    /// A byte, often one that means something to TLS.
    fn byte(&mut self) -> u8 {
        if self.below(2) == 0 {
            self.one_of(&[0, 1, 2, 3, 4, 20, 21, 22, 23, 24, 0x80, 0xFF])
        } else {
            u8::try_from(self.below(256)).expect("it is below 256")
        }
    }

    /// A number of a script: a small one, or one of the sizes around which something changes.
    fn number(&mut self) -> u8 {
        match self.below(4) {
            0 => self.letter(62),
            1 => self.one_of(b"~~~?:/("),
            _ => self.one_of(b"!\"#$%&()*+,-./:;<=\x80\x93\x94\x95\x96\x97"),
        }
    }

    /// One of the first numbers.
    fn letter(&mut self, most: usize) -> u8 {
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[self.below(most)]
    }

    fn one_of(&mut self, bytes: &[u8]) -> u8 {
        bytes[self.below(bytes.len())]
    }

    fn below(&mut self, most: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let high = mix(self.state) >> 33;
        usize::try_from(high).expect("it has 31 bits") % most
    }
}

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}
