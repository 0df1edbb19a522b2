"""`python -m vidremove`."""

import sys

from vidremove.cli.main import main

sys.exit(main())
