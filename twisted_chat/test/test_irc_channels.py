"""Channels that only IRC can name: they are rooms with other names, both ways."""

from __future__ import annotations

from unicodedata import normalize

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.errors import ChatError
from twisted_chat.core.names import room_name
from twisted_chat.doors.irc.channels import channel_of, room_of
from twisted_chat.test.test_irc_door import IrcTestCase

LAST_SYMBOL = 0x20000
CHANNELS = {
    "##rooms": "#{#}rooms",
    "###deep": "#{#}#deep",
    "##": "#{#}",
    "#+v": "#{+}v",
    "#\u2615": "#{2615}",
    "#tea\U0001f980\u2615": "#tea{1f980.2615}",
    "##\u2615": "#{#}{2615}",
    "#\U0001f469\U0001f3fd\u200d\U0001f4bb": "#{1f469.1f3fd+1f4bb}",
    "#\u2192": "#{2192}",
    "#\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466": "#{1f468+1f469+1f467+1f466}",
}


class NameTests(SynchronousTestCase):
    def test_a_channel_that_no_room_name_can_be_is_a_room_and_back(self) -> None:
        for channel, room in CHANNELS.items():
            self.assertEqual((room_of(channel), channel_of(room)), (room, channel))
            self.assertEqual(room_name(room).shown, room)

    def test_all_other_names_are_themselves(self) -> None:
        for name in (
            "#tea",
            "#Tea-2",
            "#a{b}",
            "#{",
            "#{}",
            "#{41}",
            "#{110000}",
            "#{d800}",
            "#{a}",
            "#{0a}",
            "#{2615",
        ):
            self.assertEqual((room_of(name), channel_of(name)), (name, name))
        for name in (
            "jane",
            "",
            "#",
            "{2615}",
            "#{2615}{2615}",
            "#{2615.}",
            "#{200d}",
            "#{2615.200d}",
            "#{2615+}",
            "#{+}",
            "#{2615.200d.2615}",
            "#x{#}y",
        ):
            self.assertEqual(room_of(name), name)

    def test_no_two_rooms_are_one_channel(self) -> None:
        parts = (
            "",
            "#",
            "{#}",
            "{2615}",
            "{1F980}",
            "{2615.1f980}",
            "{2615+1f980}",
            "{2615.200d.1f980}",
            "{200d}",
            "{fe0f}",
            "{41}",
            "a",
            "{23}",
            "\u00e9",
        )
        rooms = {f"#{one}{two}{three}" for one in parts for two in parts for three in parts}
        keys, channels = set[str](), set[str]()
        for room in rooms:
            try:
                key = room_name(room).key
            except ChatError:
                continue
            channel = channel_of(room)
            self.assertEqual(room_name(room_of(channel)).key, key, room)
            keys.add(key)
            channels.add(channel.lower())
        self.assertEqual(len(keys), len(channels))

    def test_the_style_of_an_emoji_makes_no_other_room(self) -> None:
        self.assertEqual(room_of("#\u2764\ufe0f"), room_of("#\u2764"))
        self.assertEqual(room_of("#\u2764\ufe0f\u200d\U0001f525"), "#{2764+1f525}")

    def test_each_symbol_that_is_mapped_leads_back_and_is_in_no_name(self) -> None:
        mapped = 0
        for code in range(0x80, LAST_SYMBOL):
            channel = f"#a{chr(code)}"
            room = room_of(channel)
            if "{" in room:
                mapped += 1
                self.assertEqual(channel_of(room), normalize("NFC", channel))
                self.assertRaises(ChatError, room_name, channel)
        self.assertGreater(mapped, 5000)

    def test_a_sign_that_looks_like_another_or_is_not_seen_is_in_no_room(self) -> None:
        for channel in (
            "#\u2122",
            "#\u2460",
            "#tea\u2010",
            "#a\u200db",
            "#\u2615\u200d",
            "#a!b",
            "#a:b",
            "#a*",
            "#a@b",
        ):
            self.assertRaises(ChatError, room_name, room_of(channel))


class DoorTests(IrcTestCase):
    """Jane and zak are at the IRC door, and a program at another."""

    def setUp(self) -> None:
        super().setUp()
        self.jane = self.server.irc("jane", capabilities="batch draft/chathistory message-tags")
        self.zak = self.server.irc("zak")
        self.program = self.server.program("bot")

    def ask(self, line: str) -> list[str]:
        """Return the answer to Jane's line, without tags."""
        return [line.split(" ", 1)[1] if line[0] == "@" else line for line in self.jane.ask(line)]

    def test_all_commands_know_the_channel(self) -> None:
        for channel, room in CHANNELS.items():
            joined = self.ask(f"JOIN {channel}")
            self.assertEqual([line.split(" ")[-2 if "353" in line else 2] for line in joined[:1]], [channel])
            self.assertEqual(
                joined[1:],
                [f":chat.local 353 jane = {channel} :jane", f":chat.local 366 jane {channel} :End of /NAMES list"],
            )
            self.zak.ask(f"JOIN {room}"), self.jane.read()
            said = self.zak.ask(f"PRIVMSG {channel} :one") + self.zak.ask(f"PRIVMSG {room} :two")
            self.assertEqual(said, [])
            self.zak.say(f"PRIVMSG {channel} :three\r\nPRIVMSG {channel} :four\r\n".encode())
            self.assertEqual(
                [line.split(" ", 2)[2] for line in self.jane.lines()],
                [f"PRIVMSG {channel} :{text}" for text in ("one", "two", "three", "four")],
            )
            self.assertIn(f" TOPIC {channel} :hot", self.ask(f"TOPIC {channel} :hot")[0])
            self.assertEqual(self.ask(f"TOPIC {channel}"), [f":chat.local 332 jane {channel} :hot"])
            self.assertEqual(self.ask(f"MODE {channel}"), [f":chat.local 324 jane {channel} +n"])
            self.assertEqual(self.ask(f"NAMES {channel}")[0], f":chat.local 353 jane = {channel} :jane zak")
            self.assertEqual(self.ask(f"WHO {channel}")[0].split(" ")[3], channel)
            self.assertIn(f":chat.local 322 jane {channel} 2 :hot", self.ask("LIST"))
            self.assertIn(f":chat.local 322 jane {channel} 2 :hot", self.ask(f"LIST {channel}"))
            self.assertIn(f":chat.local 319 jane jane :{channel}", self.ask("WHOIS jane"))
            begin, *page, _ = self.ask(f"CHATHISTORY LATEST {channel} * 2")
            self.assertTrue(begin.endswith(f" chathistory {channel}"))
            self.assertEqual([line.split(" ", 2)[2] for line in page], [f"{channel} :{t}" for t in ("three", "four")])
            targets = self.ask(
                "CHATHISTORY TARGETS timestamp=1969-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z 9"
            )
            self.assertIn(f" TARGETS {channel} ", targets[1])
            self.assertIn(f" PART {channel}", self.ask(f"PART {channel} :bye")[0])
            self.assertEqual(
                self.ask(f"PRIVMSG {channel} :x")[0].split(" ")[:4], [":chat.local", "404", "jane", channel]
            )
            self.zak.ask(f"PART {channel}")

    def test_other_doors_reach_the_same_room(self) -> None:
        self.ask("JOIN ##rooms,#\u2615")
        self.assertTrue(self.program.ask("@1 list,rooms")[0].endswith("ok,#{#}rooms,#{2615}"))
        self.program.ask("join,#{2615}"), self.jane.read()
        self.program.ask("chat,#{2615},coffee?")
        self.assertTrue(self.jane.lines()[0].endswith(" PRIVMSG #\u2615 :coffee?"))
        self.ask("PRIVMSG #\u2615 :yes")
        self.assertTrue(self.program.lines()[-1].endswith(",jane,#{2615},yes"))

    def test_a_channel_whose_room_name_would_be_too_long_is_refused(self) -> None:
        [refusal] = self.ask("JOIN #" + "\u2615\U0001f980" * 4)
        self.assertIn(" 476 jane ", refusal)

    def test_an_account_comes_back_to_the_channel(self) -> None:
        self.server.irc("kim", "##rooms", password="secret").ask("QUIT")
        self.zak.ask("JOIN ##rooms"), self.zak.ask("PRIVMSG ##rooms :hello")
        kim = self.server.irc_stranger()
        lines = kim.ask("PASS secret") + kim.ask("NICK kim") + kim.ask("USER k 0 * :other")
        self.assertIn(":kim!u@account JOIN ##rooms", lines)
        self.assertIn(" PRIVMSG ##rooms :", lines[-2])
