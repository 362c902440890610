//! A client that is turned away after a look at its first message.

use super::start;
use crate::at::{At, Tests};
use crate::ours::close;
use asyncnet_conformance::pki::Version;
use asyncnet_conformance::{Verdict, ensure_eq};
use asyncnet_driver::Net;
use asyncnet_driver::tls::Refusal;

pub(super) fn add<N: Net + 'static>(tests: &mut Tests<N>) {
    tests.each("refused_after_its_hello", |at, version| Box::pin(refused(at, version)));
}

async fn refused<N: Net>(at: &At<N>, version: Version) -> Verdict {
    for (refusal, says) in [
        (Refusal::HandshakeFailure, "alert handshake failure"),
        (Refusal::AccessDenied, "alert access denied"),
        (Refusal::DecodeError, "alert decode error"),
        (Refusal::ProtocolVersion, "alert protocol version"),
        (Refusal::InsufficientSecurity, "alert insufficient security"),
        (Refusal::InternalError, "alert internal error"),
        (Refusal::MissingExtension, "missing extension"),
        (Refusal::UnrecognizedName, "unrecognized name"),
        (Refusal::NoApplicationProtocol, "alert no application protocol"),
    ] {
        let (listener, port) = at.listen_plain()?;
        let tool = start(at, port, version, "")?;
        let mut stream = listener.accept().await?;
        let hello = stream.client_hello().await?;
        ensure_eq(&hello.server_name(), &Some("localhost"), "the host")?;
        stream.refuse_client(refusal).await?;
        let ended = close(stream, tool).await?;
        let number = format!("alert number {}", refusal.alert().code());
        ended.says(&[says, &number])?;
        ended.code(1)?;
    }
    Ok(())
}
