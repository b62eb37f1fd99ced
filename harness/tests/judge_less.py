#!/usr/bin/python3
"""A capture that shows less of a run accuses nobody of more: of one side, with frames lost (--lossy), begun or ended in
the middle, or with frames kept in part.

judge_less.py PROGRAM RUN
"""

import json
import os
import random
import socket
import subprocess
import sys
import tempfile

from judge_agrees import live
from recapture import read, write

# What the cluster plays here breaks the rules: IDs that begin anew, and old messages of its own once more.
NOT_OF_THE_RULES = ("alt.reset-message-id", "sec.replayed-response", "sync.below-m2-is-rejected")


def source(octets):
    raw = octets[8:24] if octets[0] >> 4 == 6 else octets[12:16]
    return socket.inet_ntop(socket.AF_INET6 if len(raw) == 16 else socket.AF_INET, raw)


def findings(program, path, folder, options):
    keys = [f"--keys={folder}/{name}" for name in ("ikev2_decryption_table", "esp_sa")]
    run = subprocess.run([program, "judge", path, "--json", "-", *keys, *options], capture_output=True, text=True)
    assert run.returncode in (0, 1, 3), run.stderr
    judged = json.loads(run.stdout)
    return {(f["requirement"], f["by"]): f["seen"] for sa in judged["ike_sas"] + judged["esp_sas"] for f in sa["findings"]}


def lesser(packets, cluster, dice):
    """Captures that show less, with the options that say so."""
    at = dice.randrange(1, max(2, len(packets)))
    kept = dice.choice((40, 50, 60, 64, 68, 80, 96, 128, 200))
    yield "of the cluster only", [p for p in packets if source(p[1]) in cluster], []
    yield "of the peer only", [p for p in packets if source(p[1]) not in cluster], []
    yield "with losses", [p for p in packets if dice.random() > 0.15], ["--lossy"]
    yield "begun in the middle", packets[at:], []
    yield "ended in the middle", packets[:at], []
    yield f"of {kept} octets", [(us, octets[:kept], length) for us, octets, length in packets], []


def main():
    program, run = sys.argv[1:3]
    wrong = judged = 0
    cluster_of = live(run)[0]
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "less.pcap")
        for case in sorted(os.listdir(f"{run}/cases")):
            folder = f"{run}/cases/{case}"
            # In virtual time much happens at once: a microsecond more for each keeps the order.
            packets = [(us + n, octets, length) for n, (us, octets, length) in enumerate(read(f"{folder}/wire.pcap"))]
            if not packets or case in NOT_OF_THE_RULES:
                continue
            members = sorted(cluster_of.get(case, ()))
            cluster = [f"--cluster={a}" for a in members]
            write(path, 101, packets)
            whole = findings(program, path, folder, cluster)
            for name, less, options in lesser(packets, members, random.Random(case)):
                write(path, 101, less)
                judged += 1
                for finding, seen in findings(program, path, folder, cluster + options).items():
                    if finding not in whole:
                        print(f"{case}, {name}: {' of the '.join(finding)}: {seen}")
                        wrong += 1
    print(f"{judged} captures, {wrong} wrong findings")
    return 1 if wrong or not judged else 0


sys.exit(main())
