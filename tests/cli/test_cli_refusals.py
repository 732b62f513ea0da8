"""What a command cannot do is refused before anything is started: exit code 4, words, no traceback."""

from pathlib import Path

import pytest

from pytest_wdtts.cli import USAGE, main


@pytest.mark.parametrize("command", ["bench", "accept", "conformance", "diagnose"])
def test_an_empty_url_does_not_stand_for_the_reference_gateway(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `--url "$GATEWAY"` gives where the variable is not set: the gateway's gate must not pass by ours."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--url", ""])
    assert ended.value.code == USAGE
    assert "--url is empty: give one like ws://127.0.0.1:9000/tts, or leave it out" in capsys.readouterr().err


def test_a_run_that_never_was_leaves_no_empty_report_and_the_old_one_alone(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text("{}")
    for wanted in (old, new):
        asked = ["--url", "http://127.0.0.1/tts", "--output-json", str(wanted)]
        assert main(["bench", "--report", str(tmp_path / "kept"), *asked]) == USAGE
    assert (old.read_text(), new.exists()) == ("{}", False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sample-rate", "0"], "sample_rate=0 is no rate"),
        (["--audio-format", ""], "audio_format is empty"),
        (["--concurrency", "999999999"], "is more than can be planned"),
        (["--output-json", "/dev/null/out.json"], "--output-json: /dev/null/out.json cannot be written"),
        (["--output-json", "/"], "--output-json: / cannot be written (Is a directory)"),
        (["--api-key", "two words"], "has characters that no header takes"),
    ],
)
def test_bench_refuses_what_it_cannot_ask_for(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["bench", "--report", str(tmp_path), *arguments]) == USAGE
    assert words in capsys.readouterr().err
