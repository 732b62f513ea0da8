"""A proxy in user space that is slow or full: `python -m proof.slow_proxy HOST:PORT --delay-ms 80 --kb-per-s 1000`.

Bytes in both directions come `delay_ms` late; those to the client share one link of `kb_per_s`; above `most`
connections it hangs up at once. It prints its port and serves until its standard input closes.
"""

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

READ_BYTES = 4096
QUEUE_READS = 64
NO_LIMIT_KB_PER_S = 1e9
NO_LIMIT = 1_000_000


class Link:
    """What all connections share: its bytes leave one after another, at its rate."""

    def __init__(self, delay_s: float, bytes_per_s: float) -> None:
        self.delay_s = delay_s
        self._bytes_per_s = bytes_per_s
        self._free_s = 0.0

    def leaves_s(self, size_bytes: int, now_s: float) -> float:
        """Take `size_bytes` into the link's queue; return when the last of them has left."""
        self._free_s = max(self._free_s, now_s) + size_bytes / self._bytes_per_s
        return self._free_s


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link) -> None:
    """Carry one direction of one connection."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUE_READS)

    async def deliver() -> None:
        while True:
            due_s, data = await waiting.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    async def take() -> None:
        data = b"?"
        while data:
            data = await reader.read(READ_BYTES)
            due_s = link.leaves_s(len(data), loop.time()) + link.delay_s
            await waiting.put((due_s, data))

    with suppress(OSError):
        await asyncio.gather(deliver(), take())
    writer.transport.abort()


async def serve(host: str, port: int, delay_ms: float, kb_per_s: float, most: int) -> None:
    """Serve until standard input closes."""
    open_now: set[asyncio.StreamWriter] = set()
    up, down = Link(delay_ms / 1000, NO_LIMIT_KB_PER_S * 1000), Link(delay_ms / 1000, kb_per_s * 1000)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            if len(open_now) > most:
                writer.transport.abort()
                return
            far_reader, far_writer = await asyncio.open_connection(host, port)
            await asyncio.gather(pump(reader, far_writer, up), pump(far_reader, writer, down))
        except OSError:
            writer.transport.abort()
        finally:
            open_now.discard(writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def slow_proxy(
    authority: str, delay_ms: float = 0.0, kb_per_s: float = NO_LIMIT_KB_PER_S, most: int = NO_LIMIT
) -> Iterator[int]:
    """Run it as a child before `authority` (host:port); yield its port."""
    command = [sys.executable, "-m", "proof.slow_proxy", authority]
    command += ["--delay-ms", str(delay_ms), "--kb-per-s", str(kb_per_s), "--most", str(most)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            yield int(child.stdout.readline())
        finally:
            child.kill()


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("authority", metavar="HOST:PORT")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--kb-per-s", type=float, default=NO_LIMIT_KB_PER_S)
    parser.add_argument("--most", type=int, default=NO_LIMIT)
    chosen = parser.parse_args()
    host, _, port = chosen.authority.rpartition(":")
    asyncio.run(serve(host, int(port), chosen.delay_ms, chosen.kb_per_s, chosen.most))


if __name__ == "__main__":
    main()
