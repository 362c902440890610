//! Early data, from a client that is not ours.

use super::start;
use crate::at::{At, Tests};
use crate::ours::{close, hear};
use asyncnet_conformance::pki::{Leaf, Version};
use asyncnet_conformance::{Verdict, ensure, ensure_eq};
use asyncnet_driver::Net;
use std::fs;

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>) {
    tests.one("early_data", |at| Box::pin(early_data(at)));
}

async fn early_data<N: Net>(at: &At<N>) -> Verdict {
    let server = at.server(Version::Tls13, Leaf::Localhost).accept_replayable_early_data(16_384);
    let (listener, port) = at.listen(&server)?;
    let (session, file) = (at.fresh_file("session"), at.fresh_file("early"));
    let early: Vec<u8> = (0..10_000_u32).flat_map(|n| n.to_string().into_bytes()).take(12_000).collect();
    fs::write(at.folder().join(&file), &early)?;
    let resuming = format!("-sess_in {session} -early_data {file}");
    for (more, says) in [
        (format!("-sess_out {session}"), "Early data was not sent"),
        (resuming.clone(), "Early data was accepted"),
        // The same ticket again: its session was resumed once.
        (resuming, "Early data was rejected"),
    ] {
        let mut tool = start(at, port, Version::Tls13, &more)?;
        let mut stream = listener.accept().await?;
        let (mut received, mut piece) = (Vec::new(), [0; 1_000]);
        loop {
            let n = stream.recv_early_data(&mut piece).await?;
            if n == 0 {
                break;
            }
            ensure(stream.is_handshaking() || stream.is_tls(), "the handshake goes on")?;
            received.extend_from_slice(&piece[..n]);
        }
        let info = stream.handshake().await?;
        let expected = if says.ends_with("accepted") { &early[..] } else { &[] };
        ensure(received == expected, format!("{says}, and {} bytes came", received.len()))?;
        ensure_eq(&info.early_data_bytes(), &expected.len(), "what is told of them")?;
        ensure_eq(&info.is_resumed(), &says.ends_with("accepted"), "whether the session is resumed")?;
        stream.send_line("welcome").await?;
        tool.stdout.until(says).await?;
        tool.stdout.until("welcome\r\n").await?;
        tool.write("not early\n")?;
        hear(&mut stream, "not early").await?;
        tool.close_stdin();
        close(stream, tool).await?.code(0)?;
    }
    Ok(())
}
