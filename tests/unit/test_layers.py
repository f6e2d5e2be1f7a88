# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layers of CONTRIBUTING.md, checked on syntax trees: who may import whom, who may touch the machine, how long code may be.

pure <- read <- write <- apply <- checkpoint <- runner <- modules        plugin_utils <- filter

What is in plugin_utils has an order of its own, CONTROLLER.
"""

import ast
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = "ansible_collections.netops.listen_queue."

LAYERS = ("pure", "read", "write", "apply", "checkpoint", "runner", "modules")
READERS = {"read.py", "process.py"}
WRITERS = {"write.py", "control.py", "store.py", "durable.py", "lock.py", "deadline.py"}
CHECKPOINT = {"undo.py", "pack.py", "program.py", "session.py"}
# The folders and files of plugin_utils; each imports what stands before it.
CONTROLLER = tuple(
    "plain.py values.py text.py answer.py asking.py hosts.py programs rows rules judgement saved.py drift files.py judge.py report change".split()
)
TOP_LEVEL = {"_imports.py": "read", "_proc.py": "read", "_apply.py": "apply", "_runner.py": "runner"}
ONLY_WRITER = "plugins/module_utils/_files/durable.py"
REPORT_WRITER = "plugins/plugin_utils/files.py"  # on the controller, which has no need of a journal

# What pure code may use of the standard library: nothing here opens, asks or waits.
PURE_IMPORTS = set(
    "__future__ abc base64 binascii bisect calendar collections contextlib copy datetime difflib enum errno fnmatch functools "
    "hashlib heapq ipaddress itertools json math operator posixpath re statistics string struct sys textwrap typing".split()
)
PURE_CALLS_DENIED = {"open", "exec", "eval", "input", "print", "__import__"}
CLOCK_CALLS = {"now", "utcnow", "today"}
PURE_SYS = {"byteorder", "maxsize", "intern"}

OS_WRITES = set(
    "chmod chown fchmod fchown ftruncate lchown link makedirs mkdir mkfifo mknod remove removedirs removexattr rename renames "
    "replace rmdir setxattr symlink truncate unlink utime".split()
)
PATH_WRITES = {"write_text", "write_bytes", "touch"}
WRITING_MODULES = {"shutil", "tempfile"}
WRITE_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_APPEND", "O_TRUNC", "O_TMPFILE"}

MODULE_LINES, FUNCTION_LINES, FILE_LINES = 60, 40, 400
DOCUMENTATION_NAMES = {"DOCUMENTATION", "EXAMPLES", "RETURN", "ARGUMENT_SPEC"}
HEADER = (
    "# Copyright: (c) 2026, the netops.listen_queue authors",
    "# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)


def layer(path):
    """The layer of a file on the target side; None for the controller's files."""
    parts = Path(path).parts
    if parts[:2] == ("plugins", "modules"):
        return "modules"
    if parts[:2] != ("plugins", "module_utils"):
        return None
    if len(parts) == 3:
        return TOP_LEVEL.get(parts[2], "pure")
    if parts[2] == "_checkpoint" and parts[-1] in WRITERS | CHECKPOINT:
        return "checkpoint"
    return "read" if parts[-1] in READERS else "write" if parts[-1] in WRITERS else "pure"


def imports(tree, path):
    """(line, name) of everything imported, also inside functions; relative names are made absolute from the root."""
    folder = Path(path).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.removeprefix(PACKAGE)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(folder[: len(folder) - node.level + 1]) + "." if node.level else ""
            base += node.module or ""
            for alias in node.names:
                yield node.lineno, f"{base.rstrip('.')}.{alias.name}".removeprefix(PACKAGE)


def own_file(name, files):
    """The file of the collection that an imported name stands for: a.b.c is a/b/c.py or the name c in a/b.py."""
    parts = name.split(".")
    for end in (len(parts), len(parts) - 1):
        candidate = "/".join(parts[:end]) + ".py"
        if candidate in files:
            return candidate
    return None


def place(path):
    """The place of a file of plugin_utils in CONTROLLER; None elsewhere."""
    parts = Path(path).parts
    return CONTROLLER.index(parts[2]) if parts[:2] == ("plugins", "plugin_utils") else None


def controller_fault(path, target):
    """What is wrong with an import of the controller's code, or None."""
    if not (layer(target) == "pure" or "plugin_utils" in target):
        return f"controller code imports {target}; only plugin_utils and pure module_utils are allowed"
    if None not in (place(path), place(target)) and place(target) > place(path):
        return f"imports {target}, against the order of plugin_utils"
    return None


def import_faults(path, tree, files):
    mine = layer(path)
    for line, name in imports(tree, path):
        where = f"{path}:{line}"
        top = name.split(".")[0]
        if top != "plugins":
            if mine == "pure" and top not in PURE_IMPORTS:
                yield f"{where}: a pure file imports {top}"
            elif top == "ansible" and mine not in ("runner", None):
                yield f"{where}: only _runner.py imports ansible"
            continue
        target = own_file(name, files)
        if target is None:
            yield f"{where}: imports {name}, which is no file of the collection"
        elif mine is None:
            fault = controller_fault(path, target)
            if fault:
                yield f"{where}: {fault}"
        elif layer(target) is None:
            yield f"{where}: code for the target imports the controller's {target}"
        elif LAYERS.index(layer(target)) > LAYERS.index(mine):
            yield f"{where}: {mine} imports {layer(target)} ({target}), against the direction of the layers"


def reader_module_faults(trees):
    """Modules named *_facts and *_info import no writer, not even through others: they cannot change what they look at."""
    graph = {path: {own_file(name, trees) for _line, name in imports(tree, path)} - {None} for path, tree in trees.items()}
    for module in graph:
        if layer(module) == "modules" and module.endswith(("_facts.py", "_info.py")):
            seen, todo = set(), [module]
            while todo:
                path = todo.pop()
                seen.add(path)
                todo.extend(graph.get(path, set()) - seen)
            for path in sorted(seen):
                if layer(path) in ("write", "apply", "checkpoint"):
                    yield f"{module}: a module that only looks imports a writer ({path})"


def call_name(node):
    """('os', 'open') for os.open(...), (None, 'open') for open(...), ('?', 'read') for anything().read(...)."""
    if isinstance(node.func, ast.Name):
        return None, node.func.id
    if isinstance(node.func, ast.Attribute):
        return (node.func.value.id if isinstance(node.func.value, ast.Name) else "?"), node.func.attr
    return "?", "?"


def opens_for_writing(node, mode_position):
    modes = node.args[mode_position : mode_position + 1] + [k.value for k in node.keywords if k.arg == "mode"]
    return any(not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes)


def writes(node):
    owner, name = call_name(node)
    if (owner, name) == ("os", "open"):
        return bool({part.attr for arg in node.args for part in ast.walk(arg) if isinstance(part, ast.Attribute)} & WRITE_FLAGS)
    if (owner, name) in ((None, "open"), ("io", "open"), ("os", "fdopen")):
        return opens_for_writing(node, 1)
    if name == "open" and owner not in (None, "io", "os"):
        return opens_for_writing(node, 0)
    return (owner == "os" and name in OS_WRITES) or owner in WRITING_MODULES or name in PATH_WRITES


def call_faults(path, tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        owner, name = call_name(node)
        where = f"{path}:{node.lineno}"
        if layer(path) == "pure" and ((owner is None and name in PURE_CALLS_DENIED) or (owner == "datetime" and name in CLOCK_CALLS)):
            yield f"{where}: a pure file calls {name}()"
        elif path not in (ONLY_WRITER, REPORT_WRITER) and writes(node):
            yield f"{where}: {name}() writes to disk; only {ONLY_WRITER} may"


def sys_faults(path, tree):
    """Of sys, pure code may use what is a property of the machine code, not of the process."""
    for node in ast.walk(tree):
        used = set()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            used = {node.attr}
        elif isinstance(node, ast.ImportFrom) and node.module == "sys" and not node.level:
            used = {alias.name for alias in node.names}
        for name in sorted(used - PURE_SYS):
            yield f"{path}:{node.lineno}: a pure file uses sys.{name}"


def lines_of(node):
    return set(range(node.lineno, node.end_lineno + 1))


def documentation(tree):
    """The numbers of the lines that are docstrings, module documentation, argument specs and tables of data."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            found |= lines_of(node.body[0])
    for node in tree.body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
            continue
        names = {t.id for t in (node.targets if isinstance(node, ast.Assign) else [node.target]) if isinstance(t, ast.Name)}
        if names & DOCUMENTATION_NAMES or isinstance(node.value, (ast.Dict, ast.List, ast.Tuple, ast.Set)):
            found |= lines_of(node)
    return found


def size_faults(path, tree, source):
    documented = documentation(tree)
    lines = source.splitlines()
    if len(lines) - len(documented) > FILE_LINES:
        yield f"{path}: {len(lines) - len(documented)} lines, more than {FILE_LINES}"
    code = [n for n, text in enumerate(lines, 1) if n not in documented and text.strip() and not text.lstrip().startswith("#")]
    if layer(path) == "modules" and len(code) > MODULE_LINES:
        yield f"{path}: {len(code)} lines of code, more than {MODULE_LINES}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = len(lines_of(node) - documented)
            if length > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name}() has {length} lines, more than {FUNCTION_LINES}"


def syntax_faults(path, source):
    """Code for the target is Python 3.6; every file says whose it is."""
    if layer(path) is not None:
        try:
            ast.parse(source, feature_version=(3, 6))
        except SyntaxError as error:
            yield f"{path}:{error.lineno}: not Python 3.6: {error.msg}"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and (node.module, node.names[0].name) == ("__future__", "annotations"):
                yield f"{path}:{node.lineno}: not Python 3.6: from __future__ import annotations"
    if source.strip() and not all(line in source.splitlines()[:5] for line in HEADER):
        yield f"{path}: the licence header is missing"


def faults(root, folders=("plugins",)):
    paths = sorted(p for folder in folders for p in Path(root, folder).rglob("*.py"))
    sources = {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in paths}
    trees = {path: ast.parse(source) for path, source in sources.items()}
    found = []
    for path, tree in trees.items():
        found += syntax_faults(path, sources[path])
        found += size_faults(path, tree, sources[path])
        if path.startswith("plugins/"):
            found += import_faults(path, tree, trees)
            found += call_faults(path, tree)
        if layer(path) == "pure":
            found += sys_faults(path, tree)
    return found + list(reader_module_faults(trees))


@pytest.mark.parametrize("folder", ["plugins", "tools", "tests"])
def test_this_checkout_keeps_the_layers(folder):
    assert faults(ROOT, [folder]) == []


SOCKETS = "plugins/module_utils/_sockets/"
LONG = "def f():\n" + "    x = 1\n" * 40
CASES = {
    "pure_file_imports_os": ({SOCKETS + "inet_diag.py": "import os"}, "inet_diag.py:4: a pure file imports os"),
    "pure_file_imports_inside_a_function": ({SOCKETS + "a.py": "def f():\n    import socket"}, "a.py:5: a pure file imports socket"),
    "pure_file_opens": ({SOCKETS + "a.py": "open('x')"}, "a.py:4: a pure file calls open()"),
    "pure_file_reads_the_clock": ({SOCKETS + "a.py": "import datetime\ndatetime.now()"}, "a.py:5: a pure file calls now()"),
    "pure_file_writes_to_the_terminal": ({SOCKETS + "a.py": "import sys\nsys.stdout.write('x')"}, "a.py:5: a pure file uses sys.stdout"),
    "pure_imports_read": (
        {SOCKETS + "a.py": "from .read import x", SOCKETS + "read.py": "import os"},
        "a.py:4: pure imports read (plugins/module_utils/_sockets/read.py), against the direction of the layers",
    ),
    "read_imports_runner_absolutely": (
        {SOCKETS + "read.py": f"from {PACKAGE}plugins.module_utils._runner import x", "plugins/module_utils/_runner.py": ""},
        "read.py:4: read imports runner",
    ),
    "read_imports_ansible": ({SOCKETS + "read.py": "import ansible.module_utils.basic"}, "only _runner.py imports ansible"),
    "target_imports_controller": (
        {SOCKETS + "a.py": "from ...plugin_utils import text", "plugins/plugin_utils/text.py": ""},
        "code for the target imports the controller's plugins/plugin_utils/text.py",
    ),
    "controller_imports_reader": (
        {"plugins/plugin_utils/text.py": "from ..module_utils._sockets.read import x", SOCKETS + "read.py": ""},
        "controller code imports plugins/module_utils/_sockets/read.py",
    ),
    "controller_imports_upwards": (
        {"plugins/plugin_utils/rows/host.py": "from ..report.model import x", "plugins/plugin_utils/report/model.py": ""},
        "rows/host.py:4: imports plugins/plugin_utils/report/model.py, against the order of plugin_utils",
    ),
    "import_of_nothing": ({SOCKETS + "a.py": "from .gone import x"}, "imports plugins.module_utils._sockets.gone.x, which is no file"),
    "facts_module_reaches_a_writer": (
        {
            "plugins/modules/x_facts.py": "from ..module_utils._runner import run",
            "plugins/module_utils/_runner.py": "from ._apply import apply",
            "plugins/module_utils/_apply.py": "",
        },
        "x_facts.py: a module that only looks imports a writer (plugins/module_utils/_apply.py)",
    ),
    "write_by_open": ({SOCKETS + "read.py": "open('x', 'w')"}, "read.py:4: open() writes to disk"),
    "write_by_variable_mode": ({SOCKETS + "read.py": "open('x', mode=m)"}, "read.py:4: open() writes to disk"),
    "write_by_os_open": ({SOCKETS + "read.py": "import os\nos.open('x', os.O_RDONLY | os.O_CREAT)"}, "read.py:5: open() writes to disk"),
    "write_by_rename": ({SOCKETS + "read.py": "import os\nos.replace('x', 'y')"}, "read.py:5: replace() writes to disk"),
    "write_by_path": ({SOCKETS + "read.py": "p.write_text('x')"}, "read.py:4: write_text() writes to disk"),
    "write_by_shutil": ({"plugins/filter/f.py": "import shutil\nshutil.move('x', 'y')"}, "f.py:5: move() writes to disk"),
    "long_function": ({SOCKETS + "a.py": LONG}, "a.py:4: f() has 41 lines, more than 40"),
    "long_file": ({SOCKETS + "a.py": "x = 1\n" * 397}, "a.py: 401 lines, more than 400"),
    "fat_module": ({"plugins/modules/m.py": "x = 1\n" * 61}, "m.py: 61 lines of code, more than 60"),
    "walrus_on_the_target": ({SOCKETS + "a.py": "if (x := 1):\n    pass"}, "a.py:4: not Python 3.6"),
    "new_annotations_on_the_target": ({SOCKETS + "a.py": "from __future__ import annotations"}, "a.py:4: not Python 3.6"),
}
QUIET = {
    "same_layer": {SOCKETS + "read.py": "from .._proc import P\nimport os", "plugins/module_utils/_proc.py": "import os"},
    "only_writer_writes": {ONLY_WRITER: "import os\nos.rename('x', 'y')\nopen('x', 'wb')"},
    "reading": {SOCKETS + "read.py": "import os\nopen('x', 'rb')\nos.open('x', os.O_RDONLY)\n'a'.replace('x', 'y')\np.open('r')"},
    "filter_to_pure": {"plugins/filter/f.py": "from ..module_utils._sockets.model import x", SOCKETS + "model.py": ""},
    "byte_order": {SOCKETS + "a.py": "import sys\nfrom sys import byteorder\nsys.byteorder"},
    "table_of_data": {SOCKETS + "a.py": "T = (\n" + "    1,\n" * 500 + ")"},
    "long_docstring": {SOCKETS + "a.py": 'def f():\n    """x\n' + "    x\n" * 500 + '    """'},
    "documented_module": {"plugins/modules/m.py": 'DOCUMENTATION = r"""\n' + "x\n" * 500 + '"""'},
}


def make_tree(root, files, header=HEADER):
    for name, body in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in header) + textwrap.dedent(body) + "\n", encoding="utf-8")
    return root


@pytest.mark.parametrize("files, message", CASES.values(), ids=CASES)
def test_fault_is_caught(tmp_path, files, message):
    assert [fault for fault in faults(make_tree(tmp_path, files)) if message in fault], faults(tmp_path)


@pytest.mark.parametrize("files", QUIET.values(), ids=QUIET)
def test_sound_tree_is_quiet(tmp_path, files):
    assert faults(make_tree(tmp_path, files)) == []


def test_missing_header_is_caught(tmp_path):
    make_tree(tmp_path, {SOCKETS + "a.py": "x = 1"}, header=())
    assert faults(tmp_path) == [f"{SOCKETS}a.py: the licence header is missing"]
