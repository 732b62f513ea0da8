"""Sound is kept within a budget, and no session's sound is cut short."""

from pathlib import Path

from pytest_wdtts.record import AudioShelf, SessionRecord
from tests.builders import session_plan


def record(session_id: str) -> SessionRecord:
    return SessionRecord(session_plan(session_id=session_id))


def test_sound_comes_back_in_order_of_receipt() -> None:
    shelf, one, two = AudioShelf(), record("one"), record("two")
    for pcm, of in ((b"a", one), (b"x", two), (b"b", one)):
        shelf.keep(of, pcm)
    assert (shelf.sound("one"), shelf.sound("two"), shelf.sound("three")) == (b"ab", b"x", b"")


def test_who_does_not_fit_is_left_out_whole_and_makes_room() -> None:
    shelf, one, two = AudioShelf(budget_bytes=10), record("one"), record("two")
    shelf.keep(one, bytes(6))
    shelf.keep(two, bytes(4))
    shelf.keep(two, bytes(1))
    shelf.keep(two, bytes(1))
    shelf.keep(one, bytes(4))
    assert (len(shelf.sound("one")), shelf.sound("two")) == (10, b"")


def test_another_process_fetches_what_was_stored_and_leaves_no_file(tmp_path: Path) -> None:
    shelf, judges, path = AudioShelf(), AudioShelf(), tmp_path / "part.sound"
    shelf.store(path)
    assert not path.exists(), "nothing was kept"
    shelf.keep(record("one"), b"ab")
    shelf.keep(record("one"), b"cd")
    shelf.store(path)
    judges.fetch(path)
    assert (judges.sound("one"), path.exists()) == (b"abcd", False)
