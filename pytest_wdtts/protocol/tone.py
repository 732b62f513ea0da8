"""The layout in which a dummy engine writes each unit's identity into its 40 ms of tone.

Six tones sound at once, one from each of six bands of sixteen. All frequencies are multiples of 25 Hz, so a
40 ms symbol holds whole cycles of each and the tones are orthogonal: the same idea as DTMF with more bits.
The six choices are the hexadecimal digits, most significant first, of

    (unit index mod 8) << 21 | code point

so the PCM alone proves which unit it is and, through the index, that two equal characters did not change
places. A unit longer than 40 ms repeats its symbol. Writer and reader of the tone share this layout only.
"""

LAYOUT = "wdtts.tone/1"
SYMBOL_MS = 40
BANDS = 6
TONES_PER_BAND = 16
LOWEST_HZ = 400
STEP_HZ = 25
AMPLITUDE = 4000
"""Peak of one tone in s16 steps: six in phase stay below full scale."""

INDEX_MODULUS = 8
CODE_POINT_BITS = 21


def frequency_hz(band: int, digit: int) -> int:
    """Return the frequency of `digit` (0..15) in `band` (0..5)."""
    return LOWEST_HZ + STEP_HZ * (band * TONES_PER_BAND + digit)


def unit_word(index: int, code_point: int) -> int:
    """Return the 24-bit word that the tone of one unit spells."""
    return (index % INDEX_MODULUS) << CODE_POINT_BITS | code_point
