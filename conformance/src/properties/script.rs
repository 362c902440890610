//! How the bytes of an input are read: a header, steps, and a rest. The format is at the [module](super).
//!
//! Invariant: every input is a script, and no script has more than [`STEPS_MAX`] steps.

use std::fmt;

/// As many as are played: enough for whatever takes several calls, few enough for thousands of scripts a second.
pub(super) const STEPS_MAX: usize = 256;

/// What the bytes that are neither letters nor digits stand for, by their lowest five bits: the sizes around which
/// buffers grow and shrink, and the ends of what a number can be.
const SIZES: [usize; 32] = [
    62,
    63,
    64,
    65,
    66,
    70,
    100,
    255,
    256,
    1_000,
    1_024,
    2_048,
    4_094,
    4_095,
    4_096,
    4_097,
    5_000,
    8_192,
    12_288,
    16_383,
    16_384,
    16_385,
    32_768,
    40_000,
    65_534,
    65_535,
    65_536,
    65_537,
    70_000,
    131_072,
    1_000_000,
    usize::MAX,
];

#[derive(Debug)]
pub(super) struct Script<'a, const H: usize> {
    pub(super) header: [usize; H],
    pub(super) steps: Vec<Step>,
    pub(super) rest: &'a [u8],
}

#[derive(Clone, Copy)]
pub(super) struct Step {
    pub(super) action: u8,
    pub(super) n: usize,
}

impl<'a, const H: usize> Script<'a, H> {
    /// Reads `data`. The bytes of `actions` name the steps that there are.
    pub(super) fn read(data: &'a [u8], actions: &[u8]) -> Self {
        let (header, mut rest) = data.split_at(data.len().min(H));
        let header = std::array::from_fn(|at| size(header.get(at).copied()));
        let mut steps = Vec::new();
        while let [action, after @ ..] = rest {
            rest = after;
            if *action == b'|' {
                break;
            }
            let known = actions.contains(action);
            let action = if known { *action } else { actions[usize::from(*action) % actions.len()] };
            let n = size(rest.first().copied());
            rest = rest.get(1..).unwrap_or_default();
            if steps.len() < STEPS_MAX {
                steps.push(Step { action, n });
            }
        }
        Self { header, steps, rest }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", char::from(self.action), self.n)
    }
}

/// The number that a byte stands for.
fn size(byte: Option<u8>) -> usize {
    let byte = byte.unwrap_or(b'0');
    usize::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'z' => byte - b'a' + 10,
        b'A'..=b'Z' => byte - b'A' + 36,
        _ => return SIZES[usize::from(byte & 31)],
    })
}

#[cfg(test)]
mod tests {
    use super::{SIZES, STEPS_MAX, Script};

    fn check(data: &[u8], header: [usize; 2], steps: &str, rest: &[u8]) {
        let script = Script::<2>::read(data, b"wl");
        assert_eq!(script.header, header, "{data:?}");
        assert_eq!(format!("{:?}", script.steps), steps, "{data:?}");
        assert_eq!(script.rest, rest, "{data:?}");
    }

    #[test]
    fn every_input_is_a_script() {
        check(b"", [0, 0], "[]", b"");
        check(b"z", [35, 0], "[]", b"");
        check(b"zZ", [35, 61], "[]", b"");
        check(b"0.|w1|", [0, 4096], "[]", b"w1|");
        check(b"00w1l~|a\n", [0, 0], "[w 1, l 1000000]", b"a\n");
        check(b"00w", [0, 0], "[w 0]", b"");
        check(b"00w||", [0, 0], "[w 70000]", b"");
        check(b"00\x001\x011", [0, 0], "[w 1, l 1]", b"");
    }

    #[test]
    fn steps_past_the_bound_are_left_out() {
        let data = [b"00".as_slice(), &b"w1".repeat(STEPS_MAX + 9), b"|rest"].concat();
        let script = Script::<2>::read(&data, b"w");
        assert_eq!((script.steps.len(), script.rest), (STEPS_MAX, b"rest".as_slice()));
    }

    #[test]
    fn the_documented_bytes_of_large_numbers_are_right() {
        for (bytes, numbers) in [
            (b"!\"#$%&".as_slice(), [63, 64, 65, 66, 70, 100].as_slice()),
            (b"()*+", &[256, 1_000, 1_024, 2_048]),
            (b",-./", &[4_094, 4_095, 4_096, 4_097]),
            (b":;<=", &[65_536, 65_537, 70_000, 131_072]),
            (b">~?_", &[1_000_000, 1_000_000, usize::MAX, usize::MAX]),
            (b"\x00\x13\xf3", &[SIZES[0], SIZES[19], SIZES[19]]),
        ] {
            let sizes: Vec<_> = bytes.iter().map(|byte| super::size(Some(*byte))).collect();
            assert_eq!(sizes, numbers);
        }
    }
}
