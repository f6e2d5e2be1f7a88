# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs the undo program: the sources of the modules that it needs, as they are loaded here, in a zip file that Python runs.

The sources may be files, or lie in the zip file that Ansible sends to a host: the loader of a module knows.
"""

import ast
import importlib.util
import io
import zipfile

PACKAGE = "netops_listen_queue"
START = "_checkpoint.program"
MAIN = "import sys\n\nfrom %s.%s import main\n\nsys.exit(main(sys.argv))\n" % (PACKAGE, START)
WHEN = (1980, 1, 1, 0, 0, 0)  # equal sources make equal bytes


def packed():
    """Return the bytes of the undo program."""
    from . import program  # noqa: F401 -- nothing calls it here, but Ansible sends only what is imported somewhere

    base = __name__.rsplit(".", 2)[0]
    sources = _closure(base, START)
    folders = {""} | {name.rpartition(".")[0] for name in sources}
    files = {"__main__.py": MAIN}
    files.update(("/".join([PACKAGE] + folder.split(".") * bool(folder) + ["__init__.py"]), "") for folder in folders)
    files.update(("%s/%s.py" % (PACKAGE, name.replace(".", "/")), source) for name, source in sources.items())
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", _compression()) as archive:
        for name in sorted(files):
            information = zipfile.ZipInfo(name, WHEN)
            information.compress_type = _compression()
            archive.writestr(information, files[name].encode("utf-8"))
    return result.getvalue()


def _compression():
    try:
        import zlib  # noqa: F401 -- Python may have been built without it
    except ImportError:
        return zipfile.ZIP_STORED
    return zipfile.ZIP_DEFLATED


def _closure(base, start):
    """Return ``{name below base: source}`` of a module and of all that it imports from there, now or later."""
    sources, todo = {}, [start]
    while todo:
        name = todo.pop()
        if name not in sources:
            sources[name] = _source(base, name)
            todo += [found for found in _imports(sources[name], name) if found not in sources and _spec(base, found) is not None]
    return sources


def _spec(base, name):
    try:
        spec = importlib.util.find_spec(base + "." + name)
    except (ImportError, AttributeError):  # above it is a module and no package: the name is one of its names
        return None
    return spec if spec is not None and hasattr(spec.loader, "get_source") and not spec.submodule_search_locations else None


def _source(base, name):
    return _spec(base, name).loader.get_source(base + "." + name)


def _imports(source, name):
    """Yield the names below the package that a source might import."""
    parts = name.split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = parts[: len(parts) - node.level] + (node.module.split(".") if node.module else [])
            if above:
                yield ".".join(above)
            for alias in node.names:
                yield ".".join(above + [alias.name])
