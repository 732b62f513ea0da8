"""Words that stay in Latin letters in Chinese: names of the contract, of measures, and what the guide leaves so."""

import re

WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]+")
NAMES = set(
    WORD.findall(
        """
        ttfa unitlatency p50 p95 p99 ms mb mib bytes session shard chunk unit flush gateway client wav pcm cpu rss hdr
        text_end tts_end start_ack chunk_seq cancelled resumed false true resume base64 binary frame text close tcp
        reset
        backpressure resume_not_available internal_error bad_request disconnect cancel slow_reader journal run_valid
        """
    )
)
