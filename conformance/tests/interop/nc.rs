//! netcat, which speaks no TLS.

use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{close, tls_error};
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Verdict, ensure, ensure_eq};
use asyncnet_driver::Net;
use asyncnet_driver::tls::TlsError;

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>> {
    let mut tests = Tests::of("nc");
    tests.each("client", |at, version| Box::pin(client(at, version)));
    tests.each("client_says_little", |at, version| Box::pin(client_says_little(at, version)));
    tests.each("server", |at, version| Box::pin(server(at, version)));
    tests.into_list()
}

async fn client<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for said in ["GET / HTTP/1.1\r\n\r\n", "EHLO client.example\r\n", "\n"] {
        let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
        let mut tool = at.start("nc", &format!("-N 127.0.0.1 {port}"))?;
        tool.write(said)?;
        let mut stream = listener.accept().await?;
        for _ in 0..2 {
            ensure_eq(&tls_error(stream.handshake().await)?, &TlsError::NotTls, format!("of {said:?}"))?;
        }
        tool.close_stdin();
        let ended = close(stream, tool).await?;
        ensure(is_alert(&ended.stdout), format!("of {said:?}, it got {:?}", ended.stdout))?;
    }
    Ok(())
}

/// Too little to tell what it was to be.
async fn client_says_little<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for said in ["", "\u{16}"] {
        let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
        let mut tool = at.start("nc", &format!("-N 127.0.0.1 {port}"))?;
        tool.write(said)?;
        tool.close_stdin();
        let mut stream = listener.accept().await?;
        for _ in 0..2 {
            let error = tls_error(stream.handshake().await)?;
            ensure_eq(&error, &TlsError::HandshakeEnded, format!("of {said:?}"))?;
        }
        let ended = close(stream, tool).await?;
        ended.code(0)?;
    }
    Ok(())
}

async fn server<N: Net>(at: &At<N>, version: Version) -> Verdict {
    let mut tool = at.start("nc", "-l -n -v -N 127.0.0.1 0")?;
    tool.stderr.until("Listening on 127.0.0.1 ").await?;
    let port = tool.stderr.until("\n").await?.trim().parse().map_err(failed)?;
    tool.write("220 localhost ESMTP\r\n")?;
    tool.close_stdin();
    let connector = at.connector(&at.client(version))?;
    ensure_eq(&tls_error(at.connect(port, &connector).await)?, &TlsError::NotTls, "what we say")?;
    let ended = tool.end().await;
    let (hello, alert) = ended.stdout.split_at(ended.stdout.len().saturating_sub(7));
    ensure(hello.starts_with(&[22, 3, 1]) && is_alert(alert), format!("it got {:?}", ended.stdout))
}

/// A fatal alert in plaintext (RFC 8446, section 6).
fn is_alert(record: &[u8]) -> bool {
    matches!(record, [21, 3, _, 0, 2, 2, _])
}
