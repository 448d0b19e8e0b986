"""Stores that cannot be used: one sentence, and soon."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread
from urllib.request import Request, urlopen

import pytest

from fer_core.batch import stores
from fer_core.batch.dataset import Dataset
from fer_core.batch.inputs import find_inputs
from fer_core.batch.plan import Input
from fer_core.batch.run import run_batch
from fer_core.batch.stores import look_at
from fer_core.errors import StoreError
from fer_core.labels import FER7
from tests.fer_core.batch.readers import ContentReader
from tests.fer_core.batch.s3 import BUCKET, KEY, serving


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    with serving() as environment:
        yield environment


@pytest.fixture
def environment(server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a store be found in the environment."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    stores._store.cache_clear()
    yield
    stores._store.cache_clear()


@pytest.mark.usefixtures("environment")
def test_a_wrong_key_and_a_missing_bucket_are_a_sentence_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = "s3://elsewhere/out"
    with pytest.raises(StoreError, match=rf"^{out} cannot be used: there is no such bucket\.$"):
        run_batch([], Dataset(out, {}, FER7.labels), ContentReader)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    stores._store.cache_clear()
    refused = r"^s3://bucket/a cannot be used: the store refuses it with the keys that .* has\.$"
    with pytest.raises(StoreError, match=refused):
        look_at("s3://bucket/a")
    with pytest.raises(StoreError, match=refused):
        Dataset.stored("s3://bucket/a")


@pytest.mark.usefixtures("environment")
def test_names_with_empty_folders_in_them_are_said_once(server: dict[str, str]) -> None:
    for key in ("/first.jpg", "a//b.jpg", "a//c/d.jpg", "a/e.jpg"):
        request = Request(f"{server['AWS_ENDPOINT_URL']}/{BUCKET}/{key}", b"1", method="PUT")
        request.add_header("Authorization", f"Credential={KEY}/")
        urlopen(request).close()
    found = {item.address: (item.status, item.error) for item in find_inputs(["s3://bucket"])}
    nameless = "failed", "Nameless"
    assert found == {
        "s3://bucket//": nameless,
        "s3://bucket/a//": nameless,
        "s3://bucket/a/e.jpg": ("read", ""),
    }


@pytest.mark.usefixtures("environment")
def test_a_store_that_does_not_answer_is_given_up_and_its_files_are_read_by_the_next_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = 0

    def hang_up() -> None:
        nonlocal asked
        while True:
            try:
                asking = listening.accept()[0]
            except OSError:
                return
            asked += 1  # before whoever asks knows
            asking.close()

    monkeypatch.setattr(stores, "_S3_ATTEMPTS", 2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=hang_up, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{listening.getsockname()[1]}")
        found = ContentReader().read(Input("s3://bucket/a.jpg", "photo", 7, 5_000_000))
        assert asked == 2
        listening.shutdown(socket.SHUT_RDWR)
    assert found.error is not None and found.error["error"] == "StoreUnreachable"
    assert found.file["reason"].startswith("The file cannot be used: the store cannot be reached (")
    # As no file has it, its time says that it is to be read.
    assert found.file["status"] == "failed" and found.file["modified"] is None
