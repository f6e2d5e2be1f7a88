#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs inside the root file system of a test host while its image is made.
set -eu

# The hosts may write /proc/sys, and only net.* is theirs alone: everything else belongs to the machine they run on.
mkdir -p /etc/systemd/system/systemd-sysctl.service.d
cat >/etc/systemd/system/systemd-sysctl.service.d/only-net.conf <<EOF
[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-sysctl --prefix=/net
EOF

# Hosts are made within a second and are gone after a minute: nothing is to happen by itself.
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer motd-news.timer \
    console-getty.service getty.target systemd-resolved.service systemd-networkd.service systemd-networkd-wait-online.service \
    systemd-timesyncd.service systemd-udevd.service systemd-logind.service systemd-udev-trigger.service systemd-journal-flush.service; do
    ln -sf /dev/null "/etc/systemd/system/$unit"
done
mkdir -p /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\n' >/etc/systemd/journald.conf.d/volatile.conf

# People log in as a user of their own and become root. sshd answers on standard input (sshd -i) and wants its directory.
useradd --create-home --shell /bin/bash netops
printf 'netops ALL=(ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/netops
chmod 0440 /etc/sudoers.d/netops
mkdir -p /home/netops/.ssh
chown netops: /home/netops/.ssh
chmod 0700 /home/netops/.ssh
printf 'd /run/sshd 0755 root root -\n' >/etc/tmpfiles.d/sshd.conf
ssh-keygen -A

ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
: >/etc/machine-id
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
