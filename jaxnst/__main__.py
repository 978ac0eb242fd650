"""`python -m jaxnst` is the `jaxnst` command."""

import sys

from jaxnst.cli import main

sys.exit(main())
