//! What a sink puts before a message: who sent it to whom, and where it came from (RFC 5321, section 4.4).

use crate::smtp::session::{Session, Transaction};
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// The fields, each in a line of its own, with LF. `peer` is where the client connected from, `host` who received it.
pub(super) fn head(
    session: &Session<'_>,
    transaction: &Transaction,
    peer: &str,
    host: &str,
    now: SystemTime,
) -> Vec<u8> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (client, protocol, date) = (session.client(), session.protocol(), date(seconds));
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
fn date(unix_seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31),
        ("Feb", 28),
        ("Mar", 31),
        ("Apr", 30),
        ("May", 31),
        ("Jun", 30),
        ("Jul", 31),
        ("Aug", 31),
        ("Sep", 30),
        ("Oct", 31),
        ("Nov", 30),
        ("Dec", 31),
    ];
    let (days, second) = (unix_seconds / 86_400, unix_seconds % 86_400);
    let weekday =
        DAYS.iter().cycle().nth(usize::try_from(days % 7).unwrap_or(0)).expect("it goes round and round");
    // 400 years have 146 097 days, whichever they are.
    let (mut year, mut day) = (1970 + days / 146_097 * 400, days % 146_097);
    let is_leap = |year: u64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = "Dec";
    for (name, len) in MONTHS {
        let len = len + u64::from(name == "Feb" && is_leap(year));
        if day < len {
            month = name;
            break;
        }
        day -= len;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{weekday}, {} {month} {year} {hour:02}:{minute:02}:{second:02} +0000", day + 1)
}

#[cfg(test)]
mod tests {
    use super::{date, head};
    use crate::smtp::{Rules, Session, Transaction};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn dates() {
        // As `date --utc --rfc-email --date=@SECONDS` says it.
        let check = |seconds, expected: &str| assert_eq!(date(seconds), expected);
        check(0, "Thu, 1 Jan 1970 00:00:00 +0000");
        check(951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000");
        check(951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000");
        check(1_709_164_800, "Thu, 29 Feb 2024 00:00:00 +0000");
        check(1_735_689_599, "Tue, 31 Dec 2024 23:59:59 +0000");
        check(4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000");
        // The last second there is, in the year 584 554 051 223.
        assert!(date(u64::MAX).contains(" 584554051223 "), "{}", date(u64::MAX));
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
