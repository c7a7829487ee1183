"""Nothing that a person says, in whatever name, is a line of the server's, in any dialect of the line door."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from twisted_chat.core.errors import ChatError, Notice
from twisted_chat.core.messages import ACTION, MESSAGE, NOTICE, SPOKEN, TOPIC
from twisted_chat.core.names import room_name, user_name
from twisted_chat.core.participants import Absence
from twisted_chat.doors.line.dialects import EVENTS, EVENTS_WITH_TAGS, LESSON, PLAIN, PLAIN_FOR_ACCOUNTS, LineDialect
from twisted_chat.doors.line.protocol import HINT
from twisted_chat.sentences import NOTICES, SENTENCES
from twisted_chat.test.support import Connection, Server, entry, kept
from twisted_chat.wire.events import SERVER_MARK

ANSWER = re.compile(
    r"(?:@[^ ]+ )?(?:(?:ack|ok|error|bye|pong|info|server|ping|seen|online|offline|renamed)(?:,|$)|\*\*\*)"
)
"""The beginning of a line in which the server speaks: an answer, a notice, or an event that is no record."""
TRICKY_NAMES = ("says", "in", "to", "the", "ack", "ok", "error", "server", "-", "-zak-", "(guest)", "1", "hi")
TRICKY = st.sampled_from(TRICKY_NAMES)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1),
    st.sampled_from([f"{SERVER_MARK}{sentence}" for sentence in NOTICES.values()]),
    st.sampled_from([f"server is shutting down; {code.value}" for code in Notice]),
    st.sampled_from([f"\nerror,{reason.code},{SENTENCES[reason]}" for reason in SENTENCES]),
    st.sampled_from(["\nack", "\nok,1", f"\n{HINT}", "\n*** the server is shutting down; come back in a while"]),
)


def _valid(name: str) -> bool:
    try:
        user_name(name)
    except ChatError:
        return False
    return True


SERVER = Server()
NAMES = st.one_of(TRICKY, st.text(min_size=1, max_size=12).filter(_valid))


@given(
    NAMES,
    NAMES,
    st.lists(TEXTS, min_size=1, max_size=3),
    st.sampled_from((MESSAGE, ACTION, NOTICE)),
    st.sampled_from((PLAIN, PLAIN_FOR_ACCOUNTS, LESSON, EVENTS, EVENTS_WITH_TAGS)),
    st.booleans(),
)
@example("the", "jane", ["server is shutting down; come back in a while"], ACTION, PLAIN, False)
def test_no_line_of_a_person_is_one_of_the_servers(
    sender: str, to: str, texts: list[str], kind: str, dialect: LineDialect, in_room: bool
) -> None:
    said = kept(4, 0, entry(*texts, sender=sender, to=f"#{to}" if in_room else to, kind=kind, author=2**32))
    rendered = dialect.render(said, "\n")
    assert rendered.endswith("\n")
    lines = rendered[:-1].split("\n")
    records = said.records()
    lines += [line for record in records for line in dialect.render_history(record)]
    lines += [line for record in records for own in (True, False) for line in dialect.render_replayed(record, own)]
    lines += dialect.render_copy(said)
    for line in lines:
        assert not ANSWER.match(line), line
    assert len(rendered[:-1].split("\n")) == len(texts)


@given(NAMES, TEXTS)
def test_a_topic_and_an_away_text_are_quoted_behind_the_servers_own_words(name: str, text: str) -> None:
    connection = Connection(SERVER)
    session = connection.chat.session
    said = kept(4, 0, entry(text, sender=name, to=room_name("#tea").shown, kind=TOPIC))
    quoted = text.replace("\n", "\\n")
    assert PLAIN.render(said, "\n") == f'*** {name} set the topic of #tea: "{quoted}"\n'
    session.tell_absence(Absence(name, text))
    session.flush()
    assert connection.read().decode() == f'*** {name} is away: "{quoted}"\n'


def test_the_server_always_speaks_in_its_own_form() -> None:
    for notice, sentence in NOTICES.items():
        for dialect in (PLAIN, PLAIN_FOR_ACCOUNTS):
            [line] = dialect.server_notice(notice, sentence)
            assert line.startswith(SERVER_MARK)
        assert EVENTS.server_notice(notice, sentence)[0].startswith("server,")
    assert HINT.startswith(SERVER_MARK)
    assert all(kind != "server" for kind in SPOKEN)
