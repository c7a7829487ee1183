"""One port with TLS and without it, for every protocol, over real sockets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from certificates import Certificates, connect
from conftest import Person, Serve, Server, refused_to_start, until


def answer(connection: socket.socket, said: bytes) -> bytes:
    """Send `said`, and return all bytes that the server sends before it ends the connection."""
    connection.sendall(said)
    heard = b""
    with connection:
        while read := connection.recv(65536):
            heard += read
    return heard


GET = b"GET /?a HTTP/1.1\r\nHost: chat.example:8000\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 100000\r\n\r\nregister,mallory\nchat,jane,hi\n"


def test_people_with_and_without_tls_talk_at_one_port(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options)
    with certificates.person(server, "jane") as jane, server.person("zak") as zak:
        jane.says("chat,zak,from within")
        assert zak.hears() == "jane says from within"
        zak.says("chat,jane,from without")
        assert jane.hears() == "zak says from without"
        text = "." * 10_000
        for _ in range(100):
            zak.says(f"chat,jane,{text}")
        assert [jane.hears() for _ in range(100)] == [f"zak says {text}"] * 100
        jane.asks("quit", "bye")
        assert jane.hears_the_end() == b""


def test_a_client_whose_door_is_closed_is_told_so(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options, "--doors", "line")
    with server.person("jane") as jane:
        ways: list[Callable[[], socket.socket]] = [
            lambda: connect(server.port),
            lambda: certificates.secure(connect(server.port)),
        ]
        for way in ways:
            heard = answer(way(), POST + b"x" * 50_000)
            assert heard.startswith(b"HTTP/1.1 404 ")
            assert b"no web door" in heard
            assert answer(way(), b"NICK mallory\r\n").startswith(b"ERROR :")
        jane.hears_nothing()
        jane.asks("list,friends", "jane")


def test_a_browser_that_is_made_to_post_chat_reaches_the_web_door_and_nothing_else(
    serve: Serve, certificates: Certificates
) -> None:
    server = serve(*certificates.options)
    with server.person("jane") as jane:
        for way in (connect(server.port), certificates.secure(connect(server.port))):
            heard = answer(way, POST + b"register,mallory\nchat,jane,hi\n" * 100)
            assert heard.startswith(b"HTTP/1.1 413 ")
            assert heard.count(b"HTTP/1.1") == 1
        jane.hears_nothing()
        jane.asks("list,friends", "jane")


def test_without_a_certificate_tls_gets_an_alert(serve: Serve, certificates: Certificates) -> None:
    server = serve()
    with connect(server.port) as plain, pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
        certificates.secure(plain)


def test_old_versions_of_tls_are_not_spoken(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with connect(server.port) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_with_tls_only_a_plain_client_is_told_so_in_its_protocol(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options, "--tls-only")
    for said, start in (
        (b"register,jane\n", b"error,not-allowed,this server speaks TLS only"),
        (b"NICK jane\r\n", b"ERROR :this server speaks TLS only"),
        (POST, b"HTTP/1.1 413 "),
        (GET, b"HTTP/1.1 308 Permanent Redirect\r\n"),
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"HTTP/1.1 421 "),
    ):
        assert answer(connect(server.port), said).startswith(start)
    with certificates.person(server, "jane") as jane:
        jane.asks("list,friends", "jane")


def test_with_a_certificate_a_browser_is_sent_to_https(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options, "--host", "other.example")
    head, _, _ = answer(connect(server.port), GET).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 308 ")
    assert b"\r\nLocation: https://chat.example:8000/?a\r\n" in head
    secure = answer(certificates.secure(connect(server.port)), GET)
    assert secure.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nStrict-Transport-Security: max-age=" in secure
    for host, start in ((b"other.example", b"HTTP/1.1 308 "), (b"evil.example", b"HTTP/1.1 421 ")):
        request = GET.replace(b"chat.example", host)
        assert answer(connect(server.port), request).startswith(start)


def test_a_program_that_offers_no_protocol_of_ours_gets_an_alert(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    with connect(server.port) as plain, pytest.raises(ssl.SSLError, match=r"(?i)no.application.protocol"):
        context.wrap_socket(plain)


def test_a_key_that_everybody_can_read_is_refused_in_one_line(tmp_path: Path, certificates: Certificates) -> None:
    certificates.key.chmod(0o644)
    line = refused_to_start(tmp_path, *certificates.options)
    assert line == (
        f"twisted_chat: every user of this machine can read the key {certificates.key}; "
        f"make it private: chmod 640 {certificates.key}"
    )


def test_an_ssl_endpoint_refuses_such_a_key_too(tmp_path: Path, certificates: Certificates) -> None:
    certificates.key.chmod(0o644)
    place = f"ssl:0:interface=127.0.0.1:privateKey={certificates.key}:certKey={certificates.chain}"
    assert "every user of this machine can read the key" in refused_to_start(tmp_path, "--listen", place)


def test_a_renewed_certificate_is_used_and_a_bad_one_is_not(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options)

    def trusted(name: str) -> bool:
        try:
            with certificates.secure(connect(server.port), name):
                return True
        except ssl.SSLCertVerificationError:
            return False

    with certificates.person(server, "jane") as jane:
        certificates.put(certificates.chain, b"nonsense")
        until(lambda: trusted("chat.example") and "stays in use" in server.log, "the server logs the bad file")
        certificates.issue("new.example")
        until(lambda: trusted("new.example"), "the new certificate is used")
        assert server.log.count("stays in use") == 1, server.log
        jane.asks("list,friends", "jane")


def test_files_that_cannot_be_used_at_the_start_are_one_clear_line(tmp_path: Path, certificates: Certificates) -> None:
    certificates.put(certificates.key, b"nonsense")
    with pytest.raises(AssertionError, match=r"twisted_chat: .* are not a certificate and its key") as failed:
        Server(tmp_path, "--port", "0", *certificates.options)
    assert "Traceback" not in str(failed.value)


def test_an_ssl_endpoint_has_all_doors_too(serve: Serve, certificates: Certificates) -> None:
    endpoint = f"ssl:0:interface=127.0.0.1:privateKey={certificates.key}:certKey={certificates.chain}"
    chain = f":extraCertChain={certificates.chain}"
    server = serve("--listen", endpoint + chain)
    port = server.ports[1]
    with certificates.person(server, "jane", port) as jane, server.person("zak") as zak:
        zak.says("chat,jane")
        assert jane.hears() == "zak says hi"
        assert answer(certificates.secure(connect(port)), POST).startswith(b"HTTP/1.1 413 ")


def test_behind_a_proxy_the_client_has_its_own_address(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options, "--listen", "haproxy:tcp:0:interface=127.0.0.1", "--store", "memory")
    port = server.ports[1]

    def guess(client: int, password: str = "wrong") -> str:
        with Person(connect(port)) as person:
            person.sends(b"PROXY TCP4 10.1.2.%d 10.9.9.9 5000 8000\r\n" % client)
            person.says(f"register,owner,{password}")
            heard = person.hears()
            return heard.partition(",")[2].partition(",")[0] if heard.startswith("error,") else heard

    assert guess(1, "the right one") == "ack"
    while (said := guess(1)) == "wrong-password":
        pass
    assert said == "slow-down"
    assert guess(2) == "wrong-password"
    with certificates.person(server, "tess", port, b"PROXY TCP4 10.1.2.3 10.9.9.9 5000 8000\r\n") as tess:
        tess.asks("list,friends", "tess")


def test_no_proxy_header_makes_a_traceback(serve: Serve) -> None:
    server = serve("--listen", "haproxy:tcp:0:interface=127.0.0.1")
    port = server.ports[1]
    for header in (b"PROXY TCP4 here there x y\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x01x", b"hello\n"):
        assert answer(connect(port), header) == b""
    for header in (b"PROXY UNKNOWN\r\n", b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"):
        with Person(connect(port)) as person:
            person.sends(header)
            person.asks("register,jane", "ack")
            person.asks("quit", "bye")
    assert "has no valid PROXY header" in server.log


def test_nothing_stays_open_after_two_thousand_dropped_connections(serve: Serve, certificates: Certificates) -> None:
    server = serve(*certificates.options, "--store", "memory")
    with certificates.person(server, "early"):
        before = server.sockets() - 1  # without the connection itself

    def come_and_drop(count: int) -> None:
        for number in range(count):
            connection = certificates.secure(connect(server.port))
            if number % 2:
                connection.sendall(b"register,visitor\n")
                assert connection.recv(100) == b"ack\n"
            connection.close()
        until(lambda: server.sockets() == before, "their sockets are closed")

    come_and_drop(200)
    resident = server.resident()
    come_and_drop(2000)
    assert server.resident() - resident < 8 * 1024 * 1024
