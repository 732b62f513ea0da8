"""What the fuzzers throw: odd JSON, and good bytes that something happened to."""

import os

from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("WDTTS_FUZZ_EXAMPLES", "40"))
"""`make fuzz` asks for more."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def broken(draw: st.DrawFn, good: st.SearchStrategy[bytes]) -> bytes:
    """Good bytes of which some were changed, cut out, put in, or came twice."""
    data = bytearray(draw(good))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 3))
        match draw(st.sampled_from(("change", "bit", "twice", "cut"))):
            case "change":
                data[at : at + length] = draw(st.binary(max_size=3))
            case "bit" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "twice":
                data[at:at] = data[at : at + 16]
            case "cut":
                del data[at + length * 20 :]
    return bytes(data)
