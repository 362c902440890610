//! What a server's certificates say, for people to read.
//!
//! Not whether they are good: that was the handshake's to decide, and without it every word here may be anybody's.
//!
//! Invariant: the text has no control characters but its line ends, whatever a certificate says.

use asyncnet_driver::tls::rustls::pki_types::CertificateDer;
use asyncnet_os::Certificate;
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY_SECONDS: i64 = 86_400;

/// How many there are, and of each its length in bytes, whom it is for, who signed it, and from when to when it is valid.
///
/// ```
/// use asyncnet_examples::chain::describe;
/// use asyncnet_examples::tls::self_signed;
///
/// let (certificate, _key) = self_signed(["mail.example", "192.0.2.1"])?;
/// let text = describe(&[certificate], std::time::SystemTime::now());
/// assert!(text.starts_with("certificates: 1\ncertificate 0: "));
/// assert!(text.contains("\n  names: mail.example, 192.0.2.1\n"));
/// assert!(!text.contains("EXPIRED"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn describe(chain: &[CertificateDer<'_>], now: SystemTime) -> String {
    let mut text = format!("certificates: {}\n", chain.len());
    for (at, der) in chain.iter().enumerate() {
        let said = match Certificate::parse(der) {
            Ok(certificate) => fields(&certificate, now),
            Err(error) => format!("  {}\n", harmless(&error.to_string())),
        };
        write!(text, "certificate {at}: {} bytes\n{said}", der.len()).expect("a String takes everything");
    }
    text
}

fn fields(certificate: &Certificate, now: SystemTime) -> String {
    let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
    let names: Vec<_> = certificate.dns_names().iter().cloned().chain(addresses).collect();
    let (from, to) = (certificate.not_before(), certificate.not_after());
    let validity = match () {
        () if now < from => " (NOT YET VALID)",
        () if now > to => " (EXPIRED)",
        () => "",
    };
    format!(
        "  subject: {}\n  issuer: {}\n  names: {}\n  serial: {}\n  valid: {} to {}{validity}\n",
        harmless(certificate.subject()),
        harmless(certificate.issuer()),
        harmless(&names.join(", ")),
        certificate.serial_hex(),
        timestamp(from),
        timestamp(to),
    )
}

fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// In the form of RFC 3339, in UTC.
fn timestamp(time: SystemTime) -> String {
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |before| -before),
    };
    let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day in the Gregorian calendar, so many days after 1970-01-01.
fn date(days: i64) -> (i64, usize, i64) {
    // 400 years have 146 097 days, whichever they are.
    let (mut year, mut day) = (1970 + 400 * days.div_euclid(146_097), days.rem_euclid(146_097));
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + i64::from(is_leap(year));
    let mut month = 1;
    // The last month takes what is left.
    for len in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < len {
            break;
        }
        (day, month) = (day - len, month + 1);
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::timestamp;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn times() {
        // By `date --utc --date=@N +%FT%TZ`.
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
        assert_eq!(timestamp(UNIX_EPOCH - Duration::from_secs(1)), "1969-12-31T23:59:59Z");
        assert_eq!(timestamp(UNIX_EPOCH - Duration::from_secs(631_152_000)), "1950-01-01T00:00:00Z");
    }
}
