"""`jaxnst train --coordinator`: what cannot be joined is told in one line, before JAX aborts."""

import socket

import jax
import pytest
from training_files import free_port

from jaxnst.cli import main


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """The one line that a command is refused with, which leaves nothing."""
    monkeypatch.setattr("jaxnst.cli.coordinator._PATIENCE", 0.0)

    def refused(*words: str) -> str:
        work = tmp_path / "work"
        assert main(["train", "--config", "smoke", "--work", str(work), *words]) == 2
        assert not work.exists()
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return refused


FIRST = ("--processes", "2", "--process", "0")
SECOND = ("--processes", "2", "--process", "1")


@pytest.mark.parametrize("address", ["nowhere", "host:", "host:99999", "host:0", ":1", "x://h:1"])
def test_what_is_no_address(refused, address):
    line = refused("--coordinator", address, *FIRST)
    assert f"--coordinator is {address!r}: give auto, or HOST:PORT" in line


@pytest.mark.parametrize(
    "words", [(), ("--processes", "2"), ("--processes", "2", "--process", "2")]
)
def test_an_address_alone_is_not_enough(refused, words):
    line = refused("--coordinator", "localhost:1", *words)
    assert "--processes N and --process 0..N-1" in line


@pytest.mark.parametrize("words", [("--processes", "2"), ("--process", "0")])
def test_processes_without_an_address(refused, words):
    assert "go with --coordinator" in refused(*words)


def test_a_host_that_is_not_known(refused, monkeypatch):
    def unknown(*_):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    line = refused("--coordinator", f"nohost:{free_port()}", *FIRST)
    assert ": is a host that is not known here (Name or service not known)" in line
    line = refused("--coordinator", "nohost:1234", *SECOND)
    assert "nohost:1234: does not answer (Name or service not known)" in line


def test_a_port_that_is_taken(refused):
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        line = refused("--coordinator", f"localhost:{port}", *FIRST)
    assert f"port {port} cannot be taken (Address already in use" in line


def test_a_first_process_that_does_not_start(refused):
    port = free_port()
    line = refused("--coordinator", f"127.0.0.1:{port}", *SECOND)
    assert f"127.0.0.1:{port}: does not answer (Connection refused)" in line


def test_no_cluster_around(refused, monkeypatch):
    def initialize(*_):
        raise ValueError("coordinator_address should be defined.")

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    line = refused("--coordinator", "auto")
    assert "--coordinator auto: JAX knows of no cluster around (coordinator_address" in line


def test_the_second_process_waits_for_the_first(monkeypatch, tmp_path, capsys):
    joined = []
    monkeypatch.setattr(jax.distributed, "initialize", lambda *words: joined.append(words))
    monkeypatch.setattr("jaxnst.cli.train._run", lambda command: 0)
    with socket.create_server(("127.0.0.1", 0)) as first:
        address = f"127.0.0.1:{first.getsockname()[1]}"
        calls = iter([TimeoutError("timed out")])
        connect = socket.create_connection

        def late(*args):
            for error in calls:
                raise error
            return connect(*args)

        monkeypatch.setattr("socket.create_connection", late)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        words = ["train", "--config", "smoke", "--work", str(tmp_path / "w")]
        assert main([*words, "--coordinator", address, *SECOND]) == 0
    assert joined == [(address, 2, 1)]
    assert capsys.readouterr().err == f"waiting for {address} (timed out)\n"
