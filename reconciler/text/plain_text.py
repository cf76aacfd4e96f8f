"""Text from outside as people may safely see it: in a terminal, in a mail, on a page.

What is not plain text becomes a visible escape such as \\x1b, \\n or \\u202e: control characters,
which move the cursor, colour or forge lines, the invisible ones that reorder or hide what they
stand beside, and lone surrogates, which no terminal takes. All else stays as it is.
Limit: a text that spells such an escape itself is shown the same. Letters that look alike stay.
Source: Unicode Standard Annex 9 (bidirectional controls), 44 (general categories).
"""

import shlex
import unicodedata

_ESCAPED = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, formats, surrogates, separators of lines
_JOINERS = "\u200c\u200d"  # formats that words of some languages, and emoji, are spelled with


def shown(text: object) -> str:
    """Return a text on one line, without anything that a terminal, mail or page would obey."""
    told = str(text)
    return told if told.isprintable() else "".join(map(_visible, told))


def shown_lines(text: object) -> str:
    """Return a text of this project's own making, which may have several lines."""
    return "\n".join(map(shown, str(text).split("\n")))


def shell_word(text: str) -> str:
    """Return a text as one word of bash or zsh, on one line, whatever is in it."""
    if shown(text) == text:
        return shlex.quote(text)
    # In $'...' the shell reads \uXXXX as a character; \xXX would be a byte, not one of UTF-8.
    inside = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{''.join(each if shown(each) == each else _code(each) for each in inside)}'"


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _ESCAPED or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode()


def _code(character: str) -> str:
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"
