#!/usr/bin/python3
"""Makes of a capture with raw IP (link type 101) what another capture would have shown of the same packets.

recapture.py FORM IN OUT

FORM: ethernet, vlan, qinq, sll, sll2, null, loop, raw, pcapng, interfaces, fragments, ipv6-fragments, extensions, cut, torn,
swapped, shuffled, doubled, late, natt-port, raw-esp, snap, flood
"""

import struct
import sys

LINK = {"ethernet": 1, "vlan": 1, "qinq": 1, "sll": 113, "sll2": 276, "null": 0, "loop": 108}


def read(path):
    data = open(path, "rb").read()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, kept, length = struct.unpack_from("<IIII", data, at)
        yield seconds * 1000000 + micros, data[at + 16 : at + 16 + kept], length
        at += 16 + kept


def write(path, link, packets):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for at, octets, length in packets:
            out.write(struct.pack("<IIII", at // 1000000, at % 1000000, len(octets), length) + octets)


def write_ng(path, packets, forms=()):
    """With `forms`, of an interface for each, in turn."""

    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    with open(path, "wb") as out:
        out.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        for link in [LINK[form] for form in forms] or [101]:
            out.write(block(1, struct.pack("<HHI", link, 0, 262144)))
        for n, (at, octets, _) in enumerate(packets):
            interface = n % len(forms) if forms else 0
            octets = linked(forms[interface], octets) if forms else octets
            head = struct.pack("<IIIII", interface, at >> 32, at & 0xFFFFFFFF, len(octets), len(octets))
            out.write(block(6, head + octets))


def linked(form, octets):
    six = octets[0] >> 4 == 6
    kind = b"\x86\xdd" if six else b"\x08\x00"
    ethernet = b"\2\0\0\0\0\1\2\0\0\0\0\2"
    padding = b"\0" * max(0, 46 - len(octets))
    return {
        "ethernet": ethernet + kind + octets + padding,
        "vlan": ethernet + b"\x81\x00\x00\x07" + kind + octets,
        "qinq": ethernet + b"\x88\xa8\x00\x07\x81\x00\x00\x08" + kind + octets,
        "sll": b"\0\0\0\1\0\6\2\0\0\0\0\2\0\0" + kind + octets,
        "sll2": kind + b"\0\0\0\0\0\2\0\1\0\6\2\0\0\0\0\2\0\0" + octets,
        "null": struct.pack("<I", 30 if six else 2) + octets,
        "loop": struct.pack(">I", 30 if six else 2) + octets,
    }[form]


def fragments(octets, number):
    """In three parts, the last one first."""
    if octets[0] >> 4 == 6:
        head, body = octets[:40], octets[40:]
    else:
        head, body = octets[:20], octets[20:]
    step = max(8, len(body) // 3 // 8 * 8)
    parts = []
    for at in range(0, len(body), step):
        part, more = body[at : at + step], at + step < len(body)
        if octets[0] >> 4 == 6:
            extension = struct.pack(">BBHI", head[6], 0, at | more, number)
            parts.append(head[:4] + struct.pack(">HB", len(part) + 8, 44) + head[7:] + extension + part)
        else:
            flags = struct.pack(">HHH", 20 + len(part), number & 0xFFFF, at // 8 | (0x2000 if more else 0))
            parts.append(head[:2] + flags + head[8:] + part)
    return parts[::-1]


def as_ipv6(octets):
    """The same UDP datagram over IPv6."""
    if octets[0] >> 4 == 6:
        return octets
    source, target = (b"\x20\x01\x0d\xb8" + b"\0" * 8 + octets[at : at + 4] for at in (12, 16))
    return struct.pack(">IHBB", 0x60000000, len(octets) - 20, 17, 64) + source + target + octets[20:]


def extended(octets):
    """With hop-by-hop options, a routing header and destination options."""
    six = as_ipv6(octets)
    extra = bytes([43, 0, 1, 4, 0, 0, 0, 0, 60, 0, 0, 0, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0])
    return six[:4] + struct.pack(">HB", len(six) - 40 + len(extra), 0) + six[7:40] + extra + six[40:]


def is_esp(octets):
    return octets[0] >> 4 == 4 and octets[9] == 17 and 4500 in struct.unpack_from(">HH", octets, 20) and octets[28:32] != b"\0\0\0\0"


def raw_esp(octets):
    """ESP as IP protocol 50."""
    if not is_esp(octets):
        return octets
    body = octets[28:]
    return octets[:2] + struct.pack(">H", 20 + len(body)) + octets[4:9] + b"\x32" + octets[10:20] + body


def main():
    form, source, target = sys.argv[1:4]
    packets = list(read(source))
    plain = [(at, octets, len(octets)) for at, octets, _ in packets]
    if form in LINK:
        changed = [(at, linked(form, octets)) for at, octets, _ in packets]
        write(target, LINK[form], [(at, octets, len(octets)) for at, octets in changed])
    elif form == "pcapng":
        write_ng(target, plain)
    elif form == "interfaces":
        write_ng(target, plain, ("ethernet", "sll2", "null"))
    elif form in ("fragments", "ipv6-fragments"):
        change = as_ipv6 if form == "ipv6-fragments" else bytes
        parts = [(at, part) for n, (at, octets, _) in enumerate(packets) for part in fragments(change(octets), n)]
        write(target, 101, [(at, part, len(part)) for at, part in parts])
    elif form == "extensions":
        write(target, 101, [(at, extended(octets), len(extended(octets))) for at, octets, _ in packets])
    elif form == "cut":
        write(target, 101, [(at, octets[:100], len(octets)) for at, octets, _ in packets])
    elif form == "raw-esp":
        changed = [(at, raw_esp(octets)) for at, octets, _ in packets]
        write(target, 101, [(at, octets, len(octets)) for at, octets in changed])
    elif form == "flood":  # of ESP, each packet on an SPI of its own
        def stranger(n):
            body = struct.pack(">II", n * 2654435761 % 2**32, n) + bytes(40)
            return struct.pack(">BBHHHBBH8s", 0x45, 0, 20 + len(body), 0, 0, 64, 50, 0, bytes([192, 0, 2, 1, 192, 0, 2, 2])) + body

        write(target, 101, [(n * 1000, stranger(n), 68) for n in range(1, 40000)])
    elif form == "snap":  # of ESP the headers and the IV only
        write(target, 101, [(at, octets[:60] if is_esp(octets) else octets, len(octets)) for at, octets, _ in packets])
    elif form == "torn":
        write(target, 101, plain)
        data = open(target, "rb").read()
        open(target, "wb").write(data[:-7])
    elif form == "swapped":  # an answer before its request, in the same moment
        changed = [plain[n ^ 1] if n ^ 1 < len(plain) else plain[n] for n in range(len(plain))]
        write(target, 101, [(plain[n & ~1][0], octets, length) for n, (_, octets, length) in enumerate(changed)])
    elif form == "shuffled":  # far from where they belong, with their own times
        write(target, 101, sorted(plain, key=lambda p: (p[0] // 20000, -p[0])))
    elif form == "doubled":
        write(target, 101, [p for p in plain for _ in range(2)])
    elif form == "late":
        write(target, 101, plain[5:])
    elif form == "natt-port":  # IKE behind the marker of RFC 3948, on a port of its own
        changed = []
        for at, octets, _ in packets:
            if octets[0] >> 4 == 4:
                body = octets[28:] if octets[28:32] == b"\0\0\0\0" else b"\0\0\0\0" + octets[28:]
                head = octets[:2] + struct.pack(">H", 28 + len(body)) + octets[4:20]
                changed.append((at, head + struct.pack(">HHHH", 4501, 4501, 8 + len(body), 0) + body))
        write(target, 101, [(at, octets, len(octets)) for at, octets in changed])
    else:
        write(target, 101, plain)


if __name__ == "__main__":
    main()
