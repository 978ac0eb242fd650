"""`python -m jaxnst` is the `jaxnst` command."""

from jaxnst.cli import program

program()
