"""`python -m vidremove`."""

import sys

from vidremove.cli import main

sys.exit(main())
