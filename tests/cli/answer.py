#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""answer.py FOLDER GROUP...: a folder per group in FOLDER, with a status socket per name.

A group is names joined by +, and a name is a kind of answer. Prints one line once all of them
listen, and ends when its standard input does.
"""
import copy
import json
import os
import socket
import sys
import threading
import time

PEER = {
    "id": 7, "remote": "192.0.2.1:1194", "vpn_ipv4": "10.8.0.2", "vpn_ipv6": "fd08::2",
    "cipher": "AES-256-GCM", "key_id": 1, "key_age_s": 150, "keepalive_interval_s": 10,
    "keepalive_timeout_s": 60, "last_received_s": -1, "rx_bytes": 12345678, "tx_bytes": 1,
    "rx_packets": 5, "tx_packets": 6, "link_rx_bytes": 7, "link_tx_bytes": 8,
    "link_rx_packets": 9, "link_tx_packets": 10,
}
DEVICE = {
    "name": "tun0", "ifindex": 5, "mode": "mp", "mtu": 1500, "udp_sockets": 3,
    "offloads": {"tun_tso": True, "tun_uso": False, "udp_gso": True, "udp_gro": True},
    "peers": [PEER], "drops": {"rx_replay": 3, "rx_late": 0},
}
PROCESS = {
    "pid": 12, "command": "openvpn", "version": "12.34.56", "active": True, "reason": "",
    "abi": "ovpn-dco-v2", "workers": 2,
    "threads": [{"name": "opendco/0", "filtered": True, "reason": ""},
                {"name": "opendco-house", "filtered": True, "reason": ""}],
    "keys_locked": True, "devices": [DEVICE],
    "drops": {"rx_ctrl_queue": 1, "rx_replay": 3, "rx_late": 0},
}


def changed(*path_and_value):
    """The process object with the member at that path replaced."""
    *path, last, value = path_and_value
    process = copy.deepcopy(PROCESS)
    place = process
    for step in path:
        place = place[step]
    place[last] = value
    return process


def without(*path):
    process = copy.deepcopy(PROCESS)
    place = process
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return process


def crowd(count):
    return changed("devices", 0, "peers", [dict(PEER, id=i) for i in range(count)])


ANSWERS = {
    "good": lambda: PROCESS,
    "inactive": lambda: dict(PROCESS, active=False, devices=[], reason="no \x1b[31m\u009b tun"),
    "unfiltered": lambda: dict(changed("threads", 1, {
        "name": "opendco-house", "filtered": False, "reason": "no\x1b[31m way"}),
        keys_locked=False),
    "later-drop": lambda: changed("drops", {"rx_later": 2, "tx_no_key": 12345678901}),
    "thread-null": lambda: changed("threads", 0, "filtered", None),
    "no-threads": lambda: without("threads"),
    "hostile": lambda: dict(PROCESS, active=False, reason="a\"} 1\nopendco_active{} 9 \\"),
    "same-build": lambda: dict(PROCESS, library=os.environ["LIBRARY"], build_id=os.environ["BUILD_ID"]),
    "other-build": lambda: dict(PROCESS, library=os.environ["LIBRARY"], build_id="00" * 20),
    "gone-build": lambda: dict(PROCESS, library="/nonexistent/libopendco.so", build_id="00" * 20),
    "device-build": lambda: dict(PROCESS, library="/dev/zero", build_id="00" * 20),
    "text-build": lambda: dict(PROCESS, library="/etc/passwd", build_id="00" * 20),
    "number-build": lambda: dict(PROCESS, library=1, build_id=[]),
    "unknown-member": lambda: dict(PROCESS, later=[1, {"x": None}]),
    "crowd": lambda: crowd(4000),
    "negative": lambda: changed("pid", -1),
    "float": lambda: changed("devices", 0, "mtu", 1500.0),
    "long-string": lambda: changed("reason", "x" * 5000),
    "flag-number": lambda: changed("devices", 0, "offloads", {"tun_tso": 1}),
    "drop-negative": lambda: changed("drops", {"rx_replay": -5}),
    "peer-empty": lambda: changed("devices", 0, "peers", [{}]),
    "peer-null": lambda: changed("devices", 0, "peers", None),
    "no-active": lambda: without("active"),
    "array": lambda: [],
    "null": lambda: None,
}
RAW = {
    "empty": b"",
    "cut": json.dumps(PROCESS)[:200].encode(),
    "deep": b"[" * 100000,
    "twice": b'{"pid":1,"pid":2}',
    "zero": b"\0\0\0",
    "two-objects": json.dumps(PROCESS).encode() * 2,
    "bad-utf8": b'{"pid":"\xff\xfe"}',
    "huge-number": json.dumps(PROCESS).replace("12345678", "9" * 40).encode(),
}


def answer(connection, name):
    try:
        if name == "silent":
            time.sleep(20)
        elif name == "endless":
            while True:
                connection.sendall(b" " * (1 << 20))
        elif name == "slow":
            while True:
                connection.sendall(b" ")
                time.sleep(0.5)
        else:
            connection.sendall(RAW[name] if name in RAW else json.dumps(ANSWERS[name]()).encode())
    except OSError:
        pass
    connection.close()


def serve(listener, name):
    while True:
        connection, _ = listener.accept()
        answer(connection, name)


def listen(folder, name):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.join(folder, name + ".sock"))
    if name == "stale":
        listener.close()
        return
    listener.listen(5)
    threading.Thread(target=serve, args=(listener, name), daemon=True).start()


def main():
    folder, *groups = sys.argv[1:]
    for group in groups:
        place = os.path.join(folder, group)
        os.mkdir(place)
        for name in group.split("+"):
            listen(place, name)
    print("ready", flush=True)
    sys.stdin.read()


main()
