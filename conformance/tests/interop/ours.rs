//! What our stream does in a test: hear a line, hear the end, close, send and receive megabytes.

use crate::failed;
use crate::process::{Ended, Process};
use async_channel::Receiver;
use asyncnet_conformance::{Stop, Verdict, ensure_eq};
use asyncnet_driver::tls::TlsError;
use asyncnet_driver::{Bytes, Closed, Error, Line, SplitTransport, Stream, Transport};
use futures_lite::future;

/// From one byte to more than a read takes; records, their halves, and what is just too much for one.
const SIZES: [usize; 9] = [1, 300_000, 13, 16_384, 16_385, 100, 65_536, 2, 5_000];

/// Receives a line, which has to be this one.
pub(crate) async fn hear<T: Transport>(stream: &mut Stream<T>, text: impl AsRef<str>) -> Verdict {
    let line = stream.recv_line().await?;
    let line = line.map(|line| line.to_str_lossy().into_owned());
    ensure_eq(&line.as_deref(), &Some(text.as_ref()), "the line")
}

/// Receives the end, a clean one.
pub(crate) async fn hear_end<T: Transport>(stream: &mut Stream<T>) -> Verdict {
    let line = stream.recv_line().await?;
    let line = line.map(|line| line.to_str_lossy().into_owned());
    ensure_eq(&line, &None::<String>, "the end")
}

/// Does nothing but receive while the script runs, which gets each line.
pub(crate) async fn only_hear<T: Transport>(
    stream: &mut Stream<T>,
    script: impl AsyncFnOnce(Lines) -> Verdict,
) -> Verdict {
    let (tell, heard) = async_channel::unbounded();
    let hears = async {
        loop {
            let line = stream.recv_line_owned().await?;
            // The script may have dropped its end, and be about to end itself.
            tell.try_send(line.ok_or_else(|| failed("it ended"))?).ok();
        }
    };
    future::race(script(Lines(heard)), hears).await
}

/// What is heard.
pub(crate) struct Lines(Receiver<Line<Bytes>>);

impl Lines {
    /// The next line, which has to be this one.
    pub(crate) async fn next_is(&self, text: &str) -> Verdict {
        let line = self.0.recv().await.map_err(failed)?;
        ensure_eq(&line.to_str_lossy()[..], text, "the line")
    }
}

/// Closes well, which the tool takes for what it is, and ends too.
pub(crate) async fn close<T: Transport>(mut stream: Stream<T>, tool: Process) -> Result<Ended, Stop> {
    let (closed, ended) = future::zip(stream.close(), tool.end()).await;
    ensure_eq(&closed?, &Closed::PeerEnded, "how it closed")?;
    Ok(ended)
}

/// The error of a call that TLS makes fail.
pub(crate) fn tls_error<T>(outcome: Result<T, Error>) -> Result<TlsError, Stop> {
    match outcome {
        Err(Error::Tls(error)) => Ok(error),
        Err(error) => Err(failed(format!("it fails with {error} ({error:?}), which is not of TLS"))),
        Ok(_) => Err(failed("it succeeds")),
    }
}

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
    let stream = reader.reunite(writer).map_err(|error| Stop::Failed(error.to_string()))?;
    Ok((stream, received))
}
