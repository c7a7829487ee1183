"""A certificate for the tests of TLS, and clients that trust it."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

import trustme
from conftest import PATIENCE, Person, Server


class Certificates:
    """A certificate and its key in files, and the authority that clients trust, in a file in the folder `trusted`."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._trusting = ssl.create_default_context()
        self._authority.configure_trust(self._trusting)
        self._trusting.set_alpn_protocols(["h2", "http/1.1"])
        self.trusted = folder / "trusted"
        self.trusted.mkdir()
        self._authority.cert_pem.write_to_path(self.trusted / "authority.pem")
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        self.issue("chat.example")

    def issue(self, name: str) -> None:
        """Renew certificate and key, for this name, signed by an authority below the trusted one."""
        made = self._authority.create_child_ca().issue_cert(name)
        self.put(self.key, made.private_key_pem.bytes())
        self.put(self.chain, b"".join(pem.bytes() for pem in made.cert_chain_pems))

    def put(self, path: Path, data: bytes) -> None:
        """Replace a file by a new one."""
        new = path.with_suffix(".new")
        new.write_bytes(data)
        new.chmod(0o600)
        os.replace(new, path)

    @property
    def options(self) -> tuple[str, ...]:
        """Return the server's options for TLS."""
        return "--tls-cert", str(self.chain), "--tls-key", str(self.key)

    def secure(self, plain: socket.socket, name: str = "chat.example") -> socket.socket:
        """Return the connection with TLS, by a client that verifies the certificate."""
        return self._trusting.wrap_socket(plain, server_hostname=name)

    def person(self, server: Server, name: str, port: int | None = None, before: bytes = b"") -> Person:
        """Return a client that has sent `before` without TLS, and has then registered over TLS."""
        plain = connect(port or server.port)
        plain.sendall(before)
        person = Person(self.secure(plain))
        person.asks(f"register,{name}", "ack")
        return person


def connect(port: int) -> socket.socket:
    """Return a connection to this port of this machine."""
    return socket.create_connection(("127.0.0.1", port), PATIENCE)
