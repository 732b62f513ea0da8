"""When the LLM's words go to the gateway: at 12 characters or at punctuation, whichever comes first."""

from pytest_wdtts.protocol import flush_pattern

MAX_PIECE_UNITS = 12
_rule = flush_pattern(MAX_PIECE_UNITS)


class Pieces:
    """Cuts a stream of text; what is left at its end is `rest`."""

    def __init__(self) -> None:
        self.rest = ""

    def cut(self, text: str) -> list[str]:
        """Take more text and return the pieces that are complete now."""
        pending, pieces, position = self.rest + text, [], 0
        while match := _rule.match(pending, position):
            pieces.append(match.group())
            position = match.end()
        self.rest = pending[position:]
        return pieces
