"""The reference gateway: an honest WD TTS WebSocket API v1, to test with and to compare with.

From the ground up: `settings`; `backlog`, `log`, `session` (one session as a pure state machine); `engines`;
`wire`, `connection`, `registry`, `metrics`, `server` (the same machine on aiohttp); `__main__` (the process).
"""
