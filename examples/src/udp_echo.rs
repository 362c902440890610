//! A datagram echo: every message goes back to who sent it, whole.
//!
//! What makes it different from the echo of lines: there is no connection to end, so whatever goes wrong with one message
//! is told, counted, and over; and any address may be in a message as its sender's, also a false one.

use crate::runtime::within;
use crate::stop::Stop;
use asyncnet_driver::{Datagram, DatagramSocket, Endpoint, Error, Operation, Received, Timer, UnixName};
use std::fmt;
use std::io;
use std::time::Duration;

/// How many messages are received and answered at once: a burst costs one system call for its answers where there is
/// sendmmsg(2), and the memory of so many messages is held.
const BATCH: usize = 16;
/// How long an answer has to get into a full queue: a Unix peer that does not read must not hold up the others.
const ANSWER_TIME_MAX: Duration = Duration::from_millis(10);
/// How many receives may fail in a row. The network's word on an earlier answer is one failure a message; a socket that
/// fails every time is of no use.
const FAILURES_MAX: usize = 1_000;

/// What became of the messages.
///
/// ```
/// let counts = asyncnet_examples::udp_echo::Counts { echoed: 2, bytes: 7, truncated: 1, ..Default::default() };
/// assert_eq!(counts.to_string(), "echoed 2 datagrams, 7 bytes; 1 truncated, 0 not to be answered, 0 lost");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many were sent back.
    pub echoed: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many were longer than the memory.
    pub truncated: u64,
    /// How many came from nobody who could be answered: without a sender's name, or as if from an echo.
    pub unanswerable: u64,
    /// How many answers the system did not take.
    pub lost: u64,
}

/// Why a message was not sent back, or a receive failed.
#[derive(Debug)]
pub enum Trouble {
    /// It was longer than this many bytes. Half a message is no message, so nothing goes back.
    Truncated(usize),
    /// Its sender has no name: a Unix socket that was not bound.
    Unnamed,
    /// It seems to come from where the echo is: two echoes would answer each other for ever.
    FromEcho,
    /// The system did not take the answer.
    NotSent(Error),
    /// A receive failed: as what the network says of an earlier answer. The next one may succeed.
    NotReceived(Error),
}

/// Sends every message back to its sender, until asked to stop: what became of them. What is not sent back is told to
/// `told`, with its sender's address where that is known. `timer` makes a timer of the runtime's.
///
/// A message longer than `datagram_bytes_max` is not sent back in part, and an empty one is sent back empty.
///
/// # Errors
///
/// 1000 receives in a row failed.
///
/// # Cancel safety
///
/// Dropped, up to 16 messages that were received may stay without an answer; asked to stop, it answers them first.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::Net;
/// use asyncnet_examples::stop::Stop;
/// use asyncnet_examples::udp_echo;
/// use asyncnet_smol::SmolNet;
///
/// let (client, server) = (asyncnet_smol::bind("127.0.0.1:0")?, asyncnet_smol::bind("127.0.0.1:0")?);
/// let stop = Stop::new();
/// let asking = async {
///     client.send_to(b"hello", &server.local_endpoint()?).await?;
///     assert_eq!(client.recv_from_owned(100).await?.0, "hello");
///     stop.ask();
///     Ok(())
/// };
/// let answering = udp_echo::answer(&server, || SmolNet.timer(), 1_000, &stop, |_, _| unreachable!());
/// let (counts, ()) = futures_lite::future::try_zip(answering, asking).await?;
/// assert_eq!((counts.echoed, counts.bytes), (1, 5));
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
pub async fn answer<D: DatagramSocket, T: Timer>(
    socket: &Datagram<D>,
    timer: impl Fn() -> T,
    datagram_bytes_max: usize,
    stop: &Stop,
    mut told: impl FnMut(Option<&Endpoint>, Trouble),
) -> Result<Counts, Error> {
    let here = socket.local_endpoint()?;
    let mut counts = Counts::default();
    let mut memory = vec![0; BATCH * datagram_bytes_max];
    let mut received = Vec::new();
    let mut failures = 0;
    loop {
        let mut bufs: Vec<&mut [u8]> = memory.chunks_mut(datagram_bytes_max).collect();
        match stop.before(socket.recv_many(&mut bufs, &mut received)).await {
            None => return Ok(counts),
            Some(Ok(())) => failures = 0,
            Some(Err(error)) if failures == FAILURES_MAX => return Err(error),
            Some(Err(error)) => {
                failures += 1;
                told(None, Trouble::NotReceived(error));
                continue;
            }
        }
        let mut answers: Vec<(&[u8], Option<&Endpoint>)> = Vec::new();
        for (received, message) in received.iter().zip(memory.chunks(datagram_bytes_max)) {
            match sender(received, &here, datagram_bytes_max) {
                Ok(to) => answers.push((&message[..received.len], Some(to))),
                Err(trouble) => {
                    counts.refuse(&trouble);
                    told(received.from.as_ref(), trouble);
                }
            }
        }
        send_all(socket, &timer, &answers, &mut counts, &mut told).await;
    }
}

/// Who is to have a message back.
fn sender<'a>(received: &'a Received, here: &Endpoint, len_max: usize) -> Result<&'a Endpoint, Trouble> {
    match &received.from {
        _ if received.truncated => Err(Trouble::Truncated(len_max)),
        None | Some(Endpoint::Unix(UnixName::Unnamed)) => Err(Trouble::Unnamed),
        Some(from) if is_echo(from, here) => Err(Trouble::FromEcho),
        Some(from) => Ok(from),
    }
}

/// Whether an echo is there, as far as one can see: this one, or one that serves the same port elsewhere.
fn is_echo(from: &Endpoint, here: &Endpoint) -> bool {
    match (from, here) {
        (Endpoint::Inet(from), Endpoint::Inet(here)) => from.port() == here.port(),
        _ => from == here,
    }
}

/// Sends the answers, in order. One that cannot be sent costs none of the others.
async fn send_all<D: DatagramSocket, T: Timer>(
    socket: &Datagram<D>,
    timer: &impl Fn() -> T,
    mut answers: &[(&[u8], Option<&Endpoint>)],
    counts: &mut Counts,
    told: &mut impl FnMut(Option<&Endpoint>, Trouble),
) {
    // Each turn is done with one of them at least.
    while let Some((_, to)) = answers.first() {
        let done = match within(timer(), ANSWER_TIME_MAX, socket.send_many(answers)).await {
            Some(Ok(sent)) => {
                counts.echoed += sent as u64;
                counts.bytes += answers[..sent].iter().map(|(message, _)| message.len() as u64).sum::<u64>();
                sent
            }
            failed => {
                let full = || io::Error::new(io::ErrorKind::TimedOut, "the queue to it is full");
                let error = match failed {
                    Some(Err(error)) => error,
                    _ => Error::io(Operation::Write, full()),
                };
                counts.lost += 1;
                told(*to, Trouble::NotSent(error));
                1
            }
        };
        answers = &answers[done..];
    }
}

impl Counts {
    fn refuse(&mut self, trouble: &Trouble) {
        match trouble {
            Trouble::Truncated(_) => self.truncated += 1,
            _ => self.unanswerable += 1,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { echoed, bytes, truncated, unanswerable, lost } = self;
        write!(f, "echoed {echoed} datagrams, {bytes} bytes; ")?;
        write!(f, "{truncated} truncated, {unanswerable} not to be answered, {lost} lost")
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated(len_max) => write!(f, "not echoed: longer than {len_max} bytes"),
            Self::Unnamed => f.write_str("not echoed: the sender has no name to answer to"),
            Self::FromEcho => f.write_str("not echoed: it says that an echo sent it"),
            Self::NotSent(error) => write!(f, "the answer is lost: {error}"),
            Self::NotReceived(error) => write!(f, "{error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

    use super::{FAILURES_MAX, Trouble, answer};
    use crate::stop::Stop;
    use asyncnet_driver::{Datagram, DatagramSocket, Endpoint, Endpoints, Error, Net, Received};
    use asyncnet_smol::SmolNet;
    use std::cell::{Cell, RefCell};
    use std::io::{self, ErrorKind};
    use std::net::IpAddr;
    use std::task::{Context, Poll};

    /// A socket with so many refusals before each message, as Windows and connected sockets have them.
    struct Refusing {
        refusals: usize,
        left: Cell<usize>,
        messages: Cell<usize>,
        sent: RefCell<Vec<Vec<u8>>>,
        stop: Stop,
    }

    fn client() -> Endpoint {
        Endpoint::Inet(([127, 0, 0, 1], 9).into())
    }

    impl Endpoints for Refusing {
        fn local_endpoint(&self) -> io::Result<Endpoint> {
            Ok(Endpoint::Inet(([127, 0, 0, 1], 7).into()))
        }

        fn peer_endpoint(&self) -> io::Result<Endpoint> {
            Err(ErrorKind::NotConnected.into())
        }
    }

    impl DatagramSocket for Refusing {
        fn poll_recv_from(&self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<Received>> {
            if self.left.get() > 0 {
                self.left.set(self.left.get() - 1);
                return Poll::Ready(Err(ErrorKind::ConnectionRefused.into()));
            }
            if self.messages.get() == 0 {
                self.stop.ask();
                return Poll::Pending;
            }
            self.messages.set(self.messages.get() - 1);
            self.left.set(self.refusals);
            buf[0] = b'x';
            Poll::Ready(Ok(Received::new(1, Some(client()))))
        }

        fn poll_send_to(
            &self,
            _: &mut Context<'_>,
            bytes: &[u8],
            to: Option<&Endpoint>,
        ) -> Poll<io::Result<()>> {
            assert_eq!(to, Some(&client()));
            self.sent.borrow_mut().push(bytes.to_vec());
            Poll::Ready(Ok(()))
        }

        fn connect(&self, _: &Endpoint) -> io::Result<()> {
            Err(ErrorKind::Unsupported.into())
        }

        fn join(&self, _: IpAddr, _: u32) -> io::Result<()> {
            Err(ErrorKind::Unsupported.into())
        }

        fn leave(&self, _: IpAddr, _: u32) -> io::Result<()> {
            Err(ErrorKind::Unsupported.into())
        }
    }

    /// How many answers there are to three messages, with so many refusals before each; and how it ends.
    fn play(refusals: usize) -> (usize, Result<u64, Error>) {
        let stop = Stop::new();
        let socket = Datagram::new(Refusing {
            refusals,
            left: Cell::new(refusals),
            messages: Cell::new(3),
            sent: RefCell::default(),
            stop: stop.clone(),
        });
        let mut told = 0;
        let answering = answer(
            &socket,
            || SmolNet.timer(),
            8,
            &stop,
            |_, trouble| {
                assert!(matches!(trouble, Trouble::NotReceived(_)));
                told += 1;
            },
        );
        let result = futures_lite::future::block_on(answering);
        assert!(told <= 4 * FAILURES_MAX);
        (socket.into_socket().sent.into_inner().len(), result.map(|counts| counts.echoed))
    }

    #[test]
    fn refusals_of_earlier_answers_end_nothing() {
        for refusals in [0, 1, 7, FAILURES_MAX] {
            let (sent, ended) = play(refusals);
            assert_eq!((sent, ended.unwrap()), (3, 3), "{refusals} refusals");
        }
    }

    #[test]
    fn a_socket_that_always_fails_is_given_up() {
        let (sent, ended) = play(FAILURES_MAX + 1);
        assert!(
            matches!(ended, Err(Error::Io { source, .. }) if source.kind() == ErrorKind::ConnectionRefused)
        );
        assert_eq!(sent, 0);
    }
}
