"""A server of S3 in this process, which is moto's, and the rights of its users."""

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import urlopen

import pytest


class S3:
    """Buckets of a server.

    Attributes:
      environment: what leads a command there.
      files: the file system of fsspec, with all rights.
    """

    def __init__(self, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._address, self._monkeypatch = address, monkeypatch
        self.environment = {"AWS_ENDPOINT_URL": address, "AWS_DEFAULT_REGION": "us-east-1"}
        self.enter("test", "test")
        import s3fs

        self.files: Any = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)

    def enter(self, key: str, secret: str) -> None:
        """Has this process be a user, and what it starts."""
        import s3fs

        self.environment |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
        for name, value in self.environment.items():
            self._monkeypatch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()

    @contextmanager
    def as_user_who_may(self, *actions: str) -> Iterator[None]:
        """Has this process be a user with these rights only, within the block."""
        import boto3
        from moto.core.authorization import enable_iam_authentication

        iam: Any = boto3.client("iam")
        iam.create_user(UserName="visitor")
        rights = [{"Effect": "Allow", "Action": [*actions], "Resource": "*"}]
        policy = json.dumps({"Version": "2012-10-17", "Statement": rights})
        iam.put_user_policy(UserName="visitor", PolicyName="few", PolicyDocument=policy)
        key = iam.create_access_key(UserName="visitor")["AccessKey"]
        try:
            with enable_iam_authentication():
                self.enter(key["AccessKeyId"], key["SecretAccessKey"])
                yield
        finally:
            self.enter("test", "test")

    def unfinished(self, bucket: str) -> list[Any]:
        """The uploads that were begun and neither finished nor given up."""
        return self.files.call_s3("list_multipart_uploads", Bucket=bucket).get("Uploads") or []

    def forget(self) -> None:
        """Empties the server."""
        with urlopen(f"{self._address}/moto-api/reset", b""):
            pass


@contextmanager
def s3_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """A server with an empty bucket "photos"."""
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'jaxnst[s3]'")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # which prints every request
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        s3 = S3(f"http://{host}:{port}", monkeypatch)
        s3.files.mkdir("photos")
        yield s3
        s3.forget()
    finally:
        server.stop()
