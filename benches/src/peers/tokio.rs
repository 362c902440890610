//! tokio, with `BufReader` or `LinesCodec`, and tokio-rustls.

use super::{ANSWERS_BYTES_MAX, Answers, READ_BYTES, Task, request};
use crate::Fault;
use crate::arguments::{ServerArguments, Style, Work, at};
use crate::pattern::pattern;
use crate::process::{announce, note_some};
use crate::request::{DONE, Request, parts};
use memchr::memchr;
use smol::stream::StreamExt;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::codec::{FramedRead, LinesCodec};

/// How a line is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    BufReader,
    Codec,
}

pub(super) fn serve(arguments: &ServerArguments, lines: Lines) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (task, tls, addr) = (Task::of(arguments), arguments.tls()?.map(TlsAcceptor::from), arguments.addr);
    runtime.block_on(async move {
        let listener = TcpListener::bind(addr).await.map_err(at("cannot listen at", addr))?;
        announce(listener.local_addr()?)?;
        tokio::spawn(async move { accept(&listener, tls, lines, task).await }).await?
    })
}

async fn accept(
    listener: &TcpListener,
    tls: Option<TlsAcceptor>,
    lines: Lines,
    task: Task,
) -> Result<(), Fault> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let Some(tls) = tls.clone() else {
            tokio::spawn(noting(attend(socket, lines, task)));
            continue;
        };
        tokio::spawn(noting(async move {
            let stream = tls.accept(socket).await?;
            attend(stream, lines, task).await
        }));
    }
}

async fn noting(attending: impl Future<Output = Result<(), Fault>>) {
    if let Err(fault) = attending.await {
        note_some("peer-server", &fault);
    }
}

async fn attend<S: AsyncRead + AsyncWrite + Unpin>(stream: S, lines: Lines, task: Task) -> Result<(), Fault> {
    if lines == Lines::Codec && task.work != Work::Bulk {
        return codec(stream, task).await;
    }
    let mut reader = BufReader::new(stream);
    match (task.work, task.style) {
        (Work::Bulk, _) => bulk(&mut reader).await?,
        (_, Style::Await) => one_by_one(&mut reader, task).await?,
        (_, Style::Burst) => together(&mut reader, task).await?,
    }
    Ok(reader.get_mut().shutdown().await?)
}

async fn one_by_one<S: AsyncRead + AsyncWrite + Unpin>(
    reader: &mut BufReader<S>,
    task: Task,
) -> Result<(), Fault> {
    let (mut answers, mut line) = (Answers::new(task.work), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let answer = answers.to(&line);
        if !answer.is_empty() {
            reader.get_mut().write_all(answer).await?;
            reader.get_mut().flush().await?;
        }
    }
}

async fn together<S: AsyncRead + AsyncWrite + Unpin>(
    reader: &mut BufReader<S>,
    task: Task,
) -> Result<(), Fault> {
    let (mut answers, mut line, mut out) = (Answers::new(task.work), Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        out.extend_from_slice(answers.to(&line));
        let more = out.len() < ANSWERS_BYTES_MAX && memchr(b'\n', reader.buffer()).is_some();
        if !more && !out.is_empty() {
            reader.get_mut().write_all(&out).await?;
            reader.get_mut().flush().await?;
            out.clear();
        }
    }
}

async fn codec<S: AsyncRead + AsyncWrite + Unpin>(stream: S, task: Task) -> Result<(), Fault> {
    let mut framed = FramedRead::new(stream, LinesCodec::new_with_max_length(1_000_000));
    let (mut answers, mut out) = (Answers::new(task.work), Vec::new());
    while let Some(line) = framed.next().await {
        let mut line = line?.into_bytes();
        line.push(b'\n');
        out.extend_from_slice(answers.to(&line));
        let more = task.style == Style::Burst
            && out.len() < ANSWERS_BYTES_MAX
            && memchr(b'\n', framed.read_buffer()).is_some();
        if !more && !out.is_empty() {
            framed.get_mut().write_all(&out).await?;
            framed.get_mut().flush().await?;
            out.clear();
        }
    }
    Ok(framed.get_mut().shutdown().await?)
}

async fn bulk<S: AsyncRead + AsyncWrite + Unpin>(reader: &mut BufReader<S>) -> Result<(), Fault> {
    let (mut line, mut memory) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        match request(&line)? {
            Request::Get { total, chunk } => {
                for (at, len) in parts(total, chunk) {
                    reader.get_mut().write_all(pattern(at, len)).await?;
                }
            }
            Request::Put { total } => {
                memory.resize(READ_BYTES, 0);
                for (_, len) in parts(total, READ_BYTES) {
                    reader.read_exact(&mut memory[..len]).await?;
                }
                reader.get_mut().write_all(DONE).await?;
            }
        }
        reader.get_mut().flush().await?;
    }
}
