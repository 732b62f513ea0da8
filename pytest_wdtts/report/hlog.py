"""HdrHistogram interval log (V1.2): one line for each window and measure, for every tool that reads HDR logs."""

from io import StringIO
from pathlib import Path

from hdrh.log import HistogramLogWriter

from .curves import decoded
from .model import Report

US_PER_MS = 1000.0


def write_hlog(report: Report, path: Path) -> Path:
    """Write the windows' histograms, tagged by measure; values in us, maxima shown in ms. Raises `OSError`.

    Start times are seconds from the run's origin, which the `StartTime` line gives as seconds since 1970.
    """
    text = StringIO()
    log = HistogramLogWriter(text)
    log.output_comment(f"[wdtts {report.scenario}, {report.schema}; values in microseconds, maxima in milliseconds]")
    log.output_log_format_version()
    # The library's own output_start_time raises in 0.10.8; readers want this very form, in seconds.
    origin_s = float(str(report.config["origin_unix_s"]))
    text.write(f"#[StartTime: {origin_s:.3f} (seconds since epoch)]\n")
    log.output_legend()
    for place, window in enumerate(report.windows):
        for tag, parts in report.histograms.items():
            if parts[place]:
                folded = decoded(parts[place])
                # A start of 0 s counts as not given: then the writer takes what the histogram says, in ms.
                folded.set_start_time_stamp(window["start_s"] * 1000)
                text.write(f"Tag={tag},")
                log.output_interval_histogram(folded, window["start_s"], window["end_s"], US_PER_MS)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path
