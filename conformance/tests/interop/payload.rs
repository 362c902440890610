//! Megabytes, there and back, in writes and reads of all sizes.

use asyncnet_conformance::Stop;
use asyncnet_driver::{SplitTransport, Stream};
use futures_lite::future;

/// From one byte to more than a read takes; records, their halves, and what is just too much for one.
const SIZES: [usize; 9] = [1, 300_000, 13, 16_384, 16_385, 100, 65_536, 2, 5_000];

/// Lines of digits, each with its number, so that what is lost or doubled shows.
pub(crate) fn megabytes(n: usize) -> Vec<u8> {
    (0..n * 50_000).flat_map(|line| format!("{line:019}\n").into_bytes()).collect()
}

/// Sends all of it, and receives as much, at once.
pub(crate) async fn exchange<T: SplitTransport>(
    stream: Stream<T>,
    bytes: &[u8],
) -> Result<(Stream<T>, Vec<u8>), Stop> {
    let (mut reader, mut writer) = stream.into_split()?;
    let sends = async {
        let mut rest = bytes;
        for size in SIZES.into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (part, behind) = rest.split_at(size.min(rest.len()));
            writer.send(part).await?;
            rest = behind;
        }
        Ok::<_, Stop>(())
    };
    let receives = async {
        let mut all = vec![0; bytes.len()];
        let mut at = 0;
        for size in SIZES.into_iter().cycle() {
            if at == all.len() {
                break;
            }
            let end = all.len().min(at + size);
            match reader.recv(&mut all[at..end]).await? {
                0 => return Err(Stop::Failed(format!("the end came after {at} bytes of {}", all.len()))),
                n => at += n,
            }
        }
        Ok(all)
    };
    let (sent, received) = future::zip(sends, receives).await;
    sent?;
    let received = received?;
    let stream = Stream::reunite(reader, writer);
    let stream = stream.map_err(|_| Stop::Failed("the halves are not of one stream".to_owned()))?;
    Ok((stream, received))
}
