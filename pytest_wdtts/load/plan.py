"""What to send when: a load plan is a value, and everything in it comes from one seed."""

import math
from random import Random
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from ..clock import NS_PER_S
from ..errors import UsageError
from .corpus import Corpus

TONE_UNITS_PER_S = 1000
"""Units a second whose tones are read where the plan does not say how many: one core reads 150,000."""
_PROBE = "p"
PROBE_TEXT = "您好，𠮷野。"
"""With a mark in the middle, and a character of everyday names that is two units to whoever counts in UTF-16."""
MOST_SESSIONS = 100_000
"""More than one machine has ports for, and what many machines together may still be asked to plan."""
MOST_UNITS = 100_000_000
"""Two times of 8 bytes are kept of each unit: some gigabytes."""
MOST_CPS = 1_000_000


class LoadPlan(Struct, frozen=True, kw_only=True):
    """The load of one run.

    `sessions` conversations each type `cps` units a second for `duration_s`; they start spread over `ramp_s`,
    and no latency is judged before `warmup_s`. Beside them a probe session opens every `probe_interval_s`
    (0: none). Negative times are filled in by `checked`: shorter in a run shorter than the guide's.
    `loop` repeats a text that is too short. Length and sound of every chunk are checked; that the tone holds the
    right units, of `tone_share` (0..1) of them.
    """

    sessions: int = 50
    cps: float = 5.0
    duration_s: float = 60.0
    corpus: str = "zh_high_punct"
    seed: int = 1
    ramp_s: float = -1.0
    warmup_s: float = -1.0
    probe_interval_s: float = -1.0
    loop: bool = False
    tone_share: float = -1.0
    sample_rate: int = 16000
    channels: int = 1
    audio_format: str = "pcm16_wav"

    def checked(self) -> Self:
        """Return the plan with its defaults filled in. Raises `UsageError` for a value that cannot be."""
        for name in ("sessions", "cps", "duration_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name}={value:g} cannot be a load: give a number above 0")
        for name in ("ramp_s", "warmup_s", "probe_interval_s", "tone_share"):
            if not math.isfinite(getattr(self, name)):
                raise UsageError(f"{name}={getattr(self, name):g} cannot be a load: give a number from 0 on")
        self._check_format()
        if self.units < 1:
            raise UsageError(
                f"cps={self.cps:g} for duration_s={self.duration_s:g} makes no whole unit: raise one of them"
            )
        ramp_s = self.ramp_s if self.ramp_s >= 0 else min(2.0, self.duration_s / 10)
        warmup_s = self.warmup_s if self.warmup_s >= 0 else min(5.0, self.duration_s / 5)
        probe_interval_s = self.probe_interval_s if self.probe_interval_s >= 0 else min(1.0, self.duration_s / 30)
        tone_share = self.tone_share if self.tone_share >= 0 else TONE_UNITS_PER_S / (self.sessions * self.cps)
        filled = {
            "ramp_s": ramp_s,
            "warmup_s": warmup_s,
            "probe_interval_s": probe_interval_s,
            "tone_share": min(1.0, tone_share),
        }
        whole = replace(self, **filled)
        whole._check_size()
        return whole

    def _check_format(self) -> None:
        if self.channels not in (1, 2):
            raise UsageError(f"channels={self.channels} is not in the contract: give 1 or 2")
        if self.sample_rate < 1:
            raise UsageError(f"sample_rate={self.sample_rate} is no rate: give one above 0; the contract's is 16000")
        if not self.audio_format:
            raise UsageError("audio_format is empty: give one, like pcm16_wav")

    def _check_size(self) -> None:
        """Refuse what could only be a slip of the keyboard, before it is laid out and takes all memory."""
        if self.cps > MOST_CPS:
            raise UsageError(f"cps={self.cps:g} is more than can be planned: give {MOST_CPS:,} or less")
        if self.sessions > MOST_SESSIONS:
            raise UsageError(f"sessions={self.sessions:,} is more than can be planned: give {MOST_SESSIONS:,} or less")
        if self.sessions * self.units > MOST_UNITS:
            raise UsageError(
                f"{self.sessions:,} sessions of {self.units:,} units are more than can be planned: "
                f"keep sessions x cps x duration_s to {MOST_UNITS:,}"
            )
        if self.probe_interval_s and self.duration_s / self.probe_interval_s > MOST_SESSIONS:
            raise UsageError(
                f"probe_interval_s={self.probe_interval_s:g} makes over {MOST_SESSIONS:,} probes: raise it"
            )

    @property
    def units(self) -> int:
        """Units that each session sends."""
        return int(self.cps * self.duration_s + 1e-9)

    @property
    def interval_ns(self) -> int:
        """Time between two units of one session."""
        return round(NS_PER_S / self.cps)

    @property
    def tone_every(self) -> int:
        """Of how many chunks one has its tone read; 0: none."""
        return round(1 / self.tone_share) if self.tone_share else 0

    def steady_ns(self) -> tuple[int, int]:
        """Return the part of the run in which every session is up: after ramp and warm-up, before any end."""
        return round(max(self.ramp_s, self.warmup_s) * NS_PER_S), round(self.duration_s * NS_PER_S)


class SessionPlan(Struct, frozen=True, kw_only=True):
    """One session: its text, and when each unit of it is due (ns from the run's origin).

    Unit u is due at `first_unit_ns + u * interval_ns`, and `text_end` with the last: a pause before it would
    look like service time of the last chunk. A probe's text goes out in one delta, so its TTFA holds no typing; the
    mark in its middle shows whether the gateway flushes inside a delta.
    """

    session_id: str
    text: str
    open_ns: int
    first_unit_ns: int
    interval_ns: int
    index: int
    probe: bool = False
    replaces: str = ""

    def due_ns(self, unit: int) -> int:
        """When unit `unit` is due; `len(text)` is `text_end`."""
        last = len(self.text) - 1
        return self.first_unit_ns + (unit if unit < last else last) * self.interval_ns


def plan_sessions(plan: LoadPlan, corpus: Corpus, run_id: str) -> list[SessionPlan]:
    """Lay out the load's sessions. Raises `UsageError` where the text is too short (guide 5.1)."""
    units = plan.units
    if corpus.units < units and not plan.loop:
        raise UsageError(
            f"corpus {corpus.name!r} has {corpus.units} units, but {plan.cps:g} cps x {plan.duration_s:g} s needs "
            f"at least {units}: give a longer text, a shorter duration, or let the plan say loop"
        )
    starts = corpus.sentence_starts()
    endless = corpus.text * (2 + units // corpus.units)
    ramp_ns = round(plan.ramp_s * NS_PER_S)
    sessions = []
    for index in range(plan.sessions):
        random = Random(f"{plan.seed}/load/{index}")
        offset = random.choice(starts)
        open_ns = ramp_ns * index // plan.sessions + random.randrange(plan.interval_ns)
        sessions.append(
            SessionPlan(
                session_id=f"wdtts-{run_id}-{index:05d}",
                text=endless[offset : offset + units],
                open_ns=open_ns,
                first_unit_ns=open_ns + plan.interval_ns,
                interval_ns=plan.interval_ns,
                index=index,
            )
        )
    return sessions


def names_probe(session_id: str) -> bool:
    """Whether a session's id is that of a probe, whatever became of its record."""
    return session_id.rpartition("-")[2].startswith(_PROBE)


def plan_probes(plan: LoadPlan, run_id: str) -> list[SessionPlan]:
    """Lay out the probe sessions, one every `probe_interval_s` over the steady part and the ramp before it."""
    if not plan.probe_interval_s:
        return []
    every_ns = round(plan.probe_interval_s * NS_PER_S)
    count = int(plan.duration_s / plan.probe_interval_s)
    return [
        SessionPlan(
            session_id=f"wdtts-{run_id}-{_PROBE}{index:05d}",
            text=PROBE_TEXT,
            open_ns=round((index + 0.5) * every_ns),
            first_unit_ns=round((index + 0.5) * every_ns),
            interval_ns=0,
            index=index,
            probe=True,
        )
        for index in range(count)
    ]
