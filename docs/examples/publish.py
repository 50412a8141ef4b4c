"""Publishes one registration request. It needs nothing but Python 3.

    NATS_URL=nats://127.0.0.1:4222 python3 publish.py <key> '{"Id": ..., "Token": ..., ...}'

The key is the idempotency key: publish the same again, after an error too, and it is
one registration. The NATS protocol is plain text: a request with headers is HPUB
<subject> <reply> <length of the headers> <length of all>, and JetStream answers to the
reply subject. With the package nats-py it is js.publish(subject, data, headers=...).
"""

import json
import os
import secrets
import socket
import sys
from urllib.parse import urlparse


def publish(url: str, subject: str, headers: dict[str, str], data: bytes, timeout: float = 10) -> dict:
    """Returns JetStream's acknowledgement. Without one nothing is known: publish again."""
    server = urlparse(url)
    options = {"verbose": False, "headers": True, "no_responders": True, "lang": "python", "version": "1"}
    if server.username:
        options |= {"user": server.username, "pass": server.password}
    inbox = "_INBOX." + secrets.token_hex(11)
    head = "NATS/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with socket.create_connection((server.hostname, server.port or 4222), timeout) as connection:
        stream = connection.makefile("rwb")
        stream.readline()  # INFO
        stream.write(f"CONNECT {json.dumps(options)}\r\nSUB {inbox} 1\r\n".encode())
        stream.write(f"HPUB {subject} {inbox} {len(head)} {len(head) + len(data)}\r\n{head}".encode() + data + b"\r\n")
        stream.flush()
        while line := stream.readline():
            word, *rest = line.decode().split()
            if word == "PING":
                stream.write(b"PONG\r\n")
                stream.flush()
            elif word == "-ERR":
                raise RuntimeError(line.decode().strip())
            elif word == "HMSG":
                raise RuntimeError("no stream takes this subject: is the system set up?")
            elif word == "MSG":
                ack = json.loads(stream.read(int(rest[-1])))
                if "error" in ack:
                    raise RuntimeError(ack["error"]["description"])
                return ack
    raise ConnectionError("the server has closed the connection")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: publish.py <key> '{\"Id\": ..., \"Token\": ..., ...}'")
    key, request = sys.argv[1:]
    ack = publish(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), "user.create.requested", {"Nats-Msg-Id": key}, request.encode())
    print("stored before as" if ack.get("duplicate") else "stored as", ack["seq"])
