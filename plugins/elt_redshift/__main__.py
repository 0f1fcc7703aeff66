"""``python -m elt_redshift`` is ``elt-redshift``."""

import sys

from elt_redshift.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
