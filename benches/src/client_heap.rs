//! How much heap a client's TLS connections hold when they are idle, in this process, which does nothing else meanwhile.

use crate::Fault;
use crate::load::{LINE, Reach};
use crate::process::Allocations;
use rustls::pki_types::ServerName;
use smol::future::poll_once;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What the client is made of.
#[derive(Clone, Copy, Debug)]
pub enum Client {
    /// asyncnet on tokio.
    Asyncnet,
    /// tokio-rustls below tokio's `BufReader`.
    TokioRustls,
}

impl Client {
    /// What it is called in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asyncnet => "asyncnet-tokio",
            Self::TokioRustls => "tokio-rustls",
        }
    }
}

/// Bytes of heap for each of so many connections, after a line to and fro on each; every stream is in a box.
///
/// # Errors
///
/// When a connection fails, or the server does not answer as it should.
pub fn weigh(client: Client, reach: &Reach, count: u32) -> Result<u64, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match client {
            Client::Asyncnet => weigh_each(count, async || asyncnet(reach).await).await,
            Client::TokioRustls => weigh_each(count, async || tokio_rustls(reach).await).await,
        }
    })
}

async fn weigh_each<S>(count: u32, connect: impl AsyncFn() -> Result<S, Fault>) -> Result<u64, Fault> {
    // The first pays for what all share.
    let _first = connect().await?;
    let mut streams = Vec::with_capacity(usize::try_from(count)?);
    let before = Allocations::now().live;
    for _ in 0..count {
        streams.push(Box::new(connect().await?));
    }
    let held = Allocations::now().live - before;
    drop(streams);
    Ok(held / u64::from(count))
}

async fn asyncnet(reach: &Reach) -> Result<asyncnet_tokio::Stream, Fault> {
    let config = reach.tls().ok_or("no TLS")?;
    let mut stream = asyncnet_tokio::dial_tls("localhost", reach.at().port(), config).await?;
    stream.send(LINE).await?;
    let line = stream.recv_line().await?.ok_or("no answer")?;
    if line.as_bytes() != LINE.trim_ascii_end() {
        return Err("not what was sent".into());
    }
    // An idle client waits for what comes next.
    if poll_once(stream.recv_line()).await.is_some() {
        return Err("more than was asked for".into());
    }
    Ok(stream)
}

async fn tokio_rustls(reach: &Reach) -> Result<BufReader<tokio_rustls::client::TlsStream<TcpStream>>, Fault> {
    let connector = TlsConnector::from(Arc::clone(reach.tls().ok_or("no TLS")?));
    let socket = TcpStream::connect(reach.at()).await?;
    let mut stream = BufReader::new(connector.connect(ServerName::try_from("localhost")?, socket).await?);
    stream.write_all(LINE).await?;
    stream.flush().await?;
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line).await?;
    if line != LINE {
        return Err("not what was sent".into());
    }
    Ok(stream)
}
