# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Framing: recorded dumps, whole and cut, and what a kernel may answer instead of rows."""

import errno
import struct

import pytest
from ansible_collections.netops.listen_queue.plugins.module_utils._errors import AnswerError, AnswerInterrupted, KernelRefused, ReadError
from ansible_collections.netops.listen_queue.plugins.module_utils._sockets import netlink
from ansible_collections.netops.listen_queue.tests.unit.plugins.module_utils.support import (
    HEADER,
    KINDS,
    SEQUENCE,
    attribute,
    boundaries,
    datagrams,
    done,
    error,
    message,
    receiver,
)
from hypothesis import example, given
from hypothesis import strategies as st

ROWS = {
    "listen_v4": 14, "listen_v4_empty": 0, "listen_v4_many": 164, "listen_v6": 8, "listen_v6_empty": 0, "listen_unix": 5,
    "syn_recv_v4": 10, "syn_recv_v6": 4,
}  # fmt: skip
SMALL = [name for name in ROWS if name != "listen_v4_many"]
ROW = message(20, b"row-")


def collect(parts):
    return list(netlink.dump_payloads(receiver(parts), SEQUENCE, KINDS))


@pytest.mark.parametrize("situation", ROWS)
def test_recorded_dump_is_complete(situation):
    assert len(collect(datagrams(situation))) == ROWS[situation]


@pytest.mark.parametrize("situation", SMALL)
def test_dump_cut_at_every_byte_is_an_error(situation):
    parts = datagrams(situation)
    for index, part in enumerate(parts):
        for cut in range(len(part)):
            with pytest.raises(AnswerError):
                collect([*parts[:index], part[:cut]])


@pytest.mark.parametrize("situation", SMALL)
def test_datagram_cut_inside_a_message_before_whole_ones_is_an_error(situation):
    parts = datagrams(situation)
    for index, part in enumerate(parts):
        for cut in set(range(1, len(part))) - set(boundaries(part)):
            with pytest.raises(AnswerError):
                collect([*parts[:index], part[:cut], *parts[index + 1 :]])


@pytest.mark.parametrize("situation", ROWS)
def test_dump_split_at_every_message_is_the_same(situation):
    parts = datagrams(situation)
    whole = collect(parts)
    pieces = [part[start:end] for part in parts for start, end in zip(boundaries(part), boundaries(part)[1:], strict=False)]
    assert collect(pieces) == whole
    assert collect([b"".join(parts)]) == whole
    for cut in range(1, len(pieces)):
        assert collect([b"".join(pieces[:cut]), b"".join(pieces[cut:])]) == whole


BROKEN = {
    "nothing": ([], "the netlink answer ends before its last message; run again"),
    "no_end": ([ROW], "the netlink answer ends before its last message; run again"),
    "end_in_next_datagram_missing": ([ROW, b""], "the netlink answer ends before its last message; run again"),
    "header_cut": ([ROW + ROW[:7]], "the netlink answer is cut short in a message header (7 of 16 bytes)"),
    "length_0": ([message(20, b"row-", length=0)], "a netlink message claims 0 bytes where 20 are left"),
    "length_15": ([message(20, b"row-", length=15)], "a netlink message claims 15 bytes where 20 are left"),
    "length_one_too_many": ([message(20, b"row-", length=21)], "a netlink message claims 21 bytes where 20 are left"),
    "length_2_to_31": ([message(20, b"row-", length=1 << 31)], "a netlink message claims 2147483648 bytes where 20 are left"),
    "length_2_to_32_less_1": ([message(20, length=(1 << 32) - 1)], "a netlink message claims 4294967295 bytes where 16 are left"),
    "done_with_length_0": ([ROW, message(3, b"\0\0\0\0", length=0)], "a netlink message claims 0 bytes where 20 are left"),
    "foreign_sequence": ([message(20, sequence=6) + done()], "the netlink answer belongs to request 6, not to 7; run again"),
    "foreign_end": ([ROW, done(sequence=8)], "the netlink answer belongs to request 8, not to 7; run again"),
    "unexpected_type": ([message(21) + done()], "the netlink answer holds an unexpected message of type 21; report this kernel's version"),
    "overrun_message": ([message(4)], "the netlink answer holds an unexpected message of type 4; report this kernel's version"),
    "done_without_result": ([ROW, message(3)], "the netlink answer's last message is cut short (0 bytes)"),
    "error_cut_short": ([message(2, b"\xff\xff\xff")], "the netlink answer's last message is cut short (3 bytes)"),
    "acknowledged_instead": ([error(0)], "the kernel acknowledged the dump request instead of answering it; run again"),
}  # fmt: skip


@pytest.mark.parametrize("parts, sentence", BROKEN.values(), ids=BROKEN)
def test_broken_answer(parts, sentence):
    with pytest.raises(AnswerError) as caught:
        collect(parts)
    assert str(caught.value) == sentence


REFUSED = {
    "EPERM": ([error(errno.EPERM)], errno.EPERM),
    "ENOENT_as_recorded": (datagrams("refused_family"), errno.ENOENT),
    "error_after_rows": ([ROW, error(errno.EINVAL)], errno.EINVAL),
    "done_carries_an_error": ([ROW, done(-errno.ENOMEM)], errno.ENOMEM),
    "interrupted_and_refused": ([message(20, flags=0x12), done(-errno.ENOMEM)], errno.ENOMEM),
}


@pytest.mark.parametrize("parts, number", REFUSED.values(), ids=REFUSED)
def test_kernel_refuses(parts, number):
    with pytest.raises(KernelRefused) as caught:
        collect(parts)
    assert (caught.value.number, str(caught.value)) == (number, f"the kernel refused the socket dump with errno {number}")


INTERRUPTED = {
    "first_row": [message(20, flags=0x12), ROW, done()],
    "last_row": [ROW, message(20, flags=0x12) + done()],
    "only_the_end": [ROW, done(flags=0x12)],
    "no_rows": [done(flags=0x12)],
}


@pytest.mark.parametrize("parts", INTERRUPTED.values(), ids=INTERRUPTED)
def test_table_changed_during_the_dump(parts):
    with pytest.raises(AnswerInterrupted, match=r"^the kernel's socket table changed during the dump; run again$"):
        collect(parts)


def test_interrupted_dump_is_read_to_its_end():
    rest = [message(20, flags=0x12), ROW, done(), b"next answer"]
    with pytest.raises(AnswerInterrupted):
        list(netlink.dump_payloads(lambda: rest.pop(0), SEQUENCE, KINDS))
    assert rest == [b"next answer"]


def test_positive_result_of_done_is_no_error():
    assert collect([ROW, done(5)]) == [b"row-"]


def test_rows_of_old_and_new_type_are_both_taken():
    assert collect([message(18, b"old-") + message(20, b"new-"), done()]) == [b"old-", b"new-"]


@given(st.lists(st.binary(max_size=64), max_size=4))
@example([b"\x10" + b"\0" * 15])
def test_random_bytes_never_become_rows_without_an_end(parts):
    with pytest.raises(ReadError):
        list(netlink.dump_payloads(receiver(parts), 0x01020304, KINDS))


ATTRIBUTES = {
    "none": (b"", {}),
    "one": (attribute(7, b"abcd"), {7: b"abcd"}),
    "unknown_kept": (attribute(7, b"abcd") + attribute(999, b"xyz"), {7: b"abcd", 999: b"xyz"}),
    "empty_value": (attribute(3, b""), {3: b""}),
    "padding_of_the_last_missing": (attribute(7, b"ab")[:-2], {7: b"ab"}),
    "nested_flag": (attribute(0x8000 | 7, b"abcd"), {7: b"abcd"}),
    "byte_order_flag": (attribute(0x4000 | 7, b"abcd"), {7: b"abcd"}),
}


@pytest.mark.parametrize("data, found", ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes(data, found):
    assert netlink.attributes(b"HEAD" + data, 4) == found


BROKEN_ATTRIBUTES = {
    "header_cut": (b"\x08\0\7", "a netlink message ends inside an attribute header (3 bytes left over)"),
    "length_0": (struct.pack("=HH", 0, 7), "a netlink attribute claims 0 bytes where 4 are left"),
    "length_3": (struct.pack("=HH", 3, 7), "a netlink attribute claims 3 bytes where 4 are left"),
    "value_cut": (attribute(7, b"abcd")[:-1], "a netlink attribute claims 8 bytes where 7 are left"),
    "length_65535": (struct.pack("=HH", 65535, 7) + b"abcd", "a netlink attribute claims 65535 bytes where 8 are left"),
}


@pytest.mark.parametrize("data, sentence", BROKEN_ATTRIBUTES.values(), ids=BROKEN_ATTRIBUTES)
def test_broken_attributes(data, sentence):
    with pytest.raises(AnswerError) as caught:
        netlink.attributes(b"HEAD" + data, 4)
    assert str(caught.value) == sentence


def test_request_is_a_dump_of_everything():
    assert HEADER.unpack_from(netlink.dump_request(20, 9, b"12345678")) == (24, 20, 0x301, 9, 0)


def test_layout_packs_by_name():
    layout = netlink.Layout("pair", (("first", "B"), ("second", "I")))
    assert (layout.size, layout.pack(second=1), layout.index("second", "first")) == (5, b"\0" + struct.pack("=I", 1), (1, 0))
    with pytest.raises(KeyError, match="pair has no field third"):
        layout.pack(third=1)
