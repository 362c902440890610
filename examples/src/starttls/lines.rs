//! The protocols of lines.
//!
//! Where a server lists what it can do before TLS, the list is asked for, and one without TLS ends the dialogue: the reason
//! is then told by name. A server that has no such list is just asked. Either way the server's consent is what counts;
//! a list in plaintext proves nothing, and is forgotten.

use super::StartTlsError;
use super::dialogue::Dialogue;
use asyncnet_driver::{Endpoint, Endpoints, Transport};

/// RFC 3207, section 4.
pub(super) async fn smtp<T: Transport + Endpoints>(d: &mut Dialogue<'_, T>) -> Result<(), StartTlsError> {
    expect(d, 220).await?;
    d.say(&format!("EHLO {}", own_name(d)?)).await?;
    let reply = d.reply().await?;
    if reply.code != 250 {
        return Err(reply.refusal());
    }
    // The keyword stands behind the code and a hyphen or a space; the first line is the server's greeting.
    let offers = |line: &String| line.get(4..).is_some_and(|keyword| is_word(keyword, "STARTTLS"));
    if !reply.lines.iter().skip(1).any(offers) {
        return Err(StartTlsError::NotOffered);
    }
    d.say("STARTTLS").await?;
    expect(d, 220).await
}

/// RFC 4217, section 4. `FEAT` is not asked for: that lists what the server may do, and so does the answer.
pub(super) async fn ftp<T: Transport>(d: &mut Dialogue<'_, T>) -> Result<(), StartTlsError> {
    let mut greeting = d.reply().await?;
    if greeting.code == 120 {
        // It will be ready soon, and says so then (RFC 959, section 5.4).
        greeting = d.reply().await?;
    }
    if greeting.code != 220 {
        return Err(greeting.refusal());
    }
    d.say("AUTH TLS").await?;
    expect(d, 234).await
}

/// RFC 4642, section 2.2.
pub(super) async fn nntp<T: Transport>(d: &mut Dialogue<'_, T>) -> Result<(), StartTlsError> {
    let greeting = d.reply().await?;
    if !matches!(greeting.code, 200 | 201) {
        return Err(greeting.refusal());
    }
    d.say("CAPABILITIES").await?;
    let reply = d.reply().await?;
    if reply.code == 101 && !d.list().await?.iter().any(|line| is_word(line, "STARTTLS")) {
        return Err(StartTlsError::NotOffered);
    }
    d.say("STARTTLS").await?;
    expect(d, 382).await
}

/// RFC 2595, section 4.
pub(super) async fn pop3<T: Transport>(d: &mut Dialogue<'_, T>) -> Result<(), StartTlsError> {
    expect_ok(d).await?;
    d.say("CAPA").await?;
    let answer = d.line().await?;
    if is_word(&answer, "+OK") {
        if !d.list().await?.iter().any(|line| is_word(line, "STLS")) {
            return Err(StartTlsError::NotOffered);
        }
    } else if !is_word(&answer, "-ERR") {
        return Err(StartTlsError::Unexpected(answer));
    }
    d.say("STLS").await?;
    expect_ok(d).await
}

/// RFC 2595, section 3, and RFC 9051, sections 6.1.1 and 6.2.1.
pub(super) async fn imap<T: Transport>(d: &mut Dialogue<'_, T>) -> Result<(), StartTlsError> {
    let greeting = d.line().await?;
    let words: Vec<_> = greeting.split_whitespace().take(2).map(str::to_ascii_uppercase).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["*", "OK"] => {}
        // One that has logged us in does not begin TLS any more: an attacker's way around it (RFC 9051, section 11.1).
        ["*", "PREAUTH" | "BYE"] => return Err(StartTlsError::Refused(greeting)),
        _ => return Err(StartTlsError::Unexpected(greeting)),
    }
    d.say("a1 CAPABILITY").await?;
    let (said, untagged) = tagged(d, "a1").await?;
    if !is_word(&said, "OK") {
        return Err(StartTlsError::Refused(said));
    }
    let is_capability = |line: &&String| line.get(2..).is_some_and(|line| is_word(line, "CAPABILITY"));
    let mut capabilities = untagged.iter().filter(is_capability).flat_map(|line| line.split_whitespace());
    if !capabilities.any(|word| word.eq_ignore_ascii_case("STARTTLS")) {
        return Err(StartTlsError::NotOffered);
    }
    d.say("a2 STARTTLS").await?;
    let (said, _) = tagged(d, "a2").await?;
    if is_word(&said, "OK") { Ok(()) } else { Err(StartTlsError::Refused(said)) }
}

/// The line that answers a tagged command, without its tag, and the untagged ones before it.
async fn tagged<T: Transport>(
    d: &mut Dialogue<'_, T>,
    tag: &str,
) -> Result<(String, Vec<String>), StartTlsError> {
    let mut untagged = Vec::new();
    loop {
        let line = d.line().await?;
        if let Some(said) = line.strip_prefix(tag).and_then(|rest| rest.strip_prefix(' ')) {
            return Ok((said.to_owned(), untagged));
        }
        if !line.starts_with("* ") {
            return Err(StartTlsError::Unexpected(line));
        }
        untagged.push(line);
    }
}

async fn expect<T: Transport>(d: &mut Dialogue<'_, T>, code: u16) -> Result<(), StartTlsError> {
    let reply = d.reply().await?;
    if reply.code == code { Ok(()) } else { Err(reply.refusal()) }
}

/// The status indicators of POP3 (RFC 1939, section 3).
async fn expect_ok<T: Transport>(d: &mut Dialogue<'_, T>) -> Result<(), StartTlsError> {
    let line = d.line().await?;
    if is_word(&line, "+OK") {
        Ok(())
    } else if is_word(&line, "-ERR") {
        Err(StartTlsError::Refused(line))
    } else {
        Err(StartTlsError::Unexpected(line))
    }
}

/// Whether the line's first word is this, in whatever case.
fn is_word(line: &str, word: &str) -> bool {
    line.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// What a client without a name calls itself (RFC 5321, section 4.1.3).
fn own_name<T: Transport + Endpoints>(d: &Dialogue<'_, T>) -> Result<String, StartTlsError> {
    Ok(match d.stream.local_endpoint()? {
        Endpoint::Inet(address) if address.is_ipv4() => format!("[{}]", address.ip()),
        Endpoint::Inet(address) => format!("[IPv6:{}]", address.ip()),
        _ => "localhost".to_owned(),
    })
}
