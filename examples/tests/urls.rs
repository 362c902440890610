//! URLs: what is read, what is refused, and what references mean.

#![allow(clippy::unwrap_used, reason = "a panic in a test is its report")]

use asyncnet_examples::http::{Url, UrlError};

#[test]
fn what_is_read_is_written_in_one_form() {
    let check = |text: &str, expected: &str| {
        assert_eq!(text.parse::<Url>().unwrap().to_string(), expected, "{text:?}");
        assert_eq!(expected.parse::<Url>().unwrap().to_string(), expected, "{text:?}");
    };
    check("http://a", "http://a/");
    check("http://a?q", "http://a/?q");
    check("http://a#f?q", "http://a/");
    check("http://a/?", "http://a/?");
    check("http://A.Example/B", "http://a.example/B");
    check("http://a:80/", "http://a/");
    check("http://a:/", "http://a/");
    check("http://a:443/", "http://a:443/");
    check("https://a:443/", "https://a/");
    check("https://a:00080/", "https://a:80/");
    check("http://127.0.0.1:8080/", "http://127.0.0.1:8080/");
    check("http://[2001:DB8:0::1]/x", "http://[2001:db8::1]/x");
    check("http://[::1]:/", "http://[::1]/");
    check("http://a_b.example./", "http://a_b.example./");
    check("http://a/b//c/", "http://a/b//c/");
    check("http://a/%2e%2E/ü?ü=\"<>\"", "http://a/%2e%2E/%C3%BC?%C3%BC=%22%3C%3E%22");
    check("http://a/x?u=http://b/../c", "http://a/x?u=http://b/../c");
    check("http://a/../../x/./y/..", "http://a/x/");
    check("http://a/.", "http://a/");
    check("http://a/b/...", "http://a/b/...");
}

#[test]
fn what_cannot_be_fetched_is_refused() {
    let check = |text: &str, expected: UrlError| assert_eq!(text.parse::<Url>(), Err(expected), "{text:?}");
    for text in
        ["", "a", "a/b", "//a/", "http", "http:", "http:a", "http:/a", "localhost:80/", "/://", "1://a"]
    {
        check(text, UrlError::SchemeMissing);
    }
    check("ftp://a/", UrlError::SchemeUnknown("ftp".to_owned()));
    check("http://ann@a/", UrlError::UserInfo);
    check("http://a:b@c/", UrlError::UserInfo);
    let long = "x".repeat(254);
    for host in [
        "",
        ":80",
        "ü.example",
        "a b",
        "a\\b",
        "a%20b",
        "::1",
        "1:2:3",
        "[",
        "[]",
        "[::1",
        "[::1]x",
        "[1.2.3.4]",
        "[fe80::1%eth0]",
        "127.1",
        "0x7f.1",
        "1.2.3.4.5",
        "1.2.3.256",
        "2130706433",
        "127.0.0.1.",
        "a.0x7f",
        ".",
        "a\r\nb",
        &long,
    ] {
        check(&format!("http://{host}/"), UrlError::Host(host.to_owned()));
    }
    for port in ["0", "65536", "http", "+80", "-1", " 80", "8 0"] {
        check(&format!("http://a:{port}/"), UrlError::Port(port.to_owned()));
    }
    for text in ["http://a/\r\nX: y", "http://a/\0", "http://a/?\t", "http://a/\x7f"] {
        check(text, UrlError::Control);
    }
}

/// RFC 3986, sections 5.4.1 and 5.4.2, as far as the schemes go.
#[test]
fn references_are_resolved() {
    let base: Url = "http://a/b/c/d;p?q".parse().unwrap();
    let check = |reference: &str, expected: &str| {
        assert_eq!(base.resolve(reference).unwrap().to_string(), expected, "{reference:?}");
    };
    check("g", "http://a/b/c/g");
    check("./g", "http://a/b/c/g");
    check("g/", "http://a/b/c/g/");
    check("/g", "http://a/g");
    check("//g", "http://g/");
    check("?y", "http://a/b/c/d;p?y");
    check("g?y", "http://a/b/c/g?y");
    check("#s", "http://a/b/c/d;p?q");
    check("g#s", "http://a/b/c/g");
    check("g?y#s", "http://a/b/c/g?y");
    check(";x", "http://a/b/c/;x");
    check("g;x?y#s", "http://a/b/c/g;x?y");
    check("", "http://a/b/c/d;p?q");
    check(".", "http://a/b/c/");
    check("./", "http://a/b/c/");
    check("..", "http://a/b/");
    check("../", "http://a/b/");
    check("../g", "http://a/b/g");
    check("../..", "http://a/");
    check("../../g", "http://a/g");
    check("../../../g", "http://a/g");
    check("/./g", "http://a/g");
    check("/../g", "http://a/g");
    check("g.", "http://a/b/c/g.");
    check("..g", "http://a/b/c/..g");
    check("./../g", "http://a/b/g");
    check("g/./h", "http://a/b/c/g/h");
    check("g/../h", "http://a/b/c/h");
    check("g;x=1/../y", "http://a/b/c/y");
    check("g?y/../x", "http://a/b/c/g?y/../x");
    check("https://b:8443/x", "https://b:8443/x");
    check("HTTP://b", "http://b/");
    check("a b/ü", "http://a/b/c/a%20b/%C3%BC");
    check("/x:y", "http://a/x:y");
    assert_eq!(base.resolve("mailto:ann@a"), Err(UrlError::SchemeMissing));
    assert_eq!(base.resolve("ftp://a/"), Err(UrlError::SchemeUnknown("ftp".to_owned())));
    assert_eq!(base.resolve("/a\r\nb"), Err(UrlError::Control));
    let port: Url = "https://a:8443/".parse().unwrap();
    assert_eq!(port.resolve("x").unwrap().to_string(), "https://a:8443/x");
    assert_eq!(port.resolve("//b/x").unwrap().to_string(), "https://b/x");
}
