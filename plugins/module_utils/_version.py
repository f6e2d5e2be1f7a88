# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's version as the target knows it: galaxy.yml does not travel with a module (a test keeps both equal)."""

VERSION = "0.1.0"
