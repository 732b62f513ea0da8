"""What has to come of a case, and what came."""

from typing import Any

from msgspec import Struct

Fields = dict[str, Any]
SHOWN_UNITS = 8


def shortened(text: str) -> str:
    """A chunk's text as it is shown: of a long one its beginning and how many units it has."""
    return repr(text) if len(text) <= SHOWN_UNITS else f"{text[:SHOWN_UNITS]!r}... ({len(text)} units)"


class Seen(Struct):
    """What came on one connection: messages, pongs and, at last, how it was closed (None: it was not)."""

    messages: list[Fields] = []
    pongs: list[bytes] = []
    close_code: int | None = None
    eof: bool = False
    answer: str = ""
    """What a page or a knock came to."""
    trouble: str = ""
    faults: dict[str, str] = {}
    """What `Watch` found wrong with the messages themselves, by rule."""
    understood: set[str] = set()
    """The types of the messages that it could read."""

    def texts(self) -> list[str]:
        """The texts of the chunks."""
        return [str(message.get("units_text")) for message in self.messages if message["type"] == "audio_chunk"]

    def last(self) -> Fields:
        """The last message that is no chunk of audio."""
        return next((message for message in reversed(self.messages) if message["type"] != "audio_chunk"), {})

    def described(self) -> str:
        """All of it in one line."""
        if self.answer:
            return self.answer
        words = []
        for message in self.messages:
            match message["type"]:
                case "audio_chunk":
                    words.append(shortened(str(message.get("units_text"))))
                case "error":
                    words.append(f"error {message.get('code')}: {message.get('message')}")
                case "tts_end":
                    words.append("tts_end cancelled" if message.get("cancelled") else "tts_end")
                case kind:
                    words.append(f"{kind} resumed" if message.get("resumed") else str(kind))
        if len(words) > 12:
            words[6:-4] = [f"({len(words) - 10} more)"]
        words += [f"pong {pong[:16]!r}" for pong in self.pongs]
        words.append("still open" if self.close_code is None else f"close {self.close_code}")
        words += [f"{rule}: {fault}" for rule, fault in self.faults.items()]
        return ", ".join([*words, self.trouble] if self.trouble else words)


class Ends(Struct, frozen=True, kw_only=True):
    """The session ends well: these chunks (None: any that make up `text`; neither: any at all), `tts_end`, a close."""

    chunks: tuple[str, ...] | None = None
    text: str | None = None
    cancelled: bool = False
    resumed: bool = False
    units_accepted: int | None = None
    pong: bytes | None = None

    def met(self, seen: Seen) -> bool:
        """Whether this is what came."""
        texts = seen.texts()
        ack = next((message for message in seen.messages if message["type"] == "start_ack"), {})
        accepted = self.units_accepted is None or ack.get("units_accepted") == self.units_accepted
        return (
            (self.chunks is None or list(self.chunks) == texts)
            and (self.text is None or self.text == "".join(texts))
            and seen.messages[-1:] == [seen.last()]
            and seen.last().get("type") == "tts_end"
            and seen.last().get("cancelled") is self.cancelled
            and bool(ack.get("resumed")) == self.resumed
            and accepted
            and (self.pong is None or self.pong in seen.pongs)
            and seen.close_code == 1000
        )

    def described(self) -> str:
        """In words."""
        words = [shortened(chunk) for chunk in self.chunks] if self.chunks is not None else []
        if self.text is not None:
            words = [f"audio of {self.text[:24]!r}"]
        words.append("tts_end cancelled" if self.cancelled else "tts_end")
        start = "start_ack resumed" if self.resumed else "start_ack"
        if self.units_accepted is not None:
            start += f" with units_accepted {self.units_accepted}"
        pong = [f"pong {self.pong[:16]!r}"] if self.pong is not None else []
        return ", ".join([start, *words, *pong, "close 1000"])


class Refused(Struct, frozen=True, kw_only=True):
    """`error` with this code, in whose message the wrong field is named, and a close."""

    names: str = ""
    codes: tuple[str, ...] = ("bad_request",)

    def met(self, seen: Seen) -> bool:
        """Whether this is what came."""
        error = seen.last()
        return (
            error.get("type") == "error"
            and error.get("code") in self.codes
            and self.names in str(error.get("message"))
            and seen.messages[-1] is error
            and seen.close_code is not None
            and seen.close_code != 1006
        )

    def described(self) -> str:
        """In words."""
        naming = f" naming {self.names!r}" if self.names else ""
        return f"error {' or '.join(self.codes)}{naming}, close"


class Closed(Struct, frozen=True, kw_only=True):
    """Nothing comes, or an `error`, and a close with one of these codes (1006: dropped; none given: any)."""

    codes: tuple[int, ...] = ()

    def met(self, seen: Seen) -> bool:
        """Whether this is what came."""
        closed = seen.close_code is not None and (not self.codes or seen.close_code in self.codes)
        return closed and not any(message["type"] in ("tts_end", "audio_chunk") for message in seen.messages)

    def described(self) -> str:
        """In words."""
        return f"close {' or '.join(map(str, self.codes))}".rstrip()


class Sound(Struct, frozen=True, kw_only=True):
    """A message of this kind comes, none breaks this rule (see `Watch`), and the last is `end`."""

    rule: str
    kind: str
    end: str

    def met(self, seen: Seen) -> bool:
        """Whether this is what came."""
        return (
            self.rule not in seen.faults
            and self.kind in seen.understood
            and seen.messages[-1]["type"] == self.end
            and seen.close_code is not None
        )

    def described(self) -> str:
        """In words."""
        return f"{self.kind}, {self.end}, close; no message with wrong {self.rule}"


class Answered(Struct, frozen=True):
    """A page or a knock comes to this."""

    answer: str
    in_words: str

    def met(self, seen: Seen) -> bool:
        """Whether this is what came."""
        return seen.answer == self.answer

    def described(self) -> str:
        """In words."""
        return self.in_words


class Either(Struct, frozen=True):
    """What the contract leaves to the gateway: one of these."""

    of: tuple["Expected", ...]

    def met(self, seen: Seen) -> bool:
        """Whether one of them is what came."""
        return any(one.met(seen) for one in self.of)

    def described(self) -> str:
        """In words."""
        return "; or ".join(one.described() for one in self.of)


Expected = Ends | Refused | Closed | Sound | Answered | Either
