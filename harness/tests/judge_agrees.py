#!/usr/bin/python3
"""judge_agrees.py PROGRAM RUN [REQUIREMENT...]: does the judge find in the captures of a run what was found live?

Nothing that the monitors found may be missing; of the requirements named, nothing that a case found. What it finds beyond that in one case must have been found in another: a
case that ended early has no monitors, and it leaves rules to others that it is not about."""

import json
import os
import subprocess
import sys


def live(run):
    cluster, monitors, broken, lossy = {}, {}, {}, False
    for line in open(run + "/journal.jsonl", encoding="utf-8"):
        event = json.loads(line)
        case = event.get("case")
        lossy = lossy or bool(event.get("lose_percent") or event.get("reorder_percent"))
        if event["event"] == "packet" and event["direction"] == "to-peer":
            cluster.setdefault(case, set()).add(event["from"].rsplit(":", 1)[0].strip("[]"))
        for check in event.get("checks", []) if event["event"] == "verdict" else []:
            if check["result"] == "broken":
                broken.setdefault(case, set()).add(check["requirement"])
                if check["silence"] == "monitor":
                    monitors.setdefault(case, set()).add(check["requirement"])
    return cluster, monitors, broken, lossy


def judged(program, folder, cluster, lossy):
    command = [program, "judge", folder + "/wire.pcap", "--json", "-"] + ["--lossy"] * lossy
    for keys in "ikev2_decryption_table", "esp_sa":
        if os.path.exists(f"{folder}/{keys}"):
            command += ["--keys", f"{folder}/{keys}"]
    for address in sorted(cluster):
        command += ["--cluster", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr}")
    found = {}
    result = json.loads(done.stdout)
    for sa in result["ike_sas"] + result["esp_sas"]:
        for f in sa["findings"]:
            if f["by"] == "peer":
                found.setdefault(f["requirement"], f["seen"])
    return found


def main():
    program, run, named = sys.argv[1], sys.argv[2], set(sys.argv[3:])
    cluster, monitors, broken, lossy = live(run)
    anywhere = set().union(*broken.values()) if broken else set()
    differ, compared = 0, 0
    for absent in named - anywhere:
        differ += 1
        print(f"no case has found {absent} live")
    for case in sorted(os.listdir(run + "/cases")):
        folder = f"{run}/cases/{case}"
        if not os.path.exists(folder + "/wire.pcap"):
            continue
        compared += 1
        found = judged(program, folder, cluster.get(case, set()), lossy)
        missing = (monitors.get(case, set()) | broken.get(case, set()) & named) - set(found)
        extra = {r: found[r] for r in set(found) - anywhere}
        if missing or extra:
            differ += 1
            print(f"{case}: not found: {sorted(missing)}, found beyond: {extra}")
    print(f"{compared} cases, {differ} differ")
    sys.exit(1 if differ or not compared else 0)


if __name__ == "__main__":
    main()
