"""Every defect with the run that shows it, the rows that have to turn red, and those that may.

A row that may turn red is a consequence that depends on where the strikes fell: a connection that drops loses
units only if some were on their way.
"""

from msgspec import Struct

LOST = "missing_units sent_equals_received"
SLOW = "ttfa_p99_stable unit_latency_p99_stable service_time_p99_stable"
SESSIONS, CPS, DURATION_S = 8, 20.0, 8.0


class Case(Struct, frozen=True):
    """One defect on trial. Rows are ids with blanks between them.

    `expected` and `tolerated` are rows of `scenario`. What no load can show has instead in `conformance` globs of
    the cases of the catalogue that have to fail, and in `tolerated` of those that are not asked. `dial` is the
    argument that `make proof-rates` turns, where it is not the first of `arguments`.
    """

    defect: str
    arguments: str = ""
    scenario: str = "baseline"
    expected: str = ""
    tolerated: str = ""
    conformance: str = ""
    dial: str = ""
    load: dict[str, object] = {}
    shares: dict[str, dict[str, object]] = {}

    @property
    def request(self) -> str:
        """The value of `--defect`."""
        return f"{self.defect}:{self.arguments}" if self.arguments else self.defect

    @property
    def must(self) -> frozenset[str]:
        """The rows that have to turn red."""
        return frozenset(self.expected.split())

    @property
    def may(self) -> frozenset[str]:
        """The rows that may turn red."""
        return frozenset(self.tolerated.split())


OFTEN = "rate=0.05"
SOME = "share=0.2"
HALF = "share=0.5"
CANCELS: dict[str, dict[str, object]] = {
    "cancel": {"percent": 0.5, "moment": "mid_stream"},
    "disconnect": {"percent": 0.0},
    "slow_reader": {"percent": 0.0},
}
CUTS: dict[str, dict[str, object]] = {
    "cancel": {"percent": 0.0},
    "disconnect": {"percent": 0.5, "reconnect_delay_s": 1.5, "moment": "mid_stream", "how": "reset"},
    "slow_reader": {"percent": 0.0},
}
SILENCES = CUTS | {"disconnect": CUTS["disconnect"] | {"how": "silence"}}
SHORT_STOPS: dict[str, dict[str, object]] = {
    "cancel": {"percent": 0.0},
    "disconnect": {"percent": 0.0},
    "slow_reader": {"percent": 0.25, "pause_s": 2.5, "waves": 2, "times": 2},
}
"""Shorter than the gateway needs to give a slow reader up: whoever waits for one is only late."""
SLOW_READERS: dict[str, dict[str, object]] = {
    "cancel": {"percent": 0.0},
    "disconnect": {"percent": 0.0},
    "slow_reader": {"percent": 0.25, "pause_s": 6.0, "waves": 1},
}
LONGER: dict[str, object] = {"duration_s": 15.0}

CHUNKS = (
    Case("unit_lost", OFTEN, expected=LOST),
    Case("chunk_lost", OFTEN, expected=f"{LOST} unit_order"),
    Case("chunk_doubled", OFTEN, expected="duplicate_units unit_order"),
    Case("chunk_swapped", OFTEN, expected="unit_order"),
    Case("index_shifted", OFTEN, expected=f"{LOST} duplicate_units mismatched_units audio_integrity"),
    Case("text_wrong", OFTEN, expected="mismatched_units"),
    Case("text_normalised", OFTEN, expected="mismatched_units"),
    Case("units_out_of_place", OFTEN, expected="audio_integrity"),
    Case("audio_of_another", OFTEN, expected="audio_integrity"),
    Case("pcm_truncated", OFTEN, expected="audio_integrity"),
    Case("pcm_odd_length", OFTEN, expected="audio_integrity"),
    Case("pcm_silent", OFTEN, expected="audio_integrity"),
    Case("pcm_empty", OFTEN, expected="audio_integrity"),
    Case("pcm_with_header", OFTEN, expected="audio_integrity"),
    Case("base64_wrong", OFTEN, expected="audio_integrity"),
    Case("sample_rate_wrong", OFTEN, expected="audio_integrity"),
    Case("not_json", OFTEN, expected=f"session_errors {LOST}", tolerated="unit_order"),
    Case("session_id_foreign", OFTEN, expected=f"session_errors {LOST}", tolerated="unit_order"),
    Case("chunk_seq_gap", OFTEN, expected="unit_order"),
    Case("chunk_seq_stuck", SOME, expected="unit_order"),
)
FLUSHING = (
    Case("limit_ignored", expected="session_errors", load={"corpus": "zh_low_punct"}),
    Case("marks_ignored", expected="session_errors"),
    Case("flush_limit", expected="session_errors"),
)
ENDS = (
    Case("end_missing", SOME, expected="session_errors session_end"),
    Case("end_silent", SOME, expected="session_errors session_end"),
    Case("end_doubled", SOME, expected="session_end"),
    Case("end_early", SOME, expected="session_end", tolerated=LOST),
    Case("audio_after_end", SOME, expected="session_end duplicate_units unit_order"),
    Case("close_missing", SOME, expected="session_end"),
    Case("close_without_handshake", SOME, expected="session_end"),
    Case("cancel_ignored", HALF, "mixed", "session_errors session_end cancel_respected", shares=CANCELS),
    Case("cancel_drops", HALF, "mixed", "session_errors session_end cancel_respected", shares=CANCELS),
    Case("cancel_denied", HALF, "mixed", "cancel_respected", shares=CANCELS),
    Case("cancel_late", HALF, "mixed", "cancel_respected", shares=CANCELS),
    Case("audio_after_cancel", HALF, "mixed", "cancel_respected", shares=CANCELS),
)
RESUMES = (
    Case("resume_repeats", HALF, "mixed", "duplicate_units resume_exactly_once", "unit_order", shares=CUTS),
    Case("resume_repeats_all", HALF, "mixed", "duplicate_units resume_exactly_once", "unit_order", shares=CUTS),
    Case("resume_skips", HALF, "mixed", f"{LOST} resume_exactly_once", "unit_order", shares=CUTS),
    Case("resume_gap", HALF, "mixed", f"{LOST} resume_exactly_once", "unit_order", shares=CUTS),
    Case("resume_refused", HALF, "mixed", "session_end", "resume_exactly_once", shares=CUTS),
    Case("connections_share", HALF, "mixed", f"{LOST} resume_exactly_once", "unit_order", shares=SILENCES),
    Case("audio_before_resume", HALF, "mixed", "duplicate_units resume_exactly_once", "unit_order", shares=CUTS),
    Case(
        "units_uncounted",
        HALF,
        "mixed",
        "mismatched_units resume_exactly_once",
        "audio_integrity unit_order duplicate_units",
        shares=CUTS,
    ),
)
ERRORS = (
    Case("internal_error", SOME, "mixed", f"session_errors {LOST} error_types internal_error_ratio", shares=CUTS),
    Case("backpressure_for_nothing", SOME, "mixed", f"session_errors {LOST} error_types", shares=CUTS),
    Case("bad_request_for_nothing", SOME, expected=f"session_errors {LOST}"),
    Case("error_storm", "start_s=5", expected=f"session_errors {LOST}"),
    Case("connection_drops", "rate=0.02", expected="session_errors", tolerated=f"{LOST} session_end"),
    Case("closed_without_error", "rate=0.02", expected="session_errors", tolerated=f"{LOST} session_end"),
    Case("upgrade_refused", "share=0.2,start_s=0.3", expected="session_errors"),
    Case("ack_missing", SOME, expected="session_errors"),
    Case("ack_of_another", SOME, expected="session_errors"),
    Case("header_wrong", SOME, expected="session_errors"),
    Case("text_lost", SOME, expected=f"{LOST} mismatched_units audio_integrity"),
    Case("text_doubled", SOME, expected="mismatched_units audio_integrity"),
    Case("text_after_end", conformance="states.flushing.text_delta"),
    Case(
        "blames_itself",
        conformance="fields.*.null fields.*.str states.streaming.start frames.no_message.*",
        tolerated="*",
    ),
    Case("error_left_open", conformance="fields.cancel.s* states.streaming.start", tolerated="*"),
)
TIMING = (
    Case("service_drift", "ms_per_s=15", expected="service_time_p99_stable", tolerated=SLOW, load=LONGER),
    Case("long_tail", dial="rate", expected="service_time_p99_stable", tolerated=SLOW, load=LONGER | {"sessions": 16}),
    Case("stall", "start_s=6", dial="seconds", expected="service_time_p99_stable", tolerated=SLOW, load=LONGER),
    Case("synthesis_on_loop", "ms=60", expected="ttfa_p99_stable", tolerated=SLOW, load=LONGER),
    Case("loop_blocked", "ms=2000", expected="service_time_p99_stable", tolerated=SLOW, load=LONGER),
    Case(
        "cpu_per_unit",
        "ms=8",
        expected="service_time_p99_stable",
        tolerated=f"{SLOW} session_errors {LOST} session_end",
        load=LONGER,
    ),
    Case(
        "log_on_loop",
        "kib=16",
        expected="service_time_p99_stable",
        tolerated=SLOW,
        load=LONGER,
        shares={"gateway_logs": {"at_s": 5.0, "down_s": 4.0}},
    ),
    Case("slow_accept", dial="share", expected="ttfa_p99_stable", tolerated=SLOW, load=LONGER),
    Case("later_is_slower", "ms=20", expected="ttfa_p99_stable", tolerated=SLOW, load=LONGER),
    Case(
        "slow_reader_blocks",
        scenario="heavy",
        expected="isolation_latency",
        # Audio of those who read at full speed waits behind the slow ones: it is unsent, and nobody may hold it.
        tolerated=f"session_errors {LOST} error_types slow_readers_contained isolation_errors unit_order "
        "gateway_resources",
        shares=SHORT_STOPS,
        load=LONGER,
    ),
)
HOLDING = (
    Case(
        "unbounded_buffer",
        scenario="heavy",
        expected="gateway_resources",
        shares=SLOW_READERS | {"slow_reader": {"percent": 0.75, "pause_s": 8.0, "waves": 1}},
        load=LONGER | {"cps": 40.0},
    ),
    Case("memory_leak", "kib=2048", expected="gateway_resources", load=LONGER),
    Case("never_freed", conformance="life.away.too_long*"),
)
CASES = (*CHUNKS, *FLUSHING, *ENDS, *RESUMES, *ERRORS, *TIMING, *HOLDING)
