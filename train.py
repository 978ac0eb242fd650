"""`python train.py ...` is `jaxnst train ...`."""

import sys

from jaxnst.cli import main

sys.exit(main(["train", *sys.argv[1:]]))
