"""JSON as the server's own parser and writer, RapidJSON's, read and write it.

orjson reads what both read alike. The rest is read here, without recursion, since RapidJSON goes
further: it stops behind the first value, takes NaN and Infinity, bytes that are no UTF-8, any
depth, and of a key that is there twice the first; and its errors have a text and an offset.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson

from .protocol import ServingError, invalid

MAX_VALUES = 4000000  # of a document that is more than one dense array of numbers
MAX_SLOW_VALUES = 1000000  # and escapes, of a document that orjson does not read as the server
MAX_QUOTED = 256  # bytes after which an error text ends a JSON value that it repeats
MAX_QUOTED_STRING = 4096  # characters of a string that an error text repeats

_EMPTY = "The document is empty."
_VALUE = "Invalid value."
_NAME = "Missing a name for object member."
_COLON = "Missing a colon after a name of object member."
_COMMA_OBJECT = "Missing a comma or '}' after an object member."
_COMMA_ARRAY = "Missing a comma or ']' after an array element."
_ESCAPE = "Invalid escape character in string."
_HEX = "Incorrect hex digit after \\u escape in string."
_SURROGATE = "The surrogate pair in string is invalid."
_QUOTE = "Missing a closing quotation mark in string."
_TOO_BIG = "Number too big to be stored in double."
_FRACTION = "Miss fraction part in number."
_EXPONENT = "Miss exponent in number."


class FirstWins(dict[str, Any]):
    """An object of which a key is there more than once; ``members`` has all of them."""

    def __init__(self, members: list[tuple[str, Any]]) -> None:
        """Keep the first value of each key."""
        super().__init__(reversed(members))
        self.members = members


def members(value: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the keys and values of an object as they were sent."""
    return value.members if isinstance(value, FirstWins) else list(value.items())


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that ``body`` begins with; raise ServingError as the server does."""
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    values = sum(map(body.count, (b",", b"[", b"{")))
    if values > MAX_VALUES:
        raise too_many_values(MAX_VALUES)
    document = _fast(body)
    if document is None:
        if values + body.count(b"\\") > MAX_SLOW_VALUES:
            raise too_many_values(MAX_SLOW_VALUES)
        document = _Parser(body).document()
    if not isinstance(document, dict):
        raise invalid(f"JSON Value: {quoted(document)} Is not object")
    return document


def too_many_values(limit: int) -> ServingError:
    """Return the error of a request that would take too much memory or time."""
    return invalid(f"JSON Parse error: more than {limit} values at offset: 0")


def _fast(body: bytes) -> dict[str, Any] | None:
    """Return what orjson reads, or None where the server may read it otherwise."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    # A colon for each key, so none is there twice; a colon in a string only costs time.
    if isinstance(document, dict) and body.count(b":") == _keys(document):
        return document
    return None


def _keys(document: dict[str, Any]) -> int:
    count, level = 0, [document]
    while level:
        count += sum(map(len, level))
        values = list(chain.from_iterable(part.values() for part in level))
        level = [value for value in values if type(value) is dict]
        lists = [value for value in values if type(value) is list]
        while lists:
            level += [item for part in lists for item in part if type(item) is dict]
            lists = [item for part in lists for item in part if type(item) is list]
    return count


# What may stand where: the states of the parser.
_START, _FIRST_VALUE, _NEXT_VALUE, _FIRST_KEY, _NEXT_KEY, _KEY, _MEMBER, _AFTER_KEY, _ELEMENT = (
    range(9)
)
_WRONG = {
    _START: _EMPTY,
    _FIRST_VALUE: _VALUE,
    _NEXT_VALUE: _VALUE,
    _AFTER_KEY: _VALUE,
    _FIRST_KEY: _NAME,
    _NEXT_KEY: _NAME,
    _KEY: _COLON,
    _MEMBER: _COMMA_OBJECT,
    _ELEMENT: _COMMA_ARRAY,
}
_BLANKS = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*)")
_DIGITS = re.compile(rb"[0-9]*")
# Plain numbers in a row, and the blanks and commas between them: most of any request.
_NUMBERS = re.compile(
    rb"(?:-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,15})?[ \t\n\r]*,[ \t\n\r]*)+(?=[-0-9])"
)
_WORDS = {ord("n"): (b"null", None), ord("t"): (b"true", True), ord("f"): (b"false", False)}
_SIGNIFICANT = 17  # digits of a fraction that count
_ESCAPED = dict(zip(b'"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True))


class _Parser:
    """Reads one value without recursion; errors have RapidJSON's text and offset."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0
        for byte in b"\xef\xbb\xbf":  # a byte order mark, or the beginning of one
            self._take(bytes([byte]))
        self._open: list[list[Any]] = []  # for an object: keys and values in turn
        self._kinds: list[bool] = []  # of these: whether it is an object

    def document(self) -> Any:
        state, value = _START, None
        while True:
            byte = self._peek()
            if byte in b"[{" and byte and state in (_START, _FIRST_VALUE, _NEXT_VALUE, _AFTER_KEY):
                self._at += 1
                self._open.append([])
                self._kinds.append(byte == b"{")
                state = _FIRST_KEY if byte == b"{" else _FIRST_VALUE
                continue
            if byte == b"," and state in (_MEMBER, _ELEMENT):
                self._at += 1
                state = _NEXT_KEY if state == _MEMBER else _NEXT_VALUE
                continue
            if byte == b":" and state == _KEY:
                self._at += 1
                state = _AFTER_KEY
                continue
            if byte == b'"' and state in (_FIRST_KEY, _NEXT_KEY):
                self._open[-1].append(self._string())
                state = _KEY
                continue
            if (byte == b"}" and state in (_FIRST_KEY, _MEMBER)) or (
                byte == b"]" and state in (_FIRST_VALUE, _ELEMENT)
            ):
                self._at += 1
                value = self._closed()
            elif state in (_START, _FIRST_VALUE, _NEXT_VALUE, _AFTER_KEY) and (
                byte and byte not in b"]},:"
            ):
                value = self._scalar(byte)
            else:
                raise self._error(_WRONG[state])
            if not self._open:
                return value
            self._open[-1].append(value)
            state = _MEMBER if self._kinds[-1] else _ELEMENT

    def _peek(self) -> bytes:
        """Skip blanks; return the next byte, or nothing at the end or at a zero."""
        found = _BLANKS.match(self._body, self._at)
        assert found
        self._at = found.end()
        return self._body[self._at : self._at + 1].rstrip(b"\0")

    def _closed(self) -> Any:
        items = self._open.pop()
        if not self._kinds.pop():
            return items
        pairs = list(zip(items[::2], items[1::2], strict=True))
        plain = dict(pairs)
        return plain if len(plain) == len(pairs) else FirstWins(pairs)

    def _scalar(self, byte: bytes) -> Any:
        if byte == b'"':
            return self._string()
        word = _WORDS.get(byte[0])
        if word is None:
            if self._kinds and not self._kinds[-1]:
                self._many_numbers()
            return self._number()
        for letter in word[0]:
            if self._body[self._at : self._at + 1] != bytes([letter]):
                raise self._error(_VALUE)
            self._at += 1
        return word[1]

    def _many_numbers(self) -> None:
        """Read plain numbers that are followed by another one in the same list."""
        found = _NUMBERS.match(self._body, self._at)
        if found is not None:
            self._open[-1] += orjson.loads(b"[" + found[0].rstrip(b", \t\n\r") + b"]")
            self._at = found.end()

    def _number(self) -> int | float:
        start = self._at
        found = _INTEGER.match(self._body, start)
        if found is None:
            return self._no_digits()
        self._at = found.end()
        fraction = exponent = b""
        if self._take(b"."):
            fraction = self._digits(_FRACTION)
        if self._take(b"e") or self._take(b"E"):
            sign = b"-" if self._take(b"-") else b""
            self._take(b"+" if not sign else b"")
            exponent = sign + self._digits(_EXPONENT)
        if not fraction and not exponent:
            return self._whole(found[0], start)
        # Only an exponent of several digits is looked at; what is too big in another way is inf.
        if len(exponent) > 1 and int(exponent[:20]) > 308 + min(len(fraction), _SIGNIFICANT):
            raise self._error(_TOO_BIG, start)
        return float(self._body[start : self._at])

    def _whole(self, text: bytes, start: int) -> int | float:
        if len(text) < 21 and -(2**63) <= (value := int(text)) < 2**64:
            return value
        number = float(text)
        if math.isinf(number):
            raise self._error(_TOO_BIG, start)
        return number

    def _digits(self, missing: str) -> bytes:
        found = _DIGITS.match(self._body, self._at)
        assert found
        if not found[0]:
            raise self._error(missing)
        self._at = found.end()
        return found[0]

    def _no_digits(self) -> float:
        negative = self._take(b"-")
        if self._take(b"N"):
            if self._take(b"a") and self._take(b"N"):
                return math.nan
        elif self._take(b"I") and self._take(b"n") and self._take(b"f"):
            if self._body[self._at : self._at + 1] == b"i" and not all(
                self._take(bytes([letter])) for letter in b"inity"
            ):
                raise self._error(_VALUE)
            return -math.inf if negative else math.inf
        raise self._error(_VALUE)

    def _take(self, byte: bytes) -> bool:
        if not byte or self._body[self._at : self._at + 1] != byte:
            return False
        self._at += 1
        return True

    def _string(self) -> str:
        self._at += 1
        parts = []
        while True:
            found = _PLAIN.match(self._body, self._at)
            assert found
            parts.append(found[0].decode(errors="surrogateescape"))
            self._at = found.end()
            byte = self._body[self._at : self._at + 1]
            if byte == b'"':
                self._at += 1
                return "".join(parts)
            if byte != b"\\":
                raise self._error(_ESCAPE if byte.rstrip(b"\0") else _QUOTE)
            parts.append(self._escape())

    def _escape(self) -> str:
        start = self._at
        letter = self._body[start + 1 : start + 2]
        self._at += 2
        if letter == b"u":
            return self._code_point(start)
        if not letter or letter[0] not in _ESCAPED:
            raise self._error(_ESCAPE, start)
        return _ESCAPED[letter[0]]

    def _code_point(self, start: int) -> str:
        first = self._hex(start)
        if not 0xD800 <= first < 0xDC00:  # the second half of a pair, alone, becomes three bytes
            return chr(first).encode(errors="surrogatepass").decode(errors="surrogateescape")
        if self._body[self._at : self._at + 2] != b"\\u":
            raise self._error(_SURROGATE, start)
        self._at += 2
        second = self._hex(start)
        if not 0xDC00 <= second < 0xE000:
            raise self._error(_SURROGATE, start)
        return chr(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))

    def _hex(self, start: int) -> int:
        digits = self._body[self._at : self._at + 4]
        if re.fullmatch(rb"[0-9A-Fa-f]{4}", digits) is None:
            raise self._error(_HEX, start)
        self._at += 4
        return int(digits, 16)

    def _error(self, why: str, offset: int | None = None) -> Exception:
        at = self._at if offset is None else offset
        return invalid(f"JSON Parse error: {why} at offset: {at}")


# --- writing -------------------------------------------------------------------------------------

_ESCAPES = {code: f"\\u{code:04X}" for code in range(32)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    **{
        ord(plain): escaped
        for plain, escaped in zip("\b\f\n\r\t", (r"\b", r"\f", r"\n", r"\r", r"\t"), strict=True)
    },
}


def json_string(text: str) -> str:
    """Return a JSON string; what is not ASCII stays as it is."""
    return f'"{text.translate(_ESCAPES)}"'


def quoted(value: Any) -> str:
    """Return a JSON value as error texts repeat it: cut, but between two parts, where it is long.

    Objects have a line for each member, arrays are on one line.
    """
    parts: list[str] = []
    size = 0
    for part, prefix in _parts(value):
        if size >= MAX_QUOTED and part != "":
            break
        parts.append(prefix + part)
        if part == "":  # NaN and infinities, which this writer refuses
            break
        size += len((prefix + part).encode(errors="surrogateescape"))
    return "".join(parts)


def _parts(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the parts of a value, each with what stands before it."""
    stack: list[tuple[Iterator[Any], bool, int]] = []
    todo = iter([value])
    in_object, count = False, 0
    while True:
        try:
            item = next(todo)
        except StopIteration:
            if not stack:
                return
            indent = "\n" + " " * 4 * (len(stack) - 1) if in_object and count else ""
            yield ("}" if in_object else "]"), indent
            todo, in_object, count = stack.pop()
            continue
        prefix = _prefix(in_object, count, len(stack)) if stack else ""
        count += 1
        if isinstance(item, dict):
            yield "{", prefix
            stack.append((todo, in_object, count))
            todo, in_object, count = chain.from_iterable(members(item)), True, 0
        elif isinstance(item, list):
            yield "[", prefix
            stack.append((todo, in_object, count))
            todo, in_object, count = iter(item), False, 0
        else:
            yield _plain(item), prefix


def _prefix(in_object: bool, count: int, depth: int) -> str:
    if not in_object:
        return ", " if count else ""
    if count % 2:
        return ": "
    return ("," if count else "") + "\n" + " " * 4 * depth


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json_string(value[:MAX_QUOTED_STRING])
    return str(value) if isinstance(value, int) else _double(value)


def _double(value: float) -> str:
    """Return a double as RapidJSON prints it; "" if it is not finite."""
    if not math.isfinite(value):
        return ""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return f"{sign}0.0"
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    length = len(digits)
    digits = digits.rstrip("0") if point < length else digits
    if length <= point <= 21:
        text = digits + "0" * (point - length) + ".0"
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:] or '0'}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        digits = digits.rstrip("0")
        tail = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{tail}e{point - 1}"
    return sign + text
