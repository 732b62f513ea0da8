"""The limits that rows are judged by; the defaults are the operator's guide's, chapter 6."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Every number that a verdict depends on.

    `false_alarm_rate` is the chance that a stability test turns red on a steady gateway;
    a trend must also rise by `trend_rise_ms` and by `trend_rise_share` of the median over the run, and a slow
    tail needs values above `tail_ms` and `tail_factor` medians in more than `tail_share` of all.
    `isolation_rise_*` is how much slower untouched sessions may be while others read slowly.
    `unsent_mib_per_session` bounds the audio that a gateway keeps, beside one chunk, for readers who do not take it;
    its memory may grow by `memory_floor_mib` and by `memory_audio_factor` times all audio that it sent.
    """

    send_lateness_p99_ms: float = 100.0
    loop_delay_p99_ms: float = 150.0
    false_alarm_rate: float = 0.001
    trend_rise_ms: float = 25.0
    trend_rise_share: float = 0.2
    tail_ms: float = 1000.0
    tail_factor: float = 10.0
    tail_share: float = 0.001
    windows: int = 20
    cancel_stop_ms: float = 2000.0
    audio_after_cancel_ms: float = 250.0
    internal_error_share: float = 0.01
    ratio_confidence: float = 0.999
    isolation_rise_ms: float = 50.0
    isolation_rise_share: float = 0.5
    unsent_mib_per_session: float = 1.0
    memory_floor_mib: float = 48.0
    memory_audio_factor: float = 2.0
