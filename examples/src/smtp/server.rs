//! A sink's dialogue: lines in, answers out, messages into files.
//!
//! An answer is queued, and what is queued goes out before a receive waits: commands that come in one piece are
//! answered in one.

use crate::program::note;
use crate::runtime::{Runtime, within};
use crate::smtp::command::CommandError;
use crate::smtp::incoming::{Incoming, Refusal, Taken};
use crate::smtp::maildir::{Draft, Maildir};
use crate::smtp::reply::Reply;
use crate::smtp::session::{Rules, Session, Step, Transaction, too_large};
use crate::smtp::{COMMAND_BYTES_MAX, MAIL_BYTES_MORE, TEXT_LINE_BYTES_MAX, trace};
use crate::stop::Stop;
use asyncnet_driver::tls::rustls::ServerConfig;
use asyncnet_driver::tls::{Leftover, StartTls};
use asyncnet_driver::{Endings, Error, Limits, LinePolicy, Operation, RecvError, Stream, Transport};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// A command, as long as it may be. CR LF ends it and nothing else does: who disagrees with the client about where a line
/// ends can be made to see another message than the client sent.
const COMMANDS: LinePolicy = LinePolicy::new(COMMAND_BYTES_MAX + MAIL_BYTES_MORE).endings(Endings::CrLfOnly);
/// A line of a message, and the dot before it.
const TEXT: LinePolicy = LinePolicy::new(TEXT_LINE_BYTES_MAX + 1).endings(Endings::CrLfOnly);

/// How long a message may take, as a multiple of the time for a line: a client that sends one byte less slowly than it
/// must would stay for ever.
const MESSAGE_LINES_TIME: u32 = 12;

/// How many bytes of a message that is not kept are read in search of its end.
const REFUSED_BYTES_MAX: u64 = 64 << 20;

/// How a sink behaves.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    /// What it promises.
    pub rules: Rules,
    /// How it speaks TLS; `None` offers none.
    pub tls: Option<Arc<ServerConfig>>,
    /// How long a client has for a line: see [`LINE_TIME`](Self::LINE_TIME).
    pub line_time_max: Duration,
}

impl SinkSettings {
    /// How long a server waits for a command, at least (RFC 5321, section 4.5.3.2.7).
    pub const LINE_TIME: Duration = Duration::from_secs(300);

    /// Limits of a stream for such a dialogue: lines are short, so a peer that sends none is soon given up.
    ///
    /// ```
    /// assert_eq!(asyncnet_examples::smtp::SinkSettings::limits().discard_bytes_max, 65_536);
    /// ```
    #[must_use]
    pub fn limits() -> Limits {
        let mut limits = Limits::default();
        limits.line_bytes_max = TEXT.max;
        limits.discard_bytes_max = 64 << 10;
        limits
    }
}

/// What receives mail: one for all connections.
#[derive(Debug)]
pub struct Sink<R> {
    /// What runs it, and writes files on other threads.
    pub net: R,
    /// Where messages go.
    pub maildir: Arc<Maildir>,
    /// How it behaves.
    pub settings: SinkSettings,
    /// When it is to end.
    pub stop: Stop,
}

/// Why there is no line.
enum NoLine {
    /// The client has ended the connection, between two lines.
    Ended,
    /// The client, or we, have something to say about it: then the connection ends.
    Farewell(Reply),
    /// It is too long, and dropped.
    TooLong,
    /// The stream failed.
    Failed(Error),
}

impl<R: Runtime> Sink<R> {
    /// Talks to a client, from the greeting to the last answer, which may be queued when this returns: close the stream then.
    /// `peer` names the client in messages' heads.
    ///
    /// It sees the request to stop where it waits for the client: a message that has come in whole is stored and
    /// answered before, so that it is not sent again.
    ///
    /// # Errors
    ///
    /// What the stream fails with, and an end in the middle of a message.
    pub async fn talk(&self, stream: &mut Stream<R::Transport>, peer: &str) -> Result<(), Error> {
        let rules = &self.settings.rules;
        let mut session = Session::new(rules);
        let mut line = Vec::new();
        queue(stream, &Reply::new(220, format!("{} ESMTP, a sink", rules.host)))?;
        loop {
            stream.set_line_policy(COMMANDS);
            let step = match self.line(stream, &mut line, self.settings.line_time_max).await {
                Ok(()) => session.command(&line),
                Err(NoLine::TooLong) => session.fault(CommandError::TooLong),
                Err(NoLine::Ended) => return Ok(()),
                Err(NoLine::Farewell(reply)) => return queue(stream, &reply),
                Err(NoLine::Failed(error)) => return Err(error),
            };
            match step {
                Step::Reply(reply) => queue(stream, &reply)?,
                Step::Close(reply) => return queue(stream, &reply),
                Step::Data(go_on) => {
                    queue(stream, &go_on)?;
                    let Some(transaction) = session.take_transaction() else { continue };
                    match self.message(stream, &session, &transaction, peer).await {
                        Ok(reply) => queue(stream, &reply)?,
                        Err(NoLine::Farewell(reply)) => return queue(stream, &reply),
                        Err(NoLine::Failed(error)) => return Err(error),
                        Err(NoLine::Ended | NoLine::TooLong) => {
                            let why = "the client hung up in the middle of a message";
                            let why = io::Error::new(io::ErrorKind::UnexpectedEof, why);
                            return Err(Error::io(Operation::Read, why));
                        }
                    }
                }
                Step::StartTls(begin) => {
                    let Some(config) = &self.settings.tls else { continue };
                    if stream.received_len() > 0 {
                        // Whoever is on the way may have put it there, to have it taken as said over TLS.
                        return queue(
                            stream,
                            &Reply::new(501, "5.5.1 Nothing may follow STARTTLS before TLS"),
                        );
                    }
                    queue(stream, &begin)?;
                    let how = StartTls::server(config).leftover(Leftover::Refuse);
                    match self.stop.before(stream.start_tls(how)).await {
                        Some(begun) => drop(begun?),
                        None => return Ok(()),
                    }
                    session.begin_tls();
                }
            }
        }
    }

    /// Receives a message and stores it: what is answered.
    async fn message(
        &self,
        stream: &mut Stream<R::Transport>,
        session: &Session<'_>,
        transaction: &Transaction,
        peer: &str,
    ) -> Result<Reply, NoLine> {
        let rules = &self.settings.rules;
        let head = trace::head(session, transaction, peer, &rules.host, SystemTime::now());
        let mut incoming = Incoming::new(&head, rules.message_bytes_max);
        let mut draft = None;
        let time = self.settings.line_time_max.saturating_mul(MESSAGE_LINES_TIME);
        stream.set_line_policy(TEXT);
        let receiving = self.receive(stream, &mut incoming, &mut draft);
        let received = within(self.net.timer(), time, receiving).await.unwrap_or_else(|| Err(timed_out()));
        let refused = match (received, incoming.refusal()) {
            (Ok(Ok(())), None) => {
                let stored = self.store(draft.take(), incoming.take_piece()).await;
                return Ok(stored.map_or_else(
                    |error| unwritten(peer, &error),
                    |name| Reply::new(250, format!("2.0.0 Kept as {name}")),
                ));
            }
            (Ok(_), Some(Refusal::TooLarge)) => Ok(too_large(rules)),
            (Ok(_), Some(Refusal::LineTooLong)) => {
                Ok(Reply::new(554, format!("5.6.0 A line has more than {TEXT_LINE_BYTES_MAX} bytes")))
            }
            (Ok(Err(error)), None) => Ok(unwritten(peer, &error)),
            (Err(no_line), _) => Err(no_line),
        };
        self.net.unblock(move || drop(draft)).await;
        refused
    }

    /// Receives the lines of a message, and writes full pieces. What cannot be written is told at the message's end.
    async fn receive(
        &self,
        stream: &mut Stream<R::Transport>,
        incoming: &mut Incoming,
        draft: &mut Option<Draft>,
    ) -> Result<io::Result<()>, NoLine> {
        let mut line = Vec::new();
        let mut written = Ok(());
        loop {
            match self.line(stream, &mut line, self.settings.line_time_max).await {
                Ok(()) => {}
                Err(NoLine::TooLong) => {
                    incoming.refuse(Refusal::LineTooLong);
                    continue;
                }
                Err(no_line) => return Err(no_line),
            }
            match incoming.line(&line) {
                Taken::End => return Ok(written),
                Taken::Full => {
                    let piece = incoming.take_piece();
                    if written.is_ok() {
                        written = self.write(draft.take(), piece).await.map(|open| *draft = Some(open));
                    }
                }
                Taken::Text
                    if incoming.bytes() > self.settings.rules.message_bytes_max + REFUSED_BYTES_MAX =>
                {
                    return Err(NoLine::Farewell(too_large(&self.settings.rules)));
                }
                Taken::Text => {}
            }
        }
    }

    async fn write(&self, draft: Option<Draft>, piece: Vec<u8>) -> io::Result<Draft> {
        let maildir = Arc::clone(&self.maildir);
        self.net.unblock(move || write(&maildir, draft, &piece)).await
    }

    /// Writes the last piece, and makes it a message.
    async fn store(&self, draft: Option<Draft>, piece: Vec<u8>) -> io::Result<String> {
        let maildir = Arc::clone(&self.maildir);
        self.net.unblock(move || write(&maildir, draft, &piece)?.commit()).await
    }

    /// The next line, within its time, unless it is time to stop.
    async fn line(
        &self,
        stream: &mut Stream<R::Transport>,
        line: &mut Vec<u8>,
        time: Duration,
    ) -> Result<(), NoLine> {
        // Most lines of a message are here already, and nothing waits to be sent then.
        if stream.queued_len() == 0 {
            if let Some(here) = stream.try_line().map_err(no_line)? {
                line.clear();
                line.extend_from_slice(here.as_bytes());
                return Ok(());
            }
        }
        let receiving = within(self.net.timer(), time, stream.recv_line_into(line));
        match self.stop.before(receiving).await {
            None => Err(NoLine::Farewell(Reply::new(421, "4.3.2 Shutting down"))),
            Some(None) => Err(timed_out()),
            Some(Some(Ok(Some(_)))) => Ok(()),
            Some(Some(Ok(None))) => Err(NoLine::Ended),
            Some(Some(Err(error))) => Err(no_line(error)),
        }
    }
}

fn queue<T: Transport>(stream: &mut Stream<T>, reply: &Reply) -> Result<(), Error> {
    reply.wire_lines().try_for_each(|line| stream.queue_line(line))
}

fn write(maildir: &Maildir, draft: Option<Draft>, piece: &[u8]) -> io::Result<Draft> {
    let mut draft = draft.map_or_else(|| maildir.draft(), Ok)?;
    draft.write(piece)?;
    Ok(draft)
}

fn timed_out() -> NoLine {
    NoLine::Farewell(Reply::new(421, "4.4.2 You took too long"))
}

/// What an error of a receive means to the dialogue.
fn no_line(error: Error) -> NoLine {
    match error {
        Error::Recv(RecvError::LineTooLong { .. }) => NoLine::TooLong,
        Error::Recv(RecvError::BareLf { .. } | RecvError::BareCr { .. }) => {
            NoLine::Farewell(Reply::new(554, "5.6.0 A line ends with CR LF, and has neither in it"))
        }
        Error::Recv(RecvError::DiscardSpent { .. }) => {
            NoLine::Farewell(Reply::new(500, "5.5.2 A line does not end"))
        }
        error => NoLine::Failed(error),
    }
}

/// The client is to try again, and whoever started the sink is to know why.
fn unwritten(peer: &str, error: &io::Error) -> Reply {
    note("smtp", &format_args!("{peer}: a message cannot be kept: {error}"));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Reply::new(452, "4.3.1 There is no room for it")
        }
        _ => Reply::new(451, "4.3.0 It cannot be written"),
    }
}
