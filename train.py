"""`python train.py ...` is `jaxnst train ...`."""

from jaxnst.cli import program

program("train")
