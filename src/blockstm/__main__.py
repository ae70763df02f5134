"""``python -m blockstm``: the command line, by the interpreter that is named."""

import sys

from blockstm.cli import main

if __name__ == "__main__":
    sys.exit(main())
