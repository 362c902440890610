//! The future of every call of each adapter can go to another thread: checked by the compiler, nothing here runs but the
//! search for a call that is missing.
#![cfg(feature = "adapters")]

use asyncnet_driver::tls::{Refusal, StartTls};
use asyncnet_driver::{Bytes, Endpoint, Fill, LinePolicy};
use std::io::IoSlice;

fn send(_: impl Send) {}

/// The calls of one adapter's types, each of which makes a future.
macro_rules! calls {
    ($module:ident, $adapter:ident, $net:expr, $transport:ty) => {
        mod $module {
            use super::*;
            use $adapter::{
                Connector, Datagram, Listener, NewSocket, ReadHalf, Stream, TlsListener, Unbuffered,
                WriteHalf,
            };

            #[expect(dead_code, reason = "it has to compile")]
            fn stream(
                it: &mut Stream,
                buf: &mut [u8],
                into: &mut Vec<u8>,
                fill: &mut Fill<'_>,
                how: &StartTls,
            ) {
                send(it.recv(buf));
                send(it.recv_owned(1));
                send(it.recv_exact(buf));
                send(it.recv_exact_into(fill));
                send(it.recv_full(buf));
                send(it.recv_full_into(fill));
                send(it.recv_line());
                send(it.recv_line_with(LinePolicy::new(1)));
                send(it.recv_line_into(into));
                send(it.recv_line_owned());
                send(it.recv_until(b";", 1));
                send(it.recv_to_end(into, 1));
                send(it.peek());
                send(it.peek_at_least(1));
                send(it.send(buf));
                send(it.send_vectored(&[IoSlice::new(buf)]));
                send(it.send_owned(Bytes::new()));
                send(it.send_line("x"));
                send(it.flush());
                send(it.shutdown_write());
                send(it.close());
                send(it.start_tls(how.clone()));
                send(it.handshake());
                send(it.recv_early_data(buf));
                send(it.client_hello());
                send(it.refuse_client(Refusal::HandshakeFailure));
            }

            #[expect(dead_code, reason = "it has to compile")]
            fn unbuffered(it: &mut Unbuffered, buf: &mut [u8], into: &mut Vec<u8>, fill: &mut Fill<'_>) {
                send(it.recv(buf));
                send(it.recv_owned(1));
                send(it.recv_exact(buf));
                send(it.recv_exact_into(fill));
                send(it.recv_full(buf));
                send(it.recv_full_into(fill));
                send(it.recv_line());
                send(it.recv_line_with(LinePolicy::new(1)));
                send(it.recv_line_into(into));
                send(it.recv_line_owned());
                send(it.recv_until(b";", 1));
                send(it.recv_to_end(into, 1));
                send(it.peek(buf));
                send(it.send(buf));
                send(it.send_vectored(&[IoSlice::new(buf)]));
                send(it.send_owned(Bytes::new()));
                send(it.send_line("x"));
                send(it.flush());
                send(it.shutdown_write());
                send(it.close());
            }

            #[expect(dead_code, reason = "it has to compile")]
            fn reader(it: &mut ReadHalf<'_>, buf: &mut [u8], into: &mut Vec<u8>, fill: &mut Fill<'_>) {
                send(it.recv(buf));
                send(it.recv_owned(1));
                send(it.recv_exact(buf));
                send(it.recv_exact_into(fill));
                send(it.recv_full(buf));
                send(it.recv_full_into(fill));
                send(it.recv_line());
                send(it.recv_line_with(LinePolicy::new(1)));
                send(it.recv_line_into(into));
                send(it.recv_line_owned());
                send(it.recv_until(b";", 1));
                send(it.recv_to_end(into, 1));
                send(it.peek());
                send(it.peek_at_least(1));
            }

            #[expect(dead_code, reason = "it has to compile")]
            fn writer(it: &mut WriteHalf<'_>, buf: &mut [u8]) {
                send(it.send(buf));
                send(it.send_vectored(&[IoSlice::new(buf)]));
                send(it.send_owned(Bytes::new()));
                send(it.send_line("x"));
                send(it.flush());
                send(it.shutdown_write());
                send(it.close());
            }

            #[expect(dead_code, reason = "it has to compile")]
            fn listeners(plain: &Listener, tls: &TlsListener) {
                send(plain.accept());
                send(plain.accept_addr());
                send(tls.accept());
                send(tls.accept_addr());
            }

            #[expect(dead_code, reason = "it has to compile")]
            fn datagram(it: &Datagram, buf: &mut [u8], to: &Endpoint) {
                send(it.recv_from(buf));
                send(it.recv_from_owned(1));
                send(it.recv(buf));
                send(it.recv_many(&mut [&mut [0][..]], &mut Vec::new()));
                send(it.send_to(buf, to));
                send(it.send_to_host(&$net, "localhost", 1, buf));
                send(it.send(buf));
                send(it.send_many(&[(&buf[..], None)]));
            }

            #[expect(dead_code, reason = "it has to compile")]
            fn before_there_is_one(connector: &Connector, socket: NewSocket, to: &Endpoint) {
                send(connector.dial(&$net, "localhost", 1));
                send(connector.connect(&$net, to));
                send($adapter::driver::dial(&$net, "localhost", 1));
                send($adapter::driver::dial_datagram(&$net, "localhost", 1));
                send(socket.connect(to));
            }
        }
    };
}

calls!(tokio_calls, asyncnet_tokio, asyncnet_tokio::TokioNet, asyncnet_tokio::TokioTransport);
calls!(smol_calls, asyncnet_smol, asyncnet_smol::SmolNet, asyncnet_smol::SmolTransport);

/// Each `pub async fn` of the driver stands above, for each type that has one.
#[test]
fn no_call_is_missing() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../adapters/driver/src");
    let here = include_str!("futures_are_send.rs");
    let places = [
        ("stream/receive.rs", "fn stream("),
        ("stream/send.rs", "fn stream("),
        ("stream/close.rs", "fn stream("),
        ("stream/start_tls.rs", "fn stream("),
        ("unbuffered/receive.rs", "fn unbuffered("),
        ("unbuffered/send.rs", "fn unbuffered("),
        ("halves/reader.rs", "fn reader("),
        ("halves/writer.rs", "fn writer("),
        ("listener.rs", "fn listeners("),
        ("tls_listener.rs", "fn listeners("),
        ("datagram.rs", "fn datagram("),
        ("connector.rs", "fn before_there_is_one("),
        ("new_socket.rs", "fn before_there_is_one("),
    ];
    let mut found = 0;
    for (file, place) in places {
        let from = here.find(place).expect("the list is above");
        let listed = &here[from..from + here[from..].find("\n            }").expect("it ends")];
        let source = std::fs::read_to_string(root.join(file)).expect("the source is there");
        for call in source.split("pub async fn ").skip(1) {
            let name = call.split(['(', '<']).next().expect("it has a name");
            assert!(listed.contains(&format!(".{name}(")), "{file}: {name} is not in `{place}`");
            found += 1;
        }
    }
    // And there is no file that is not looked at.
    let everywhere: usize =
        sources(&root).iter().map(|source| source.split("pub async fn ").count() - 1).sum();
    assert_eq!(found, everywhere, "a file of the driver with calls is not looked at");
}

fn sources(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("readable").path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![std::fs::read_to_string(&path).expect("the source is there")]
            }
        })
        .collect()
}
