"""`python stylize.py ...` is `jaxnst stylize ...`."""

import sys

from jaxnst.cli import main

sys.exit(main(["stylize", *sys.argv[1:]]))
