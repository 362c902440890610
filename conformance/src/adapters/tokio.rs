//! tokio, with one thread and with several.

use crate::adapter::{Adapter, Fixture, Link, Sockets};
use crate::case::{Case, Stop, Verdict, ensure, ensure_eq};
use crate::cases::{adopt_case, adopted, handed_over, tls_over};
use crate::steps::drop_after;
use asyncnet_driver::Stream;
use asyncnet_tokio::{Either, IoTransport, TokioDatagram, TokioListener, TokioNet, TokioTransport};
use std::future::Future;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};

/// The tokio adapter.
#[derive(Clone, Copy, Debug)]
pub struct Tokio {
    threads: usize,
}

impl Tokio {
    /// On a runtime of one thread.
    #[must_use]
    pub const fn current_thread() -> Self {
        Self { threads: 1 }
    }

    /// On a runtime of two threads.
    #[must_use]
    pub const fn multi_thread() -> Self {
        Self { threads: 2 }
    }

    fn runtime(self) -> Runtime {
        let mut builder =
            if self.threads == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
        builder.worker_threads(self.threads).enable_all().build().expect("a runtime can be made")
    }
}

impl Adapter for Tokio {
    type Net = TokioNet;

    fn name(&self) -> &'static str {
        if self.threads == 1 { "tokio" } else { "tokio-multi" }
    }

    fn net(&self) -> TokioNet {
        TokioNet
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime().block_on(work)
    }

    fn run_and_count<T>(&self, work: impl Future<Output = T>) -> (T, usize) {
        let runtime = self.runtime();
        let worked = runtime.block_on(work);
        (worked, runtime.metrics().num_alive_tasks())
    }

    fn own_cases(&self) -> Vec<Case<Sockets<TokioNet>>> {
        let mut cases = super::own_cases(
            |at| Box::pin(read_write(at)),
            |at| Box::pin(two_tasks(at)),
            |at| Box::pin(buf_read(at)),
            |at| Box::pin(foreign(at)),
            |at| Box::pin(tls_over(at, |inner| IoTransport::new(tokio::io::BufWriter::new(inner)))),
            |at| Box::pin(convert(at)),
            |at| Box::pin(handed_over(at, TokioTransport::into_blocking)),
        );
        cases.push(adopt_case(|at| {
            Box::pin(adopted(at, TokioTransport::adopt, TokioListener::adopt, TokioDatagram::adopt))
        }));
        cases
    }
}

async fn read_write(at: &Sockets<TokioNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    stream.queue(b"queued, ")?;
    stream.write_all(b"written").await?;
    stream.flush().await?;
    AsyncWriteExt::shutdown(&mut stream).await?;
    AsyncWriteExt::shutdown(&mut stream).await?;
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

async fn two_tasks(at: &Sockets<TokioNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    // The way is full, and something is queued behind that: both the reader and the writer wait to send it.
    let filling = bytes::Bytes::from(vec![b'f'; 24 << 20]);
    ensure(drop_after(1, stream.send_owned(filling), || ()).await.is_none(), "the filling fits")?;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut line = vec![0; 6];
    let mut writes = Box::pin(async {
        writer.write_all(b"from the writer").await?;
        AsyncWriteExt::shutdown(&mut writer).await
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

async fn buf_read(at: &Sockets<TokioNet>) -> Verdict {
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

async fn foreign(at: &Sockets<TokioNet>) -> Verdict {
    let (inner, mut peer) = at.pair().await?;
    // A pipe of tokio's, and a stream of ours as the foreign one, which is buffered itself.
    let buffered = tokio::io::BufWriter::new(inner);
    let mut outer = Stream::new(IoTransport::new(buffered));
    outer.send_line("through both").await?;
    let mut got = [0; 14];
    peer.read_exact(&mut got)?;
    ensure_eq(&got, b"through both\r\n", "it was flushed")?;
    peer.write_all(b"and back\n")?;
    ensure(outer.recv_line().await?.is_some_and(|line| line == "and back"), "the way back")?;
    drop(peer);
    outer.close().await?;

    let (ours, mut theirs) = tokio::io::duplex(8);
    let mut ours = Stream::new(IoTransport::new(ours));
    ours.queue_line("more than fits")?;
    let (closed, got) = futures_lite::future::zip(ours.close(), async {
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).await.map(|_| {
            drop(theirs);
            got
        })
    })
    .await;
    closed?;
    ensure_eq(&got?[..], b"more than fits\r\n", "over the pipe")
}

async fn convert(at: &Sockets<TokioNet>) -> Verdict {
    let (mut stream, mut peer) = at.pair().await?;
    peer.write_all(b"line\nrest")?;
    stream.peek_at_least(9).await?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "line"), "a line")?;
    stream.queue(b"queued")?;
    let parts = stream.into_parts();
    ensure_eq(&parts.received[..], b"rest", "what was received and not taken")?;
    ensure_eq(&parts.queued[..], b"queued", "what was queued and not sent")?;
    let Some(transport) = parts.transport else { return Err(Stop::Failed("no transport".to_owned())) };
    let mut own = match at.link() {
        Link::Tcp => {
            let own = tokio::net::TcpStream::try_from(transport);
            Either::Tcp(own.map_err(|_| Stop::Failed("not of TCP".to_owned()))?)
        }
        #[cfg(unix)]
        Link::Unix => {
            let own = tokio::net::UnixStream::try_from(transport);
            Either::Unix(own.map_err(|_| Stop::Failed("not of Unix".to_owned()))?)
        }
        #[cfg(not(unix))]
        Link::Unix => return Err(Stop::Skipped("no Unix sockets on this platform".to_owned())),
    };
    own.write_all(b"from tokio").await?;
    let mut got = [0; 10];
    peer.read_exact(&mut got)?;
    ensure_eq(&got, b"from tokio", "tokio's own socket")?;
    let mut stream = Stream::new(TokioTransport::from(own));
    peer.write_all(b"again\n")?;
    ensure(stream.recv_line().await?.is_some_and(|line| line == "again"), "a stream again")
}
