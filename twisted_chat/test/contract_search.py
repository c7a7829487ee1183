"""The contract of logs for a search: the same texts are found in memory and in a file, in every script."""

from __future__ import annotations

from twisted_chat.core.messages import ACTION, TOPIC, Conversation
from twisted_chat.test.contract_store import LogFixture
from twisted_chat.test.support import entry


class SearchContract(LogFixture):
    """A search finds texts that have all the words, without regard to case and accents."""

    async def found(self, words: str, limit: int = 50, where: Conversation = "#tea") -> list[str]:
        return [record.text for record in await self.log.search(where, words, limit)]

    async def test_all_the_words_in_any_order(self) -> None:
        await self.keep(entry("one two three", "three two", "two"), entry("four", "one"))
        self.assertEqual(await self.found("two"), ["one two three", "three two", "two"])
        self.assertEqual(await self.found("two three"), ["one two three", "three two"])
        self.assertEqual(await self.found("two, one two!"), ["one two three"])
        self.assertEqual(await self.found("tw"), [], "whole words")
        self.assertEqual(await self.found("five"), [])

    async def test_case_and_accents_make_no_difference(self) -> None:
        texts = ["Café", "CAFE\u0301", "cafe", "Tiếng Việt", "ÅNGSTRÖM"]
        await self.keep(*map(entry, texts))
        for word in ("café", "CAFE", "cafe\u0301"):
            self.assertEqual(await self.found(word), texts[:3], word)
        self.assertEqual(await self.found("tieng viet"), ["Tiếng Việt"])
        self.assertEqual(await self.found("angstrom"), ["ÅNGSTRÖM"])

    async def test_a_word_finds_itself_in_any_script(self) -> None:
        words = [
            "Straße",
            "한국어",
            "がんばって",
            "привет",
            "你好",
            "हिन्दी",
            "ﬁn",
            "x²",
            "İstanbul",
            "١٢٣",
            "naïve",
            "ßß",
        ]
        await self.keep(*(entry(f"so {word}, here") for word in words))
        for word in words:
            self.assertEqual(await self.found(word), [f"so {word}, here"], word)

    async def test_a_writing_of_a_word_finds_every_other(self) -> None:
        for writings in (
            ("Straße", "STRASSE", "strasse", "straẞe"),
            ("İstanbul", "istanbul", "ISTANBUL"),
            ("ΟΔΟΣ", "οδος", "Οδός", "οδοσ"),
            ("Ёлка", "елка", "ЕЛКА"),
            ("Київ", "київ", "КИЇВ"),
            ("\uff41\uff42\uff43\uff11\uff12", "abc12", "ABC12"),
            ("ｶﾞﾗｽ", "ガラス", "カ\u3099ラス"),
            ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
            ("Å", "å", "\u212b", "A\u030a"),
            ("soft\u00adhyphen", "softhyphen"),
            ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),
            ("كِتَاب", "كتاب"),
            ("שָׁלוֹם", "שלום"),
            ("①", "1"),
        ):
            first = self.log.last
            await self.keep(entry(*(f"so {writing}." for writing in writings)))
            for writing in writings:
                found = [text for text in await self.found(writing) if text.removeprefix("so ")[:-1] in writings]
                self.assertEqual(found, [f"so {one}." for one in writings], (writing, first))

    async def test_scripts_without_spaces_are_found_anywhere(self) -> None:
        for text, *words in (
            ("我今天下午想去茶馆喝茶", "喝茶", "茶馆", "茶", "我", "今天下午", "下午想去"),
            ("今日は東京タワーに行きました", "東京", "東京タワー", "タワー", "行きました", "京"),
            ("ฉันอยากกินข้าวผัด", "กิน", "ข้าว", "ข้าวผัด", "ฉัน"),
            ("한국어를 배우고 싶어요", "한국어", "한국", "배우고", "어요"),
            ("ខ្ញុំចង់ញ៉ាំបាយ", "បាយ", "ញ៉ាំ"),
            ("ພາສາລາວ", "ລາວ"),
            ("iPhone15を買った", "iphone15", "買った", "買"),
            ("𠮷野家で食べた", "𠮷野家", "食べた", "𠮷"),
        ):
            await self.keep(entry(text))
            for word in words:
                self.assertEqual(await self.found(word), [text], word)

    async def test_characters_that_are_apart_are_no_word(self) -> None:
        await self.keep(entry("茶を喝む", "喝 茶", "喝、茶", "京東と東の京", "行った。きました"))
        for word in ("喝茶", "東京", "行きました", "た。き茶"):
            self.assertEqual(await self.found(word), [], word)
        self.assertEqual(await self.found("茶 喝"), ["茶を喝む", "喝 茶", "喝、茶"], "each is there")

    async def test_the_voicing_of_kana_makes_a_difference(self) -> None:
        await self.keep(entry("ハスの花", "バスで行く"))
        self.assertEqual(await self.found("バス"), ["バスで行く"])
        self.assertEqual(await self.found("ハス"), ["ハスの花"])

    async def test_what_was_said_up_to_an_id_is_left_out(self) -> None:
        await self.keep(entry("word one"), entry("word two"), entry("word three"))
        self.assertEqual([one.id for one in await self.log.search("#tea", "word", 10, 1)], [2, 3])
        self.assertEqual([one.id for one in await self.log.search("#tea", "word", 1, 1)], [3])
        self.assertEqual(await self.log.search("#tea", "word", 10, 3), [])

    async def test_punctuation_separates_words_and_has_no_meaning(self) -> None:
        await self.keep(entry("a fine-tuned col:umn", "fine", 'say "tuned" OR not', "near this"))
        self.assertEqual(await self.found("fine-tuned"), ["a fine-tuned col:umn"])
        for words in ("fine*", '"fine', "-fine", "^fine", "fine)", "(fine", "+fine", "{fine}", "'fine'", "fine;--"):
            self.assertEqual(await self.found(words), ["a fine-tuned col:umn", "fine"], words)
        self.assertEqual(await self.found("fin*"), [])
        self.assertEqual(await self.found("col:umn"), ["a fine-tuned col:umn"])
        self.assertEqual(await self.found("text:fine"), [])
        self.assertEqual(await self.found("NEAR(this, 2)"), [])
        self.assertEqual(await self.found("tuned OR nothing"), [])
        self.assertEqual(await self.found("tuned or NOT"), ['say "tuned" OR not'])
        self.assertEqual(await self.found("fine AND tuned"), [])

    async def test_a_search_without_words_finds_nothing(self) -> None:
        await self.keep(entry("one", "-", "*"))
        for words in ("", " ", "*", '"', '""', "''", "()", "-", "\u0301", "\N{HOT BEVERAGE}"):
            self.assertEqual(await self.found(words), [], repr(words))

    async def test_very_many_words(self) -> None:
        await self.keep(entry("word1 word2", "word1"))
        self.assertEqual(await self.found(" ".join(f"word{number}" for number in range(3000))), [])
        self.assertEqual(await self.found("word1 " * 3000 + "word2"), ["word1 word2"])

    async def test_only_texts_of_that_conversation_are_found(self) -> None:
        await self.keep(
            entry("word topic", kind=TOPIC),
            entry("word tea"),
            entry("word ops", conversation="#ops"),
            entry("word waves", kind=ACTION),
            entry("word direct", conversation=(1, 2)),
        )
        self.assertEqual(await self.found("word"), ["word tea", "word waves"])
        self.assertEqual(await self.found("word", where=(1, 2)), ["word direct"])
        self.assertEqual(await self.found("word", where="#none"), [])

    async def test_the_newest_of_many_oldest_first(self) -> None:
        await self.keep(entry(*(f"word {number}" for number in range(60))))
        self.assertEqual(await self.found("word"), [f"word {number}" for number in range(10, 60)])
        self.assertEqual(await self.found("word", 2), ["word 58", "word 59"])
