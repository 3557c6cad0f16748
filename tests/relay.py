# SPDX-License-Identifier: GPL-3.0-or-later
"""A relay on loopback for tests: another address family, TLS, or a proxy that records its requests."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

READ_BYTES = 1 << 16


class Relay:
    """Passes connections on to ``port`` of 127.0.0.1; without one it is a proxy that rejects every request."""

    def __init__(self, port: int | None) -> None:
        self.port = 0
        self.first_lines: list[str] = []
        self._target = port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            if self._target is None:
                head = await reader.readuntil(b"\r\n\r\n")
                self.first_lines.append(head.split(b"\r\n")[0].decode())
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            else:
                there = await asyncio.open_connection("127.0.0.1", self._target)
                await asyncio.gather(_pass(reader, there[1]), _pass(there[0], writer))
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()


@contextmanager
def running_relay(
    port: int | None, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Relay]:
    """Raises OSError when this machine has no such address."""
    relay = Relay(port)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(relay.serve, host, 0, ssl=tls))
    relay.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()
