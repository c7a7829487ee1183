"""The error for a request that cannot be understood, in any of the protocols, with its codes."""

BAD_COMMAND = "bad-command"
BAD_TEXT = "bad-text"
NOT_UTF8 = "not-utf8"
TOO_LONG = "too-long"


class ParseError(ValueError):
    """A line that is not a valid request: a stable `code`, a `sentence` for people, the request's `label` if known."""

    def __init__(self, code: str, sentence: str, label: str | None = None) -> None:
        super().__init__(code, sentence)
        self.code, self.sentence, self.label = code, sentence, label
