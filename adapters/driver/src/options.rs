//! Options of sockets, on whatever has them: what a runtime implements, and the calls of streams and listeners.

use crate::datagram::{Datagram, DatagramSocket};
use crate::error::{Error, Operation};
use crate::listener::Listener;
use crate::net::Accept;
use crate::stream::Stream;
use crate::transport::Transport;
use asyncnet_core::{Flag, OptionName, SocketOption};
use std::io;

/// A socket whose options can be asked for and set.
///
/// See the skeleton in `asyncnet-conformance` for an implementation to start from.
pub trait SocketOptions {
    /// The value of an option.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported) where there is no such option.
    fn option(&self, name: OptionName) -> io::Result<SocketOption>;

    /// Sets an option.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) says; [`Unsupported`](io::ErrorKind::Unsupported) where there is no such option.
    fn set_option(&self, option: SocketOption) -> io::Result<()>;

    /// Whether processes started later inherit the socket.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says; [`Unsupported`](io::ErrorKind::Unsupported) where it cannot be asked, as it is if this is not
    /// implemented.
    fn is_inheritable(&self) -> io::Result<bool> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "whether this is inherited cannot be asked"))
    }

    /// Lets processes started later inherit the socket, or not.
    ///
    /// # Errors
    ///
    /// What fcntl(2) says; [`Unsupported`](io::ErrorKind::Unsupported) if this is not implemented.
    fn set_inheritable(&self, on: bool) -> io::Result<()> {
        let _ = on;
        Err(io::Error::new(io::ErrorKind::Unsupported, "this cannot be inherited"))
    }
}

impl<T: Transport + SocketOptions> Stream<T> {
    /// The value of a boolean option of the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what getsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such
    /// option.
    ///
    /// ```
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert!(!client.flag(asyncnet_driver::Flag::KeepAlive).unwrap());
    /// ```
    #[doc(alias = "getsockopt")]
    pub fn flag(&self, flag: Flag) -> Result<bool, Error> {
        flag_of(self.socket()?, flag)
    }

    /// Sets a boolean option of the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what setsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such
    /// option.
    ///
    /// ```
    /// use asyncnet_driver::Flag;
    ///
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// client.set_flag(Flag::NoDelay, false).unwrap();
    /// assert!(!client.flag(Flag::NoDelay).unwrap());
    /// ```
    #[doc(alias = "setsockopt")]
    pub fn set_flag(&self, flag: Flag, on: bool) -> Result<(), Error> {
        setting(self.socket()?, SocketOption::Flag(flag, on))
    }

    /// The value of an option of the socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag).
    ///
    /// ```
    /// use asyncnet_driver::{OptionName, SocketOption};
    ///
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// assert_eq!(client.option(OptionName::Linger).unwrap(), SocketOption::Linger(None));
    /// ```
    pub fn option(&self, name: OptionName) -> Result<SocketOption, Error> {
        asked(self.socket()?, name)
    }

    /// Sets an option of the socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`set_flag`](Self::set_flag).
    ///
    /// ```
    /// use asyncnet_driver::{OptionName, SocketOption};
    ///
    /// let (client, _server) = asyncnet_smol::pair().unwrap();
    /// client.set_option(SocketOption::Ttl(9)).unwrap();
    /// assert_eq!(client.option(OptionName::Ttl).unwrap(), SocketOption::Ttl(9));
    /// ```
    pub fn set_option(&self, option: SocketOption) -> Result<(), Error> {
        setting(self.socket()?, option)
    }

    /// Whether processes started later inherit the socket.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what the system says, and [`Unsupported`](io::ErrorKind::Unsupported) where it cannot be asked.
    ///
    /// See the example at [`set_inheritable`](Self::set_inheritable).
    pub fn is_inheritable(&self) -> Result<bool, Error> {
        Ok(self.socket()?.is_inheritable()?)
    }

    /// Lets processes started later inherit the socket, or not; it is not inherited until then.
    ///
    /// # Errors
    ///
    /// [`Error::Closed`]; what the system says.
    ///
    /// ```
    /// let (socket, _peer) = asyncnet_smol::pair().unwrap();
    /// socket.set_inheritable(true).unwrap();
    /// assert!(socket.is_inheritable().unwrap_or(true)); // Windows does not tell.
    /// ```
    pub fn set_inheritable(&self, on: bool) -> Result<(), Error> {
        Ok(self.socket()?.set_inheritable(on)?)
    }

    fn socket(&self) -> Result<&T, Error> {
        self.transport().ok_or(Error::Closed)
    }
}

impl<L: Accept + SocketOptions> Listener<L> {
    /// The value of a boolean option of the listening socket.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such option.
    ///
    /// ```
    /// let listener = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    /// assert!(listener.flag(asyncnet_driver::Flag::NoDelay).is_ok());
    /// ```
    pub fn flag(&self, flag: Flag) -> Result<bool, Error> {
        flag_of(self.socket(), flag)
    }

    /// Sets a boolean option of the listening socket, which connections inherit where the system has it so.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such option.
    ///
    /// ```
    /// use asyncnet_driver::Flag;
    ///
    /// let listener = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    /// listener.set_flag(Flag::KeepAlive, true).unwrap();
    /// assert!(listener.flag(Flag::KeepAlive).unwrap());
    /// ```
    pub fn set_flag(&self, flag: Flag, on: bool) -> Result<(), Error> {
        setting(self.socket(), SocketOption::Flag(flag, on))
    }

    /// The value of an option of the listening socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag).
    ///
    /// ```
    /// use asyncnet_driver::{OptionName, SocketOption};
    ///
    /// let listener = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    /// listener.set_option(SocketOption::Ttl(9)).unwrap();
    /// assert_eq!(listener.option(OptionName::Ttl).unwrap(), SocketOption::Ttl(9));
    /// ```
    pub fn option(&self, name: OptionName) -> Result<SocketOption, Error> {
        asked(self.socket(), name)
    }

    /// Sets an option of the listening socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`set_flag`](Self::set_flag).
    ///
    /// See the example at [`option`](Self::option).
    pub fn set_option(&self, option: SocketOption) -> Result<(), Error> {
        setting(self.socket(), option)
    }

    /// Whether processes started later inherit the socket.
    ///
    /// # Errors
    ///
    /// What the system says, and [`Unsupported`](io::ErrorKind::Unsupported) where it cannot be asked.
    ///
    /// See the example at [`set_inheritable`](Self::set_inheritable).
    pub fn is_inheritable(&self) -> Result<bool, Error> {
        Ok(self.socket().is_inheritable()?)
    }

    /// Lets processes started later inherit the socket, or not; it is not inherited until then.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// ```
    /// let socket = asyncnet_smol::listen("127.0.0.1:0").unwrap();
    /// socket.set_inheritable(true).unwrap();
    /// assert!(socket.is_inheritable().unwrap_or(true)); // Windows does not tell.
    /// ```
    pub fn set_inheritable(&self, on: bool) -> Result<(), Error> {
        Ok(self.socket().set_inheritable(on)?)
    }
}

impl<D: DatagramSocket + SocketOptions> Datagram<D> {
    /// The value of a boolean option of the socket.
    ///
    /// # Errors
    ///
    /// What getsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such option.
    ///
    /// ```
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// assert!(!socket.flag(asyncnet_driver::Flag::Broadcast).unwrap());
    /// ```
    pub fn flag(&self, flag: Flag) -> Result<bool, Error> {
        flag_of(self.socket(), flag)
    }

    /// Sets a boolean option of the socket.
    ///
    /// # Errors
    ///
    /// What setsockopt(2) says, and [`Unsupported`](io::ErrorKind::Unsupported) where there is no such option.
    ///
    /// ```
    /// use asyncnet_driver::Flag;
    ///
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// socket.set_flag(Flag::Broadcast, true).unwrap();
    /// assert!(socket.flag(Flag::Broadcast).unwrap());
    /// ```
    pub fn set_flag(&self, flag: Flag, on: bool) -> Result<(), Error> {
        setting(self.socket(), SocketOption::Flag(flag, on))
    }

    /// The value of an option of the socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`flag`](Self::flag).
    ///
    /// ```
    /// use asyncnet_driver::{OptionName, SocketOption};
    ///
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// socket.set_option(SocketOption::MulticastTtl(3)).unwrap();
    /// assert_eq!(socket.option(OptionName::MulticastTtl).unwrap(), SocketOption::MulticastTtl(3));
    /// ```
    pub fn option(&self, name: OptionName) -> Result<SocketOption, Error> {
        asked(self.socket(), name)
    }

    /// Sets an option of the socket that is not boolean.
    ///
    /// # Errors
    ///
    /// As [`set_flag`](Self::set_flag).
    ///
    /// See the example at [`option`](Self::option).
    pub fn set_option(&self, option: SocketOption) -> Result<(), Error> {
        setting(self.socket(), option)
    }

    /// Whether processes started later inherit the socket.
    ///
    /// # Errors
    ///
    /// What the system says, and [`Unsupported`](io::ErrorKind::Unsupported) where it cannot be asked.
    ///
    /// See the example at [`set_inheritable`](Self::set_inheritable).
    pub fn is_inheritable(&self) -> Result<bool, Error> {
        Ok(self.socket().is_inheritable()?)
    }

    /// Lets processes started later inherit the socket, or not; it is not inherited until then.
    ///
    /// # Errors
    ///
    /// What the system says.
    ///
    /// ```
    /// let socket = asyncnet_smol::bind("127.0.0.1:0").unwrap();
    /// socket.set_inheritable(true).unwrap();
    /// assert!(socket.is_inheritable().unwrap_or(true)); // Windows does not tell.
    /// ```
    pub fn set_inheritable(&self, on: bool) -> Result<(), Error> {
        Ok(self.socket().set_inheritable(on)?)
    }
}

pub(crate) fn flag_of(socket: &impl SocketOptions, flag: Flag) -> Result<bool, Error> {
    Ok(asked(socket, OptionName::Flag(flag))? == SocketOption::Flag(flag, true))
}

pub(crate) fn asked(socket: &impl SocketOptions, name: OptionName) -> Result<SocketOption, Error> {
    socket.option(name).map_err(|error| of_option(name, error))
}

pub(crate) fn setting(socket: &impl SocketOptions, option: SocketOption) -> Result<(), Error> {
    socket.set_option(option).map_err(|error| of_option(option.name(), error))
}

/// An error that names the option, where the system's does not.
fn of_option(name: OptionName, error: io::Error) -> Error {
    if error.raw_os_error().is_some() {
        return Error::io_at(Operation::Option, name, error);
    }
    Error::io(Operation::Option, error)
}
