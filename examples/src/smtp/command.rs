//! What a client says, one line a command (RFC 5321, section 4.1.1).

use crate::smtp::path::{Path, is_domain};
use crate::smtp::reply::Reply;
use crate::smtp::{COMMAND_BYTES_MAX, MAIL_BYTES_MORE};

/// A command.
///
/// ```
/// use asyncnet_examples::smtp::{Command, CommandError};
///
/// let command = Command::parse(b"mail FROM:<ann@example.org> SIZE=1000 BODY=8BITMIME")?;
/// let Command::Mail { from, size } = command else { panic!() };
/// assert_eq!((from.mailbox(), size), ("ann@example.org", Some(1000)));
/// assert_eq!(Command::parse(b"MALI"), Err(CommandError::Unknown));
/// # Ok::<(), CommandError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// HELO, with the name the client gives itself.
    Helo(String),
    /// EHLO, likewise.
    Ehlo(String),
    /// MAIL: from whom, and how many bytes it says the message will have (RFC 1870).
    Mail {
        /// The reverse path.
        from: Path,
        /// The size, if it is said.
        size: Option<u64>,
    },
    /// RCPT: to whom.
    Rcpt(Path),
    /// DATA.
    Data,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// STARTTLS.
    StartTls,
}

/// Why a line is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// No verb that is known.
    Unknown,
    /// A verb that is known and not served.
    Unserved,
    /// Longer than a command may be.
    TooLong,
    /// Something that is no printable ASCII.
    NotAscii,
    /// The argument is missing, or is not what belongs there: what does.
    Argument(&'static str),
    /// A parameter of MAIL or RCPT that was not offered.
    Parameter,
}

impl Command {
    /// Reads a line without its line end.
    ///
    /// # Errors
    ///
    /// [`CommandError`].
    pub fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let is_printable = line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        let text = std::str::from_utf8(line).ok().filter(|_| is_printable).ok_or(CommandError::NotAscii)?;
        let text = text.trim_end_matches([' ', '\t']);
        let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
        let verb = verb.to_ascii_uppercase();
        let more = if verb == "MAIL" { MAIL_BYTES_MORE } else { 0 };
        if line.len() > COMMAND_BYTES_MAX + more {
            return Err(CommandError::TooLong);
        }
        match &*verb {
            "HELO" => host(argument).map(Self::Helo),
            "EHLO" => host(argument).map(Self::Ehlo),
            "MAIL" => mail(argument),
            "RCPT" => rcpt(argument),
            "DATA" => alone(argument, Self::Data),
            "RSET" => alone(argument, Self::Rset),
            "QUIT" => alone(argument, Self::Quit),
            "STARTTLS" => alone(argument, Self::StartTls),
            // What follows these is nobody's business (RFC 5321, sections 4.1.1.8 and 4.1.1.9).
            "NOOP" => Ok(Self::Noop),
            "HELP" => Ok(Self::Help),
            "VRFY" if argument.is_empty() => Err(CommandError::Argument("VRFY takes a user or mailbox")),
            "VRFY" => Ok(Self::Vrfy),
            "EXPN" | "TURN" | "ETRN" | "SEND" | "SOML" | "SAML" | "AUTH" | "BDAT" => {
                Err(CommandError::Unserved)
            }
            _ => Err(CommandError::Unknown),
        }
    }
}

impl CommandError {
    /// What is answered.
    ///
    /// ```
    /// use asyncnet_examples::smtp::CommandError;
    ///
    /// assert_eq!(CommandError::Unknown.reply().to_string(), "500 5.5.1 Command not known");
    /// ```
    #[must_use]
    pub fn reply(self) -> Reply {
        match self {
            Self::Unknown => Reply::new(500, "5.5.1 Command not known"),
            Self::Unserved => Reply::new(502, "5.5.1 Command not served here"),
            Self::TooLong => Reply::new(500, "5.5.2 Line too long"),
            Self::NotAscii => Reply::new(500, "5.5.2 A command is printable ASCII"),
            Self::Argument(what) => Reply::new(501, format!("5.5.4 {what}")),
            Self::Parameter => Reply::new(555, "5.5.4 A parameter is not known here"),
        }
    }
}

fn alone(argument: &str, command: Command) -> Result<Command, CommandError> {
    if argument.is_empty() { Ok(command) } else { Err(CommandError::Argument("It takes no argument")) }
}

fn host(argument: &str) -> Result<String, CommandError> {
    // It goes into the message's head: nothing may come along with it.
    let host = Some(argument).filter(|argument| is_domain(argument));
    host.map(str::to_owned).ok_or(CommandError::Argument("It takes a domain, or an address in brackets"))
}

fn mail(argument: &str) -> Result<Command, CommandError> {
    let expected = CommandError::Argument("It is MAIL FROM:<address>");
    let (from, parameters) = path(argument, "FROM:").ok_or(expected)?;
    if from.mailbox().eq_ignore_ascii_case("postmaster") {
        return Err(expected);
    }
    let (mut size, mut body) = (None, None);
    for parameter in parameters.split(' ').filter(|parameter| !parameter.is_empty()) {
        let (keyword, value) = parameter.split_once('=').ok_or(CommandError::Parameter)?;
        let said_before = match &*keyword.to_ascii_uppercase() {
            "SIZE" => size.replace(number(value)?).is_some(),
            "BODY" => body.replace(encoding(value)?).is_some(),
            _ => return Err(CommandError::Parameter),
        };
        if said_before {
            return Err(CommandError::Argument("A parameter is said twice"));
        }
    }
    Ok(Command::Mail { from, size })
}

fn rcpt(argument: &str) -> Result<Command, CommandError> {
    match path(argument, "TO:") {
        Some((to, _)) if to.is_null() => Err(CommandError::Argument("Nobody is no recipient")),
        Some((to, "")) => Ok(Command::Rcpt(to)),
        Some(_) => Err(CommandError::Parameter),
        None => Err(CommandError::Argument("It is RCPT TO:<address>")),
    }
}

/// A path behind its word, and the parameters behind it. Spaces before it are not as RFC 5321 has it, and common.
fn path<'a>(argument: &'a str, word: &str) -> Option<(Path, &'a str)> {
    let (said, rest) = argument.split_at_checked(word.len())?;
    if !said.eq_ignore_ascii_case(word) {
        return None;
    }
    let (path, rest) = Path::take(rest.trim_start_matches(' ')).ok()?;
    (rest.is_empty() || rest.starts_with(' ')).then_some((path, rest))
}

/// RFC 1870, section 3: up to 20 digits.
fn number(value: &str) -> Result<u64, CommandError> {
    let is_number = (1..=20).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    // Beyond 64 bits it is too much in any case.
    let number = || value.parse().unwrap_or(u64::MAX);
    is_number.then(number).ok_or(CommandError::Argument("SIZE is a number of bytes"))
}

/// RFC 6152, section 2. What it is makes no difference to a file.
fn encoding(value: &str) -> Result<(), CommandError> {
    let is_known = ["7BIT", "8BITMIME"].iter().any(|known| value.eq_ignore_ascii_case(known));
    is_known.then_some(()).ok_or(CommandError::Argument("BODY is 7BIT or 8BITMIME"))
}

#[cfg(test)]
mod tests {
    use super::{Command, CommandError};

    /// The command, or the code of the answer.
    #[allow(clippy::needless_pass_by_value, reason = "rows read better without a sign for each")]
    fn check(line: &str, expected: Result<Command, u16>) {
        let parsed = Command::parse(line.as_bytes()).map_err(|error| error.reply().code());
        assert_eq!(parsed, expected, "{line:?}");
    }

    #[test]
    fn commands() {
        let mail = |from: &str, size| Ok(Command::Mail { from: from.parse().unwrap(), size });
        check("EHLO mail.example", Ok(Command::Ehlo("mail.example".to_owned())));
        check("helo [127.0.0.1]", Ok(Command::Helo("[127.0.0.1]".to_owned())));
        check("EHLO", Err(501));
        check("EHLO a b", Err(501));
        check("EHLO (x)", Err(501));
        check("MAIL FROM:<>", mail("<>", None));
        check("mail from: <a@b>", mail("a@b", None));
        check("MAIL FROM:<a@b> BODY=7BIT SIZE=00012", mail("a@b", Some(12)));
        check("MAIL FROM:<a@b> size=99999999999999999999", mail("a@b", Some(u64::MAX)));
        check("MAIL FROM:<a@b> SIZE=", Err(501));
        check("MAIL FROM:<a@b> SIZE=-1", Err(501));
        check("MAIL FROM:<a@b> SIZE=1 SIZE=2", Err(501));
        check("MAIL FROM:<a@b> BODY=BINARYMIME", Err(501));
        check("MAIL FROM:<a@b> SIZE", Err(555));
        check("MAIL FROM:<a@b> SMTPUTF8=1", Err(555));
        check("MAIL FROM:<a@b>SIZE=1", Err(501));
        check("MAIL FROM:<postmaster>", Err(501));
        check("MAIL a@b", Err(501));
        check("MAIL", Err(501));
        check("RCPT TO:<a@b>", Ok(Command::Rcpt("a@b".parse().unwrap())));
        check("RCPT TO:<postmaster>", Ok(Command::Rcpt("postmaster".parse().unwrap())));
        check("RCPT TO:<>", Err(501));
        check("RCPT TO:<a@b> NOTIFY=NEVER", Err(555));
        check("DATA", Ok(Command::Data));
        check("data  ", Ok(Command::Data));
        check("DATA now", Err(501));
        check("NOOP what ever", Ok(Command::Noop));
        check("VRFY ann", Ok(Command::Vrfy));
        check("VRFY", Err(501));
        check("STARTTLS", Ok(Command::StartTls));
        check("STARTTLS x", Err(501));
        check("EXPN list", Err(502));
        check("", Err(500));
        check(" DATA", Err(500));
        check("DATA\0", Err(500));
        check("EHLO \u{e4}", Err(500));
        assert_eq!(Command::parse(b"\xff\xfe"), Err(CommandError::NotAscii));
    }

    #[test]
    fn lengths() {
        check(&format!("NOOP {}", "x".repeat(505)), Ok(Command::Noop));
        check(&format!("NOOP {}", "x".repeat(506)), Err(500));
        let long = |len: usize| format!("MAIL FROM:<a@b>{}SIZE=1", " ".repeat(len - 21));
        assert!(Command::parse(long(553).as_bytes()).is_ok());
        check(&long(554), Err(500));
    }
}
