//! What a look at a client's first message says of any bytes.
//!
//! The bytes are what came from the wire, with no script around them. The oracle is rustls' own `Acceptor`, which gets all of
//! them, a byte at a time.

use asyncnet_core::Search;
use asyncnet_core::tls::rustls::server::Acceptor;
use asyncnet_core::tls::{CLIENT_HELLO_BYTES_MAX, ClientHello, TlsError};

/// Looks at every beginning of the bytes: more is asked for until it is known what they are, and then that stays.
///
/// # Panics
///
/// If a rule is broken.
///
/// ```
/// asyncnet_conformance::properties::client_hello(b"\x16\x03\x01\x00\x05\x01");
/// ```
pub fn client_hello(wire: &[u8]) {
    let wire = &wire[..wire.len().min(CLIENT_HELLO_BYTES_MAX + 16)];
    let whole = ClientHello::find(wire);
    // Every beginning of a short input, and every one near the bounds of records of a long one.
    let step = wire.len() / 512 + 1;
    let mut decided = None;
    for len in (0..wire.len()).step_by(step) {
        let found = ClientHello::find(&wire[..len]);
        match (&decided, found) {
            (None, Ok(Search::NeedMore)) => {}
            (None, found) => decided = Some(found),
            (Some(before), found) => assert!(is_same(before, &found), "{before:?}, then {found:?} at {len}"),
        }
    }
    if let Some(decided) = &decided {
        assert!(is_same(decided, &whole), "{decided:?}, then {whole:?}");
    }
    assert!(!matches!(whole, Ok(Search::End)), "bytes have no end");
    match &whole {
        Ok(Search::Found(hello)) => check_found(wire, hello),
        Ok(_) => assert!(wire.len() < CLIENT_HELLO_BYTES_MAX, "a message without a bound"),
        Err(error) => assert!(
            matches!(error, TlsError::HandshakeTooLong { .. }) || oracle(wire).is_none(),
            "{error:?} of what rustls takes"
        ),
    }
}

fn is_same(
    one: &Result<Search<ClientHello>, TlsError>,
    other: &Result<Search<ClientHello>, TlsError>,
) -> bool {
    match (one, other) {
        (Ok(Search::Found(one)), Ok(Search::Found(other))) => one == other,
        (Ok(Search::NeedMore), Ok(Search::NeedMore)) => true,
        (Err(one), Err(other)) => one == other,
        _ => false,
    }
}

fn check_found(wire: &[u8], hello: &ClientHello) {
    let (name, alpn) = oracle(wire).expect("rustls takes it too");
    assert_eq!(hello.server_name(), name.as_deref());
    assert!(hello.alpn().eq(alpn.iter().map(Vec::as_slice)), "the protocols");
}

/// What rustls makes of it: the host and the protocols, if it is a client's first message.
fn oracle(wire: &[u8]) -> Option<(Option<String>, Vec<Vec<u8>>)> {
    let mut acceptor = Acceptor::default();
    for byte in wire {
        acceptor.read_tls(&mut &[*byte][..]).ok()?;
        if let Some(accepted) = acceptor.accept().ok()? {
            let hello = accepted.client_hello();
            let alpn = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
            return Some((hello.server_name().map(str::to_owned), alpn));
        }
    }
    None
}
