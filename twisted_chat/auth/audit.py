"""The log lines for sign-ins that failed and for changes to accounts, for the operator and for fail2ban.

They name accounts and addresses, and no secrets. A name contains no space, so that no name can look like
another field of the line.
"""

from twisted.logger import Logger

from twisted_chat.core.interfaces import Audit

_log = Logger()


class AuditLog(Audit):
    """Writes a line for each event; wrong passwords have a rate, so strangers cannot fill the log."""

    def sign_in_failed(self, name: str, address: str, door: str) -> None:
        _log.warn(
            "sign-in failed: wrong password for account {name} from {address} at the {door} door",
            name=name,
            address=address or "a-unix-socket",
            door=door or "closed",
        )

    def account_changed(self, change: str, name: str, by: str) -> None:
        _log.info("account {name}: {change} by {by}", name=name, change=change, by=by)
