//! What a sink puts before a message: who sent it to whom, and where it came from (RFC 5321, section 4.4).

use crate::calendar::Moment;
use crate::smtp::session::{Session, Transaction};
use std::fmt::Write;
use std::time::SystemTime;

/// The fields, each in a line of its own, with LF. `peer` is where the client connected from, `host` who received it.
pub(super) fn head(
    session: &Session<'_>,
    transaction: &Transaction,
    peer: &str,
    host: &str,
    now: SystemTime,
) -> Vec<u8> {
    let (client, protocol, date) = (session.client(), session.protocol(), date(Moment::of(now)));
    // A comment in parentheses: what would end it is left out.
    let peer: String = peer.chars().filter(|c| matches!(c, ' '..='~') && !"()\\".contains(*c)).collect();
    let mut head = format!("Return-Path: {}\n", transaction.from);
    for to in &transaction.to {
        writeln!(head, "Envelope-To: {to}").expect("a String takes everything");
    }
    writeln!(head, "Received: from {client} ({peer})\n\tby {host} with {protocol};\n\t{date}")
        .expect("a String takes everything");
    head.into_bytes()
}

/// A time as mail has it (RFC 5322, section 3.3), in UTC.
fn date(at: Moment) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Moment { year, month, day, weekday, hour, minute, second } = at;
    let (weekday, month) = (DAYS[usize::from(weekday)], MONTHS[usize::from(month) - 1]);
    format!("{weekday}, {day} {month} {year} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::{date, head};
    use crate::calendar::Moment;
    use crate::smtp::{Rules, Session, Transaction};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn dates() {
        // As `date --utc --rfc-email --date=@SECONDS` says it.
        let check = |seconds, expected: &str| assert_eq!(date(Moment::at(seconds)), expected);
        check(0, "Thu, 1 Jan 1970 00:00:00 +0000");
        check(951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000");
        check(1_735_689_599, "Tue, 31 Dec 2024 23:59:59 +0000");
        check(1_704_585_600, "Sun, 7 Jan 2024 00:00:00 +0000");
    }

    #[test]
    fn nothing_breaks_out_of_a_field() {
        let rules = Rules { host: "mail.example".to_owned(), message_bytes_max: 1, has_tls: false };
        let mut session = Session::new(&rules);
        session.command(b"EHLO me");
        let transaction = Transaction {
            from: "<>".parse().unwrap(),
            to: vec!["a@b".parse().unwrap(), "c@d".parse().unwrap()],
        };
        let now = UNIX_EPOCH + Duration::from_secs(1);
        let head = head(&session, &transaction, "a peer\r\non unix:/x)(y\\", "mail.example", now);
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "Return-Path: <>\nEnvelope-To: <a@b>\nEnvelope-To: <c@d>\n\
             Received: from me (a peeron unix:/xy)\n\tby mail.example with ESMTP;\n\tThu, 1 Jan 1970 00:00:01 +0000\n"
        );
    }
}
