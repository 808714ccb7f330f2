"""SeaweedFS as the S3 that holds the lake: real signatures, and a create-if-absent with one winner.

It keeps its data on disk in the folder it is given, and tells nobody that it runs.
"""

import json
import pathlib

from botocore.exceptions import BotoCoreError, ClientError

from emulator import CREDENTIALS, Server, free_ports, program

PARTS = ("s3", "master", "volume", "filer")
VOLUME_MEGABYTES_MAX = 256
VOLUMES_MAX = 64
BUCKET = "lake"
"""One bucket for all lakes: every bucket would take volumes of its own."""

IDENTITIES = {
    "identities": [
        {
            "name": "lake",
            "credentials": [
                {
                    "accessKey": CREDENTIALS["AWS_ACCESS_KEY_ID"],
                    "secretKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                }
            ],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


class SeaweedFS(Server):
    """A running SeaweedFS with the bucket of the lakes."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.data = folder / "data"
        self.data.mkdir()
        identities = folder / "identities.json"
        identities.write_text(json.dumps(IDENTITIES))
        ports = free_ports(2 * len(PARTS))
        self.ports = {part: tuple(ports[2 * at : 2 * at + 2]) for at, part in enumerate(PARTS)}
        super().__init__("seaweedfs", folder, self.ports["s3"][0], self._command(folder, identities), {})

    def _command(self, folder, identities):
        command = [
            program("weed"), "server", f"-dir={self.data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-s3", f"-s3.config={identities}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-s3.localSocket={folder / 's3.sock'}", f"-filer.localSocket={folder / 'filer.sock'}",
            f"-master.volumeSizeLimitMB={VOLUME_MEGABYTES_MAX}", f"-volume.max={VOLUMES_MAX}",
            "-volume.preStopSeconds=0", "-master.telemetry=false",
        ]
        for part, (http, grpc) in self.ports.items():
            command += [f"-{part}.port={http}", f"-{part}.port.grpc={grpc}"]
        return command

    def answers(self):
        """Whether it stores: it listens before its parts have found each other."""
        if not super().answers():
            return False
        s3 = self.client("s3")
        try:
            if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
                s3.create_bucket(Bucket=BUCKET)
            s3.put_object(Bucket=BUCKET, Key="started", Body=b"yes")
        except (BotoCoreError, ClientError):
            return False
        return True

    def stop(self):
        """End it at once: nobody reads its data again, and an orderly end takes it 10 s.

        The sockets that it makes outside its folder would stay behind.
        """
        self.process.kill()
        self.process.wait()
        for part, (_, grpc) in self.ports.items():
            pathlib.Path(f"/tmp/seaweedfs-{part}-grpc-{grpc}.sock").unlink(missing_ok=True)
