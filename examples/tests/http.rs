//! The client of HTTP over streams whose bytes a test has chosen: what heads and bodies say, and what breaks them.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use asyncnet_driver::{Stream, Transport};
use asyncnet_examples::http::{Body, Head, HttpError};
use futures_lite::future;

/// What comes of an answer that is sent in pieces of `piece` bytes, and ends: its head and its body.
fn receive(answer: &[u8], piece: usize) -> Result<(Head, Vec<u8>), HttpError> {
    future::block_on(async {
        let (mut client, mut server) = asyncnet_smol::pair()?;
        let serve = async {
            for piece in answer.chunks(piece) {
                // A client that has had enough does not read on.
                if server.send(piece).await.is_err() {
                    break;
                }
                future::yield_now().await;
            }
            server.shutdown_write().await.ok();
        };
        let ask = async {
            let received = receive_from(&mut client).await;
            client.abort();
            received
        };
        future::zip(serve, ask).await.1
    })
}

async fn receive_from<T: Transport>(stream: &mut Stream<T>) -> Result<(Head, Vec<u8>), HttpError> {
    let head = Head::recv(stream).await?;
    let (mut body, mut bytes, mut piece) = (Body::of(&head)?, Vec::new(), [0; 7]);
    loop {
        match body.recv(stream, &mut piece).await? {
            0 => return Ok((head, bytes)),
            n => bytes.extend_from_slice(&piece[..n]),
        }
    }
}

/// All at once and byte by byte have to agree.
#[track_caller]
fn check(answer: &str, status: u16, body: &str) {
    for piece in [answer.len(), 1] {
        let (head, received) = receive(answer.as_bytes(), piece).unwrap();
        assert_eq!((head.status(), received), (status, body.as_bytes().to_vec()), "{answer:?}");
    }
}

#[track_caller]
fn check_error(answer: impl AsRef<[u8]>, expected: &str) {
    let answer = answer.as_ref();
    let pieces = if answer.len() < 1_000 { &[1_000, 1][..] } else { &[answer.len()] };
    for &piece in pieces {
        let error = receive(answer, piece).unwrap_err().to_string();
        assert!(
            error.starts_with(expected),
            "{error:?} for {:?}",
            answer[..answer.len().min(100)].escape_ascii()
        );
    }
}

#[test]
fn heads_are_read_as_they_come() {
    let head = |text: &str| receive(format!("{text}\r\n\r\n").as_bytes(), 1_000).unwrap().0;
    assert_eq!(head("HTTP/1.1 200 OK").text(), "HTTP/1.1 200 OK\n");
    assert_eq!(head("HTTP/1.0 200 ").status_text(), "200");
    assert_eq!(head("HTTP/1.1 200").status_text(), "200");
    assert_eq!(head("HTTP/1.9 999 a  b").status_text(), "999 a  b");
    assert_eq!(head("HTTP/1.1 200 \u{1b}[2J\u{9b}2J").reason(), " [2J 2J");
    let fields =
        head("HTTP/1.1 200 OK\r\nA:\r\nb: \t x y \t\r\na:2\r\nA : 3".replace("A : 3", "a-!:3").as_str());
    assert_eq!(fields.fields("a").collect::<Vec<_>>(), [&b""[..], b"2"]);
    assert_eq!(
        (fields.field("B"), fields.field("a-!"), fields.field("c")),
        (Some(&b"x y"[..]), Some(&b"3"[..]), None)
    );
    // A field in two lines, line ends without CR, a control character, bytes that are no UTF-8.
    let odd = head("HTTP/1.1 200 OK\nA: 1\r\n \t2\nB: x\x1by\u{9b}");
    assert_eq!(odd.text(), "HTTP/1.1 200 OK\nA: 1 2\nB: x y \n");
}

#[test]
fn what_is_no_head_is_refused() {
    for answer in [
        "SSH-2.0-x\r\n",
        "\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.x 200 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "\x16\x03\x03\x00\x02\x02\x28\n",
    ] {
        check_error(answer, "what answers does not speak HTTP/1");
    }
    for (field, why) in [
        ("no colon", "a field without a colon"),
        (": no name", "a field with a name that is none"),
        ("a b: c", "a field with a name that is none"),
        ("a : b", "a field with a name that is none"),
        ("a\u{fc}: b", "a field with a name that is none"),
        (" folded", "a field without a name"),
        ("a: b\rc: d", "a field with a control character"),
        ("a: b\0", "a field with a control character"),
    ] {
        check_error(
            format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n"),
            &format!("the answer is malformed: {why}: \""),
        );
    }
    for answer in ["", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\nC"] {
        check_error(answer, "the answer ended before the end of the head");
    }
}

#[test]
fn a_head_has_bounds() {
    let fields =
        |n: usize, line: &str| format!("HTTP/1.1 204 No Content\r\n{}\r\n", format!("{line}\r\n").repeat(n));
    check(&fields(200, "a: b"), 204, "");
    check_error(fields(201, "a: b"), "the answer has more than 200 fields in the head");
    let long = |n: usize| format!("a: {}", "x".repeat(n - 3));
    assert_eq!(receive(fields(7, &long(16_384)).as_bytes(), 100_000).unwrap().0.status(), 204);
    check_error(fields(1, &long(16_385)), "the lines of the head are too long");
    check_error(fields(8, &long(16_384)), "the lines of the head are too long");
    check_error(
        fields(200, &format!("{}\r\n {}", long(500), "x".repeat(500))),
        "the lines of the head are too long",
    );
    check_error("x".repeat(1_000_000), "the lines of the head are too long");
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    check(&(interim.repeat(8) + &fields(1, "a: b")), 204, "");
    check_error(interim.repeat(9) + &fields(1, "a: b"), "the answer has more than 8 interim answers");
    check_error("HTTP/1.1 101 Switching\r\n\r\n", "the answer is malformed: it switches to a protocol");
}

#[test]
fn a_body_ends_where_the_head_says() {
    let answer = |fields: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{fields}\r\n{body}");
    check(&answer("Content-Length: 5\r\n", "hello"), 200, "hello");
    check(&answer("Content-Length: 5\r\n", "hello, and more"), 200, "hello");
    check(&answer("Content-Length: 0\r\n", "more"), 200, "");
    check(&answer("Content-Length: 005, 5\r\nContent-length:5\r\n", "hello"), 200, "hello");
    check(&answer("", "to the end"), 200, "to the end");
    check(&answer("", ""), 200, "");
    check("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, "");
    check("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, "");

    for length in
        ["", "-1", "+1", "1 2", "0x1", "5, 6", "5,", "18446744073709551616", "5\r\nContent-Length: 6"]
    {
        check_error(
            answer(&format!("Content-Length: {length}\r\n"), "hello"),
            "the answer is malformed: its length: \"",
        );
    }
    for (sent, missing) in [("", 5), ("hell", 1)] {
        let expected = format!("the answer ended before the end of the body: {missing} bytes are missing");
        check_error(answer("Content-Length: 5\r\n", sent), &expected);
    }
    check_error(
        answer("Content-Length: 18446744073709551615\r\n", "x"),
        "the answer ended before the end of the body: 18446744073709551614 bytes are missing",
    );
}

#[test]
fn a_body_in_chunks_is_put_together() {
    let answer = |body: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n{body}");
    check(&answer("0\r\n\r\n"), 200, "");
    check(&answer("5\r\nhello\r\n0\r\n\r\nmore"), 200, "hello");
    check(
        &answer("00000000000000A ;x=\"y\"\r\n0123456789\r\n1\r\na\r\n000;z\r\nTrailer: x\r\n\r\n"),
        200,
        "0123456789a",
    );
    check(&answer("2\nab\n0\n\n"), 200, "ab");
    check(&answer("4\r\n\r\n\r\n\r\n0\r\n\r\n"), 200, "\r\n\r\n");
    // Chunks count, whatever else is said (RFC 9112, section 6.3).
    let both =
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    check(both, 200, "ab");

    for size in ["", "x", "-1", "+1", "0x1", " 1", "1 2", "g", "12345678901234567"] {
        check_error(answer(&format!("{size}\r\na\r\n")), "the answer is malformed: the size of a chunk: \"");
    }
    check_error(answer("2\r\nabc\r\n0\r\n\r\n"), "the answer is malformed: a chunk is longer than it says");
    for body in [
        "",
        "5",
        "5\r\n",
        "5\r\nhell",
        "5\r\nhello",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0\r\n",
        "0\r\nA: b\r\n",
    ] {
        check_error(answer(body), "the answer ended before the end of the body");
    }
    check_error(
        answer(&("0\r\n".to_owned() + &"a: b\r\n".repeat(201) + "\r\n")),
        "the answer has more than 200 fields behind",
    );
    check_error(answer(&format!("1;{}\r\na\r\n", "x".repeat(16_400))), "the lines of the body are too long");
    for coding in ["gzip", "gzip, chunked", "chunked, chunked", "identity"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        check_error(answer, "the body comes in an unknown coding, \"");
    }
    check_error(answer("").replace("1.1", "1.0"), "the answer is malformed: chunks in HTTP/1.0");
}

/// A receive is taken and counted in one poll: whoever drops it and calls again misses nothing.
#[test]
fn a_receive_can_be_dropped_anywhere() {
    future::block_on(async {
        let (mut client, mut server) = asyncnet_smol::pair()?;
        server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
        let head = Head::recv(&mut client).await?;
        let (mut body, mut bytes, mut piece) = (Body::of(&head)?, Vec::new(), [0; 4]);
        for byte in b"3\r\nabc\r\nA;x\r\n0123456789\r\n0\r\nT: u\r\n\r\n" {
            server.send(&[*byte]).await?;
            // Polled at least once, and dropped when it waits.
            while let Some(n) = future::poll_once(body.recv(&mut client, &mut piece)).await.transpose()? {
                if n == 0 {
                    break;
                }
                bytes.extend_from_slice(&piece[..n]);
            }
        }
        while body.remaining() != Some(0) {
            let n = body.recv(&mut client, &mut piece).await?;
            bytes.extend_from_slice(&piece[..n]);
        }
        assert_eq!(bytes, b"abc0123456789");
        Ok::<_, HttpError>(())
    })
    .unwrap();
}
