"""`python stylize.py ...` is `jaxnst stylize ...`."""

from jaxnst.cli import program

program("stylize")
