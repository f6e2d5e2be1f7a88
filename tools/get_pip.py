# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for get-pip.py, the one download of ansible-test that is no package: runs pip from the wheel that lies beside it.

tools/sanity.py puts it where ansible-test keeps its download; __WHEEL__ is then the name of the wheel. ansible-test calls it
with the options and packages of a `pip install`, pip itself among them, and two options that only the real script has.
"""

import os
import runpy
import sys

if __name__ == "__main__":
    # A wheel is a zip file, and Python imports from zip files.
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "__WHEEL__"))
    sys.argv = ["pip", "install"] + [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
