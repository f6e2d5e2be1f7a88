# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses /proc/net/netstat and /proc/net/snmp: pairs of a header line and a value line per group.

Source: net/ipv4/proc.c (netstat_seq_show, snmp_seq_show). Columns come and go between kernels, so values are paired
with names by position inside one group and looked up by name only.
"""


def parse_counters(data, wanted=None):
    """Return ``({(group, name): int or None}, [sentence])``.

    ``wanted`` (frozenset) limits the result to these (group, name) keys; ``None`` takes all. A group whose lines do not pair up is
    left out whole, because no value of it can be trusted; a value that is no number is ``None``. Both give a sentence.
    """
    lines = data.split(b"\n")
    complete = lines.pop() == b""  # the kernel ends every line: without the last newline the last line is cut short
    values, problems, header = {}, [], None
    for number, line in enumerate(lines):
        group, colon, rest = line.partition(b":")
        if not colon:
            problems.append("line %d has no group name" % (number + 1))
        elif header is None or header[0] != group:
            if header is not None:
                problems.append("group %s has no values" % _text(header[0]))
            header = (group, rest)
        else:
            problems += _pair(values, _text(group), header[1], rest.split(), wanted)
            header = None
    if header is not None:
        problems.append("group %s has no values" % _text(header[0]))
    if not complete:
        problems.append("the last line is cut short")
    return values, problems


def _pair(values, group, header, numbers, wanted):
    size, columns = _columns(group, header, wanted)
    if size != len(numbers):
        return ["group %s has %d names and %d values" % (group, size, len(numbers))]
    problems = []
    for position, key in columns:
        number = numbers[position]
        if number.isdigit() or number[:1] == b"-" and number[1:].isdigit():  # int() alone would take 1_0
            values[key] = int(number)
        else:
            values[key] = None
            problems.append("%s.%s is %r, not a number" % (key + (_text(number),)))
    return problems


_COLUMNS = {}


def _columns(group, header, wanted):
    # All namespaces of a kernel have the same header lines, so each is looked at once: (number of names, [(position, key)]).
    known = _COLUMNS.get((group, header, wanted))
    if known is None:
        keys = [(group, _text(name)) for name in header.split()]
        columns = [(position, key) for position, key in enumerate(keys) if wanted is None or key in wanted]
        known = _COLUMNS[group, header, wanted] = (len(keys), columns)
    return known


def _text(raw):
    return raw.decode("ascii", "backslashreplace")
