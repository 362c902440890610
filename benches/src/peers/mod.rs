//! The same server on what there is beside asyncnet, each as its users would write it, and as well as they can.
//!
//! With `--style await` each line is answered with a write of its own; with `burst` the answers to all lines that came
//! together go out with one write, which has to be done by hand. What a peer does with a line is the same for all
//! ([`Answers`]); how it comes to lines is the peer's.

mod epoll;
mod smol;
mod threads;
mod tokio;

use crate::Fault;
use crate::arguments::{Mode, ServerArguments, Style, Work, word};
use crate::request::Request;
use clap::ValueEnum;

/// What a server is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// tokio: `BufReader::read_until`.
    TokioBufreader,
    /// tokio and tokio-util: `FramedRead` with `LinesCodec`, which takes lines of UTF-8 and forgets a CR before LF.
    TokioUtilLines,
    /// tokio and tokio-rustls, below a `BufReader`.
    TokioRustls,
    /// smol and futures-lite: `BufReader::read_until`.
    SmolFuturesLite,
    /// smol and futures-rustls, below a `BufReader`.
    SmolFuturesRustls,
    /// A thread a connection, std's `BufReader::read_until`.
    StdThreads,
    /// epoll(7) by hand: what the others can be measured by.
    Epoll,
    /// The same, with rustls by hand.
    EpollRustls,
}

impl Peer {
    /// Whether it speaks TLS; each does one thing alone.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            Self::TokioRustls | Self::SmolFuturesRustls | Self::EpollRustls => Mode::Tls,
            _ => Mode::Plain,
        }
    }

    /// Serves until the process ends.
    ///
    /// # Errors
    ///
    /// When it cannot listen, or not go on; when it is told to speak TLS and cannot, or the other way round.
    pub fn serve(self, arguments: &ServerArguments) -> Result<(), Fault> {
        if arguments.mode != self.mode() {
            return Err(format!("{} has --mode {} alone", word(&self), word(&self.mode())).into());
        }
        match self {
            Self::TokioBufreader | Self::TokioRustls => tokio::serve(arguments, tokio::Lines::BufReader),
            Self::TokioUtilLines => tokio::serve(arguments, tokio::Lines::Codec),
            Self::SmolFuturesLite | Self::SmolFuturesRustls => smol::serve(arguments),
            Self::StdThreads => threads::serve(arguments),
            Self::Epoll | Self::EpollRustls => epoll::serve(arguments),
        }
    }
}

/// What a connection's lines are answered with: [`Work::Echo`] and [`Work::Sink`].
struct Answers {
    work: Work,
    count: u64,
    /// The count, as it is sent.
    said: Vec<u8>,
}

impl Answers {
    fn new(work: Work) -> Self {
        Self { work, count: 0, said: Vec::new() }
    }

    /// What is answered to a line, which has its terminator; nothing if it is empty.
    fn to<'a>(&'a mut self, line: &'a [u8]) -> &'a [u8] {
        if self.work == Work::Echo {
            return line;
        }
        if !matches!(line, b"\n" | b"\r\n") {
            self.count += 1;
            return &[];
        }
        self.said = format!("{}\n", self.count).into_bytes();
        self.count = 0;
        &self.said
    }
}

/// What a connection does.
#[derive(Clone, Copy)]
struct Task {
    work: Work,
    style: Style,
}

impl Task {
    fn of(arguments: &ServerArguments) -> Self {
        Self { work: arguments.work, style: arguments.style }
    }
}

/// The request in a line, which has its terminator.
fn request(line: &[u8]) -> Result<Request, Fault> {
    Request::parse(line.trim_ascii_end())
}

/// How many bytes bulk work reads at once.
const READ_BYTES: usize = 64 << 10;
/// How many bytes of answers are gathered before they go out.
const ANSWERS_BYTES_MAX: usize = 64 << 10;
