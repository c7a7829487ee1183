"""The tests of TLS, where what they need is installed."""

from importlib.util import find_spec

from twisted.trial.unittest import SynchronousTestCase

if find_spec("OpenSSL") and find_spec("trustme"):
    from twisted_chat.test.cases_tls import (
        CertificateTests,
        GarbageTests,
        SecureEventsTests,
        SecureIrcAndBrowserTests,
        SecurePersonAndIrcTests,
        TlsFrontTests,
    )

    __all__ = [
        "CertificateTests",
        "GarbageTests",
        "SecureEventsTests",
        "SecureIrcAndBrowserTests",
        "SecurePersonAndIrcTests",
        "TlsFrontTests",
    ]
else:

    class NoTlsTests(SynchronousTestCase):
        """TLS is an extra."""

        skip = "these need pyOpenSSL and trustme: pip install 'twisted_chat[test]'"

        def test_tls(self) -> None: ...
