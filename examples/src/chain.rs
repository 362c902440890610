//! What a server's certificates say, for people to read.
//!
//! Not whether they are good: that was the handshake's to decide, and without it every word here may be anybody's.
//!
//! Invariant: the text has no control characters but its line ends, whatever a certificate says.

use crate::calendar::Moment;
use asyncnet_driver::tls::rustls::pki_types::CertificateDer;
use asyncnet_os::Certificate;
use std::fmt::Write;
use std::time::SystemTime;

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
    let Moment { year, month, day, hour, minute, second, .. } = Moment::of(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::timestamp;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn times() {
        for (seconds, expected) in [(0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z")] {
            assert_eq!(timestamp(UNIX_EPOCH + Duration::from_secs(seconds)), expected);
        }
    }
}
