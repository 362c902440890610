//! What bulk work is asked for, in one line.

use crate::Fault;
use crate::pattern::CHUNK_BYTES_MAX;

/// The most bytes that one request is about: 1 TiB, which takes minutes.
const TOTAL_BYTES_MAX: u64 = 1 << 40;

/// One request of bulk work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The server sends `total` bytes, in writes of `chunk`.
    Get {
        /// How many bytes in all.
        total: u64,
        /// How many in each write.
        chunk: usize,
    },
    /// The server receives `total` bytes, and answers [`DONE`].
    Put {
        /// How many bytes.
        total: u64,
    },
}

/// What is answered when all is received.
pub const DONE: &[u8] = b"OK\n";

impl Request {
    /// Reads a line, without its end.
    ///
    /// # Errors
    ///
    /// When it is no request, or asks for too much.
    ///
    /// ```
    /// use asyncnet_benches::request::Request;
    ///
    /// let get = Request::parse(b"GET 1000000 65536").unwrap();
    /// assert_eq!(get, Request::Get { total: 1_000_000, chunk: 65_536 });
    /// assert_eq!(Request::parse(b"PUT 7").unwrap(), Request::Put { total: 7 });
    /// for wrong in ["GET 7", "GET 7 0", "PUT", "PUT -1", "PUT 7 7", "DELETE 7", "GET 7 9999999"] {
    ///     assert!(Request::parse(wrong.as_bytes()).is_err(), "{wrong}");
    /// }
    /// ```
    pub fn parse(line: &[u8]) -> Result<Self, Fault> {
        let text = std::str::from_utf8(line)?;
        let mut words = text.split_ascii_whitespace();
        let request = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("GET"), Some(total), Some(chunk), None) => {
                Self::Get { total: total.parse()?, chunk: chunk.parse()? }
            }
            (Some("PUT"), Some(total), None, None) => Self::Put { total: total.parse()? },
            _ => return Err(format!("no request: {text}").into()),
        };
        let (Self::Get { total, .. } | Self::Put { total }) = request;
        let chunk = if let Self::Get { chunk, .. } = request { chunk } else { 1 };
        if total > TOTAL_BYTES_MAX || chunk == 0 || chunk > CHUNK_BYTES_MAX {
            return Err(format!("out of bounds: {text}").into());
        }
        Ok(request)
    }
}

/// The parts of `total` bytes, each `step` bytes or less: where it begins, and how many it has.
pub fn parts(total: u64, step: usize) -> impl Iterator<Item = (u64, usize)> {
    let step_bytes = step.max(1) as u64;
    let count = total.div_ceil(step_bytes);
    (0..count).map(move |n| {
        let at = n * step_bytes;
        (at, usize::try_from(total - at).unwrap_or(usize::MAX).min(step.max(1)))
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_add_up() {
        assert_eq!(parts(0, 4).count(), 0);
        assert_eq!(parts(9, 4).collect::<Vec<_>>(), [(0, 4), (4, 4), (8, 1)]);
        assert_eq!(parts(8, 4).collect::<Vec<_>>(), [(0, 4), (4, 4)]);
    }
}
