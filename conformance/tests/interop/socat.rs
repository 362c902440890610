//! socat, which knows the halves of a TLS connection, on either side of it.

use crate::at::{At, Test, Tests};
use crate::failed;
use crate::ours::{close, hear, hear_end};
use crate::process::Process;
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Stop, Verdict};
use asyncnet_driver::{Net, Stream, Transport};

pub(crate) fn tests<N: Net + 'static>() -> Vec<Test<N>> {
    let mut tests = Tests::of("socat");
    tests.each("client", |at, version| Box::pin(client(at, version)));
    tests.each("server", |at, version| Box::pin(server(at, version)));
    tests.into_list()
}

/// socat between its pipes and `peer`. It tells what it does, and waits long for the second half.
fn start<N: Net>(at: &At<N>, version: Version, peer: &str) -> Result<Process, Stop> {
    let name = if version == Version::Tls12 { "TLS1.2" } else { "TLS1.3" };
    let versions = format!("openssl-min-proto-version={name},openssl-max-proto-version={name}");
    at.start("socat", &format!("-d -d -t 30 - {peer},cafile=Ca.root.pem,{versions}"))
}

async fn client<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for first in [First::Ours, First::Its] {
        let (listener, port) = at.listen(&at.server(version, Leaf::Localhost))?;
        let tool = start(at, version, &format!("OPENSSL:127.0.0.1:{port},commonname=localhost"))?;
        let mut stream = listener.accept().await?;
        stream.handshake().await?;
        end_by_halves(tool, stream, first).await?;
    }
    Ok(())
}

async fn server<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for first in [First::Ours, First::Its] {
        let identity = "cert=Localhost.chain.pem,key=Localhost.key.pem,verify=0";
        let mut tool = start(at, version, &format!("OPENSSL-LISTEN:0,bind=127.0.0.1,{identity}"))?;
        tool.stderr.until("listening on AF=2 127.0.0.1:").await?;
        let port = tool.stderr.until("\n").await?.trim().parse().map_err(failed)?;
        let stream = at.dial(port, &at.client(version)).await?;
        end_by_halves(tool, stream, first).await?;
    }
    Ok(())
}

/// Whose half ends first.
#[derive(Clone, Copy)]
enum First {
    Ours,
    Its,
}

/// One half ends, and lines go on in the other. Then that ends too.
async fn end_by_halves<T: Transport>(mut tool: Process, mut stream: Stream<T>, first: First) -> Verdict {
    tool.write("its first\n")?;
    hear(&mut stream, "its first").await?;
    match first {
        First::Ours => {
            stream.queue_line("our last")?;
            stream.shutdown_write().await?;
            tool.stdout.until("our last\r\n").await?;
            tool.stderr.until("socket 2 ").await?;
            tool.stderr.until(" is at EOF\n").await?;
            for n in 0..5 {
                tool.write(&format!("still {n}\n"))?;
                hear(&mut stream, format!("still {n}")).await?;
            }
            tool.close_stdin();
            hear_end(&mut stream).await?;
        }
        First::Its => {
            tool.close_stdin();
            hear_end(&mut stream).await?;
            for n in 0..5 {
                stream.send_line(format!("still {n}")).await?;
                tool.stdout.until(&format!("still {n}\r\n")).await?;
            }
        }
    }
    let ended = close(stream, tool).await?;
    ended.code(0)
}
