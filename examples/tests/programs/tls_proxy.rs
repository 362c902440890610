//! The TLS proxy, between rustls' own connections and backends of std's sockets.

use crate::on_each_adapter;
use crate::peer::Peer;
use crate::process::{PATIENCE, Process};
use asyncnet_conformance::pki::{self, Leaf, Root, Version};
use asyncnet_driver::tls::rustls::{
    self, AlertDescription, ClientConfig, ClientConnection, RootCertStore, ServerConnection, StreamOwned,
};
use asyncnet_os::ClientTls;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

/// A backend that a test plays itself, one connection after the other.
struct Backend {
    listener: TcpListener,
    address: String,
}

impl Backend {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { listener, address }
    }

    fn accept(&self) -> TcpStream {
        patient(self.listener.accept().unwrap().0)
    }

    /// Whether nobody has come.
    fn is_alone(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        self.listener.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

fn patient(socket: TcpStream) -> TcpStream {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A certificate for all names that are asked for here.
struct Identity {
    folder: TempDir,
    client: Arc<ClientConfig>,
}

impl Identity {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = ["localhost", "one.example", "two.example", "three.example"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(made.cert.der().clone()).unwrap();
        Self { folder, client: ClientTls::new().roots(trusted).build().unwrap() }
    }

    /// The certificate, in a file: it is its own authority.
    fn ca(&self) -> String {
        self.folder.path().join("cert.pem").to_str().unwrap().to_owned()
    }

    fn proxy(&self, adapter: &str, other: &Backend, more: &[&str]) -> (Process, String) {
        let file = |name| self.folder.path().join(name).to_str().unwrap().to_owned();
        let (cert, key) = (file("cert.pem"), file("key.pem"));
        let common = ["--listen", "127.0.0.1:0", "--adapter", adapter, "--cert", &cert, "--key", &key];
        let proxy =
            Process::example("tls-proxy", &[&common[..], &["--backend", &other.address], more].concat());
        let address = proxy.listening();
        (proxy, address)
    }

    /// A client of the proxy that asks for a name.
    fn connect(&self, address: &str, name: &str) -> StreamOwned<ClientConnection, TcpStream> {
        let connection = ClientConnection::new(Arc::clone(&self.client), pki::server_name(name)).unwrap();
        let mut stream = StreamOwned::new(connection, patient(TcpStream::connect(address).unwrap()));
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        stream
    }

    /// A client and its backend, of which the proxy has made a pair. Before a byte was passed on that is not certain: the
    /// kernel accepts for the backend while the proxy still waits.
    fn pair(
        &self,
        address: &str,
        backend: &Backend,
    ) -> (StreamOwned<ClientConnection, TcpStream>, TcpStream) {
        let mut client = self.connect(address, "localhost");
        let mut socket = backend.accept();
        client.write_all(b"here").unwrap();
        let mut heard = [0; 4];
        socket.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"here");
        (client, socket)
    }
}

/// Bytes that are nowhere the same for long.
fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| ((at * 31 + seed) ^ (at >> 8)).to_le_bytes()[0]).collect()
}

fn read_all(mut from: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    from.read_to_end(&mut all).unwrap();
    all
}

fn end(stream: &mut StreamOwned<ClientConnection, TcpStream>) {
    stream.conn.send_close_notify();
    stream.flush().unwrap();
}

/// A backend that says who it is, once, and what it was told.
fn answers(backend: Backend, name: &'static str) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut socket = backend.accept();
        let heard = read_all(&socket);
        socket.write_all(name.as_bytes()).unwrap();
        heard
    })
}

#[test]
fn each_name_has_its_backend_and_the_rest_another() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let (one, two, other) = (Backend::new(), Backend::new(), Backend::new());
        let routes = [format!("one.example={}", one.address), format!("TWO.example={}", two.address)];
        let (proxy, address) = identity.proxy(adapter, &other, &["--sni", &routes[0], "--sni", &routes[1]]);
        let backends = [answers(one, "one"), answers(two, "two"), answers(other, "other")];
        let names = [("one.example", "one"), ("two.example", "two"), ("three.example", "other")];
        for ((asked, name), backend) in names.into_iter().zip(backends) {
            let mut client = identity.connect(&address, asked);
            client.write_all(asked.as_bytes()).unwrap();
            // The end is passed on, and the way back is still open: the backend answers behind it.
            end(&mut client);
            assert_eq!(read_all(&mut client), name.as_bytes());
            assert_eq!(backend.join().unwrap(), asked.as_bytes());
        }
        assert_eq!(proxy.stderr.try_next(), None);
    });
}

/// Files with a certificate of its own for each name, and a client that trusts them all.
struct Identities {
    folder: TempDir,
    client: Arc<ClientConfig>,
}

impl Identities {
    fn new(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut trusted = RootCertStore::empty();
        for name in names {
            let made = rcgen::generate_simple_self_signed([(*name).to_owned()]).unwrap();
            trusted.add(made.cert.der().clone()).unwrap();
            let (cert, key) = (made.cert.pem(), made.signing_key.serialize_pem());
            fs::write(folder.path().join(format!("{name}.cert")), &cert).unwrap();
            fs::write(folder.path().join(format!("{name}.key")), &key).unwrap();
            fs::write(folder.path().join(format!("{name}.both")), cert + &key).unwrap();
        }
        Self { folder, client: ClientTls::new().roots(trusted).build().unwrap() }
    }

    fn file(&self, name: &str, what: &str) -> String {
        self.folder.path().join(format!("{name}.{what}")).to_str().unwrap().to_owned()
    }

    fn proxy(adapter: &str, more: &[&str]) -> (Process, String) {
        let proxy = Process::example(
            "tls-proxy",
            &[&["--listen", "127.0.0.1:0", "--adapter", adapter], more].concat(),
        );
        let address = proxy.listening();
        (proxy, address)
    }

    /// Makes the handshake, with a name or, asking for an address, without: the stream, or the alert.
    fn connect(
        &self,
        address: &str,
        name: &str,
    ) -> Result<StreamOwned<ClientConnection, TcpStream>, AlertDescription> {
        let connection = ClientConnection::new(Arc::clone(&self.client), pki::server_name(name)).unwrap();
        let mut stream = StreamOwned::new(connection, patient(TcpStream::connect(address).unwrap()));
        while stream.conn.is_handshaking() {
            if let Err(error) = stream.conn.complete_io(&mut stream.sock) {
                match error.get_ref().unwrap().downcast_ref() {
                    Some(rustls::Error::AlertReceived(alert)) => return Err(*alert),
                    other => panic!("{other:?}"),
                }
            }
        }
        Ok(stream)
    }
}

#[test]
fn each_name_has_its_certificate_and_others_are_refused() {
    let identities = Identities::new(&["one.example", "*.two.example"]);
    let one = format!(
        "one.example={},{}",
        identities.file("one.example", "cert"),
        identities.file("one.example", "key")
    );
    let two = format!("*.two.example={}", identities.file("*.two.example", "both"));
    on_each_adapter(|adapter| {
        let backends = [Backend::new(), Backend::new()];
        let routes = [
            format!("One.Example={}", backends[0].address),
            format!("*.two.example={}", backends[1].address),
        ];
        let arguments = ["--cert-for", &one, "--cert-for", &two, "--sni", &routes[0], "--sni", &routes[1]];
        let (proxy, address) = Identities::proxy(adapter, &arguments);
        // rustls verifies that the certificate is for the name, and there is none for both.
        for (name, backend) in [("one.example", &backends[0]), ("a.two.example", &backends[1])] {
            let mut client = identities.connect(&address, name).unwrap();
            client.write_all(b"hello").unwrap();
            end(&mut client);
            let mut socket = backend.accept();
            assert_eq!(read_all(&socket), b"hello", "{name}");
            socket.write_all(name.as_bytes()).unwrap();
            drop(socket);
            assert_eq!(read_all(&mut client), name.as_bytes());
        }
        for name in ["three.example", "two.example", "a.b.two.example", "two.one.example"] {
            assert_eq!(identities.connect(&address, name).err(), Some(AlertDescription::UnrecognisedName));
            let told = proxy.stderr.next().unwrap();
            let why = format!(": asks for {name}: the client was refused: alert unrecognized_name (112)\n");
            assert!(told.ends_with(&why), "{told}");
        }
        assert_eq!(identities.connect(&address, "127.0.0.1").err(), Some(AlertDescription::MissingExtension));
        assert!(proxy.stderr.next().unwrap().contains(": asks for no name: "));
        assert!(backends.iter().all(Backend::is_alone));
    });
}

#[test]
fn with_a_backend_alone_or_a_certificate_alone_others_are_refused_too() {
    let identities = Identities::new(&["one.example", "other.example"]);
    let one = format!("one.example={}", identities.file("one.example", "both"));
    let other = identities.file("other.example", "both");
    on_each_adapter(|adapter| {
        let backend = Backend::new();
        let route = format!("one.example={}", backend.address);
        for arguments in [
            ["--cert-for", &one, "--backend", &backend.address].to_vec(),
            ["--cert", &other, "--key", &other, "--cert-for", &one, "--sni", &route].to_vec(),
        ] {
            let (_proxy, address) = Identities::proxy(adapter, &arguments);
            assert_eq!(
                identities.connect(&address, "other.example").err(),
                Some(AlertDescription::UnrecognisedName),
                "{arguments:?}"
            );
            let mut client = identities.connect(&address, "one.example").unwrap();
            drop(backend.accept());
            assert_eq!(read_all(&mut client), b"");
        }
        // With both, all others are served, under the other certificate.
        let arguments =
            ["--cert", &other, "--key", &other, "--cert-for", &one, "--backend", &backend.address];
        let (_proxy, address) = Identities::proxy(adapter, &arguments);
        for name in ["one.example", "other.example"] {
            let mut client = identities.connect(&address, name).unwrap();
            drop(backend.accept());
            assert_eq!(read_all(&mut client), b"");
        }
    });
}

#[test]
fn a_name_without_a_backend_or_a_certificate_is_told_at_the_start() {
    let identities = Identities::new(&["one.example"]);
    let one = format!("one.example={}", identities.file("one.example", "both"));
    for arguments in
        [["--cert-for", &one, "--sni", "two.example=:1"], ["--cert-for", &one, "--sni", "*.one.example=:1"]]
    {
        let ended =
            Process::example("tls-proxy", &[&["--listen", "127.0.0.1:0"], &arguments[..]].concat()).end();
        ended.assert_code(1);
        assert!(ended.stderr.contains(" needs a backend and a certificate"), "{}", ended.stderr);
    }
}

#[test]
fn the_backends_end_is_passed_on_and_the_client_goes_on() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let backend = Backend::new();
        let (_proxy, address) = identity.proxy(adapter, &backend, &[]);
        let mut client = identity.connect(&address, "localhost");
        let mut socket = backend.accept();
        socket.write_all(b"all I have").unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        // With `close_notify`, or this would fail.
        assert_eq!(read_all(&mut client), b"all I have");
        client.write_all(b"still here").unwrap();
        end(&mut client);
        assert_eq!(read_all(&socket), b"still here");
    });
}

#[test]
fn five_megabytes_go_both_ways_at_once() {
    let identity = Identity::new();
    let (up, down) = (pattern(5_000_000, 1), pattern(5_000_000, 2));
    on_each_adapter(|adapter| {
        // Taking TLS off behind putting it on: both ways of the program, and no TLS at the ends.
        let backend = Backend::new();
        let (_inner, address) = identity.proxy(adapter, &backend, &[]);
        let port = address.rsplit_once(':').unwrap().1;
        let (_outer, address) = to_tls(adapter, &format!("localhost:{port}"), &identity.ca());
        let client = patient(TcpStream::connect(&address).unwrap());
        let exchange = |socket: TcpStream, bytes: Vec<u8>| {
            thread::spawn(move || {
                let mut mouth = socket.try_clone().unwrap();
                let saying = thread::spawn(move || {
                    mouth.write_all(&bytes).unwrap();
                    mouth.shutdown(Shutdown::Write).unwrap();
                });
                let heard = read_all(&socket);
                saying.join().unwrap();
                heard
            })
        };
        let asking = exchange(client, up.clone());
        let answering = exchange(backend.accept(), down.clone());
        assert!(asking.join().unwrap() == down, "what came down");
        assert!(answering.join().unwrap() == up, "what went up");
    });
}

#[test]
fn a_reset_is_passed_on_as_one_in_both_directions() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let backend = Backend::new();
        let (proxy, address) = identity.proxy(adapter, &backend, &[]);
        let reset = |socket: TcpStream| {
            socket2::SockRef::from(&socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        };
        let (mut client, socket) = identity.pair(&address, &backend);
        reset(socket);
        let error = client.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        assert!(proxy.stderr.next().unwrap().contains(&format!(": {}: ", backend.address)));

        let (client, socket) = identity.pair(&address, &backend);
        reset(client.sock);
        assert!(Peer::from(socket).is_reset());
        proxy.stderr.next().unwrap();

        // A TLS stream that is cut is no clean end: a backend must not take it for one.
        let mut client = identity.connect(&address, "localhost");
        client.write_all(b"DELETE /a").unwrap();
        client.sock.shutdown(Shutdown::Write).unwrap();
        assert!(Peer::from(backend.accept()).is_reset());
        assert!(proxy.stderr.next().unwrap().contains("the TLS stream was cut"));
    });
}

#[test]
fn a_client_in_plaintext_is_told_and_no_backend_is_asked() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let backend = Backend::new();
        let (proxy, address) = identity.proxy(adapter, &backend, &[]);
        let mut plain = Peer::tcp(&address);
        plain.say("GET / HTTP/1.1\r\n\r\n");
        plain.end();
        let told = proxy.stderr.next().unwrap();
        assert!(told.ends_with(": TLS handshake: the peer does not speak TLS\n"), "{told}");
        assert_eq!(plain.hear_all()[..6], [21, 3, 3, 0, 2, 2]);
        assert!(backend.is_alone());
    });
}

#[test]
fn a_backend_that_is_not_there_is_told() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let mut backend = Backend::new();
        let (proxy, address) = identity.proxy(adapter, &backend, &[]);
        backend.listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = identity.connect(&address, "localhost");
        assert!(client.read_to_end(&mut Vec::new()).is_err());
        let told = proxy.stderr.next().unwrap();
        assert!(told.contains(&format!("cannot reach {}: ", backend.address)), "{told}");
    });
}

#[test]
fn clients_over_the_bound_are_reset() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let backend = Backend::new();
        let (proxy, address) = identity.proxy(adapter, &backend, &["--max-connections", "1"]);
        let mut first = identity.connect(&address, "localhost");
        let mut socket = backend.accept();
        assert!(Peer::tcp(&address).is_reset());
        assert!(proxy.stderr.next().unwrap().ends_with(": refused, for 1 are served\n"));
        socket.write_all(b"not you").unwrap();
        drop(socket);
        assert_eq!(read_all(&mut first), b"not you");
    });
}

#[test]
fn a_pair_in_which_nothing_moves_is_reset() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let backend = Backend::new();
        let (proxy, address) = identity.proxy(adapter, &backend, &["--idle", "1"]);
        let (mut client, socket) = identity.pair(&address, &backend);
        assert!(client.read_to_end(&mut Vec::new()).is_err());
        assert!(Peer::from(socket).is_reset());
        assert!(proxy.stderr.next().unwrap().ends_with(": nothing moved for 1 s\n"));
    });
}

fn to_tls(adapter: &str, server: &str, ca: &str) -> (Process, String) {
    let arguments = ["--listen", "127.0.0.1:0", "--adapter", adapter, "--to-tls", server, "--ca", ca];
    let proxy = Process::example("tls-proxy", &arguments);
    let address = proxy.listening();
    (proxy, address)
}

#[test]
fn towards_tls_the_server_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let ca = |root: Root| root.write_to(folder.path()).unwrap().to_str().unwrap().to_owned();
    on_each_adapter(|adapter| {
        for (leaf, root, because) in [
            (Leaf::Localhost, Root::Ca, None),
            (Leaf::Localhost, Root::UnknownCa, Some("nobody")),
            (Leaf::WrongName, Root::Ca, Some("localhost")),
        ] {
            let server = Backend::new();
            let port = server.address.rsplit_once(':').unwrap().1.to_owned();
            let (proxy, address) = to_tls(adapter, &format!("localhost:{port}"), &ca(root));
            let mut client = Peer::tcp(&address);
            client.say("a secret");
            client.end();
            let config = pki::ServerSetup { leaf, ..pki::ServerSetup::new(Version::Both) }.config();
            let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), server.accept());
            let mut heard = Vec::new();
            let read = stream.read_to_end(&mut heard);
            match because {
                None => {
                    read.unwrap();
                    assert_eq!(heard, b"a secret");
                    stream.write_all(b"kept").unwrap();
                    stream.conn.send_close_notify();
                    stream.flush().unwrap();
                    assert_eq!(client.hear_all(), b"kept");
                }
                Some(because) => {
                    assert_eq!(heard, b"");
                    assert!(client.is_reset());
                    let told = proxy.stderr.next().unwrap();
                    assert!(told.contains("cannot reach localhost:") && told.contains(because), "{told}");
                }
            }
        }
    });
}

#[test]
fn openssl_talks_through_it() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        let echo = Process::example("echo", &["--listen", "127.0.0.1:0"]);
        let backend =
            Backend { listener: TcpListener::bind("127.0.0.1:0").unwrap(), address: echo.listening() };
        let (_proxy, address) = identity.proxy(adapter, &backend, &[]);
        for version in ["-tls1_2", "-tls1_3"] {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-connect", &address, "-quiet", "-no_ign_eof", "-verify_quiet"]);
            command.args([
                "-CAfile",
                &identity.ca(),
                "-verify_return_error",
                "-verify_hostname",
                "one.example",
            ]);
            let Some(mut openssl) = Process::command(command.arg(version)) else { return };
            openssl.write("one\n");
            assert_eq!(openssl.stdout.next().unwrap(), "one\n");
            openssl.close_stdin();
            openssl.end().assert_code(0);
        }
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_end_it_well() {
    let identity = Identity::new();
    on_each_adapter(|adapter| {
        for signal in ["INT", "TERM"] {
            let backend = Backend::new();
            let (proxy, address) = identity.proxy(adapter, &backend, &[]);
            let (mut client, mut socket) = identity.pair(&address, &backend);
            let (silent, of_silent) = identity.pair(&address, &backend);
            proxy.signal(signal);
            // Who has something to say can say it, and the other is not waited for.
            socket.write_all(b"so am I").unwrap();
            socket.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read_all(&mut client), b"so am I");
            end(&mut client);
            assert!(Peer::from(of_silent).is_reset());
            drop(silent);
            let ended = proxy.end();
            ended.assert_code(0);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            assert!(ended.stderr.ends_with(": broken off, for this program ends\n"), "{}", ended.stderr);
        }
    });
}
