"""Acceptance and chaos testing of WebSocket text-to-speech gateways, as a pytest plugin."""

__version__ = "0.1.0"
