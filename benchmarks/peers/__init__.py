"""The same load sent by what users would otherwise run: `python -m benchmarks.peers`."""
