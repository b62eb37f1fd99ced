#!/usr/bin/python3
"""charon_keys.py LOG...: an ikev2_decryption_table from charon's own log, where it was written with `ike = 4`.

A line of the log belongs to an IKE SA by the number in its <...>; the SPIs stand in front of what charon hashes for NAT
detection. For AES-GCM with 256 bits, which the configuration of the tests offers first."""

import re
import sys

SECRET = re.compile(r"<(?:[^|>]*\|)?(\d+)> (Sk_ei|Sk_er|natd_chunk)(?: secret)? => (\d+) bytes")
DUMP = re.compile(r"\d+: ((?:[0-9A-F]{2} )+)")


def octets(lines, at, count):
    found = ""
    while len(found) < 2 * count:
        at += 1
        line = lines[at].split("> ", 1)[-1] + " "
        found += "".join(DUMP.search(line).group(1).split()[:16])
    return found[: 2 * count].lower()


def main():
    for path in sys.argv[1:]:
        lines = open(path, encoding="utf-8", errors="replace").read().splitlines()
        known, table = {}, {}
        for at, line in enumerate(lines):
            match = SECRET.search(line)
            if not match:
                continue
            number, what, count = match.groups()
            value = octets(lines, at, int(count))
            sa = known.setdefault(number, {})
            if what != "natd_chunk":
                sa[what] = value
            elif value[16:32] != "0" * 16:
                sa["spis"] = (value[:16], value[16:32])
            if len(sa) == 3:
                table[sa["spis"]] = (sa["Sk_ei"], sa["Sk_er"])
        for spis, keys in table.items():
            print(*spis, *keys, '"AES-GCM-256 with 16 octet ICV [RFC5282]",,,"NONE [RFC4306]"', sep=",")


main()
