//! What a new socket shall be like: its options, each with its default.
//!
//! It makes no system call; that is `socket.rs`. A builder may be kept and used for any number of sockets of either
//! family; options that a family does not have are left out for it.

use asyncnet_core::{BindOptions, Endpoint};

/// How sockets are made.
///
/// ```
/// use asyncnet_core::Endpoint;
/// use asyncnet_os::{SocketBuilder, local_endpoint};
///
/// let builder = SocketBuilder::new().backlog(128).nodelay(false);
/// let listener = builder.listen(&Endpoint::inet("127.0.0.1:0".parse().unwrap()))?;
/// let (client, _state) = builder.start_connect(&local_endpoint(&listener)?)?;
/// assert!(!client.tcp_nodelay()?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SocketBuilder {
    pub(crate) local: Option<Endpoint>,
    /// At most `i32::MAX`, which is what listen(2) takes.
    pub(crate) backlog: i32,
    pub(crate) inheritable: bool,
    pub(crate) keepalive: bool,
    /// Permission bits of a Unix socket's file.
    pub(crate) mode: Option<u32>,
    pub(crate) nodelay: bool,
    /// Unset, it is the system's choice: dual-stack on Linux and macOS, IPv6 alone on Windows and the BSDs.
    pub(crate) only_v6: Option<bool>,
    pub(crate) recv_buffer_bytes: Option<usize>,
    pub(crate) remove_stale: bool,
    pub(crate) reuse_port: bool,
    /// Unset, it is on for listeners and off for connections.
    pub(crate) reuse_address: Option<bool>,
    pub(crate) send_buffer_bytes: Option<usize>,
}

/// Linux cuts the backlog to its `net.core.somaxconn`, 4096 since 5.4, and others to theirs: asking for more
/// changes nothing there, and asking for less refuses connections in a burst.
const BACKLOG: i32 = 4096;

impl Default for SocketBuilder {
    fn default() -> Self {
        Self {
            local: None,
            backlog: BACKLOG,
            inheritable: false,
            keepalive: false,
            mode: None,
            nodelay: true,
            only_v6: None,
            recv_buffer_bytes: None,
            remove_stale: false,
            reuse_port: false,
            reuse_address: None,
            send_buffer_bytes: None,
        }
    }
}

impl SocketBuilder {
    /// A builder with the defaults that each method tells.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// assert!(SocketBuilder::new().open_stream(&any)?.tcp_nodelay()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds connections to this local endpoint before they connect; by default the system chooses one.
    ///
    /// Its family must be the remote one's. Listeners take no notice of it.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::{SocketBuilder, local_endpoint};
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// let socket = SocketBuilder::new().bind_local(any.clone()).open_stream(&any)?;
    /// assert!(local_endpoint(&socket)?.as_inet().unwrap().ip().is_loopback());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn bind_local(mut self, local: Endpoint) -> Self {
        self.local = Some(local);
        self
    }

    /// How many connections may wait to be accepted, 4096 by default; the system may take it for less, or for a hint.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// let listener = SocketBuilder::new().backlog(16).listen(&any)?;
    /// assert!(asyncnet_os::adopt_listener(listener).is_ok());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// Lets processes started later inherit the socket; off by default.
    ///
    /// The sockets that a listener accepts do not follow it.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// // For a child process that is to accept from this listener.
    /// let listener = SocketBuilder::new().inheritable(true).listen(&any)?;
    /// # #[cfg(unix)]
    /// assert!(rustix::io::fcntl_getfd(&listener)?.is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn inheritable(mut self, on: bool) -> Self {
        self.inheritable = on;
        self
    }

    /// Lets the system probe an idle TCP connection (`SO_KEEPALIVE`), at intervals it chooses; off by default.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// assert!(SocketBuilder::new().keepalive(true).open_stream(&any)?.keepalive()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn keepalive(mut self, on: bool) -> Self {
        self.keepalive = on;
        self
    }

    /// The permission bits of a Unix socket's file, such as `0o660`; by default the process' umask decides.
    ///
    /// A listener's file has them before anybody can connect to it. That of a datagram socket has the umask's for a moment.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::{SocketBuilder, unix_name};
    /// use std::os::unix::fs::PermissionsExt;
    ///
    /// let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("app.sock");
    /// let _listener = SocketBuilder::new().mode(0o600).listen(&Endpoint::Unix(unix_name(&path)?))?;
    /// assert_eq!(path.metadata()?.permissions().mode() & 0o777, 0o600);
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn mode(mut self, bits: u32) -> Self {
        self.mode = Some(bits);
        self
    }

    /// Sends small TCP segments at once (`TCP_NODELAY`, at `IPPROTO_TCP`); on by default: who gathers what it writes,
    /// as a stream with a queue does, gains nothing by the kernel's waiting, and loses some 40 ms to a peer that
    /// delays its acknowledgements (RFC 9293, section 3.7.4).
    ///
    /// What a listener accepts inherits this on Linux and the BSDs; POSIX does not promise it.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// assert!(!SocketBuilder::new().nodelay(false).open_stream(&any)?.tcp_nodelay()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = on;
        self
    }

    /// Whether an IPv6 socket leaves IPv4 alone (`IPV6_V6ONLY`); by default the system decides.
    ///
    /// ```
    /// use asyncnet_os::SocketBuilder;
    ///
    /// // Fails on a machine without IPv6.
    /// if let Ok(listener) = SocketBuilder::new().only_v6(true).listen_any(0) {
    ///     assert!(listener.only_v6()?);
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn only_v6(mut self, on: bool) -> Self {
        self.only_v6 = Some(on);
        self
    }

    /// The size of the kernel's receive buffer in bytes (`SO_RCVBUF`), a hint: Linux doubles it and has a maximum.
    ///
    /// By default the system tunes it as the connection goes; setting it ends that.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// let socket = SocketBuilder::new().recv_buffer_bytes(16_384).open_stream(&any)?;
    /// assert!(socket.recv_buffer_size()? >= 16_384);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn recv_buffer_bytes(mut self, bytes: usize) -> Self {
        self.recv_buffer_bytes = Some(bytes);
        self
    }

    /// The size of the kernel's send buffer in bytes (`SO_SNDBUF`), as [`recv_buffer_bytes`](Self::recv_buffer_bytes).
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// let socket = SocketBuilder::new().send_buffer_bytes(16_384).open_stream(&any)?;
    /// assert!(socket.send_buffer_size()? >= 16_384);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn send_buffer_bytes(mut self, bytes: usize) -> Self {
        self.send_buffer_bytes = Some(bytes);
        self
    }

    /// Lets [`listen`](Self::listen) take over the path of a Unix socket that nobody listens on; off by default.
    ///
    /// A listener leaves its file behind, and the next one would find the address in use. With this on, the
    /// file is removed if it is a socket and a connection to it is refused. Two processes that start on one path
    /// at the same moment can each take the other for gone: whoever must exclude that holds a lock of its own.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::{SocketBuilder, unix_name};
    ///
    /// let directory = tempfile::tempdir()?;
    /// let at = Endpoint::Unix(unix_name(&directory.path().join("app.sock"))?);
    /// drop(SocketBuilder::new().listen(&at)?);
    /// assert!(SocketBuilder::new().listen(&at).is_err());
    /// assert!(SocketBuilder::new().remove_stale(true).listen(&at).is_ok());
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn remove_stale(mut self, on: bool) -> Self {
        self.remove_stale = on;
        self
    }

    /// Binds although connections of an earlier listener linger on the port (`SO_REUSEADDR`).
    ///
    /// By default it is on for listeners and off for connections. Windows takes no notice of it: there the
    /// option lets one process take the port from another.
    ///
    /// ```
    /// use asyncnet_core::Endpoint;
    /// use asyncnet_os::SocketBuilder;
    ///
    /// let any = Endpoint::inet("127.0.0.1:0".parse().unwrap());
    /// let listener = SocketBuilder::new().reuse_address(false).listen(&any)?;
    /// assert!(!listener.reuse_address()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.reuse_address = Some(on);
        self
    }

    /// Lets several sockets bind the same address (`SO_REUSEPORT`); off by default.
    ///
    /// Linux shares the load between them, other systems do not. Where there is no such option, making a socket fails.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use asyncnet_os::{SocketBuilder, local_endpoint};
    ///
    /// let builder = SocketBuilder::new().reuse_port(true);
    /// let one = builder.listen(&asyncnet_core::Endpoint::inet("127.0.0.1:0".parse().unwrap()))?;
    /// assert!(builder.listen(&local_endpoint(&one)?).is_ok());
    /// # }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.reuse_port = on;
        self
    }
}

/// What the options say; [`BindOptions::remove_at_close`] is for whoever keeps the socket, see
/// [`UnixFile`](crate::UnixFile).
impl From<&BindOptions> for SocketBuilder {
    fn from(options: &BindOptions) -> Self {
        Self {
            backlog: i32::try_from(options.backlog).unwrap_or(i32::MAX),
            inheritable: options.inheritable,
            mode: options.mode,
            only_v6: options.only_v6,
            remove_stale: options.remove_stale,
            reuse_address: options.reuse_address,
            reuse_port: options.reuse_port,
            ..Self::default()
        }
    }
}
