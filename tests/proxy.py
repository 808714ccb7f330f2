"""A proxy that breaks what it carries, between clients and one server: `Rules` say what and when.

In: HTTP/1.1 requests. Out: the server's replies, or what a fault makes of them. Must hold: what no
rule meets arrives byte for byte, Host included; a request is forwarded at most once.

It runs in a thread of its own, so that a test can wait for something else meanwhile.
"""

import asyncio
import socket
import struct
import threading
import time

import emulator
from faults import Rules
from http1 import read_reply, read_request

READ_BYTES = 1024 * 1024
IDLE_SECONDS_MAX = 2
"""A kept connection that was idle for longer is not used again: the server may be closing it."""

LOOK_SECONDS = 0.1
"""How often a waiting request looks whether its client is still there."""


class Proxy:
    """A running proxy before the server at `upstream`, which has a port on loopback."""

    def __init__(self, upstream, rules=None):
        self.rules = rules or Rules()
        self._upstream_port = upstream.port
        self._idle = []
        self._connections = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=READ_BYTES))
        self.port = self._server.sockets[0].getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def client(self, service):
        """A boto3 client that goes through the proxy."""
        return emulator.client(self.endpoint, service)

    def stop(self):
        """Close everything and end the thread."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    async def _close(self):
        self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for upstream in self._idle:
            upstream.close()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            while (request := await read_request(reader, writer)) is not None:
                exchange = Exchange(self, request, reader, writer)
                fault = self.rules.choose(request)
                if fault is None:
                    await exchange.answer((await exchange.forward()).bytes)
                else:
                    await fault.perform(exchange)
                if exchange.is_over():
                    break
        except (ConnectionError, asyncio.CancelledError):
            # The client left, was ended, or the server did: as on any network.
            reset(writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def carry_out(self, request):
        """Forward a request, once, and read its reply to the end."""
        upstream = await self._upstream()
        try:
            reply = await upstream.ask(request)
        except BaseException:
            upstream.close()
            raise
        if reply.is_last():
            upstream.close()
        else:
            upstream.used_at = time.monotonic()
            self._idle.append(upstream)
        return reply

    async def _upstream(self):
        while self._idle:
            upstream = self._idle.pop()
            if upstream.is_fresh():
                return upstream
            upstream.close()
        return Upstream(*await asyncio.open_connection("127.0.0.1", self._upstream_port, limit=READ_BYTES))


class Upstream:
    """A connection to the server."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self.used_at = time.monotonic()

    def is_fresh(self):
        """Whether it may carry another request."""
        closed = self._reader.at_eof() or self._writer.is_closing()
        return not closed and time.monotonic() - self.used_at < IDLE_SECONDS_MAX

    async def ask(self, request):
        """Write a request and read the reply."""
        self._writer.write(request.bytes)
        await self._writer.drain()
        reply = await read_reply(self._reader, request.method)
        if reply is None:
            raise ConnectionResetError("the server closed the connection instead of a reply")
        return reply

    def close(self):
        """Done with it."""
        self._writer.close()


class Exchange:
    """One request on its way: what a fault can do to it."""

    def __init__(self, proxy, request, reader, writer):
        self.request = request
        self._proxy = proxy
        self._reader = reader
        self._writer = writer

    async def forward(self):
        """The server's reply; the request has been carried out.

        A client that leaves meanwhile is missed by the server too: a long poll must not go on and
        take messages for somebody who was ended.
        """
        carrying = asyncio.ensure_future(self._proxy.carry_out(self.request))
        try:
            while not carrying.done():
                await asyncio.wait({carrying}, timeout=LOOK_SECONDS)
                if not carrying.done() and self._reader.at_eof():
                    raise ConnectionResetError("the client has left")
            return carrying.result()
        finally:
            carrying.cancel()

    async def answer(self, data):
        """Send bytes to the client."""
        self._writer.write(data)
        await self._writer.drain()

    async def until_the_client_leaves(self):
        """Wait for the client's end of the connection, and close this one."""
        await self._reader.read()
        self.close()

    def reset(self):
        """Break the connection to the client."""
        reset(self._writer)

    def close(self):
        """End the connection to the client in order, whatever was sent."""
        self._writer.close()

    def is_over(self):
        """Whether the connection cannot carry another request."""
        return self._writer.is_closing() or self.request.is_last()


def reset(writer):
    """Close so that the peer sees a reset and not an end."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
