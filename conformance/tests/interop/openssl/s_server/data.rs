//! What goes over TLS once it stands.

use super::{meet, start};
use crate::at::{At, Tests};
use crate::openssl::KEY_UPDATE_ANSWER;
use crate::ours::{self, close, hear, only_hear, tls_error};
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Verdict, drop_after, ensure, ensure_eq};
use asyncnet_driver::tls::{Alert, TlsError};
use asyncnet_driver::{Closed, Net, SplitTransport};
use futures_lite::future;

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>)
where
    N::Transport: SplitTransport,
{
    tests.each("lines", |at, version| Box::pin(lines(at, version)));
    tests.one("key_update", |at| Box::pin(key_update(at)));
    tests.one("renegotiation", |at| Box::pin(renegotiation(at)));
    tests.each("megabytes", |at, version| Box::pin(megabytes(at, version)));
    tests.each("file", |at, version| Box::pin(file(at, version)));
    tests.each("slow_reader", |at, version| Box::pin(slow_reader(at, version)));
    tests.each("last_lines", |at, version| Box::pin(last_lines(at, version)));
}

async fn lines<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, version, "").await?;
    for n in 0..20 {
        stream.send_line(format!("ask {n}")).await?;
        tool.stdout.until(&format!("ask {n}\r\n")).await?;
        tool.write(&format!("answer {n}\n"))?;
        hear(&mut stream, format!("answer {n}")).await?;
    }
    Ok(())
}

/// `K` changes its keys and asks for a change of ours, `k` changes its own alone. Ours only reads meanwhile.
async fn key_update<N: Net>(at: &At<N>) -> Verdict {
    let (mut tool, mut stream) = meet(at, Version::Tls13, "-msg").await?;
    for n in 0..3 {
        only_hear(&mut stream, async |lines| {
            for letter in ["K", "k", "K"] {
                tool.write(&format!("{letter}\n"))?;
                // It looks for a letter at the start of what it reads: each is typed when the last was read.
                tool.stdout.until(">>> TLS 1.3, Handshake [length 0005], KeyUpdate").await?;
                if letter == "K" {
                    tool.stdout.until(KEY_UPDATE_ANSWER).await?;
                }
                tool.write("with new keys\n")?;
                lines.next_is("with new keys").await?;
            }
            Ok(())
        })
        .await?;
        stream.send_line(format!("ask {n}")).await?;
        tool.stdout.until(&format!("ask {n}\r\n")).await?;
    }
    Ok(())
}

/// `r` asks for what TLS 1.3 has not. We decline with a warning (RFC 5246, section 7.2.2), which is its reason to end.
async fn renegotiation<N: Net>(at: &At<N>) -> Verdict {
    let (mut tool, mut stream) = meet(at, Version::Tls12, "").await?;
    tool.write("r\n")?;
    let error = tls_error(stream.recv_line().await)?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(40)), "what we say")?;
    tool.stderr.until("no renegotiation").await.map(drop)
}

async fn megabytes<N: Net>(at: &At<N>, version: Version) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (mut tool, stream) = meet(at, version, "-naccept 1").await?;
    let expected = ours::megabytes(5);
    tool.feed(expected.clone())?;
    let (exchanged, got) =
        future::zip(ours::exchange(stream, &expected), tool.stdout.take(expected.len())).await;
    let (stream, received) = exchanged?;
    ensure(received == expected, "what we received")?;
    ensure(got == expected, "what it received")?;
    let ended = close(stream, tool).await?;
    ended.code(0)
}

/// It is a server of files, too, which it ends with `close_notify`.
async fn file<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let name = at.fresh_file("txt");
    let expected = ours::megabytes(3);
    std::fs::write(at.folder().join(&name), &expected)?;
    let (_tool, port) = start(at, version, Leaf::Localhost, "-WWW -http_server_binmode").await?;
    let mut stream = at.dial(port, &at.client(version)).await?;
    stream.send_line(format!("GET /{name} HTTP/1.0")).await?;
    stream.send_line("").await?;
    hear(&mut stream, "HTTP/1.0 200 ok").await?;
    while stream.recv_line().await?.is_some_and(|line| !line.is_empty()) {}
    let mut got = Vec::new();
    stream.recv_to_end(&mut got, 4_000_000).await?;
    ensure(got == expected, "the file")?;
    ensure_eq(&stream.close().await?, &Closed::PeerEnded, "how it closed")
}

/// It reads nothing before we have nowhere to put more, and close; and then everything.
async fn slow_reader<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, version, "-naccept 1").await?;
    // More than the pipe and both sockets take.
    let expected = ours::megabytes(24);
    let mut sending = Box::pin(async {
        stream.send(&expected).await?;
        stream.close().await
    });
    ensure(drop_after(1, sending.as_mut(), || ()).await.is_none(), "all of it fits")?;
    let receiving = async {
        let got = tool.stdout.take(expected.len()).await;
        (got, tool.end().await)
    };
    let (closed, (got, ended)) = future::zip(sending, receiving).await;
    ensure_eq(&closed?, &Closed::PeerEnded, "how it closed")?;
    ensure(got == expected, "what it received")?;
    ended.code(0)
}

/// We write 500 lines and close, and never read: its tickets, which came with the handshake, lie unread in our socket.
/// A socket that is closed so resets the connection, and what was on its way would be lost (RFC 2525, section 2.17).
async fn last_lines<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for len in [40, 30_000] {
        let (mut tool, port) = start(at, version, Leaf::Localhost, "-naccept 1").await?;
        let mut stream = at.dial(port, &at.client(version)).await?;
        tool.stdout.until("Secure Renegotiation IS").await?;
        tool.stdout.until("supported\n").await?;
        tool.pause()?;
        let expected: String = (0..500).map(|n| format!("{n:0len$}\r\n")).collect();
        let mut sending = Box::pin(async {
            for line in expected.lines() {
                stream.send_line(line).await?;
            }
            stream.close().await
        });
        ensure(drop_after(1, sending.as_mut(), || ()).await.is_none(), "it closes alone")?;
        tool.go_on()?;
        let receiving = async {
            let got = tool.stdout.take(expected.len()).await;
            (got, tool.end().await)
        };
        let (closed, (got, ended)) = future::zip(sending, receiving).await;
        ensure_eq(&closed?, &Closed::PeerEnded, "how it closed")?;
        ensure(got == expected.as_bytes(), "what it received")?;
        ended.code(0)?;
    }
    Ok(())
}
