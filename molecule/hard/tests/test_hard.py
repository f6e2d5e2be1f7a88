# Copyright: (c) 2026, the netops.listen_queue authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test has a port and files of its own, and begins with sockets that the cap has cut."""

import re
import subprocess

import pytest
from bench import journal, limits, name_of, play, playbook, wait_until, write

TESTED_BY = {"admin": "private_mounts", "plain": "shadow_includes"}
OLD_KERNEL = "/usr/local/bin/python3-on-linux-2.6"


def serve(host, port, text):
    """Let nginx have a site in a file of its own, with a cap of 128; return the file."""
    path = "/etc/nginx/conf.d/port-%d.conf" % port
    host.check_output("sysctl -qw net.core.somaxconn=128")
    write(host, path, text)
    host.check_output("systemctl reload nginx")
    wait_until(lambda: limits(host, port) != [])
    return path


def tune(host, *arguments, **given):
    return playbook("tune", *arguments, target=name_of(host), reason="the sale", **given)


def cap(host):
    return int(host.check_output("sysctl -n net.core.somaxconn"))


def test_wildcard_beside_an_address(host):
    """The options of the wildcard's socket are those of its own directive; nginx -t accepts them at the other one, where they do nothing."""
    path = serve(host, 7001, "server { listen 7001; }\nserver { listen 127.0.0.1:7001; server_name inner; }\n")
    run = tune(host, "-v", backlog_tune_listens=[{"listen": 7001, "backlog": 5000}])
    assert run.code == 0, run.output
    assert (limits(host, 7001), cap(host)) == ([5000], 6000)
    assert host.file(path).content_string == "server { listen 7001 backlog=5000; }\nserver { listen 127.0.0.1:7001; server_name inner; }\n"
    assert set(re.findall(r'"tested_by": "(\w+)"', run.output)) == {TESTED_BY[name_of(host)]}


@pytest.mark.only("plain")
def test_address_beside_a_wildcard(host):
    run = tune(host, backlog_tune_listens=[{"listen": "127.0.0.1:7001", "backlog": 600}])
    assert run.code == 2 and "0.0.0.0:7001" in run.output, run.output
    assert limits(host, 7001) == [5000]


@pytest.mark.only("admin")
def test_reuseport_with_more_workers(host):
    """The number stays, so a reload leaves the old sockets at the old cap, and gives the new workers new ones."""
    host.check_output("sed -i 's/^worker_processes .*/worker_processes 2;/' /etc/nginx/nginx.conf")
    serve(host, 7002, "server { listen 7002 reuseport backlog=3000; }")
    assert limits(host, 7002) == [128, 128]
    host.check_output("sed -i 's/^worker_processes .*/worker_processes 4;/' /etc/nginx/nginx.conf")
    run = tune(host, backlog_tune_listens=[{"listen": 7002, "backlog": 3000}])
    assert run.code == 0, run.output
    assert limits(host, 7002) == [3000] * 4


@pytest.mark.only("admin")
def test_nginx_in_another_network_namespace(host):
    """As in a container: the file that it was started with is in a mount namespace of its own, too."""
    conf = "pid /run/blue.pid; error_log /var/log/nginx/blue.log; events {} http { access_log off; server { listen 7003; } server { listen 7013; } }"
    write(host, "/run/blue.conf", conf)
    host.check_output("sysctl -qw net.core.somaxconn=128 && ip netns add blue")
    inside = "ip netns exec blue "
    started = "sh -c 'mount -t tmpfs none /mnt && cp /run/blue.conf /mnt && nginx -c /mnt/blue.conf'"
    for command in ("ip link set lo up", "sysctl -qw net.core.somaxconn=128", started):
        host.check_output(inside + command)
    root = "/proc/%s/root" % host.check_output("cat /run/blue.pid")
    workers_outside = host.check_output("pgrep -P $(cat /run/nginx.pid)")
    given = {"backlog_tune_config": "/mnt/blue.conf", "backlog_tune_root": root, "backlog_tune_netns": "blue"}
    run = tune(host, backlog_tune_listens=[{"listen": 7003, "backlog": 5000}], backlog_tune_sockets=[{"listen": "0.0.0.0:7013", "backlog": 4000}], **given)
    assert run.code == 0 and "boot_sysctl" not in run.output, run.output
    assert [host.check_output(inside + "ss -4Hltn sport = :%d" % port).split()[2] for port in (7003, 7013)] == ["5000", "4000"]
    assert host.check_output("pgrep -P $(cat /run/nginx.pid)") == workers_outside
    assert "listen 7003 backlog=5000; } server { listen 7013; }" in host.check_output("cat %s/mnt/blue.conf", root)
    assert (host.check_output(inside + "sysctl -n net.core.somaxconn"), cap(host)) == ("6000", 128)


@pytest.mark.only("plain")
def test_sysctl_that_a_later_file_sets_too(host):
    assert tune(host).code == 0
    write(host, "/etc/sysctl.d/zz-vendor.conf", "net.core.somaxconn = 1024\n")
    serve(host, 7004, "server { listen 7004; }")
    wanted = {"backlog_tune_listens": [{"listen": 7004, "backlog": 5000}]}
    run = tune(host, **wanted)
    assert run.code == 2 and "/etc/sysctl.d/zz-vendor.conf:1" in run.output, run.output
    assert (limits(host, 7004), cap(host)) == ([128], 128)
    run = tune(host, backlog_tune_on_conflict="report", **wanted)
    assert run.code == 0 and "boot_sysctl" not in run.output, run.output
    assert (limits(host, 7004), cap(host)) == ([5000], 6000)
    host.check_output("systemctl restart systemd-sysctl")
    assert cap(host) == 1024
    run = tune(host, backlog_tune_on_conflict="override", **wanted)
    assert run.code == 0, run.output
    host.check_output("systemctl restart systemd-sysctl")
    assert (limits(host, 7004), cap(host)) == ([5000], 6000)
    assert host.file("/etc/sysctl.d/zz-vendor.conf").content_string == "net.core.somaxconn = 1024\n"


@pytest.mark.only("plain")
def test_larger_cap_stays_and_sockets_are_set_without_a_reload(host):
    serve(host, 7007, "server { listen 7007 backlog=5000; }")
    host.check_output("sysctl -qw net.core.somaxconn=8000")
    workers = host.check_output("pgrep -P $(cat /run/nginx.pid)")
    run = tune(host, backlog_tune_listens=[{"listen": 7007, "backlog": 5000}])
    assert run.code == 0, run.output
    assert (limits(host, 7007), cap(host)) == ([5000], 8000)
    assert host.check_output("pgrep -P $(cat /run/nginx.pid)") == workers
    assert tune(host, backlog_tune_at_least=False).code == 0
    assert cap(host) == 6000


@pytest.mark.only("plain")
def test_parameters_are_removed_and_each_worker_gets_a_queue(host):
    path = serve(host, 7008, "server { listen 7008 backlog=600; }\nserver { listen 7018; }\n")
    run = tune(host, backlog_tune_listens=[{"listen": 7008, "state": "absent"}, {"listen": 7018, "backlog": 700, "reuseport": True}])
    assert run.code == 0, run.output
    assert host.file(path).content_string == "server { listen 7008; }\nserver { listen 7018 backlog=700 reuseport; }\n"
    assert set(limits(host, 7008)) == {511} and set(limits(host, 7018)) == {700}


@pytest.mark.only("plain")
def test_roles_without_a_checkpoint(host, tmp_path):
    """The role for nginx proves by itself what it was asked for; without the other role the cap cuts it."""
    path = serve(host, 7009, "server { listen 7009; }")
    role = {"role": "netops.listen_queue.backlog_nginx", "backlog_nginx_listens": [{"listen": 7009, "backlog": 5000}], "backlog_nginx_timeout": 1}
    run = play(tmp_path, name_of(host), {"roles": [role]})
    assert run.code == 2 and "this does not hold: the limit of 0.0.0.0:7009 is " in run.output, run.output
    assert host.file(path).content_string == "server { listen 7009 backlog=5000; }"
    more = {"role": "netops.listen_queue.backlog_sysctl", "backlog_sysctl_values": {"net.core.somaxconn": 6000}}
    run = play(tmp_path, name_of(host), {"roles": [more, role]})
    assert run.code == 0, run.output
    assert (limits(host, 7009), cap(host)) == ([5000], 6000)


@pytest.mark.only("plain")
def test_certificate_that_is_swapped_after_the_test(host, tmp_path):
    """nginx -t and the signal both end well; nginx refuses the reload and tells it to its log alone."""
    pair = ["-keyout", tmp_path / "key", "-out", tmp_path / "certificate"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=shop", *pair], check=True, capture_output=True)
    good = (tmp_path / "key").read_text() + (tmp_path / "certificate").read_text()
    write(host, "/etc/nginx/shop.pem", good)
    path = serve(host, 7005, "server { listen 7005 ssl; ssl_certificate shop.pem; ssl_certificate_key shop.pem; }")
    before = host.file(path).content_string
    host.check_output("systemd-run --collect sh -c 'until grep -q backlog=5000 %s; do sleep 0.01; done; echo garbage > /etc/nginx/shop.pem'" % path)
    run = tune(host, backlog_tune_listens=[{"listen": 7005, "backlog": 5000}])
    assert run.code == 2 and "still runs with its old configuration" in run.output and "shop.pem" in run.output, run.output
    assert (host.file(path).content_string, limits(host, 7005), cap(host)) == (before, [128], 128)
    write(host, "/etc/nginx/shop.pem", good)
    assert playbook("rollback", target=name_of(host), reason="the certificate is good again").code == 0
    assert journal(host)[-1]["state"] == "rolled_back"


@pytest.mark.only("plain")
def test_restart_only_where_it_is_allowed(host):
    """Before Linux 5.6 nobody else can set the backlog of a socket, and a reload does not where the number stays."""
    write(host, OLD_KERNEL, '#!/bin/sh\nexec setarch --uname-2.6 /usr/bin/python3 "$@"\n')
    host.check_output("chmod 755 " + OLD_KERNEL)
    serve(host, 7006, "server { listen 7006 backlog=5000; }")
    given = {"ansible_python_interpreter": OLD_KERNEL, "backlog_tune_listens": [{"listen": 7006, "backlog": 5000}]}
    run = tune(host, **given)
    assert run.code == 2 and "Only a restart of nginx helps here (the limit is 128 and should be 5000" in run.output, run.output
    assert (limits(host, 7006), cap(host)) == ([128], 128)
    master = host.check_output("cat /run/nginx.pid")
    write(host, "/etc/systemd/system/web.service", "[Service]\nExecStart=systemctl restart nginx\nExecStartPost=touch /run/web\nType=oneshot\n")
    host.check_output("systemctl daemon-reload")
    run = tune(host, backlog_tune_restart="allowed", backlog_tune_service="web", **given)
    assert run.code == 0 and host.file("/run/web").exists, run.output
    assert (limits(host, 7006), cap(host)) == ([5000], 6000)
    assert host.check_output("cat /run/nginx.pid") != master
    assert tune(host, **given).recap()[name_of(host)]["changed"] == 0


@pytest.mark.only("plain")
def test_what_does_not_hold_any_more_fails_the_topic_of_a_play(host, tmp_path):
    undone = "sysctl -qw net.ipv4.tcp_max_syn_backlog=100; rm /etc/sysctl.d/*listen-queue*"
    role = {"ansible.builtin.import_role": {"name": "netops.listen_queue.backlog_tune"}}
    given = {"backlog_tune_reason": "the sale", "backlog_tune_timeout": 1, "backlog_tune_sysctls": {"net.ipv4.tcp_max_syn_backlog": 5900}}
    tasks = [role, {"ansible.builtin.shell": undone, "notify": "verify listen queues"}]
    run = play(tmp_path, name_of(host), {"vars": given, "tasks": tasks})
    assert run.code == 2, run.output
    assert "tcp_max_syn_backlog is 100 and not 5900" in run.output and "nothing sets net.ipv4.tcp_max_syn_backlog at boot" in run.output, run.output
