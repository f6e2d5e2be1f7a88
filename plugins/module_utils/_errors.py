# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that end a module run. Each message is one sentence: what is wrong, where, and what to do."""


class ListenQueueError(Exception):
    """Base of all errors that a user may see."""


def sentence_of(error):
    """Return an OSError as a sentence: what the system said, and about which file."""
    return "%s%s" % (error.strerror or error, "" if error.filename is None else " (%s)" % error.filename)


class InputError(ListenQueueError):
    """An option has a value that makes no sense; nothing was done."""


class ReadError(ListenQueueError):
    """The machine could not be read."""


class AnswerError(ReadError):
    """The kernel's answer is cut short or malformed, so nothing of it may be used."""


class AnswerInterrupted(AnswerError):
    """The kernel says that its table changed during the dump (NLM_F_DUMP_INTR): ask again."""


class KernelRefused(ReadError):
    """The kernel answered with an error number.

    ``number`` is the errno (positive).
    """

    def __init__(self, message, number):
        super().__init__(message)
        self.number = number


class NamespaceLost(ListenQueueError):
    """The way back into the module's own network namespace failed: everything read from here on would be wrong."""


class ConfigError(ReadError):
    """A configuration file cannot be understood; the message begins with ``file:line``."""


class WriteError(ListenQueueError):
    """The machine could not be changed; what was there before is there still, unless the sentence says otherwise."""


class Conflict(WriteError):
    """Somebody else changed the same thing meanwhile; theirs was kept."""


class Busy(WriteError):
    """Another run of the collection is changing this machine."""


class JournalError(ReadError):
    """The journal of a checkpoint is torn, or of a version that is not known here; nothing may be concluded from it."""


class JournalVersion(JournalError):
    """The journal was written by another version of the collection, which alone knows what it means."""
