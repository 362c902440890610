//! What a sink answers to each command, in which order they may come, and what it remembers: no bytes, no waiting.
//!
//! ```text
//!   [ nobody ] -- EHLO, HELO --> [ greeted ] -- MAIL --> [ sender ] -- RCPT --> [ recipients ] -- DATA --> message
//!       ^                          ^    ^                    |                        |                       |
//!       |                          |    `------------------ RSET, EHLO, HELO ---------'                       |
//!       `--- over TLS at last -----'----------------------------------------------------- stored, or refused -'
//! ```

use crate::smtp::RECIPIENTS_MAX;
use crate::smtp::command::{Command, CommandError};
use crate::smtp::path::Path;
use crate::smtp::reply::Reply;

/// How many commands that cannot be served are answered before the client is given up: people mistype less, and a client
/// that goes on like that speaks another protocol.
const ERRORS_MAX: usize = 20;

/// What a sink promises.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What it calls itself: a domain.
    pub host: String,
    /// The largest message, in bytes as it comes, line ends included.
    pub message_bytes_max: u64,
    /// Whether it has a certificate to speak TLS with.
    pub has_tls: bool,
}

/// What is to be done about a command.
///
/// See the example at [`Session`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Answer, and go on.
    Reply(Reply),
    /// Answer, and end the connection.
    Close(Reply),
    /// Answer, and receive a message.
    Data(Reply),
    /// Answer, and make the handshake: the answer is the last in plaintext.
    StartTls(Reply),
}

/// From whom, and to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The sender.
    pub from: Path,
    /// The recipients, at most [`RECIPIENTS_MAX`].
    pub to: Vec<Path>,
}

/// One connection's state.
///
/// ```
/// use asyncnet_examples::smtp::{Rules, Session, Step};
///
/// let rules = Rules { host: "mail.example".to_owned(), message_bytes_max: 1_000, has_tls: false };
/// let mut session = Session::new(&rules);
/// let codes = ["DATA", "HELO me", "MAIL FROM:<a@b> SIZE=1001", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"].map(|line| {
///     let Step::Reply(reply) = session.command(line.as_bytes()) else { panic!() };
///     reply.code()
/// });
/// assert_eq!(codes, [503, 250, 552, 250, 250]);
/// assert!(matches!(session.command(b"DATA"), Step::Data(_)));
/// assert_eq!(session.take_transaction().unwrap().to[0].mailbox(), "c@d");
/// ```
#[derive(Debug)]
pub struct Session<'a> {
    rules: &'a Rules,
    is_tls: bool,
    /// Who the client says it is, and whether by EHLO.
    client: Option<(String, bool)>,
    transaction: Option<Transaction>,
    errors: usize,
}

impl<'a> Session<'a> {
    /// A client that has said nothing yet, in plaintext.
    #[must_use]
    pub fn new(rules: &'a Rules) -> Self {
        Self { rules, is_tls: false, client: None, transaction: None, errors: 0 }
    }

    /// Serves a command, a line without its line end.
    pub fn command(&mut self, line: &[u8]) -> Step {
        match Command::parse(line) {
            Ok(command) => self.serve(command),
            Err(error) => self.fault(error),
        }
    }

    /// Serves a line that is no command.
    pub fn fault(&mut self, error: CommandError) -> Step {
        self.refuse(error.reply())
    }

    /// It speaks TLS now: all that was said before is forgotten (RFC 3207, section 4.2).
    pub fn begin_tls(&mut self) {
        *self = Self { is_tls: true, ..Self::new(self.rules) };
    }

    /// The transaction that DATA was said in, once: the next command meets none.
    pub fn take_transaction(&mut self) -> Option<Transaction> {
        self.transaction.take()
    }

    /// Who the client says it is.
    #[must_use]
    pub fn client(&self) -> &str {
        self.client.as_ref().map_or("", |(name, _)| name)
    }

    /// How it speaks, for a trace (RFC 3848).
    #[must_use]
    pub fn protocol(&self) -> &'static str {
        match (&self.client, self.is_tls) {
            (Some((_, true)), true) => "ESMTPS",
            (Some((_, true)), false) => "ESMTP",
            _ => "SMTP",
        }
    }

    fn serve(&mut self, command: Command) -> Step {
        match command {
            Command::Helo(name) => self.greet(name, false),
            Command::Ehlo(name) => self.greet(name, true),
            Command::Mail { from, size } => self.mail(from, size),
            Command::Rcpt(to) => self.rcpt(to),
            Command::Data => self.data(),
            Command::Rset => {
                self.transaction = None;
                good(250, "2.0.0 Forgotten")
            }
            Command::Noop => good(250, "2.0.0 Done"),
            Command::Vrfy => good(252, "2.5.2 Any mailbox is taken; send to it"),
            Command::Help => Step::Reply(
                Reply::new(214, "2.0.0 A sink: what is sent here is kept in files, and goes nowhere.")
                    .line("2.0.0 EHLO HELO STARTTLS MAIL RCPT DATA RSET NOOP VRFY HELP QUIT"),
            ),
            Command::Quit => Step::Close(Reply::new(221, format!("2.0.0 {} Bye", self.rules.host))),
            Command::StartTls => self.start_tls(),
        }
    }

    fn greet(&mut self, name: String, is_extended: bool) -> Step {
        let mut reply = Reply::new(250, format!("{} greets {name}", self.rules.host));
        self.transaction = None;
        self.client = Some((name, is_extended));
        if is_extended {
            reply = reply.line("PIPELINING").line(format!("SIZE {}", self.rules.message_bytes_max));
            reply = reply.line("8BITMIME").line("ENHANCEDSTATUSCODES").line("HELP");
            if self.rules.has_tls && !self.is_tls {
                reply = reply.line("STARTTLS");
            }
        }
        Step::Reply(reply)
    }

    fn mail(&mut self, from: Path, size: Option<u64>) -> Step {
        if self.client.is_none() {
            return self.refuse(Reply::new(503, "5.5.1 Say EHLO or HELO first"));
        }
        if self.transaction.is_some() {
            return self.refuse(Reply::new(503, "5.5.1 There is a sender already"));
        }
        if size.is_some_and(|size| size > self.rules.message_bytes_max) {
            return Step::Reply(too_large(self.rules));
        }
        self.transaction = Some(Transaction { from, to: Vec::new() });
        good(250, "2.1.0 Sender taken")
    }

    fn rcpt(&mut self, to: Path) -> Step {
        let Some(transaction) = &mut self.transaction else {
            return self.refuse(Reply::new(503, "5.5.1 Say MAIL first"));
        };
        if transaction.to.len() == RECIPIENTS_MAX {
            return Step::Reply(Reply::new(452, "4.5.3 Too many recipients"));
        }
        transaction.to.push(to);
        good(250, "2.1.5 Recipient taken")
    }

    fn data(&mut self) -> Step {
        match &self.transaction {
            None => self.refuse(Reply::new(503, "5.5.1 Say MAIL first")),
            Some(transaction) if transaction.to.is_empty() => {
                self.refuse(Reply::new(503, "5.5.1 Say RCPT first"))
            }
            Some(_) => Step::Data(Reply::new(354, "Send it; a dot on a line of its own ends it")),
        }
    }

    fn start_tls(&mut self) -> Step {
        if !self.rules.has_tls {
            return self.fault(CommandError::Unserved);
        }
        if self.is_tls {
            return self.refuse(Reply::new(503, "5.5.1 This is TLS already"));
        }
        if !matches!(self.client, Some((_, true))) {
            return self.refuse(Reply::new(503, "5.5.1 Say EHLO first"));
        }
        Step::StartTls(Reply::new(220, "2.0.0 Begin TLS"))
    }

    /// Answers a mistake, or the one too many.
    fn refuse(&mut self, reply: Reply) -> Step {
        self.errors += 1;
        if self.errors > ERRORS_MAX {
            return Step::Close(Reply::new(421, "4.7.0 Too many mistakes"));
        }
        Step::Reply(reply)
    }
}

/// The message is larger than is taken.
pub(super) fn too_large(rules: &Rules) -> Reply {
    Reply::new(552, format!("5.3.4 A message has {} bytes at most", rules.message_bytes_max))
}

fn good(code: u16, text: &'static str) -> Step {
    Step::Reply(Reply::new(code, text))
}

#[cfg(test)]
mod tests {
    use super::{ERRORS_MAX, Rules, Session, Step};

    fn rules(has_tls: bool) -> Rules {
        Rules { host: "mail.example".to_owned(), message_bytes_max: 1_000, has_tls }
    }

    #[track_caller]
    fn check(session: &mut Session<'_>, line: &str, expected: u16) {
        let (Step::Reply(reply) | Step::Close(reply) | Step::Data(reply) | Step::StartTls(reply)) =
            session.command(line.as_bytes());
        assert_eq!(reply.code(), expected, "{line}: {reply}");
    }

    #[test]
    fn what_comes_out_of_order_is_refused() {
        let rules = rules(true);
        let mut session = Session::new(&rules);
        for (line, code) in [
            ("MAIL FROM:<a@b>", 503),
            ("RCPT TO:<a@b>", 503),
            ("DATA", 503),
            ("STARTTLS", 503),
            ("HELO me", 250),
            ("STARTTLS", 503),
            ("EHLO me", 250),
            ("RCPT TO:<a@b>", 503),
            ("MAIL FROM:<a@b>", 250),
            ("MAIL FROM:<a@b>", 503),
            ("DATA", 503),
            ("RCPT TO:<a@b>", 250),
            ("RSET", 250),
            ("DATA", 503),
            ("MAIL FROM:<a@b>", 250),
            ("RCPT TO:<a@b>", 250),
            ("EHLO me", 250),
            ("DATA", 503),
            ("NOOP", 250),
            ("VRFY a", 252),
            ("HELP", 214),
            ("QUIT", 221),
        ] {
            check(&mut session, line, code);
        }
    }

    #[test]
    fn tls_forgets_what_was_said() {
        let rules = rules(true);
        let mut session = Session::new(&rules);
        let offers = |step: &Step| matches!(step, Step::Reply(reply) if reply.lines().iter().any(|line| line == "STARTTLS"));
        assert!(offers(&session.command(b"EHLO me")));
        check(&mut session, "MAIL FROM:<a@b>", 250);
        assert!(matches!(session.command(b"STARTTLS"), Step::StartTls(_)));
        session.begin_tls();
        assert_eq!(session.client(), "");
        check(&mut session, "MAIL FROM:<a@b>", 503);
        assert!(!offers(&session.command(b"EHLO me")));
        check(&mut session, "RCPT TO:<a@b>", 503);
        check(&mut session, "STARTTLS", 503);
        assert_eq!(session.protocol(), "ESMTPS");
    }

    #[test]
    fn without_a_certificate_there_is_no_starttls() {
        let rules = rules(false);
        let mut session = Session::new(&rules);
        check(&mut session, "EHLO me", 250);
        check(&mut session, "STARTTLS", 502);
    }

    #[test]
    fn recipients_and_mistakes_are_bounded() {
        let rules = rules(false);
        let mut session = Session::new(&rules);
        check(&mut session, "EHLO me", 250);
        check(&mut session, "MAIL FROM:<> SIZE=1000", 250);
        for _ in 0..100 {
            check(&mut session, "RCPT TO:<a@b>", 250);
        }
        check(&mut session, "RCPT TO:<a@b>", 452);
        for _ in 0..ERRORS_MAX {
            check(&mut session, "WHAT", 500);
        }
        assert!(matches!(session.command(b"WHAT"), Step::Close(reply) if reply.code() == 421));
    }
}
