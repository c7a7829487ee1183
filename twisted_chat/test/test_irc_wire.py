"""IRC's messages, texts and names: bytes to records and back."""

from twisted.trial.unittest import SynchronousTestCase

from twisted_chat.core.names import user_name
from twisted_chat.wire.errors import BAD_COMMAND, BAD_TEXT, NOT_UTF8, TOO_LONG, ParseError
from twisted_chat.wire.events import timestamp
from twisted_chat.wire.irc import numerics
from twisted_chat.wire.irc.message import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_TAGS_BYTES,
    Message,
    add_tag,
    label_of,
    parse,
    parse_privmsgs,
    render,
)
from twisted_chat.wire.irc.names import name_of, nick_of
from twisted_chat.wire.irc.text import action, ctcp, fit_as_they_are, plain_text, split_text
from twisted_chat.wire.stream import Messages


class ParseTests(SynchronousTestCase):
    def refused(self, line: bytes) -> tuple[str, str | None]:
        """Return the code of the error for a line, and the label that it carries."""
        problem: ParseError = self.assertRaises(ParseError, parse, line)
        return problem.code, problem.label

    def test_a_message_is_a_command_and_its_parameters(self) -> None:
        self.assertEqual(parse(b"QUIT"), Message({}, "", "QUIT", ()))
        self.assertEqual(parse(b"join #tea,#ops"), Message({}, "", "JOIN", ("#tea,#ops",)))
        self.assertEqual(parse(b":zak!u@h PRIVMSG #tea :hi :) all"), ({}, "zak!u@h", "PRIVMSG", ("#tea", "hi :) all")))
        self.assertEqual(parse(b"PRIVMSG zak :"), Message({}, "", "PRIVMSG", ("zak", "")))
        self.assertEqual(parse(b"TOPIC #tea ::)").params, ("#tea", ":)"))
        self.assertEqual(parse(b"MODE a:b c").params, ("a:b", "c"))

    def test_more_spaces_than_needed_do_no_harm(self) -> None:
        self.assertEqual(parse(b"@a=b  :src  PRIVMSG   zak   : hi "), ({"a": "b"}, "src", "PRIVMSG", ("zak", " hi ")))
        self.assertEqual(parse(b"  NICK zak "), Message({}, "", "NICK", ("zak",)))

    def test_only_a_space_separates(self) -> None:
        self.assertEqual(parse("NICK a\u00a0b\u2003c\td".encode()).params, ("a\u00a0b\u2003c\td",))

    def test_tags_may_have_no_value_and_the_last_of_two_counts(self) -> None:
        self.assertEqual(
            parse(b"@a;b=;c=1;a=2;+draft/reply=x=y;ex.org/k TAGMSG zak").tags,
            {"a": "2", "b": "", "c": "1", "+draft/reply": "x=y", "ex.org/k": ""},
        )

    def test_a_backslash_in_a_tag_escapes_the_next_character(self) -> None:
        self.assertEqual(parse(rb"@a=\:\s\\\r\n\b\ QUIT").tags, {"a": "; \\\r\nb"})

    def test_an_invalid_tag_is_left_out(self) -> None:
        self.assertEqual(parse("@;=x;ä=1;a_b;+;/a;ok=1 QUIT".encode()).tags, {"ok": "1"})
        self.assertEqual(parse(b"@ QUIT").tags, {})

    def test_a_line_without_a_command_is_refused(self) -> None:
        for line in (b"@a=b", b"@a=b ", b":src", b":src  ", b" ", b"::", b"12 x", b"1234", b"NI-CK zak", "ÄB".encode()):
            self.assertEqual(self.refused(line)[0], BAD_COMMAND, line)
        self.assertEqual(self.refused(b"@label=7 "), (BAD_COMMAND, "7"))

    def test_a_line_that_is_not_utf8_is_refused(self) -> None:
        for junk in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80"):
            self.assertEqual(self.refused(b"@label=7 PRIVMSG zak :" + junk), (NOT_UTF8, "7"))

    def test_nul_and_line_breaks_within_a_line_are_refused(self) -> None:
        for junk in (b"\0", b"\r", b"\n"):
            self.assertEqual(self.refused(b"PRIVMSG zak :a" + junk + b"b"), (BAD_TEXT, None))

    def test_tags_and_body_have_a_limit_each(self) -> None:
        self.assertEqual(len(parse(b"QUIT :" + b"x" * (MAX_BODY_BYTES - 6)).params[0]), MAX_BODY_BYTES - 6)
        self.assertEqual(self.refused(b"QUIT :" + b"x" * (MAX_BODY_BYTES - 5)), (TOO_LONG, None))
        self.assertEqual(self.refused(b"@label=7 QUIT :" + b"x" * (MAX_BODY_BYTES - 5)), (TOO_LONG, "7"))
        self.assertEqual(parse(b"@" + b"x" * (MAX_TAGS_BYTES - 2) + b" QUIT").command, "QUIT")
        self.assertEqual(self.refused(b"@" + b"x" * (MAX_TAGS_BYTES - 1) + b" QUIT"), (TOO_LONG, None))
        self.assertEqual(self.refused(b"@" + b"x" * MAX_TAGS_BYTES), (TOO_LONG, None))
        longest = b"@a=" + b"x" * (MAX_TAGS_BYTES - 4) + b" QUIT :" + b"y" * (MAX_BODY_BYTES - 6)
        self.assertEqual(len(longest), MAX_MESSAGE_BYTES)
        self.assertEqual(parse(longest).params, ("y" * (MAX_BODY_BYTES - 6),))

    def test_the_label_is_found_in_a_line_that_cannot_be_parsed(self) -> None:
        self.assertEqual(label_of(rb"@a;label=x\sy;b \xff"), "x y")
        self.assertEqual(label_of(b"@label=1;label=2 QUIT"), "2")
        for line in (b"", b"QUIT", b"@label", b"@label= QUIT", b"@xlabel=1 QUIT", b"@a label=1 QUIT", b"@label=7"):
            self.assertIsNone(label_of(line), line)


class ParsePrivmsgsTests(SynchronousTestCase):
    def test_messages_are_parsed_together(self) -> None:
        lines = "PRIVMSG zak :a\tb\n@label=7 PRIVMSG #tea ::) :x\nPRIVMSG 小明 :häß 🍵\n".encode()
        expected = Messages(("zak", "#tea", "小明"), ["a\tb", ":) :x", "häß 🍵"], {1: "7"})
        self.assertEqual(parse_privmsgs(lines), expected)

    def test_each_line_says_the_same_as_when_it_is_parsed_alone(self) -> None:
        label = b"=x" * 32
        lines = b"PRIVMSG a :  \nPRIVMSG a:b :\t\n@label=%b PRIVMSG #a :b :c\n@label=\"#' PRIVMSG a ::\n" % label
        read = parse_privmsgs(lines)
        assert read is not None
        self.assertEqual(len(read.texts), 4)
        for index, line in enumerate(lines.split(b"\n")[:-1]):
            tags, _, command, params = parse(line)
            to, text = read.targets[index], read.texts[index]
            self.assertEqual((tags.get("label"), command, params), (read.labels.get(index), "PRIVMSG", (to, text)))
            self.assertEqual(plain_text(text), text)

    def test_any_other_line_is_left_to_parse(self) -> None:
        for line in (
            b"PRIVMSG", b"PRIVMSG zak", b"PRIVMSG zak hi", b"PRIVMSG zak :", b"PRIVMSG  zak :x", b"privmsg zak :x",
            b"PRIVMSG zak,kim :x", b"PRIVMSG :zak :x", b"NOTICE zak :x", b" PRIVMSG zak :x", b"", b":a PRIVMSG zak :x",
            b"PRIVMSG zak :\x01ACTION x\x01", b"PRIVMSG zak :\x02x", b"PRIVMSG zak :\x1b[2J", b"PRIVMSG zak :a\rb",
            b"PRIVMSG zak :\xff", "PRIVMSG zak :ä\x85".encode(), b"@label= PRIVMSG zak :x", b"@label=a;b PRIVMSG a :x",
            b"@b;label=a PRIVMSG zak :x", b"@label=a\\sb PRIVMSG zak :x", b"@label=a  PRIVMSG zak :x", b"@label=a",
            b"@label=" + b"a" * 65 + b" PRIVMSG zak :x", "@label=ä PRIVMSG zak :x".encode(),
            b"PRIVMSG zak :" + b"x" * (MAX_BODY_BYTES - 12),
        ):  # fmt: skip
            for lines in (line + b"\n", b"PRIVMSG zak :x\n" + line + b"\n", line + b"\nPRIVMSG zak :x\n"):
                self.assertIsNone(parse_privmsgs(lines), lines[:40])

    def test_the_longest_body_passes(self) -> None:
        line = b"PRIVMSG zak :" + b"x" * (MAX_BODY_BYTES - 13) + b"\n"
        read = parse_privmsgs(line * 3)
        self.assertEqual(len(read.texts) if read else 0, 3)


class RenderTests(SynchronousTestCase):
    def test_a_message_reads_back(self) -> None:
        line = render("PRIVMSG", "#tea", "hi all", source="zak!u@h", tags={"time": timestamp(0), "a": "; \\\r\n"})
        self.assertEqual(line, r"@time=1970-01-01T00:00:00.000Z;a=\:\s\\\r\n :zak!u@h PRIVMSG #tea :hi all")
        tags = {"time": "1970-01-01T00:00:00.000Z", "a": "; \\\r\n"}
        self.assertEqual(parse(line.encode()), Message(tags, "zak!u@h", "PRIVMSG", ("#tea", "hi all")))

    def test_a_line_gets_one_more_tag(self) -> None:
        self.assertEqual(add_tag("PING x", "label", "a;b"), r"@label=a\:b PING x")
        self.assertEqual(add_tag("@time=1 PING x", "label", "a"), "@label=a;time=1 PING x")
        self.assertEqual(add_tag("@time=1 PING @x", "batch", ""), "@batch;time=1 PING @x")

    def test_a_colon_marks_the_last_parameter_where_it_must_or_where_it_is_text(self) -> None:
        self.assertEqual(render("PONG", "x"), "PONG x")
        self.assertEqual(render("AUTHENTICATE", "+"), "AUTHENTICATE +")
        self.assertEqual(render("PONG", ""), "PONG :")
        self.assertEqual(render("PONG", ":x"), "PONG ::x")
        self.assertEqual(render("PRIVMSG", "zak", "hi"), "PRIVMSG zak :hi")
        self.assertEqual(render(numerics.RPL_NAMREPLY, "zak", "=", "#tea", "zak"), "353 zak = #tea :zak")

    def test_a_message_that_would_read_back_as_another_is_refused(self) -> None:
        for params in (("a b", "c"), ("", "c"), (":a", "c"), ("a\nb",), ("a", "b\r"), ("a\0",), ("a", "b\nQUIT")):
            self.assertRaises(ValueError, render, "PRIVMSG", *params)
        for source in ("a b", "a\n", "a\0"):
            self.assertRaises(ValueError, render, "QUIT", source=source)
        for command in ("", "A B", "12", "QUIT\n", "é"):
            self.assertRaises(ValueError, render, command)
        for tags in ({"a b": ""}, {"": ""}, {"a=b": ""}, {"a;b": ""}, {"a": "\0"}):
            self.assertRaises(ValueError, render, "QUIT", tags=tags)


class TextTests(SynchronousTestCase):
    def test_a_short_text_is_one_piece(self) -> None:
        self.assertEqual(split_text("hi, Zoë", 100), ["hi, Zoë"])

    def test_each_line_of_a_text_is_a_piece_and_an_empty_one_is_a_space(self) -> None:
        self.assertEqual(split_text("one\n  two\n\nthree\n", 100), ["one", "  two", " ", "three", " "])

    def test_a_long_text_is_split_behind_a_space(self) -> None:
        text = "word " * 200
        found = split_text(text, MAX_BODY_BYTES - 52)
        self.assertEqual("".join(found), text)
        self.assertEqual({piece[-5:] for piece in found}, {"word "})
        self.assertLessEqual(max(map(len, found)), 52)

    def test_a_long_word_is_split_between_characters(self) -> None:
        for text in ("x" * 999, "ä" * 999, "小" * 999, "𝄞" * 999, "a" + "𝄞" * 999):
            for room in (4, 5, 6, 7, 100):
                found = split_text(text, MAX_BODY_BYTES - room)
                self.assertEqual("".join(found), text)
                self.assertLessEqual(max(len(piece.encode()) for piece in found), room)

    def test_texts_fit_as_they_are_if_splitting_would_not_change_them(self) -> None:
        for texts in (["hi"], ["x" * 10], ["é" * 5, "a"], ["𝄞𝄞aa", "x" * 10]):
            self.assertTrue(fit_as_they_are(texts, MAX_BODY_BYTES - 10), texts)
        for texts in (["x" * 11], ["é" * 5 + "a"], ["𝄞𝄞aaa"], ["a\nb"], [""], ["a", ""], ["a", "x" * 11], ["a\n", "b"]):
            self.assertFalse(fit_as_they_are(texts, MAX_BODY_BYTES - 10), texts)

    def test_a_space_in_the_earlier_half_does_not_make_a_short_piece(self) -> None:
        self.assertEqual(split_text("a " + "x" * 20, MAX_BODY_BYTES - 10), ["a xxxxxxxx", "x" * 10, "xx"])

    def test_every_piece_of_the_longest_text_fits_a_line(self) -> None:
        source, room = "小" * 32 + "!u@guest", "#" + "茶" * 32
        text = "Ärger mit 小 " * 1000
        overhead = len(render("PRIVMSG", room, action(""), source=source).encode())
        for piece in split_text(text, overhead):
            line = render("PRIVMSG", room, action(piece), source=source).encode()
            self.assertLessEqual(len(line), MAX_BODY_BYTES)

    def test_an_overhead_that_leaves_no_room_is_refused(self) -> None:
        self.assertRaises(ValueError, split_text, "hi", MAX_BODY_BYTES - 3)

    def test_an_action_reads_back(self) -> None:
        self.assertEqual(action("waves"), "\x01ACTION waves\x01")
        self.assertEqual(ctcp(action("waves  twice ")), ("ACTION", "waves  twice "))

    def test_other_ctcp_and_its_unfinished_forms_are_recognised(self) -> None:
        self.assertEqual(ctcp("\x01version\x01"), ("VERSION", ""))
        self.assertEqual(ctcp("\x01ACTION waves"), ("ACTION", "waves"))
        self.assertEqual(ctcp("\x01"), ("", ""))
        for text in ("", "hi", "a \x01ACTION waves\x01"):
            self.assertIsNone(ctcp(text))

    def test_formatting_is_taken_out_of_a_text(self) -> None:
        self.assertEqual(
            plain_text("\x02bold\x02 \x1dit\x1d \x1fund\x1f \x1estr\x1e \x11m\x11 \x16r\x16\x0f"), "bold it und str m r"
        )
        self.assertEqual(plain_text("\x0304,12red\x03 \x034x \x03,5 \x03123 \x04ff8000,000000a\x04b"), "red x ,5 3 ab")
        self.assertEqual(plain_text("tab\tand 小"), "tab\tand 小")

    def test_other_control_characters_are_refused(self) -> None:
        for sign in "\0\x01\x07\x1b\x7f\x85\u2028":
            self.assertEqual(self.assertRaises(ParseError, plain_text, f"a{sign}b").code, BAD_TEXT)


class NameTests(SynchronousTestCase):
    def test_most_names_are_their_own_nicks(self) -> None:
        for name in ("jane", "Zoë", "小明", "Жанна", "jane_2", "o'neil", "[x]{y}|^`\\", "2pac", "a-b", "a#b+c"):
            self.assertEqual(nick_of(name), name)
            self.assertEqual(name_of(name), name)

    def test_characters_that_irc_uses_are_written_wide(self) -> None:
        for name, nick in (("a.b", "a．b"), ("who?", "who？"), ("=x=", "＝x＝"), ("-x-", "－x-")):  # noqa: RUF001
            self.assertEqual(nick_of(name), nick)
            self.assertEqual(name_of(nick), name)

    def test_a_nick_is_its_name_at_every_door(self) -> None:
        for name in ("a.b", "who?", "=x=", "-x-", "..", "-.?="):
            self.assertEqual(user_name(nick_of(name)), user_name(name))


class NumericsTests(SynchronousTestCase):
    def test_every_numeric_has_three_digits_of_its_own(self) -> None:
        values = [value for name, value in vars(numerics).items() if name.startswith(("RPL_", "ERR_"))]
        self.assertEqual(len(set(values)), len(values))
        for value in values:
            self.assertEqual(parse(render(value, "zak").encode()), ({}, "", value, ("zak",)))
            self.assertEqual(len(value), 3)
