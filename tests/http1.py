"""HTTP/1.1 as far as a proxy needs it: whole messages, kept byte for byte.

In: a stream. Out: a `Request` or a `Reply` with its head and body as they came. Must hold: what is
written again is what was read, so that signatures over Host, target and headers still hold.
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

HEAD_BYTES_MAX = 64 * 1024
END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Message:
    """A head with its blank line, and a body as framed on the wire."""

    head: bytes
    body: bytes

    def __post_init__(self):
        first, *lines = self.head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        self.first_line = first
        pairs = (line.partition(":") for line in lines)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in pairs}

    @property
    def bytes(self):
        """All of it."""
        return self.head + self.body

    def is_last(self):
        """Whether the connection ends with it."""
        return self.headers.get("connection", "").lower() == "close"


@dataclass
class Request(Message):
    """What a client asks, and by which name AWS knows it."""

    def __post_init__(self):
        super().__post_init__()
        self.method, self.target, _ = self.first_line.split(" ", 2)
        split = urlsplit(self.target)
        self.path = unquote(split.path)
        self.query = parse_qs(split.query, keep_blank_values=True)
        self.operation = self._operation()

    def _operation(self):
        """`ReceiveMessage`, `GetObject` and so on; a create-if-absent is `CreateObject`."""
        target = self.headers.get("x-amz-target")
        if target:
            return target.rpartition(".")[2]
        bucket, _, key = self.path.lstrip("/").partition("/")
        if not key:
            kinds = {"GET": "ListObjects" if "prefix" in self.query or "list-type" in self.query else "GetBucket"}
            kinds["POST"] = "DeleteObjects" if "delete" in self.query else "PostBucket"
            return kinds.get(self.method, f"{self.method.title()}Bucket") if bucket else "ListBuckets"
        if "uploads" in self.query or "uploadId" in self.query:
            return "MultipartUpload"
        if self.method == "PUT" and "x-amz-copy-source" in self.headers:
            return "CopyObject"
        if self.method == "PUT" and "if-none-match" in self.headers:
            return "CreateObject"
        return f"{self.method.title()}Object"

    def is_sqs(self):
        """Whether an error must be written as SQS writes it."""
        return "x-amz-target" in self.headers

    def expects_continue(self):
        """Whether the client waits for a word before it sends the body."""
        return self.headers.get("expect", "").lower() == "100-continue"


@dataclass
class Reply(Message):
    """What a server answers."""

    def __post_init__(self):
        super().__post_init__()
        self.status = int(self.first_line.split(" ", 2)[1])


async def read_request(reader, writer):
    """The next request of a connection; nothing when the client has closed it."""
    head = await read_head(reader)
    if not head:
        return None
    request = Request(head, b"")
    if request.expects_continue():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        lines = head.split(b"\r\n")
        head = b"\r\n".join(line for line in lines if not line.lower().startswith(b"expect:"))
    body = await read_body(reader, request.headers) if has_body(request.headers) else b""
    return Request(head, body)


async def read_reply(reader, method):
    """The reply to a request of that method; nothing when the server closed instead."""
    while True:
        head = await read_head(reader)
        if not head:
            return None
        reply = Reply(head, b"")
        if reply.status >= 200:
            break
    if method == "HEAD" or reply.status in (204, 304):
        return reply
    if has_body(reply.headers):
        return Reply(head, await read_body(reader, reply.headers))
    return Reply(head, await reader.read())


async def read_head(reader):
    """Up to the blank line; empty when the stream ended before its first byte."""
    try:
        return await reader.readuntil(END_OF_HEAD)
    except asyncio.IncompleteReadError as ended:
        if ended.partial:
            raise ConnectionResetError("the head was cut") from ended
        return b""


def has_body(headers):
    """Whether the head says how long the body is."""
    return "content-length" in headers or "transfer-encoding" in headers


async def read_body(reader, headers):
    """The body as framed: by its length, or chunk by chunk up to the last."""
    try:
        if "transfer-encoding" not in headers:
            return await reader.readexactly(int(headers["content-length"]))
        framed = bytearray()
        while True:
            size = await reader.readuntil(b"\r\n")
            length = int(size.split(b";")[0], 16)
            framed += size + await reader.readexactly(length)
            framed += await reader.readuntil(b"\r\n")
            if length == 0:
                return bytes(framed)
    except asyncio.IncompleteReadError as ended:
        raise ConnectionResetError("the body was cut") from ended
