//! XMPP: tags instead of lines, as few of them as the upgrade has (RFC 6120, section 5.4).
//!
//! This reads tags, not XML: comments, processing instructions and document types are forbidden there (section 11.1),
//! what stands between tags is passed over, and names are compared without their prefix.

use super::StartTlsError;
use super::dialogue::Dialogue;
use asyncnet_driver::Transport;

/// What says that a tag is about TLS.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:xmpp-tls";
const STARTTLS: &str = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

/// A tag, without its angle brackets.
#[derive(Debug)]
struct Tag(String);

pub(super) async fn ask<T: Transport>(d: &mut Dialogue<'_, T>, host: &str) -> Result<(), StartTlsError> {
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{}' version='1.0' xmlns='jabber:client' \
         xmlns:stream='http://etherx.jabber.org/streams'>",
        escaped(host),
    );
    d.stream.send(header.as_bytes()).await?;
    expect(next(d).await?, "stream")?;
    expect(next(d).await?, "features")?;
    let mut is_offered = false;
    loop {
        let tag = next(d).await?;
        match tag.name() {
            "/features" => break,
            // Whoever ends the stream here has nothing more to say; what it said is its reason.
            "/stream" => return Err(StartTlsError::Ended),
            "starttls" => is_offered |= tag.is_tls(),
            _ => {}
        }
    }
    if !is_offered {
        return Err(StartTlsError::NotOffered);
    }
    d.stream.send(STARTTLS.as_bytes()).await?;
    let tag = next(d).await?;
    if !tag.is_tls() || tag.name() != "proceed" {
        return Err(match tag.name() {
            "failure" => StartTlsError::Refused(tag.0),
            _ => StartTlsError::Unexpected(tag.0),
        });
    }
    // `<proceed …></proceed>` means the same as `<proceed …/>`. TLS begins right behind it (section 5.4.3.3).
    if tag.is_empty() { Ok(()) } else { expect(next(d).await?, "/proceed") }
}

/// The next tag that is not the declaration of XML.
async fn next<T: Transport>(d: &mut Dialogue<'_, T>) -> Result<Tag, StartTlsError> {
    loop {
        let text = d.through_angle().await?;
        let Some((_, start)) = text.split_once('<') else { return Err(StartTlsError::Unexpected(text)) };
        let mut tag = start.to_owned();
        // An attribute's value may have a `>` in it (XML 1.0, section 2.4).
        while is_quoted(&tag) {
            tag.push('>');
            tag.push_str(&d.through_angle().await?);
            if tag.len() > super::LINE_BYTES_MAX {
                return Err(StartTlsError::TooLong);
            }
        }
        if !tag.starts_with('?') {
            return Ok(Tag(tag));
        }
    }
}

fn expect(tag: Tag, name: &str) -> Result<(), StartTlsError> {
    match tag.name() {
        found if found == name => Ok(()),
        "error" => Err(StartTlsError::Refused(tag.0)),
        _ => Err(StartTlsError::Unexpected(tag.0)),
    }
}

impl Tag {
    /// Its name without a prefix; that of an end with its slash.
    fn name(&self) -> &str {
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || ":-_".contains(c));
        let (slash, rest) = self.0.split_at(usize::from(self.0.starts_with('/')));
        let name = rest.split(is_end).next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        match (slash, local) {
            ("", local) => local,
            (_, "features") => "/features",
            (_, "stream") => "/stream",
            (_, "proceed") => "/proceed",
            _ => "/",
        }
    }

    fn is_tls(&self) -> bool {
        self.0.contains(NAMESPACE)
    }

    fn is_empty(&self) -> bool {
        self.0.ends_with('/')
    }
}

/// Whether the text ends in the middle of a quoted value.
fn is_quoted(text: &str) -> bool {
    let open = text.chars().fold(None, |open, c| match (open, c) {
        (None, '\'' | '"') => Some(c),
        (Some(quote), c) if c == quote => None,
        (open, _) => open,
    });
    open.is_some()
}

/// A value between apostrophes (XML 1.0, section 2.3).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}
