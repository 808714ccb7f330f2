"""An S3 on loopback that fails on purpose: each of its objects has a fault of its own.

It answers HEAD, GET with ranges, and ListObjectsV2, as far as trailflow asks. The faults are those
that AWS documents, in S3's words.
"""

import hashlib
import threading
from dataclasses import dataclass
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

REFUSALS = {
    "gone": (404, "NoSuchKey", "The specified key does not exist."),
    "no_version": (404, "NoSuchVersion", "The specified version does not exist."),
    "overwritten": (412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold"),
    "no_bucket": (404, "NoSuchBucket", "The specified bucket does not exist"),
    "denied": (403, "AccessDenied", "Access Denied"),
    "kms_denied": (
        403,
        "AccessDenied",
        "User: arn:aws:sts::111122223333:assumed-role/trailflow/1 is not authorized to perform: kms:Decrypt on "
        "the resource associated with this ciphertext",
    ),
    "expired_token": (400, "ExpiredToken", "The provided token has expired."),
    "kms_disabled": (400, "KMS.DisabledException", "arn:aws:kms:eu-west-1:111122223333:key/1 is disabled."),
    "archived": (403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
    "slow_down": (503, "SlowDown", "Please reduce your request rate."),
    "wrong_region": (301, "PermanentRedirect", "The bucket you are attempting to access must be addressed elsewhere"),
    "sse_c": (400, "InvalidRequest", "The object was stored using a form of Server Side Encryption."),
}
"""What S3 says instead of the object: status, code and message."""

FAULTS = (*REFUSALS, "breaks_once", "breaks", "ends", "says_gzip", "silent")
"""And what happens to the object's bytes: they end too soon, with or without a word; their header lies;
they never come."""


@dataclass
class Stored:
    """An object, and what is wrong with getting it; `fault` may be changed while the server runs."""

    body: bytes
    fault: str | None = None
    gets: int = 0
    asked: int = 0
    """GETs and HEADs."""

    @property
    def etag(self):
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()


class FaultyS3:
    """The server, on a free port, until `stop`."""

    def __init__(self, objects):
        """`objects`: `{(bucket, key): (body, fault)}`; a fault is one of FAULTS, or None."""
        unknown = {fault for _, fault in objects.values()} - {*FAULTS, None}
        assert not unknown, f"no such fault: {unknown}"
        self.objects = {name: Stored(body, fault) for name, (body, fault) in objects.items()}
        self.released = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def store(self, bucket, key, body):
        """One more object, with nothing wrong with it."""
        self.objects[bucket, key] = Stored(body)

    def etag(self, bucket, key):
        return self.objects[bucket, key].etag

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def handler_of(s3):
    """The handler of one server's requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(with_body=False)

        def do_GET(self):
            self.answer(with_body=True)

        def answer(self, with_body):
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            if not key:
                return self.send(200, listing(s3, bucket, parse_qs(parts.query)), with_body)
            stored = s3.objects.get((bucket, key))
            if stored is None:
                return self.refuse("gone", with_body)
            stored.gets += with_body
            stored.asked += 1
            # Whoever does not ask for the version that was announced gets another.
            unasked = stored.fault == "overwritten" and "If-Match" not in self.headers
            if stored.fault in REFUSALS and not unasked:
                return self.refuse(stored.fault, with_body)
            if stored.fault == "silent":
                s3.released.wait()
                self.close_connection = True
                return None
            if not with_body:
                return self.send(200, stored.body, False, etag=stored.etag)
            return self.give(stored)

        def refuse(self, fault, with_body):
            status, code, message = REFUSALS[fault]
            body = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            self.send(status, body.encode(), with_body)

        def give(self, stored):
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            body = stored.body[start:]
            cut = len(body) // 2
            broken = stored.fault == "breaks" or (stored.fault == "breaks_once" and start == 0)
            status = 206 if wanted else 200
            if stored.fault == "ends":
                return self.send(status, body[:cut], True, etag=stored.etag)
            self.head(status, len(body), stored.etag, encoding="gzip" if stored.fault == "says_gzip" else None)
            self.wfile.write(body[:cut] if broken else body)
            # A connection that closes before Content-Length is reached has broken.
            self.close_connection = broken
            return None

        def send(self, status, body, with_body, etag=None):
            self.head(status, len(body), etag)
            if with_body:
                self.wfile.write(body)

        def head(self, status, length, etag=None, encoding=None):
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.send_header("Last-Modified", formatdate(1767608400, usegmt=True))
            if etag:
                self.send_header("ETag", f'"{etag}"')
            if encoding:
                self.send_header("Content-Encoding", encoding)
            self.end_headers()

    return Handler


def listing(s3, bucket, query):
    """ListObjectsV2 in one page."""
    prefix = query.get("prefix", [""])[0]
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>2026-01-05T10:20:00.000Z</LastModified>"
        f"<ETag>&quot;{stored.etag}&quot;</ETag><Size>{len(stored.body)}</Size></Contents>"
        for (holder, key), stored in sorted(s3.objects.items(), key=lambda one: one[0])
        if holder == bucket and key.startswith(prefix)
    )
    return (
        f"<ListBucketResult><Name>{escape(bucket)}</Name><Prefix>{escape(prefix)}</Prefix>"
        f"<KeyCount>{len(s3.objects)}</KeyCount><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    ).encode()
