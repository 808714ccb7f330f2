"""A store that speaks S3's protocol and ignores the condition of a create is no place for a lake."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Overwriting(BaseHTTPRequestHandler):
    """Takes every PUT, whatever is there."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self):  # noqa: N802
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.puts.append((self.path, self.headers["If-None-Match"]))
        self.answer(b"")

    def do_GET(self):  # noqa: N802
        self.answer(b"<ListBucketResult><Name>lake</Name><IsTruncated>false</IsTruncated></ListBucketResult>")

    def answer(self, body):
        """Says 200 and no more."""
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def serving(handler):
    """Such a store, or one that has more faults."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.puts = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture
def store():
    """Such a store."""
    with serving(Overwriting) as server:
        yield server


def test_nothing_is_written_where_everything_would_be_counted_twice(trailflow, store, tmp_path):
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{store.server_port}",
    }
    logs = tmp_path / "logs"
    logs.mkdir()
    done = trailflow.run("backfill", logs, "--lake", "s3://lake/a", env=environment)
    assert done.returncode == 2
    assert "the lake's store overwrites an object although it is asked not to" in done.stderr.decode()
    assert store.puts == [("/lake/a/_trailflow/exclusive", "*")] * 2
