# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
import os

from ansible_collections.netops.listen_queue.plugins.module_utils._nginx_survey.read import identity


def test_identity_of_a_file_in_a_root(tmp_path):
    (tmp_path / "nginx.conf").write_text("")
    status = os.stat(str(tmp_path / "nginx.conf"))
    assert identity(str(tmp_path), "/nginx.conf") == (status.st_dev, status.st_ino)


def test_no_identity_without_file_root_or_process(tmp_path):
    assert identity(str(tmp_path), "/none") is None
    assert identity(str(tmp_path / "none"), "/") is None
    assert identity(None, "/nginx.conf") is None, "the process of the root has ended"
