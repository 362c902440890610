//! Where a test is: on which network, in which folder, with which certificates. And the list of tests.

use crate::failed;
use crate::process::{Log, Process};
use asyncnet_conformance::pki::{Leaf, Root, Version};
use asyncnet_conformance::{LocalFuture, Stop, Verdict};
use asyncnet_core::tls::rustls::crypto::ring;
use asyncnet_driver::tls::TlsListener;
use asyncnet_driver::{Connector, Endpoint, Error, Listener, Net, Stream};
use asyncnet_os::{ClientTls, ServerTls, TlsVersions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a test is given.
pub(crate) struct At<N> {
    net: N,
    /// Where the tools run, and the certificates are: see [`write_certificates`].
    folder: PathBuf,
    log: Log,
}

pub(crate) struct Test<N> {
    pub(crate) name: String,
    pub(crate) run: Box<Run<N>>,
}

type Run<N> = dyn for<'a> Fn(&'a At<N>) -> LocalFuture<'a, Verdict> + Send;

/// The tests of one tool.
pub(crate) struct Tests<N> {
    tool: &'static str,
    list: Vec<Test<N>>,
}

/// Writes every certificate as `<Leaf>.chain.pem` and `<Leaf>.key.pem`, every authority's as `<Root>.root.pem`.
pub(crate) fn write_certificates(folder: &Path) -> std::io::Result<()> {
    for leaf in Leaf::ALL {
        leaf.identity().write_to(folder)?;
    }
    for root in [Root::Ca, Root::UnknownCa, Root::SelfSigned] {
        root.write_to(folder)?;
    }
    Ok(())
}

impl<N: Net> At<N> {
    pub(crate) fn new(net: N, folder: &Path, log: Log) -> Self {
        Self { net, folder: folder.to_owned(), log }
    }

    pub(crate) fn net(&self) -> &N {
        &self.net
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn start(&self, tool: &str, arguments: &str) -> Result<Process, Stop> {
        Process::start(tool, arguments, &self.folder, &self.log)
    }

    /// A file of this test's own, by its name in the folder.
    pub(crate) fn fresh_file(&self, what: &str) -> String {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        format!("{}.{what}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// A server's configuration, by the project's own builder, with ring.
    pub(crate) fn server(&self, version: Version, leaf: Leaf) -> ServerTls {
        let path = |what: &str| self.folder.join(format!("{leaf:?}.{what}.pem"));
        ServerTls::from_files(path("chain"), path("key"))
            .versions(versions(version))
            .provider(Arc::new(ring::default_provider()))
    }

    /// One with a certificate for each of two names, `localhost` and `wrong.example`, and for no other.
    pub(crate) fn server_by_name(&self, version: Version) -> ServerTls {
        let path = |leaf: Leaf, what: &str| self.folder.join(format!("{leaf:?}.{what}.pem"));
        let of = |leaf| (path(leaf, "chain"), path(leaf, "key"));
        let (ours, others) = (of(Leaf::Localhost), of(Leaf::WrongName));
        ServerTls::by_server_name()
            .certificate_for("localhost", ours.0, ours.1)
            .certificate_for("wrong.example", others.0, others.1)
            .versions(versions(version))
            .provider(Arc::new(ring::default_provider()))
    }

    /// A client's, which trusts [`Root::Ca`].
    pub(crate) fn client(&self, version: Version) -> ClientTls {
        ClientTls::new()
            .ca_file(self.root(Root::Ca))
            .versions(versions(version))
            .provider(Arc::new(ring::default_provider()))
    }

    pub(crate) fn root(&self, root: Root) -> PathBuf {
        self.folder.join(format!("{root:?}.root.pem"))
    }

    /// A listener for TLS on loopback, and its port.
    pub(crate) fn listen(&self, how: &ServerTls) -> Result<(TlsListener<N::Listener>, u16), Stop> {
        let (plain, port) = self.listen_plain()?;
        let config = how.build().map_err(failed)?;
        Ok((TlsListener::new(plain, &config), port))
    }

    /// One for plaintext.
    pub(crate) fn listen_plain(&self) -> Result<(Listener<N::Listener>, u16), Stop> {
        let listener =
            Listener::new(self.net.listen(&Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], 0))))?);
        let port = listener.local_endpoint()?.as_inet().map(|at| at.port());
        Ok((listener, port.expect("it is one of TCP")))
    }

    /// Connects to a tool on loopback, as to `localhost`.
    pub(crate) async fn dial(&self, port: u16, how: &ClientTls) -> Result<Stream<N::Transport>, Stop> {
        let connector = self.connector(how)?;
        Ok(self.connect(port, &connector).await?)
    }

    /// How to connect: to be used again where a session is to be resumed.
    pub(crate) fn connector(&self, how: &ClientTls) -> Result<Connector, Stop> {
        let config = how.build().map_err(failed)?;
        Ok(Connector::new().tls(&config).server_name("localhost"))
    }

    pub(crate) async fn connect(
        &self,
        port: u16,
        connector: &Connector,
    ) -> Result<Stream<N::Transport>, Error> {
        let to = Endpoint::Inet(SocketAddr::from(([127, 0, 0, 1], port)));
        connector.connect(&self.net, &to).await
    }
}

fn versions(version: Version) -> TlsVersions {
    match version {
        Version::Tls12 => TlsVersions::Only12,
        Version::Tls13 => TlsVersions::Only13,
        Version::Both => TlsVersions::AtLeast12,
    }
}

impl<N: Net + 'static> Tests<N> {
    pub(crate) fn of(tool: &'static str) -> Self {
        Self { tool, list: Vec::new() }
    }

    pub(crate) fn one(&mut self, name: &str, run: for<'a> fn(&'a At<N>) -> LocalFuture<'a, Verdict>) {
        let name = format!("{}::{name}", self.tool);
        self.list.push(Test { name, run: Box::new(run) });
    }

    /// A test for each version of TLS.
    pub(crate) fn each(
        &mut self,
        name: &str,
        run: for<'a> fn(&'a At<N>, Version) -> LocalFuture<'a, Verdict>,
    ) {
        for version in Version::EACH {
            let name = format!(
                "{}::{name}::{}",
                self.tool,
                if version == Version::Tls12 { "tls12" } else { "tls13" }
            );
            self.list.push(Test { name, run: Box::new(move |at| run(at, version)) });
        }
    }

    pub(crate) fn into_list(self) -> Vec<Test<N>> {
        self.list
    }
}
