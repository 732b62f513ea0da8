"""Whether our clock tells the truth: a run beside a capture of its packets, `python -m benchmarks.truth`."""
