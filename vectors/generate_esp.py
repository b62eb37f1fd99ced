#!/usr/bin/python3
"""Writes vectors/generated/esp.txt: ESP packets sealed by Scapy's implementation, not by our own.

Where Scapy 2.5 cannot (extended sequence numbers beside a separate integrity algorithm), Python's hmac does. Keys, IVs
and inner packets are fixed: same input, same output. Encryption and integrity are IANA numbers.
"""
import hmac
import ipaddress
import pathlib
import struct

from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation

OUT = pathlib.Path(__file__).resolve().parent / "generated" / "esp.txt"
KEY = bytes(range(1, 65))
SPI = 0xC0FFEE01

# name, Scapy's crypt and auth, IANA encryption, key bits, integrity; octets of key (with salt), IV, integrity key
SUITES = [
    ("gcm16-256", "AES-GCM", None, 20, 256, 0, 36, 8, 0),
    ("gcm16-128", "AES-GCM", None, 20, 128, 0, 20, 8, 0),
    ("chacha20", "CHACHA20-POLY1305", None, 28, 0, 0, 36, 8, 0),
    ("cbc-sha256", "AES-CBC", "SHA2-256-128", 12, 256, 12, 32, 16, 32),
    ("cbc-sha384", "AES-CBC", "SHA2-384-192", 12, 128, 13, 16, 16, 48),
    ("cbc-sha512", "AES-CBC", "SHA2-512-256", 12, 256, 14, 32, 16, 64),
    ("null-sha256", "NULL", "SHA2-256-128", 11, 0, 12, 0, 0, 32),
    ("null-sha384", "NULL", "SHA2-384-192", 11, 0, 13, 0, 0, 48),
    ("null-sha512", "NULL", "SHA2-512-256", 11, 0, 14, 0, 0, 64),
]

NUMBERS = [(1, False), (0xFFFFFFFE, False), (0x1_0000_0007, True), (0x7_FFFF_FFFF, True)]

INNER = [
    ("ipv4", IP(src="10.79.0.1", dst="10.78.0.1", id=1) / ICMP(id=7, seq=3) / b"understudy"),
    ("ipv6", IPv6(src="fd00:79::1", dst="fd00:78::1") / ICMPv6EchoRequest(id=7, seq=3, data=b"understudy")),
    ("udp", IP(src="10.79.0.1", dst="10.78.0.1", id=2) / UDP(sport=9, dport=7) / bytes(range(200))),
    ("unreachable", IP(src="10.78.0.1", dst="10.79.0.1", id=3) / ICMP(type=3, code=3)
     / IP(src="10.79.0.1", dst="10.78.0.1", id=4) / UDP(sport=9, dport=7) / b"understudy"),
    ("unreachable6", IPv6(src="fd00:78::1", dst="fd00:79::1") / ICMPv6DestUnreach(code=4)
     / IPv6(src="fd00:79::1", dst="fd00:78::1") / UDP(sport=9, dport=7) / b"understudy"),
    ("udp6", IPv6(src="fd00:79::1", dst="fd00:78::1") / UDP(sport=9, dport=7) / bytes(range(100))),
]


def outer(inner):
    """A tunnel of the inner packet's family: Scapy adds it, we take it off again."""
    return IPv6(src="2001:db8::1", dst="2001:db8::2") if IPv6 in inner else IP(src="192.0.2.1", dst="192.0.2.2")


def address(text):
    return ipaddress.ip_address(text).packed.hex()


def packet(suite, inner, mode, seq, esn):
    """The packet, its Next Header and what is inside."""
    _, crypt, auth, _, _, _, key_len, iv_len, integ_len = suite
    sa = SecurityAssociation(ESP, spi=SPI, crypt_algo=crypt, crypt_key=KEY[:key_len], auth_algo=auth,
                             auth_key=KEY[:integ_len] if auth else None,
                             tunnel_header=outer(inner) if mode == "tunnel" else None, esn_en=esn, esn=seq >> 32)
    kwargs = dict(seq_num=seq & 0xFFFFFFFF, iv=bytes(range(0xA0, 0xA0 + iv_len)) or None)
    sealed = bytes(sa.encrypt(inner.copy(), **kwargs)[ESP])
    if esn and auth:  # Scapy 2.5 leaves the high half out of the ICV of a separate integrity algorithm
        kind = auth.split("-")[1]
        icv_len = int(auth.split("-")[2]) // 8
        covered = sealed[:-icv_len] + struct.pack("!L", seq >> 32)
        sealed = sealed[:-icv_len] + hmac.new(KEY[:integ_len], covered, "sha" + kind).digest()[:icv_len]
    if mode == "tunnel":
        return sealed, 41 if IPv6 in inner else 4, bytes(inner)
    built = inner.__class__(bytes(inner))  # with lengths and checksums
    return sealed, built.nh if IPv6 in inner else built.proto, bytes(built.payload)


def main():
    lines = ["# Made by vectors/generate_esp.py with Scapy.", ""]
    for suite in SUITES:
        name, _, _, encr, bits, integ, key_len, iv_len, integ_len = suite
        for label, inner in INNER:
            for mode in ("tunnel", "transport"):
                for seq, esn in NUMBERS[:1] if "unreachable" in label else NUMBERS:
                    sealed, next_header, inside = packet(suite, inner, mode, seq, esn)
                    lines += [f"[{name} {mode} {label} seq {seq:#x}{' esn' if esn else ''}]", f"encr = {encr}",
                              f"bits = {bits}", f"integ = {integ}", f"key = {KEY[:key_len].hex()}",
                              f"integ_key = {KEY[:integ_len].hex()}", f"spi = {SPI:08x}", f"seq = {seq:016x}",
                              f"esn = {int(esn)}", f"iv = {bytes(range(0xA0, 0xA0 + iv_len)).hex()}",
                              f"next_header = {next_header}", f"source = {address(inner.src)}",
                              f"destination = {address(inner.dst)}", f"inner = {inside.hex()}",
                              f"packet = {sealed.hex()}", ""]
    OUT.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
