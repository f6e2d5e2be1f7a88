# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our files in a zip, as Ansible ships them, imported by a Python of its own."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from ansible_collections.netops.listen_queue.plugins.module_utils import _imports

FILES = {
    "top/__init__.py": "",
    "top/utils/__init__.py": "",
    "top/utils/_imports.py": Path(_imports.__file__).read_text(),
    "top/utils/_errors.py": "class Refused(Exception):\n    pass\n",
    "top/utils/_subject/__init__.py": "",
    "top/utils/_subject/read.py": "from .._errors import Refused\n\n\ndef read():\n    raise Refused('né')  # a word that is not ASCII\n",
    "top/utils/_broken.py": "def (\n",
    "top/other.py": "value = 1\n",
}
PROGRAM = """
import sys, json, traceback, importlib.util
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from top.utils import _imports
if sys.argv[2] == "once":
    _imports.compile_once()
    _imports.compile_once()
compiled = []
sys.addaudithook(lambda event, arguments: event == "compile" and compiled.append(str(arguments[1])))
from top.utils._subject.read import read
from top import other
try:
    read()
except Exception:
    shown = traceback.format_exc()
try:
    import top.utils._broken
except SyntaxError as error:
    broken = [error.filename, error.lineno]
try:
    import top.utils._missing
except ImportError as error:
    missing = str(error)
finders = [type(each).__name__ for each in sys.meta_path if type(each).__module__ == "top.utils._imports"]
source = importlib.util.find_spec("top.utils._subject.read").loader.get_source("top.utils._subject.read")
print(json.dumps({"compiled": compiled, "shown": shown, "broken": broken, "missing": missing, "finders": finders, "source": source}))
"""


def imported(tmp_path, way):
    archive = tmp_path / "payload.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in FILES.items():
            file.writestr(name, text)
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(archive), way], capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    answer["times"] = {name: answer["compiled"].count("%s/%s" % (archive, name)) for name in FILES}
    return archive, answer


def test_each_file_is_compiled_once(tmp_path):
    _archive, answer = imported(tmp_path, "once")
    times = answer["times"]
    assert (times["top/utils/_errors.py"], times["top/utils/_subject/read.py"], times["top/utils/_subject/__init__.py"]) == (1, 1, 1)
    assert answer["finders"] == ["_Finder"]


def test_the_rest_is_as_without(tmp_path):
    archive, once = imported(tmp_path, "once")
    _archive, plain = imported(tmp_path, "plain")
    assert once["shown"] == plain["shown"]
    assert "raise Refused('né')" in once["shown"]
    assert once["source"] == plain["source"] == FILES["top/utils/_subject/read.py"]
    assert once["broken"] == plain["broken"] == ["%s/top/utils/_broken.py" % archive, 1]
    assert once["missing"] == plain["missing"] == "No module named 'top.utils._missing'"
    assert once["times"]["top/other.py"] == plain["times"]["top/other.py"]
    assert plain["finders"] == []


def test_outside_of_a_zip_nothing_changes():
    before = list(sys.meta_path)
    _imports.compile_once()
    assert sys.meta_path == before
