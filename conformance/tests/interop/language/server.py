"""A TLS server that gives back what it is sent. What it is told and what it says is in language/mod.rs."""

import argparse
import socket
import ssl

parser = argparse.ArgumentParser()
for option in ["version", "leaf", "alpn", "client-ca"]:
    parser.add_argument("--" + option)
values = parser.parse_args()


def context_with(leaf):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf + ".chain.pem", leaf + ".key.pem")
    return context


def say(text):
    print(text, flush=True)


other = context_with("WrongName")
names = {}


def choose(stream, name, _context):
    names[stream] = name
    if name == "wrong.example":
        stream.context = other


context = context_with(values.leaf)
context.minimum_version = context.maximum_version = ssl.TLSVersion[values.version.replace(".", "_")]
context.sni_callback = choose
if values.alpn:
    context.set_alpn_protocols(values.alpn.split(","))
if values.client_ca:
    context.load_verify_locations(values.client_ca)
    context.verify_mode = ssl.CERT_REQUIRED


def serve(plain):
    with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as stream:
        alpn = stream.selected_alpn_protocol() or "none"
        subject = dict(pair[0] for pair in (stream.getpeercert() or {}).get("subject", ()))
        say(
            f"{stream.version()} alpn={alpn} resumed={str(stream.session_reused).lower()} "
            f"name={names.pop(stream, None) or 'none'} client={subject.get('commonName', 'none')}"
        )
        while chunk := stream.recv(65_536):
            stream.sendall(chunk)
        say("ended")
        stream.unwrap()


listener = socket.create_server(("127.0.0.1", 0))
say(f"listening on {listener.getsockname()[1]}")
while True:
    accepted, _ = listener.accept()
    try:
        serve(accepted)
    except OSError as error:
        say(f"error: {error}")
    finally:
        accepted.close()
