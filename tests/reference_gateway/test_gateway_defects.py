"""Every defect can be switched on by name, is documented, and changes something; none is on by itself."""

from pathlib import Path

import pytest

from pytest_wdtts.protocol import AudioChunk, Cancel, ClientMessage, Error, ServerMessage, Start, TtsEnd
from reference_gateway.__main__ import main
from reference_gateway.defects import DEFECTS, Defect, Defects, UnknownDefect, WrongArgument, switch_on
from reference_gateway.defects.__main__ import table

ROOT = Path(__file__).resolve().parents[2]


def chunk(number: int = 0, session_id: str = "s") -> AudioChunk:
    return AudioChunk(
        session_id, number, number, 3 * number, 3 * number + 2, "您好，", "pcm16_wav", 16000, 1, bytes(12)
    )


def test_the_table_in_the_docs_is_current() -> None:
    page = (ROOT / "docs/reference/defects.md").read_text(encoding="utf-8")
    assert page == table(), "run: python -m reference_gateway.defects > docs/reference/defects.md"


def test_there_are_enough_and_each_says_what_is_wrong() -> None:
    assert len(DEFECTS) >= 40
    assert [name for name, defect in DEFECTS.items() if not defect.__doc__ or f"| `{name}` |" not in table()] == []


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=list(DEFECTS))
def test_each_overrides_a_hook(defect: type[Defect]) -> None:
    hooks = [name for name in vars(Defects) if not name.startswith("_")]
    assert [name for name in hooks if getattr(defect, name) is not getattr(Defects, name)]


def test_nothing_asked_is_the_honest_gateway() -> None:
    assert type(switch_on([])) is Defects


def test_an_unknown_name_is_told_the_valid_ones() -> None:
    with pytest.raises(UnknownDefect, match=r"'chunk_last' is unknown; valid names: .*chunk_lost"):
        switch_on(["chunk_last"])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ("chunk_lost:share=1", "chunk_lost: no argument 'share'; valid: start_s, seed, rate"),
        ("chunk_lost:rate=often", "chunk_lost: rate='often' is no number"),
        ("chunk_lost:rate", "chunk_lost: rate='' is no number"),
        ("chunk_lost:rate=1.5", "chunk_lost: rate='1.5': expected a number from 0 to 1"),
        ("end_missing:share=nan", "end_missing: share='nan': expected a number from 0 to 1"),
        ("cancel_late:seconds=-1", "cancel_late: seconds='-1': expected a number of 0 or more"),
    ],
)
def test_a_wrong_argument_is_told_the_valid_ones(request_: str, message: str) -> None:
    with pytest.raises(WrongArgument, match=message):
        switch_on([request_])


def test_the_gateway_does_not_start_with_a_wrong_defect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--defect", "nonsense"]) == 2
    assert "'nonsense' is unknown" in capsys.readouterr().err


def strikes(request: str, count: int) -> list[int]:
    defect = switch_on([request])
    return [number for number in range(count) if defect.outgoing(chunk(number)) == ()]


def test_a_rate_comes_from_the_seed() -> None:
    one = strikes("chunk_lost:rate=0.1,seed=4", 1000)
    assert one == strikes("chunk_lost:rate=0.1,seed=4", 1000)
    assert one != strikes("chunk_lost:rate=0.1,seed=5", 1000)
    assert 60 < len(one) < 140


def test_the_seed_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WS_TTS_DEFECT_SEED", "4")
    assert strikes("chunk_lost:rate=0.1", 1000) == strikes("chunk_lost:rate=0.1,seed=4", 1000)


@pytest.mark.parametrize("seed", range(20))
def test_a_share_of_one_percent_strikes_one_of_the_first_four_and_every_hundredth(seed: int) -> None:
    defect = switch_on([f"end_missing:share=0.01,seed={seed}"])
    struck = [number for number in range(300) if defect.end(TtsEnd(f"s{number}", 0, cancelled=False)) == ()]
    assert struck[0] < 4
    assert struck == [struck[0], struck[0] + 100, struck[0] + 200]


def test_a_session_is_struck_for_life() -> None:
    defect = switch_on(["chunk_seq_stuck:share=0.5"])
    seen = {name: [_chunk_seq(defect, chunk(number, name)) for number in (1, 2, 3)] for name in "abcd"}
    assert sorted(seen.values()) == [[0, 0, 0], [0, 0, 0], [1, 2, 3], [1, 2, 3]]


def _chunk_seq(defect: Defects, message: AudioChunk) -> int:
    (sent,) = defect.outgoing(message)
    assert isinstance(sent, AudioChunk)
    return sent.chunk_seq


def test_nothing_is_struck_before_start_s() -> None:
    assert strikes("chunk_lost:rate=1,start_s=3600", 10) == []


def test_several_act_one_after_another() -> None:
    both = switch_on(["chunk_doubled:rate=1", "text_wrong:rate=1"])
    texts = [sent.units_text for sent in both.outgoing(chunk()) if isinstance(sent, AudioChunk)]
    assert texts == ["\N{REPLACEMENT CHARACTER}好，"] * 2
    ends = switch_on(["end_doubled:share=1", "cancel_denied:share=1"]).end(TtsEnd("s", 0, cancelled=True))
    assert ends == [TtsEnd("s", 0, cancelled=False)] * 2


def test_several_honest_hooks_change_nothing() -> None:
    several = switch_on(["stall:start_s=3600", "long_tail:rate=0"])
    messages: list[ClientMessage] = [Start("s", "pcm16_wav", 16000, 1), Cancel("s", 0)]
    assert [several.message_in(message) for message in messages] == messages
    answers: list[ServerMessage] = [chunk(), Error("s", 0, "bad_request", "")]
    assert [list(several.outgoing(message)) for message in answers] == [[message] for message in answers]
    assert several.accept_pause_s() == several.synthesis_pause_s("s", "a") == several.message_pause_s("s") == 0
    assert several.supersedes("s")
