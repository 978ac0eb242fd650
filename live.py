"""`python live.py ...` is `jaxnst live ...`."""

from jaxnst.cli import program

program("live")
