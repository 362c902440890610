//! smol.

use crate::adapter::{Adapter, Fixture, Link, Sockets};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::cases::{adopt_case, adopted, handed_over, tls_over};
use crate::steps::drop_after;
use asyncnet_driver::Stream;
use asyncnet_smol::{IoTransport, SmolDatagram, SmolListener, SmolNet, SmolTransport};
use futures_lite::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use smol::Async;
use std::future::Future;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// The smol adapter.
#[derive(Clone, Copy, Debug)]
pub struct Smol;

impl Adapter for Smol {
    type Net = SmolNet;

    fn name(&self) -> &'static str {
        "smol"
    }

    fn net(&self) -> SmolNet {
        SmolNet
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        smol::block_on(work)
    }

    fn own_cases(&self) -> Vec<Case<Sockets<SmolNet>>> {
        let mut cases = super::own_cases(
            |at| Box::pin(read_write(at)),
            |at| Box::pin(two_tasks(at)),
            |at| Box::pin(buf_read(at)),
            |at| Box::pin(foreign(at)),
            |at| Box::pin(tls_over(at, IoTransport::new)),
            |at| Box::pin(convert(at)),
            |at| Box::pin(handed_over(at, SmolTransport::into_blocking)),
        );
        cases.push(adopt_case(|at| {
            Box::pin(adopted(at, SmolTransport::adopt, SmolListener::adopt, SmolDatagram::adopt))
        }));
        cases
    }
}

async fn read_write(at: &Sockets<SmolNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    stream.queue(b"queued, ")?;
    stream.write_all(b"written").await?;
    AsyncWriteExt::flush(&mut stream).await?;
    AsyncWriteExt::close(&mut stream).await?;
    AsyncWriteExt::close(&mut stream).await?;
    let mut got = Vec::new();
    peer.read_to_end(&mut got)?;
    ensure_eq(&got[..], b"queued, written", "what was written")?;
    peer.write_all(b"line\nbytes")?;
    peer.shutdown_write()?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "a line")?;
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await?;
    ensure_eq(&got[..], b"bytes", "the bytes behind it")
}

async fn two_tasks(at: &Sockets<SmolNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    // The way is full, and something is queued behind that: both the reader and the writer wait to send it.
    let filling = bytes::Bytes::from(vec![b'f'; 24 << 20]);
    ensure(drop_after(1, stream.send_owned(filling), || ()).await.is_none(), "the filling fits")?;
    let (mut reader, mut writer) = futures_lite::io::split(stream);
    let mut line = vec![0; 6];
    let mut writes = Box::pin(async {
        writer.write_all(b"from the writer").await?;
        AsyncWriteExt::close(&mut writer).await
    });
    ensure(drop_after(1, writes.as_mut(), || ()).await.is_none(), "the writer waits")?;
    let mut reads = Box::pin(reader.read_exact(&mut line));
    ensure(drop_after(1, reads.as_mut(), || ()).await.is_none(), "the reader waits")?;
    let peer = std::thread::spawn(move || {
        let mut got = Vec::new();
        peer.read_to_end(&mut got)?;
        peer.write_all(b"answer")?;
        Ok::<_, std::io::Error>(got)
    });
    let (written, read) = futures_lite::future::zip(writes, reads).await;
    written?;
    read?;
    let got = peer.join().map_err(|_| Stop::Failed("the peer panicked".to_owned()))??;
    ensure(got.ends_with(b"ffffrom the writer"), "what the peer saw")?;
    ensure_eq(&line[..], b"answer", "what the reader saw")
}

async fn buf_read(at: &Sockets<SmolNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"one\ntwo\nrest")?;
    peer.shutdown_write()?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    ensure_eq(&line[..], "one\n", "by the trait")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "two"), "by the stream")?;
    ensure_eq(stream.fill_buf().await?, b"rest", "the buffer")?;
    AsyncBufReadExt::consume(&mut stream, 4);
    ensure(stream.fill_buf().await?.is_empty(), "the end")
}

async fn foreign(at: &Sockets<SmolNet>) -> Verdict {
    let (inner, mut peer) = at.pair().await?;
    // A stream of ours as the foreign one.
    let mut outer = Stream::new(IoTransport::new(inner));
    outer.send_line("through both").await?;
    let mut got = [0; 14];
    peer.read_exact(&mut got)?;
    ensure_eq(&got, b"through both\r\n", "the way there")?;
    peer.write_all(b"and back\n")?;
    ensure(outer.recv_line().await?.is_some_and(|line| line == "and back"), "the way back")?;
    drop(peer);
    outer.close().await?;
    Ok(())
}

async fn convert(at: &Sockets<SmolNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"line\nrest")?;
    stream.peek_at_least(9).await?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "a line")?;
    stream.queue(b"queued")?;
    let parts = stream.into_parts();
    ensure_eq(&parts.received[..], b"rest", "what was received and not taken")?;
    ensure_eq(&parts.queued[..], b"queued", "what was queued and not sent")?;
    let Some(transport) = parts.transport else { return Err(Stop::Failed("no transport".to_owned())) };
    let transport = match at.link() {
        Link::Tcp => {
            let own = Async::<TcpStream>::try_from(transport);
            let own = own.map_err(|_| Stop::Failed("not of TCP".to_owned()))?;
            let mut own = smol::net::TcpStream::from(own);
            own.write_all(b"from smol").await?;
            SmolTransport::from(Arc::<Async<TcpStream>>::from(own))
        }
        #[cfg(unix)]
        Link::Unix => {
            let own = Async::<UnixStream>::try_from(transport);
            let own = own.map_err(|_| Stop::Failed("not of Unix".to_owned()))?;
            let mut own = smol::net::unix::UnixStream::from(own);
            own.write_all(b"from smol").await?;
            SmolTransport::from(Arc::<Async<UnixStream>>::from(own))
        }
        #[cfg(not(unix))]
        Link::Unix => return Err(Stop::Skipped("no Unix sockets on this platform".to_owned())),
    };
    let mut got = [0; 9];
    peer.read_exact(&mut got)?;
    ensure_eq(&got, b"from smol", "smol's own socket")?;
    let mut stream = Stream::new(transport);
    peer.write_all(b"again\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "again"), "a stream again")
}
