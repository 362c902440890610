//! What a server offers: the lines of its answer to EHLO (RFC 5321, section 4.1.1.1).

use crate::smtp::reply::Reply;

/// The extensions that a client here has a use for.
///
/// ```
/// use asyncnet_examples::smtp::{Offer, Reply};
///
/// let offer = Offer::parse(&Reply::new(250, "mail.example greets you").line("SIZE 1000").line("STARTTLS"));
/// assert_eq!(offer, Offer { has_starttls: true, size: Some(Some(1000)), ..Offer::default() });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// STARTTLS (RFC 3207).
    pub has_starttls: bool,
    /// PIPELINING (RFC 2920).
    pub has_pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub has_8bitmime: bool,
    /// SIZE (RFC 1870), and the largest message it takes, in bytes, if it says that.
    pub size: Option<Option<u64>>,
}

impl Offer {
    /// Reads it off an answer, whose first line is a greeting.
    #[must_use]
    pub fn parse(reply: &Reply) -> Self {
        let mut offer = Self::default();
        for line in reply.lines().iter().skip(1) {
            let mut words = line.split_ascii_whitespace();
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "STARTTLS" => offer.has_starttls = true,
                "PIPELINING" => offer.has_pipelining = true,
                "8BITMIME" => offer.has_8bitmime = true,
                // 0 is no limit (RFC 1870, section 4).
                "SIZE" => {
                    offer.size =
                        Some(words.next().and_then(|size| size.parse().ok()).filter(|size| *size > 0));
                }
                _ => {}
            }
        }
        offer
    }
}

#[cfg(test)]
mod tests {
    use super::Offer;
    use crate::smtp::Reply;

    #[test]
    fn offers() {
        let check = |lines: &[&'static str], expected| {
            let reply =
                lines.iter().fold(Reply::new(250, "STARTTLS greets you"), |reply, line| reply.line(*line));
            assert_eq!(Offer::parse(&reply), expected, "{lines:?}");
        };
        let none = Offer::default();
        check(&[], none);
        check(&["", "XSTARTTLS", "STARTTLSX", "AUTH STARTTLS"], none);
        check(&["starttls"], Offer { has_starttls: true, ..none });
        check(&["Pipelining", "8BITMIME"], Offer { has_pipelining: true, has_8bitmime: true, ..none });
        check(&["SIZE"], Offer { size: Some(None), ..none });
        check(&["SIZE 0"], Offer { size: Some(None), ..none });
        check(&["SIZE x"], Offer { size: Some(None), ..none });
        check(&["size 12 x"], Offer { size: Some(Some(12)), ..none });
        check(&["SIZE 99999999999999999999"], Offer { size: Some(None), ..none });
    }
}
