"""Spans leave over OTLP/HTTP when an endpoint is set, one for each step of a batch."""

import http.server
import threading

import inputs
from polling import until

SECONDS = 60
STEPS = [b"fetch", b"decode", b"evaluate", b"stage", b"commit", b"publish"]


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps the bodies of what is exported."""

    bodies: list = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.bodies.append((self.path, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_every_step_of_a_batch_is_a_span(trailflow, tmp_path):
    Collector.bodies = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    bucket = tmp_path / "bucket"
    objects, _ = inputs.all_signals()
    inputs.write_objects(bucket, objects)
    settings = {
        "TRAILFLOW_DIRECTORY": str(bucket),
        "TRAILFLOW_LAKE": str(tmp_path / "lake"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
    }

    def exported():
        spans = b"".join(body for path, body in Collector.bodies if path == "/v1/traces")
        return all(step in spans for step in STEPS)

    try:
        with trailflow.start(tmp_path, settings) as service:
            until("every step was exported", exported, SECONDS, service.alive)
            assert service.terminate() == 0
    finally:
        server.shutdown()
