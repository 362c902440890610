"""A TLS client that asks line by line. What it is told and what it says is in language/mod.rs."""

import argparse
import socket
import ssl
import sys

parser = argparse.ArgumentParser()
for option in ["port", "version", "name", "alpn", "identity", "times", "file"]:
    parser.add_argument("--" + option)
values = parser.parse_args()

context = ssl.create_default_context(cafile="Ca.root.pem")
version = ssl.TLSVersion[values.version.replace(".", "_")]
context.minimum_version = context.maximum_version = version
if values.alpn:
    context.set_alpn_protocols(values.alpn.split(","))
if values.identity:
    context.load_cert_chain(values.identity + ".chain.pem", values.identity + ".key.pem")


def say(text):
    print(text, flush=True)


def connect(session=None):
    plain = socket.create_connection(("127.0.0.1", int(values.port)))
    # Without a word, it would take a stream that was cut for one that has ended.
    stream = context.wrap_socket(
        plain, server_hostname=values.name, session=session, suppress_ragged_eofs=False
    )
    alpn = stream.selected_alpn_protocol() or "none"
    say(f"{stream.version()} alpn={alpn} resumed={str(stream.session_reused).lower()}")
    return stream


def line_of(stream):
    """The next line; nothing at the end."""
    line = b""
    while not line.endswith(b"\n"):
        byte = stream.recv(1)
        if not byte:
            break
        line += byte
    return line.decode().rstrip("\r\n")


def end(stream):
    stream.unwrap().close()


def again(times):
    """Takes one line and ends, so often."""
    session = None
    for _ in range(times):
        stream = connect(session)
        say(line_of(stream))
        session = stream.session
        end(stream)


def ask():
    stream = connect()
    for line in sys.stdin:
        stream.sendall(line.rstrip("\n").encode() + b"\r\n")
        answer = line_of(stream)
        say(answer or "ended")
        if not answer:
            break
    end(stream)


def exchange(file):
    """Sends a file, and writes what it is sent."""
    stream = connect()
    with open(file, "rb") as content:
        stream.sendall(content.read())
    while chunk := stream.recv(65_536):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
    end(stream)


try:
    if values.times:
        again(int(values.times))
    elif values.file:
        exchange(values.file)
    else:
        ask()
except OSError as error:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(1)
