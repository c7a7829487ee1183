"""Run the tests of TLS if the packages that they need are installed."""

from importlib.util import find_spec

from twisted.trial.unittest import SynchronousTestCase

if find_spec("OpenSSL") and find_spec("trustme"):
    from twisted_chat.test.cases_tls import (
        CertificateTests,
        GarbageTests,
        MemoryTests,
        SecureEventsTests,
        SecureIrcAndBrowserTests,
        SecurePersonAndIrcTests,
        TlsFrontTests,
    )

    __all__ = [
        "CertificateTests",
        "GarbageTests",
        "MemoryTests",
        "SecureEventsTests",
        "SecureIrcAndBrowserTests",
        "SecurePersonAndIrcTests",
        "TlsFrontTests",
    ]
else:

    class NoTlsTests(SynchronousTestCase):
        """Report that TLS, which is an optional extra, is not tested."""

        skip = "these need pyOpenSSL and trustme: pip install 'twisted_chat[test]'"

        def test_tls(self) -> None: ...
