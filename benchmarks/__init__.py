"""What the generator and the gateway cost, measured side by side: `python -m benchmarks.cost`."""
