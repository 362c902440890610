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
    tests.each("small_records", |at, version| Box::pin(small_records(at, version)));
    tests.each("slow_reader", |at, version| Box::pin(slow_reader(at, version)));
}

async fn lines<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (mut tool, mut stream) = meet(at, &at.server(version, Leaf::Localhost), version, "").await?;
    for n in 0..20 {
        tool.write(&format!("ask {n}\n"))?;
        hear(&mut stream, format!("ask {n}")).await?;
        stream.send_line(format!("answer {n}")).await?;
        tool.stdout.until(&format!("answer {n}\r\n")).await?;
    }
    Ok(())
}

/// `K` changes its keys and asks for a change of ours, `k` changes its own alone. Ours only reads meanwhile.
async fn key_update<N: Net>(at: &At<N>) -> Verdict {
    let (mut tool, mut stream) =
        meet(at, &at.server(Version::Tls13, Leaf::Localhost), Version::Tls13, "-msg").await?;
    for n in 0..3 {
        only_hear(&mut stream, async |lines| {
            for letter in ["K", "k", "K"] {
                tool.write(&format!("{letter}\n"))?;
                // It looks for a letter at the start of what it reads: each is typed when the last was read.
                tool.stderr.until("KEYUPDATE\n").await?;
                tool.write("with new keys\n")?;
                lines.next_is("with new keys").await?;
                tool.stdout.until(">>> TLS 1.3, Handshake [length 0005], KeyUpdate").await?;
                if letter == "K" {
                    tool.stdout.until(KEY_UPDATE_ANSWER).await?;
                }
            }
            Ok(())
        })
        .await?;
        stream.send_line(format!("answer {n}")).await?;
        tool.stdout.until(&format!("answer {n}\r\n")).await?;
    }
    Ok(())
}

/// `R` asks for what TLS 1.3 has not. We decline with a warning (RFC 5246, section 7.2.2), which is its reason to end.
async fn renegotiation<N: Net>(at: &At<N>) -> Verdict {
    let server = at.server(Version::Tls12, Leaf::Localhost);
    let (mut tool, mut stream) = meet(at, &server, Version::Tls12, "").await?;
    tool.write("R\n")?;
    let error = tls_error(stream.recv_line().await)?;
    ensure_eq(&error, &TlsError::AlertReceived(Alert::new(40)), "what we say")?;
    let ended = close(stream, tool).await?;
    ended.says(&["no renegotiation"])
}

async fn megabytes<N: Net>(at: &At<N>, version: Version) -> Verdict
where
    N::Transport: SplitTransport,
{
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let mut tool = start(at, port, version, "-quiet -nocommands")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
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

/// Records of half a kilobyte, as its small devices send them.
async fn small_records<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let mut tool = start(at, port, version, "-quiet -nocommands -max_send_frag 512")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    let expected = ours::megabytes(1);
    tool.feed(expected.clone())?;
    let mut got = vec![0; expected.len()];
    stream.recv_exact(&mut got).await?;
    ensure(got == expected, "what we received")
}

/// It reads nothing before we have nowhere to put more, and close; and then everything.
async fn slow_reader<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
    let tool = start(at, port, version, "-quiet")?;
    let mut stream = listener.accept().await?;
    stream.handshake().await?;
    // More than the pipe and both sockets take.
    let expected = ours::megabytes(24);
    let mut sending = Box::pin(async {
        stream.send(&expected).await?;
        stream.close().await
    });
    ensure(drop_after(1, sending.as_mut(), || ()).await.is_none(), "all of it fits")?;
    let (closed, ended) = future::zip(sending, tool.end()).await;
    ensure_eq(&closed?, &Closed::PeerEnded, "how it closed")?;
    ensure(ended.stdout == expected, "what it received")?;
    ended.code(0)
}
