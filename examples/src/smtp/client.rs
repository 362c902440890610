//! A client's dialogue: one message, to one server.
//!
//! ```text
//!   greeting -> EHLO -> STARTTLS -> handshake -> EHLO -> MAIL, RCPT ... -> DATA -> message -> QUIT
//!                  `---------- without ------------------^
//! ```
//!
//! Nothing that was offered in plaintext counts once there is TLS (RFC 3207, section 4.2). The message goes to all recipients,
//! or is not sent at all: then there is one outcome to tell.

use crate::runtime::{Runtime, within};
use crate::smtp::TEXT_LINE_BYTES_MAX;
use crate::smtp::error::ClientError;
use crate::smtp::message::Message;
use crate::smtp::offer::Offer;
use crate::smtp::path::Path;
use crate::smtp::reply::{Reply, ReplyLine};
use asyncnet_driver::tls::rustls::ClientConfig;
use asyncnet_driver::tls::{Leftover, StartTls, TlsError};
use asyncnet_driver::{Connector, Endpoint, Error, LinePolicy, Stream};
use asyncnet_os::Address;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long an answer to a command may take, the greeting included (RFC 5321, section 4.5.3.2).
const REPLY_TIME: Duration = Duration::from_secs(300);
/// How long the answer to DATA may take.
const DATA_TIME: Duration = Duration::from_secs(120);
/// How long the server may take for a piece of the message.
const PIECE_TIME: Duration = Duration::from_secs(180);
/// How long it may take to store the message.
const STORE_TIME: Duration = Duration::from_secs(600);
/// How long the last of a connection is waited for: the outcome is known.
const CLOSING: Duration = Duration::from_secs(2);

/// Lines of answers. Servers that go over what RFC 5321 says (512, section 4.5.3.1.5) are known.
const REPLIES: LinePolicy = LinePolicy::new(TEXT_LINE_BYTES_MAX);
/// How many lines an answer has: some times what a server with many extensions says.
const REPLY_LINES_MAX: usize = 100;

/// From whom, and to whom.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The sender; nobody for what must not be answered.
    pub from: Path,
    /// The recipients.
    pub to: Vec<Path>,
}

/// Whether the message is sent over TLS.
#[derive(Clone, Debug)]
pub enum Security {
    /// By STARTTLS, whose certificate is good and for this name; else it is not sent.
    Required(Arc<ClientConfig>, String),
    /// In plaintext.
    Off,
}

/// A connection to a server.
#[derive(Debug)]
pub struct Client<R: Runtime> {
    net: R,
    stream: Stream<R::Transport>,
    /// What it calls itself.
    name: String,
    /// Instead of RFC 5321's times.
    time_max: Option<Duration>,
    /// A message is begun, and its end is not sent.
    is_in_message: bool,
}

/// How sending a piece went.
enum Sent {
    /// It is with the kernel.
    All,
    /// The server has something to say before it has heard all, or has ended the connection.
    Interrupted,
}

impl<R: Runtime> Client<R> {
    /// Connects. Without a `name` it calls itself by its address (RFC 5321, section 4.1.4); with `time_max` each answer has so
    /// long, instead of the minutes of RFC 5321.
    ///
    /// # Errors
    ///
    /// [`ClientError::Stream`], [`ClientError::Silent`].
    pub async fn connect(
        net: R,
        server: &Address,
        name: Option<&str>,
        time_max: Option<Duration>,
    ) -> Result<Self, ClientError> {
        let connector = Connector::new();
        let time = time_max.unwrap_or(REPLY_TIME);
        let connecting = async {
            match (server, server.endpoint()) {
                (Address::Host { host, port }, _) => connector.dial(&net, host, *port).await,
                (_, Some(endpoint)) => connector.connect(&net, &endpoint).await,
                (_, None) => Err(Error::Closed),
            }
        };
        let connected = within(net.timer(), time, connecting).await;
        let silent = || ClientError::Silent { what: "connecting".to_owned(), time };
        let mut stream = connected.ok_or_else(silent)?.map_err(ClientError::Stream)?;
        stream.set_line_policy(REPLIES);
        let name = name.map_or_else(|| address_literal(stream.local_endpoint().ok().as_ref()), str::to_owned);
        Ok(Self { net, stream, name, time_max, is_in_message: false })
    }

    /// Delivers the message; `sent` is told of every piece that went out, with its length in bytes.
    ///
    /// # Errors
    ///
    /// Any [`ClientError`]. The server does not have the message then, but for [`ClientError::Unanswered`].
    pub async fn deliver(
        mut self,
        security: &Security,
        envelope: &Envelope,
        message: Message,
        sent: impl FnMut(usize),
    ) -> Result<Reply, ClientError> {
        let delivered = self.try_deliver(security, envelope, message, sent).await;
        let is_in_step = match &delivered {
            Ok(_) => true,
            Err(error) => {
                error.status() != 1 && !matches!(error, ClientError::Injected | ClientError::Tls(_))
            }
        };
        if self.is_in_message {
            // It was refused, or cannot go on: its end must not look like one.
            self.stream.abort();
        } else if is_in_step {
            // The outcome is known, so this is politeness.
            within(self.net.timer(), CLOSING, async {
                self.ask("QUIT".to_owned(), REPLY_TIME).await.ok();
                self.stream.close().await.ok();
            })
            .await;
        }
        delivered
    }

    async fn try_deliver(
        &mut self,
        security: &Security,
        envelope: &Envelope,
        message: Message,
        sent: impl FnMut(usize),
    ) -> Result<Reply, ClientError> {
        good("the greeting", self.reply("the greeting", REPLY_TIME).await?)?;
        let offer = match security {
            Security::Required(config, name) => {
                if !self.extended_hello().await?.has_starttls {
                    return Err(ClientError::NoStartTls);
                }
                self.start_tls(config, name).await?;
                self.extended_hello().await?
            }
            Security::Off => self.hello().await?,
        };
        let summary = message.summary();
        if let Some(Some(limit)) = offer.size.filter(|limit| limit.is_some_and(|limit| limit < summary.bytes))
        {
            return Err(ClientError::TooLarge { bytes: summary.bytes, limit });
        }
        if summary.has_8bit && !offer.has_8bitmime {
            return Err(ClientError::No8BitMime);
        }
        let size = offer.size.map(|_| format!(" SIZE={}", summary.bytes)).unwrap_or_default();
        let body = if summary.has_8bit { " BODY=8BITMIME" } else { "" };
        let mail = format!("MAIL FROM:{}{size}{body}", envelope.from);
        let recipients = envelope.to.iter().map(|to| format!("RCPT TO:{to}"));
        self.ask_all([mail].into_iter().chain(recipients).collect(), offer.has_pipelining).await?;
        let go_on = good("DATA", self.ask("DATA".to_owned(), DATA_TIME).await?)?;
        if go_on.code() != 354 {
            return Err(ClientError::Malformed { what: "DATA".to_owned() });
        }
        self.send(message, sent).await?;
        let answer = self.reply("the message", STORE_TIME).await;
        good("the message", answer.map_err(|error| ClientError::Unanswered(Box::new(error)))?)
    }

    async fn extended_hello(&mut self) -> Result<Offer, ClientError> {
        let what = format!("EHLO {}", self.name);
        let reply = self.ask(what.clone(), REPLY_TIME).await?;
        Ok(Offer::parse(&good(&what, reply)?))
    }

    /// A server that does not know EHLO is greeted as in the old days (RFC 5321, section 3.2).
    async fn hello(&mut self) -> Result<Offer, ClientError> {
        match self.extended_hello().await {
            Err(ClientError::Refused { reply, .. }) if matches!(reply.code(), 500..=504) => {
                let what = format!("HELO {}", self.name);
                let reply = self.ask(what.clone(), REPLY_TIME).await?;
                good(&what, reply).map(|_| Offer::default())
            }
            greeted => greeted,
        }
    }

    async fn start_tls(&mut self, config: &Arc<ClientConfig>, name: &str) -> Result<(), ClientError> {
        let how = StartTls::client(config, name).map_err(ClientError::Tls)?.leftover(Leftover::Refuse);
        let reply = self.ask("STARTTLS".to_owned(), REPLY_TIME).await?;
        if reply.code() != 220 {
            return Err(ClientError::StartTlsRefused(reply));
        }
        match self.stream.start_tls(how).await {
            Ok(_proof) => Ok(()),
            Err(Error::Tls(TlsError::Leftover { .. })) => Err(ClientError::Injected),
            Err(Error::Tls(error)) => Err(ClientError::Tls(error)),
            Err(error) => Err(ClientError::Stream(error)),
        }
    }

    /// Says all commands, at once if that is possible, and hears all answers; the first that says no is the error.
    async fn ask_all(&mut self, commands: Vec<String>, at_once: bool) -> Result<(), ClientError> {
        if at_once {
            for command in &commands {
                self.stream.queue_line(command).map_err(ClientError::Stream)?;
            }
        }
        let mut outcome = Ok(());
        for command in commands {
            if !at_once {
                self.stream.queue_line(&command).map_err(ClientError::Stream)?;
            }
            // What is queued goes out before the receive waits.
            let reply = self.reply(&command, REPLY_TIME).await?;
            outcome = outcome.and(good(&command, reply).map(drop));
            if outcome.is_err() && !at_once {
                break;
            }
        }
        outcome
    }

    async fn ask(&mut self, command: String, time: Duration) -> Result<Reply, ClientError> {
        self.stream.queue_line(&command).map_err(ClientError::Stream)?;
        self.reply(&command, time).await
    }

    /// Sends the message and the dot that ends it, unless the server answers before: it may have no room for more, or be about
    /// to end, and not read on. Files are read on another thread.
    async fn send(&mut self, mut message: Message, mut sent: impl FnMut(usize)) -> Result<(), ClientError> {
        let time = self.time_max.unwrap_or(PIECE_TIME);
        let mut wire = Vec::new();
        self.is_in_message = true;
        loop {
            wire.clear();
            let read;
            (message, wire, read) = self
                .net
                .unblock(move || {
                    let read = message.next_piece(&mut wire);
                    (message, wire, read)
                })
                .await;
            let n = read.map_err(ClientError::Message)?;
            let is_last = n == 0;
            if is_last {
                wire.extend_from_slice(b".\r\n");
            }
            match within(self.net.timer(), time, self.send_piece(&wire, is_last)).await {
                Some(Ok(Sent::All)) => self.is_in_message = !is_last,
                Some(Ok(Sent::Interrupted)) => return Err(self.hear_refusal().await),
                Some(Err(error)) => return Err(self.explain(error).await),
                None => return Err(ClientError::Silent { what: "a part of the message".to_owned(), time }),
            }
            if is_last {
                return Ok(());
            }
            sent(usize::try_from(n).unwrap_or(usize::MAX));
        }
    }

    /// Sends a piece, and listens meanwhile. The answer to the last one is what comes behind it.
    async fn send_piece(&mut self, piece: &[u8], is_last: bool) -> Result<Sent, Error> {
        self.stream.queue(piece)?;
        // Two calls in one poll, each dropped where it waits: it is the stream that remembers how far they are.
        poll_fn(|cx| {
            let sent = pin!(self.stream.flush()).poll(cx)?;
            if sent.is_ready() && is_last {
                return Poll::Ready(Ok(Sent::All));
            }
            match pin!(self.stream.peek()).poll(cx) {
                Poll::Ready(Ok(_)) => Poll::Ready(Ok(Sent::Interrupted)),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => sent.map(|()| Ok(Sent::All)),
            }
        })
        .await
    }

    /// The server does not wait for the end of the message. What it says can only be a refusal.
    async fn hear_refusal(&mut self) -> ClientError {
        let what = || "the message".to_owned();
        match self.reply("the message", REPLY_TIME).await {
            Ok(reply) if reply.is_good() => ClientError::Malformed { what: what() },
            Ok(reply) => ClientError::Refused { what: what(), reply },
            Err(error) => error,
        }
    }

    /// A server that hangs up in the middle may have said why.
    async fn explain(&mut self, error: Error) -> ClientError {
        match within(self.net.timer(), CLOSING, self.reply("the message", CLOSING)).await {
            Some(Ok(reply)) if !reply.is_good() => {
                ClientError::Refused { what: "the message".to_owned(), reply }
            }
            _ => ClientError::Stream(error),
        }
    }

    async fn reply(&mut self, what: &str, time: Duration) -> Result<Reply, ClientError> {
        let time = self.time_max.unwrap_or(time);
        let silent = || Err(ClientError::Silent { what: what.to_owned(), time });
        within(self.net.timer(), time, self.recv_reply(what)).await.unwrap_or_else(silent)
    }

    async fn recv_reply(&mut self, what: &str) -> Result<Reply, ClientError> {
        let malformed = || ClientError::Malformed { what: what.to_owned() };
        let mut reply: Option<Reply> = None;
        for _ in 0..REPLY_LINES_MAX {
            let line = match self.stream.recv_line().await {
                Ok(Some(line)) => ReplyLine::parse(line.as_bytes()).ok_or_else(malformed)?,
                Ok(None) => return Err(ClientError::Ended { what: what.to_owned() }),
                Err(Error::Recv(_)) => return Err(malformed()),
                Err(error) => return Err(ClientError::Stream(error)),
            };
            let so_far = match reply.take() {
                None => Reply::new(line.code, line.text),
                Some(so_far) if so_far.code() == line.code => so_far.line(line.text),
                Some(_) => return Err(malformed()),
            };
            if line.is_last {
                return Ok(so_far);
            }
            reply = Some(so_far);
        }
        Err(malformed())
    }
}

fn good(what: &str, reply: Reply) -> Result<Reply, ClientError> {
    if reply.is_good() { Ok(reply) } else { Err(ClientError::Refused { what: what.to_owned(), reply }) }
}

/// RFC 5321, section 4.1.3.
fn address_literal(endpoint: Option<&Endpoint>) -> String {
    match endpoint.and_then(Endpoint::as_inet) {
        Some(address) if address.is_ipv4() => format!("[{}]", address.ip()),
        Some(address) => format!("[IPv6:{}]", address.ip()),
        None => "localhost".to_owned(),
    }
}
