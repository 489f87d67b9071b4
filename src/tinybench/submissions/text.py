"""Text that a submitter writes and others read: on pages, in terminals, in comments.

Text is data everywhere: whoever prints it escapes it for the place where it is printed. What is refused here
is text that lies to its reader: invisible and direction-changing characters, letters of other scripts that
look Latin in a name, and markup, which has no meaning in any field and one purpose in most attacks.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from tinybench.submissions.findings import Rule, rule

NOT_PLAIN: Final = rule(
    "TB040",
    "text-not-plain",
    "error",
    title="A text holds characters that cannot be seen",
    why="""Control characters move a terminal's cursor, bidirectional controls make a text read in
    another order than it is stored (CVE-2021-42574), zero-width characters make two equal-looking texts
    differ. Every text of a submission is one line of printable characters in Unicode normalization form
    C; the only space is U+0020. README.md may have line ends and tabs.""",
    hint="Type the text again in place of the pasted one; put longer explanations into README.md.",
)
MARKUP: Final = rule(
    "TB041",
    "text-has-markup",
    "error",
    title="A text holds an HTML tag",
    why="""Texts of a submission are shown as text, escaped, wherever they are shown. A '<' that HTML
    takes for the beginning of a tag (followed by a letter, '/', '!' or '?': WHATWG HTML, 13.2.5.6) has
    no use there and is refused, so that one forgotten escape is not a hole. 'a < b' is fine.""",
    hint="Write the text without tags, or put a space after '<'.",
)
LOOK_ALIKE: Final = rule(
    "TB042",
    "name-looks-alike",
    "error",
    title="A name holds letters that can be taken for others",
    why="""A Cyrillic or Greek letter in a name looks like a Latin one, and two organisations would be
    told apart by nobody. Names of organisations, systems, boards and chips are written in Latin letters
    (with diacritics, but without the dotless i and the long s), digits and ASCII punctuation; parts of
    paths in lower-case ASCII. A page can still show a name in its own script next to it, in README.md.""",
    hint="Write the name in Latin letters, as the organisation does in English.",
)
TOO_LONG: Final = rule(
    "TB043",
    "text-too-long",
    "error",
    title="A text is longer than any page can show",
    why="A text has at most 4,000 characters, a name 100. What is longer is meant for nobody to read.",
    hint="Shorten it; put longer explanations into README.md.",
)
NO_ADDRESS: Final = rule(
    "TB044",
    "not-an-address",
    "error",
    title="A web address is not one of https",
    why="""Addresses become links. They begin with https:// and a host in ASCII (no user, no punycode,
    which can spell look-alikes), so that nobody clicks on javascript: or on another organisation's twin.""",
    hint="Give the full address, such as https://example.org/boards/one.",
)

MAX_TEXT: Final = 4000
MAX_NAME: Final = 100
_TAG: Final = re.compile(r"<[A-Za-z/!?]")
_ADDRESS: Final = re.compile(
    r"https://(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
    r"(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?"
)
_NOT_LATIN: Final = re.compile(r"[^ -~µÀ-ſȘ-țḀ-ỹ]|[×÷ıĸŉſẛẜẝẟ]")
"""All but ASCII, the micro sign, Latin-1, Latin Extended-A and Additional, and the Romanian letters of
Extended-B; and of those the letters that are easily taken for i, k, n and f, and the signs x and -."""


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a text: the rule, and the place in words."""

    rule: Rule
    reason: str


def flaw(text: str, max_length: int = MAX_TEXT) -> Flaw | None:
    """What keeps a text from being shown; None if nothing does."""
    if len(text) > max_length:
        return Flaw(TOO_LONG, f"has {len(text)} characters, more than {max_length}")
    if not text.isprintable():
        at = next(number for number, character in enumerate(text) if not character.isprintable())
        return Flaw(NOT_PLAIN, f"character {at + 1} is {_named(text[at])}")
    if not unicodedata.is_normalized("NFC", text):
        return Flaw(NOT_PLAIN, "is not in Unicode normalization form C")
    tag = _TAG.search(text)
    if tag is not None:
        return Flaw(MARKUP, f"character {tag.start() + 1} begins an HTML tag ({tag[0]!a})")
    return None


def name_flaw(text: str) -> Flaw | None:
    """What keeps a text from being the name of somebody or something; None if nothing does."""
    found = flaw(text, MAX_NAME)
    if found is not None:
        return found
    other = _NOT_LATIN.search(text)
    if other is not None:
        return Flaw(LOOK_ALIKE, f"character {other.start() + 1} is {_named(other[0])}")
    return None


def address_flaw(text: str) -> Flaw | None:
    """What keeps a text from being a link; None if nothing does."""
    found = flaw(text)
    if found is None and not _ADDRESS.fullmatch(text):
        return Flaw(NO_ADDRESS, f"{text[:60]!a} is not an address that begins with https:// and a host")
    return found


def _named(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'no printable character').lower()})"
