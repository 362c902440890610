//! Options of the runtime's sockets, by way of the operating system's.

use crate::net::TokioListener;
use crate::socket::Either;
use crate::transport::TokioTransport;
use asyncnet_driver::{OptionName, SocketOption, SocketOptions};
use std::io;

impl SocketOptions for TokioTransport {
    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        asyncnet_os::option(self.io(), name)
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        asyncnet_os::set_option(self.io(), option)
    }

    fn is_inheritable(&self) -> io::Result<bool> {
        asyncnet_os::is_inheritable(self.io())
    }

    fn set_inheritable(&self, on: bool) -> io::Result<()> {
        asyncnet_os::set_inheritable(self.io(), on)
    }
}

impl SocketOptions for TokioListener {
    fn option(&self, name: OptionName) -> io::Result<SocketOption> {
        asyncnet_os::option(self, name)
    }

    fn set_option(&self, option: SocketOption) -> io::Result<()> {
        asyncnet_os::set_option(self, option)
    }

    fn is_inheritable(&self) -> io::Result<bool> {
        asyncnet_os::is_inheritable(self)
    }

    fn set_inheritable(&self, on: bool) -> io::Result<()> {
        asyncnet_os::set_inheritable(self, on)
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for TokioListener {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match &self.socket {
            Either::Tcp(listener) => listener.as_fd(),
            Either::Unix(listener) => listener.as_fd(),
        }
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for TokioListener {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        match &self.socket {
            Either::Tcp(listener) => listener.as_socket(),
            Either::Unix(never) => match *never {},
        }
    }
}
