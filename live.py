"""`python live.py ...` is `jaxnst live ...`."""

import sys

from jaxnst.cli import main

sys.exit(main(["live", *sys.argv[1:]]))
