# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that say which configuration is meant, and how long it may take, checked before anything is done with them."""

from .._errors import InputError

NOT_ABSOLUTE = "config: %r is not an absolute path without `..`%s"
WITH_PREFIX = "; give the prefix that it belongs to"
AS_NAMED = "; name it as nginx inside root does"


def chosen_path(parameters):
    """Return the path of the option ``config`` inside ``root``, below ``prefix`` when there is one; None when it is not given.

    Raises InputError for what would mean another file in another working directory or root.
    """
    root, config, prefix = parameters["root"], parameters["config"], parameters.get("prefix")
    if not root.startswith("/"):
        raise InputError("root: %r is not an absolute path" % root)
    if config is None:
        return None
    path = prefix.rstrip("/") + "/" + config if prefix and config and not config.startswith("/") else config
    if not path.startswith("/") or ".." in path.split("/") or "\0" in path:
        lacks_prefix = "prefix" in parameters and not prefix and not path.startswith("/")
        raise InputError(NOT_ABSOLUTE % (config, WITH_PREFIX if lacks_prefix else AS_NAMED))
    return path


def seconds(parameters, name):
    """Return the number of an option that is a time limit. Raises InputError."""
    if parameters[name] < 1:
        raise InputError("%s must be at least 1 second, not %d" % (name, parameters[name]))
    return parameters[name]
