#!/usr/bin/python3
"""charon_keys.py LOG...: an ikev2_decryption_table and an esp_sa from charon's own log, in one file, where it was written
with `ike = 4` and `chd = 4`.

A line of the log belongs to an IKE SA by the number in its <...>; the SPIs stand in front of what charon hashes for NAT
detection. For AES-GCM with 256 bits, which the configuration of the tests offers first. Of a Child SA the log does not say
which end began: each of its SPIs is written with both keys, and one of them opens."""

import re
import sys

SECRET = re.compile(r"<(?:[^|>]*\|)?(\d+)> (Sk_ei|Sk_er|natd_chunk)(?: secret)? => (\d+) bytes")
CHILD = re.compile(r"<(?:[^|>]*\|)?(\d+)> encryption (initiator|responder) key => (\d+) bytes")
SPI = re.compile(r"<(?:[^|>]*\|)?(\d+)>   SPI (0x[0-9a-f]{8}), src (\S+) dst (\S+)")
DUMP = re.compile(r"\d+: ((?:[0-9A-F]{2} )+)")


def octets(lines, at, count):
    found = ""
    while len(found) < 2 * count:
        at += 1
        line = lines[at].split("> ", 1)[-1] + " "
        found += "".join(DUMP.search(line).group(1).split()[:16])
    return found[: 2 * count].lower()


def put_children(lines):
    keys = {}
    for at, line in enumerate(lines):
        match = CHILD.search(line)
        if match:
            number, which, count = match.groups()
            keys.setdefault(number, {})[which] = octets(lines, at, int(count))
        match = SPI.search(line)
        if match:
            number, spi, source, target = match.groups()
            for key in keys.get(number, {}).values():
                print('"IPv4"', f'"{source}"', f'"{target}"', f'"{spi}"', '"AES-GCM with 16 octet ICV [RFC4106]"', f'"0x{key}"',
                      '"NULL"', '""', sep=",")


def main():
    for path in sys.argv[1:]:
        lines = open(path, encoding="utf-8", errors="replace").read().splitlines()
        put_children(lines)
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
