#!/usr/bin/python3
"""Writes vectors/generated/*.json: IKEv2 octets made by Scapy, not by our own writer.

Where Scapy 2.5 cannot build a payload (Delete, EAP, attributes other than Key Length, IPv6 selectors) or builds it
wrongly (the length of a notify with an SPI, the type of CP), struct does. Same input, same output: nothing is drawn.
"""
import json
import pathlib
import struct

from scapy.contrib import ikev2 as k

OUT = pathlib.Path(__file__).resolve().parent / "generated"
SA, KE, IDI, IDR, CERT, CERTREQ, AUTH, NONCE, N, D, V, TSI, TSR, SK, CP, EAP = range(33, 49)
SKF = 53
IKE, AH, ESP = 1, 2, 3
NONCE_DATA = bytes(range(32))


def payload(body, *, next_payload=0, flags=0, length=None):
    """A payload by hand: generic header and body."""
    return struct.pack("!BBH", next_payload, flags, 4 + len(body) if length is None else length) + body


def valid(name, octets, fields, kind="payload", **more):
    return dict(name=name, kind=kind, hex=bytes(octets).hex(), fields=fields, **more)


def broken(name, octets, error, kind="payload", **more):
    return dict(name=name, kind=kind, hex=bytes(octets).hex(), error=error, **more)


# --- header and whole messages ----------------------------------------------------------------

def header(**more):
    fields = dict(init_SPI=bytes.fromhex("0102030405060708"), resp_SPI=bytes.fromhex("1112131415161718"),
                  exch_type=37, flags=0x08, id=0)
    fields.update(more)
    return k.IKEv2(**fields)


def header_fields(**more):
    fields = dict(spi_i="0102030405060708", spi_r="1112131415161718", next_payload=0, version=0x20, exchange=37,
                  flags=8, message_id=0, length=28)
    fields.update(more)
    return fields


def headers():
    yield valid("header-request", header(), header_fields(), "header")
    yield valid("header-response", header(flags=0x20, id=7), header_fields(flags=0x20, message_id=7), "header")
    yield valid("header-highest-message-id", header(id=0xffffffff), header_fields(message_id=0xffffffff), "header")
    yield valid("header-other-version", header(version=0x31), header_fields(version=0x31), "header")
    yield valid("header-unknown-exchange", header(exch_type=250), header_fields(exchange=250), "header")

    init = header(exch_type=34, resp_SPI=bytes(8)) / k.IKEv2_payload_SA(next_payload=KE, prop=ike_proposal()) / \
        k.IKEv2_payload_KE(next_payload=NONCE, group=31, load=bytes(range(32))) / \
        k.IKEv2_payload_Nonce(next_payload=N, load=NONCE_DATA) / \
        k.IKEv2_payload_Notify(next_payload=N, type=16388, load=bytes(20)) / \
        k.IKEv2_payload_Notify(next_payload=V, type=16389, load=bytes(20)) / \
        k.IKEv2_payload_VendorID(vendorID=b"understudy")
    yield valid("message-ike-sa-init", init,
                dict(header=header_fields(spi_r="00" * 8, next_payload=SA, exchange=34, length=len(init)),
                     types=[SA, KE, NONCE, N, N, V]), "message")
    cookie = header(exch_type=34, flags=0x20) / k.IKEv2_payload_Notify(type=16390, load=bytes(range(24)))
    yield valid("message-cookie", cookie,
                dict(header=header_fields(next_payload=N, exchange=34, flags=0x20, length=len(cookie)), types=[N]),
                "message")
    sealed = header(exch_type=35, id=1) / k.IKEv2_payload_Encrypted(next_payload=IDI, load=bytes(40))
    yield valid("message-sk", sealed,
                dict(header=header_fields(next_payload=SK, exchange=35, message_id=1, length=len(sealed)),
                     types=[SK]), "message")

    raw = bytes(init)
    yield broken("header-short", bytes(header())[:27], "IKE header", "header")
    yield broken("header-empty", b"", "IKE header", "header")
    yield broken("header-length-low", header(length=27), "Length", "header")
    yield broken("header-length-high", header(length=29), "Length", "header")
    yield broken("header-length-huge", header(length=0xffffffff), "Length", "header")
    yield broken("message-octets-behind", bytes(header()) + b"\0", "Length", "message")
    yield broken("message-next-payload-ends-early", raw[:28] + b"\0" + raw[29:], "Next Payload", "message")
    yield broken("message-next-payload-missing", raw[:16] + b"\0" + raw[17:], "Next Payload", "message")
    yield broken("message-payload-past-end", raw[:30] + b"\xff\xff" + raw[32:], "Payload Length", "message")
    yield broken("message-payload-length-zero", raw[:30] + b"\0\0" + raw[32:], "Payload Length", "message")
    yield broken("message-chain-goes-on", header(next_payload=N, length=28), "Payload Length", "message")
    after_sk = bytes(header(next_payload=SK, length=None) / k.IKEv2_payload_Encrypted(next_payload=N, load=bytes(32)) /
                     k.Raw(payload(bytes(4))))
    yield broken("message-payload-after-sk", after_sk, "must be the last", "message")
    many = bytes(header(next_payload=V, length=28 + 49 * 4)) + payload(b"", next_payload=V) * 48 + payload(b"")
    yield broken("message-49-payloads", many, "more than 48", "message")


# --- SA ---------------------------------------------------------------------------------------

def transform(kind, number, bits=None):
    fields = dict(transform_type=kind, transform_id=number)
    if bits is not None:
        fields.update(length=12, key_length=bits)
    return k.IKEv2_payload_Transform(**fields)


def chain(parts):
    whole = parts[0]
    for part in parts[1:]:
        whole = whole / part
    return whole


def proposal(number, protocol, spi, transforms):
    return k.IKEv2_payload_Proposal(proposal=number, proto=protocol, SPI=spi, SPIsize=len(spi),
                                    trans_nb=len(transforms), trans=chain([transform(*t) for t in transforms]))


def ike_proposal():
    return proposal(1, IKE, b"", IKE_GCM)


def proposal_fields(number, protocol, spi, transforms):
    return dict(number=number, protocol=protocol, spi=spi.hex(),
                transforms=[[t[0], t[1], t[2] if len(t) > 2 else 0] for t in transforms])


IKE_GCM = [(1, 20, 256), (2, 5), (4, 31)]
IKE_CBC = [(1, 12, 128), (1, 12, 256), (2, 5), (2, 7), (3, 12), (3, 14), (4, 14), (4, 19)]
ESP_ESN = [(1, 20, 128), (5, 1), (5, 0)]
AH_SHA2 = [(3, 12), (5, 0)]


def sa(name, *proposals):
    return valid(name, k.IKEv2_payload_SA(prop=chain([proposal(*p) for p in proposals])),
                 dict(proposals=[proposal_fields(*p) for p in proposals]), type=SA)


def sa_with_attribute(attribute):
    """ENCR AES_GCM_16 with this attribute, alone in a proposal for ESP."""
    inside = struct.pack("!BBHBBH", 0, 0, 8 + len(attribute), 1, 0, 20) + attribute
    return payload(struct.pack("!BBHBBBB", 0, 0, 12 + len(inside), 1, ESP, 4, 1) + bytes(4) + inside)


def sas():
    spi8, spi4 = bytes(range(8)), bytes.fromhex("c0ffee01")
    yield sa("sa-ike", (1, IKE, b"", IKE_GCM))
    yield sa("sa-ike-rekey", (1, IKE, spi8, IKE_GCM))
    yield sa("sa-ike-two-proposals", (1, IKE, b"", IKE_GCM), (2, IKE, b"", IKE_CBC))
    yield sa("sa-esp", (1, ESP, spi4, ESP_ESN))
    yield sa("sa-ah", (1, AH, spi4, AH_SHA2))
    yield sa("sa-answer-to-proposal-3", (3, ESP, spi4, ESP_ESN[:2]))
    yield sa("sa-additional-ke", (1, IKE, b"", IKE_GCM + [(6, 35), (7, 36)]))
    yield sa("sa-unknown-transform-type", (1, IKE, b"", IKE_GCM + [(200, 1)]))
    yield sa("sa-64-transforms", (1, IKE, b"", [(1, i, 128) for i in range(64)]))

    esp = proposal_fields(1, ESP, bytes(4), [(1, 20, 0xffff)])
    tv, tlv = struct.pack("!HH", 0x8000 | 99, 5), struct.pack("!HH", 98, 3) + b"abc"
    bits = struct.pack("!HH", 0x800e, 256)
    for name, attribute in [("tv", tv), ("tlv", tlv), ("tlv-empty", struct.pack("!HH", 98, 0)),
                            ("and-key-length", bits + tv), ("before-key-length", tlv + bits),
                            ("key-length-0", struct.pack("!HH", 0x800e, 0))]:
        yield valid("sa-unknown-attribute-" + name, sa_with_attribute(attribute), dict(proposals=[esp]), type=SA,
                    exact=False)

    good = bytes(k.IKEv2_payload_SA(prop=chain([proposal(1, IKE, b"", IKE_GCM), proposal(2, IKE, b"", IKE_GCM)])))
    # 4: proposal 1 (36 octets: header 8, transforms 12, 8, 8); 40: proposal 2
    def changed(at, octets):
        return good[:at] + bytes(octets) + good[at + len(octets):]

    def bad(name, octets, error):
        return broken("sa-" + name, octets, error, type=SA)
    yield bad("empty", payload(b""), "Proposals")
    yield bad("proposal-cut-in-header", payload(good[4:9]), "Proposal Length")
    yield bad("proposal-length-zero", changed(6, [0, 0]), "Proposal Length")
    yield bad("proposal-length-low", changed(6, [0, 7]), "Proposal Length")
    yield bad("proposal-length-past-end", changed(42, [0, 37]), "Proposal Length")
    yield bad("proposal-says-last-but-more-follow", changed(4, [0]), "Last Substruc")
    yield bad("proposal-says-more-but-is-last", changed(40, [2]), "Last Substruc")
    yield bad("proposal-last-is-3", changed(4, [3]), "Last Substruc")
    yield bad("proposal-number-0", changed(8, [0]), "Proposal Num")
    yield bad("proposal-number-jumps", changed(44, [3]), "Proposal Num")
    yield bad("spi-size-1", changed(10, [1]), "SPI Size")
    yield bad("spi-size-4-for-ike", changed(10, [4]), "SPI Size")
    yield bad("spi-size-255", changed(10, [255]), "SPI Size")
    yield bad("spi-size-0-for-esp", changed(9, [3]), "SPI Size")
    yield bad("spi-past-end", payload(struct.pack("!BBHBBBB", 0, 0, 8, 1, ESP, 4, 1)), "SPI Size")
    yield bad("no-transforms", changed(11, [0]), "Num Transforms")
    yield bad("fewer-transforms-said", changed(11, [2]), "Last Substruc")
    yield bad("fewer-transforms-said-octets-left", changed(11, [2])[:24] + changed(24, [0])[24:], "Num Transforms")
    yield bad("more-transforms-said", changed(11, [4]), "Last Substruc")
    yield bad("more-transforms-said-none-there", changed(32, [3])[:11] + b"\4" + changed(32, [3])[12:],
              "Transform Length")
    yield bad("65-transforms", k.IKEv2_payload_SA(prop=proposal(1, IKE, b"", [(2, i) for i in range(65)])),
              "Num Transforms")
    yield bad("17-proposals", k.IKEv2_payload_SA(prop=chain([proposal(i + 1, IKE, b"", [(2, 5)])
                                                              for i in range(17)])), "at most 16")
    yield bad("transform-length-zero", changed(14, [0, 0]), "Transform Length")
    yield bad("transform-length-low", changed(14, [0, 7]), "Transform Length")
    yield bad("transform-length-past-end", changed(34, [0, 9]), "Transform Length")
    yield bad("transform-says-last-but-more-follow", changed(12, [0]), "Last Substruc")
    yield bad("transform-says-more-but-is-last", changed(32, [3]), "Last Substruc")
    yield bad("attribute-cut", sa_with_attribute(b"\x80\x0e\1"), "Attribute Type")
    yield bad("attribute-tlv-past-end", sa_with_attribute(struct.pack("!HH", 98, 4) + b"abc"), "Attribute Length")
    yield bad("key-length-as-tlv", sa_with_attribute(struct.pack("!HHH", 14, 2, 256)), "Attribute Format")
    yield bad("key-length-twice", sa_with_attribute(bits + bits), "Key Length comes twice")


# --- the plain payloads -----------------------------------------------------------------------

def plain():
    key = bytes(range(100, 132))
    yield valid("ke-curve25519", k.IKEv2_payload_KE(group=31, load=key), dict(method=31, data=key.hex()), type=KE)
    yield valid("ke-unknown-method", k.IKEv2_payload_KE(group=1029, load=b"\1"), dict(method=1029, data="01"), type=KE)
    yield valid("nonce-shortest", k.IKEv2_payload_Nonce(load=bytes(16)), dict(nonce="00" * 16), type=NONCE)
    yield valid("nonce-longest", k.IKEv2_payload_Nonce(load=bytes(256)), dict(nonce="00" * 256), type=NONCE)
    yield valid("idi-fqdn", k.IKEv2_payload_IDi(IDtype=2, ID=b"a.example", length=17),
                dict(id_type=2, data=b"a.example".hex()), type=IDI)
    yield valid("idr-ipv4", k.IKEv2_payload_IDr(IDtype=1, ID="192.0.2.1", length=12),
                dict(id_type=1, data="c0000201"), type=IDR)
    yield valid("idr-ipv6", k.IKEv2_payload_IDr(IDtype=5, ID="2001:db8::1", length=24),
                dict(id_type=5, data="20010db8" + "0" * 23 + "1"), type=IDR)
    yield valid("idr-key-id", k.IKEv2_payload_IDr(IDtype=11, ID=b"\0\xff"), dict(id_type=11, data="00ff"), type=IDR)
    yield valid("idi-null", payload(struct.pack("!B3x", 13)), dict(id_type=13, data=""), type=IDI)
    yield valid("auth-psk", k.IKEv2_payload_AUTH(auth_type=2, load=key), dict(method=2, data=key.hex()), type=AUTH)
    yield valid("cert", k.IKEv2_payload_CERT_STR(cert_type=4, cert_data=b"\x30\x03abc"),
                dict(encoding=4, data="3003616263"), type=CERT)
    yield valid("certreq", k.IKEv2_payload_CERTREQ(cert_type=4, cert_data=bytes(20)),
                dict(encoding=4, data="00" * 20), type=CERTREQ)
    yield valid("certreq-any", k.IKEv2_payload_CERTREQ(cert_type=4), dict(encoding=4, data=""), type=CERTREQ)
    yield valid("vendor", k.IKEv2_payload_VendorID(vendorID=b"understudy"), dict(vendor=b"understudy".hex()), type=V)
    yield valid("vendor-empty", k.IKEv2_payload_VendorID(), dict(vendor=""), type=V)
    yield valid("eap-identity", payload(bytes.fromhex("0101000501")), dict(body="0101000501"), type=EAP)
    yield valid("sk", k.IKEv2_payload_Encrypted(next_payload=IDI, load=bytes(40)),
                dict(inner_first=IDI, body="00" * 40), type=SK)
    yield valid("unknown-type", payload(b"abc"), dict(body="616263"), type=99)
    yield valid("unknown-type-critical", payload(b"abc", flags=0x80), dict(body="616263", critical=True), type=99)
    yield valid("reserved-bits-set", payload(struct.pack("!HH", 31, 0xffff) + key, flags=0x7f),
                dict(method=31, data=key.hex()), type=KE, exact=False)
    yield valid("cp-request", payload(struct.pack("!B3x", 1) + b"".join(
        bytes(k.ConfigurationAttribute(type=t, length=0, value=b"")) for t in (1, 3, 8))),
        dict(cfg_type=1, attributes="000100000003000000080000"), type=CP)
    yield valid("cp-reply", payload(struct.pack("!B3x", 2) +
                                    bytes(k.ConfigurationAttribute(type=1, length=4, value="10.0.0.1"))),
                dict(cfg_type=2, attributes="000100040a000001"), type=CP)
    yield valid("cp-empty", payload(struct.pack("!B3x", 1)), dict(cfg_type=1, attributes=""), type=CP)

    def bad(name, kind, octets, error):
        return broken(name, octets, error, type=kind)
    zeros = {D: "Protocol ID", SKF: "Fragment Number"}  # what a body of zeros breaks first
    for name, kind in [("sa", SA), ("ke", KE), ("idi", IDI), ("auth", AUTH), ("nonce", NONCE), ("n", N), ("d", D),
                       ("tsi", TSI), ("cp", CP), ("skf", SKF), ("unknown", 99)]:
        yield bad(name + "-payload-length-zero", kind, payload(b"", length=0), "Payload Length")
        yield bad(name + "-payload-length-3", kind, payload(b"", length=3), "Payload Length")
        yield bad(name + "-payload-past-end", kind, payload(bytes(40), length=45), "Payload Length")
        yield bad(name + "-payload-header-cut", kind, b"\0\0\0", "Payload Length")
        yield bad(name + "-octets-behind", kind, payload(bytes(24), length=20), zeros.get(kind, "Next Payload"))
    yield bad("ke-no-method", KE, payload(b"\0"), "Key Exchange Method")
    yield bad("ke-no-data", KE, payload(struct.pack("!HH", 31, 0)), "Key Exchange Data")
    yield bad("ke-reserved-cut", KE, payload(struct.pack("!HB", 31, 0)), "RESERVED")
    yield bad("nonce-15", NONCE, payload(bytes(15)), "Nonce Data")
    yield bad("nonce-257", NONCE, payload(bytes(257)), "Nonce Data")
    yield bad("nonce-empty", NONCE, payload(b""), "Nonce Data")
    yield bad("id-empty", IDI, payload(b""), "ID Type")
    yield bad("id-reserved-cut", IDR, payload(b"\2\0\0"), "RESERVED")
    yield bad("id-ipv4-of-5", IDR, payload(struct.pack("!B3x", 1) + bytes(5)), "Identification Data")
    yield bad("id-ipv6-of-4", IDI, payload(struct.pack("!B3x", 5) + bytes(4)), "Identification Data")
    yield bad("auth-empty", AUTH, payload(b""), "Auth Method")
    yield bad("auth-reserved-cut", AUTH, payload(b"\2\0\0"), "RESERVED")
    yield bad("cert-empty", CERT, payload(b""), "Cert Encoding")
    yield bad("certreq-empty", CERTREQ, payload(b""), "Cert Encoding")
    yield bad("cp-no-type", CP, payload(b""), "CFG Type")
    yield bad("cp-attribute-cut", CP, payload(struct.pack("!B3x", 1) + b"\0\1\0"), "Attribute Type")
    yield bad("cp-attribute-past-end", CP, payload(struct.pack("!B3xHH", 1, 1, 5) + bytes(4)), "Attribute Length")


# --- SKF --------------------------------------------------------------------------------------

def fragment(number, total, first):
    return k.IKEv2_payload_Encrypted_Fragment(next_payload=first, frag_number=number, frag_total=total,
                                              load=bytes(40))


def fragments():
    def fields(number, total, first):
        return dict(inner_first=first, number=number, total=total, data="00" * 40)
    for number, total, first in [(1, 1, IDI), (1, 2, IDI), (2, 2, 0), (65535, 65535, 0)]:
        yield valid(f"skf-{number}-of-{total}", fragment(number, total, first), fields(number, total, first), type=SKF)

    def bad(name, octets, error):
        return broken("skf-" + name, octets, error, type=SKF)
    yield bad("number-0", fragment(0, 2, IDI), "Fragment Number")
    yield bad("number-above-total", fragment(3, 2, 0), "Fragment Number")
    yield bad("total-0", fragment(1, 0, IDI), "Total Fragments")
    yield bad("second-names-a-payload", fragment(2, 2, IDI), "Next Payload")
    yield bad("empty", payload(b""), "Fragment Number")
    yield bad("no-total", payload(b"\0\1\0"), "Total Fragments")
    yield bad("octets-behind-a-good-one", bytes(fragment(1, 2, IDI)) + b"\0", "must be the last")


# --- N and D ----------------------------------------------------------------------------------

def notify(kind, data=b"", protocol=0, spi=b""):
    return k.IKEv2_payload_Notify(proto=protocol, SPIsize=len(spi), type=kind, SPI=spi, load=data,
                                  length=8 + len(spi) + len(data))


def notify_fields(kind, data=b"", protocol=0, spi=b""):
    return dict(protocol=protocol, type=kind, spi=spi.hex(), data=data.hex())


def notifies():
    spi = bytes.fromhex("c0ffee01")
    for name, args in [("initial-contact", (16384,)), ("rekey-sa", (16393, b"", ESP, spi)),
                       ("invalid-ke", (17, b"\0\x13")), ("window-size", (16385, b"\0\0\0\5")),
                       ("error", (24,)), ("unknown-status", (40960, b"x")), ("unknown-error", (8200,)),
                       ("spi-and-data", (44, b"abc", ESP, spi)), ("spi-of-8", (11, b"", IKE, bytes(8)))]:
        yield valid("n-" + name, notify(*args), notify_fields(*args), type=N)
    for name, octets, error in [
            ("empty", b"", "Protocol ID"), ("no-spi-size", b"\0", "SPI Size"),
            ("no-type", b"\0\0\x40", "Notify Message Type"),
            ("spi-past-end", struct.pack("!BBH", 3, 4, 16393) + bytes(3), "SPI Size"),
            ("spi-size-255", struct.pack("!BBH", 3, 255, 16393) + bytes(4), "SPI Size")]:
        yield broken("n-" + name, payload(octets), error, type=N)


def deletes():
    def delete(protocol, size, count, spis):
        return payload(struct.pack("!BBH", protocol, size, count) + spis)
    for name, args in [("ike", (IKE, 0, 0, b"")), ("esp", (ESP, 4, 1, bytes(range(4)))),
                       ("three-esp", (ESP, 4, 3, bytes(range(12)))), ("ah-none", (AH, 4, 0, b""))]:
        yield valid("d-" + name, delete(*args), dict(protocol=args[0], spi_len=args[1], count=args[2],
                                                     spis=args[3].hex()), type=D)
    for name, octets, error in [
            ("empty", payload(b""), "Protocol ID"), ("no-spi-size", payload(b"\3"), "SPI Size"),
            ("no-count", payload(b"\3\4\0"), "Num of SPIs"),
            ("protocol-0", delete(0, 0, 0, b""), "Protocol ID"), ("protocol-9", delete(9, 4, 0, b""), "Protocol ID"),
            ("ike-with-spi-size", delete(IKE, 8, 1, bytes(8)), "SPI Size"),
            ("ike-with-count", delete(IKE, 0, 1, b""), "Num of SPIs"),
            ("ike-with-octets", delete(IKE, 0, 0, bytes(4)), "Num of SPIs"),
            ("esp-spi-size-0", delete(ESP, 0, 1, b""), "SPI Size"),
            ("esp-spi-size-8", delete(ESP, 8, 1, bytes(8)), "SPI Size"),
            ("count-high", delete(ESP, 4, 2, bytes(4)), "Num of SPIs"),
            ("count-low", delete(ESP, 4, 1, bytes(8)), "Num of SPIs"),
            ("count-huge", delete(ESP, 4, 0xffff, bytes(8)), "Num of SPIs"),
            ("spi-cut", delete(ESP, 4, 1, bytes(3)), "Num of SPIs")]:
        yield broken("d-" + name, octets, error, type=D)


# --- TSi and TSr ------------------------------------------------------------------------------

def ipv4_range(first="10.0.0.0", last="10.0.0.255", protocol=0, ports=(0, 65535), **more):
    return bytes(k.IPv4TrafficSelector(IP_protocol_ID=protocol, start_port=ports[0], end_port=ports[1],
                                       starting_address_v4=first, ending_address_v4=last, **more))


def ipv6_range(first="2001:db8::", last="2001:db8::ffff", protocol=0, ports=(0, 65535)):
    return bytes(k.IPv6TrafficSelector(IP_protocol_ID=protocol, start_port=ports[0], end_port=ports[1], length=40,
                                       starting_address_v6=first, ending_address_v6=last))


def selectors(*ranges, count=None):
    return payload(struct.pack("!B3x", len(ranges) if count is None else count) + b"".join(ranges))


def selector_fields(octets):
    size = 4 if octets[0] == 7 else 16
    return dict(family=4 if size == 4 else 6, ip_protocol=octets[1], port_first=int.from_bytes(octets[4:6], "big"),
                port_last=int.from_bytes(octets[6:8], "big"), first=octets[8:8 + size].hex(),
                last=octets[8 + size:].hex())


def traffic_selectors():
    udp = ipv4_range("10.0.0.1", "10.0.0.1", 17, (53, 53))
    opaque = ipv4_range(ports=(65535, 0))
    for name, kind, ranges in [("tsi-ipv4", TSI, [ipv4_range()]), ("tsr-ipv6", TSR, [ipv6_range()]),
                               ("tsi-host-and-net", TSI, [udp, ipv4_range()]), ("tsr-opaque", TSR, [opaque]),
                               ("tsr-mixed", TSR, [ipv4_range(), ipv6_range()]), ("tsi-16", TSI, [udp] * 16)]:
        yield valid(name, selectors(*ranges), dict(selectors=[selector_fields(r) for r in ranges]), type=kind)
    scapy_list = k.IKEv2_payload_TSi(number_of_TSs=1, length=24, traffic_selector=[k.IPv4TrafficSelector(
        IP_protocol_ID=0, starting_address_v4="10.0.0.0", ending_address_v4="10.0.0.255")])
    yield valid("tsi-by-scapy", scapy_list, dict(selectors=[selector_fields(ipv4_range())]), type=TSI)

    for name, octets, error in [
            ("empty", payload(b""), "Number of TSs"), ("reserved-cut", payload(b"\1\0\0"), "Number of TSs"),
            ("none", selectors(), "Number of TSs"), ("17", selectors(*[ipv4_range()] * 17), "Number of TSs"),
            ("count-high", selectors(ipv4_range(), count=2), "TS Type"),
            ("count-low", selectors(ipv4_range(), ipv4_range(), count=1), "Number of TSs"),
            ("type-9", selectors(ipv4_range(TS_type=9)), "TS Type"),
            ("type-0", selectors(ipv4_range(TS_type=0)), "TS Type"),
            ("length-zero", selectors(ipv4_range(length=0)), "Selector Length"),
            ("length-15", selectors(ipv4_range(length=15)), "Selector Length"),
            ("ipv6-length-of-ipv4", selectors(ipv4_range(TS_type=8)), "Selector Length"),
            ("ipv4-length-of-ipv6", selectors(ipv4_range(length=40)), "Selector Length"),
            ("cut-in-address", selectors(ipv4_range()[:-1]), "Selector Length"),
            ("ports-backward", selectors(ipv4_range(ports=(20, 10))), "End Port"),
            ("addresses-backward", selectors(ipv4_range("10.0.0.9", "10.0.0.8")), "Ending Address")]:
        yield broken("ts-" + name, octets, error, type=TSI)


# --- RFC 6311 ---------------------------------------------------------------------------------

SYNC_SUPPORTED, REPLAY_SUPPORTED, SYNC, REPLAY = 16420, 16421, 16422, 16423


def ha():
    for name, kind in [("message-id-sync-supported", SYNC_SUPPORTED), ("replay-counter-sync-supported",
                                                                       REPLAY_SUPPORTED)]:
        yield valid(name, notify(kind), dict(type=kind), "announcement")
        yield broken(name + "-protocol", notify(kind, protocol=IKE), "Protocol ID", "announcement")
        yield broken(name + "-spi", notify(kind, spi=bytes(4)), "SPI Size", "announcement")
        yield broken(name + "-data", notify(kind, b"\0"), "Notification Data", "announcement")
    yield broken("announcement-of-another-type", notify(16418), "Notify Message Type", "announcement")

    for name, nonce, send, recv in [("zero", "00000000", 0, 0), ("a1", "01020304", 0, 5), ("a3", "a1b2c3d4", 4, 4),
                                    ("high", "ffffffff", 0xffffffff, 0x80000000)]:
        data = bytes.fromhex(nonce) + struct.pack("!II", send, recv)
        yield valid("message-id-sync-" + name, notify(SYNC, data),
                    dict(nonce=nonce, expected_send=send, expected_recv=recv), "message_id_sync")
    good = bytes(range(12))
    for name, octets, error in [
            ("protocol", notify(SYNC, good, protocol=IKE), "Protocol ID"),
            ("spi-of-4", notify(SYNC, good[4:], spi=good[:4]), "SPI Size"),
            ("spi-of-8", notify(SYNC, good, protocol=0, spi=bytes(8)), "SPI Size"),
            ("no-data", notify(SYNC), "Notification Data"), ("data-11", notify(SYNC, good[:11]), "Notification Data"),
            ("data-13", notify(SYNC, good + b"\0"), "Notification Data"),
            ("data-8", notify(SYNC, good[:8]), "Notification Data"),
            ("type", notify(REPLAY, good), "Notify Message Type"),
            ("spi-past-end", payload(struct.pack("!BBH", 0, 13, SYNC) + good), "SPI Size"),
            ("cut", bytes(notify(SYNC, good))[:-1], "Payload Length"),
            ("length-low", payload(struct.pack("!BBH", 0, 0, SYNC) + good, length=19), "Next Payload"),
            ("length-zero", payload(struct.pack("!BBH", 0, 0, SYNC) + good, length=0), "Payload Length")]:
        yield broken("message-id-sync-" + name, octets, error, "message_id_sync")

    for name, esn, delta in [("one", False, 1), ("highest", False, 0xffffffff), ("esn", True, 1 << 40),
                             ("esn-highest", True, (1 << 64) - 1)]:
        data = delta.to_bytes(8 if esn else 4, "big")
        yield valid("replay-counter-sync-" + name, notify(REPLAY, data), dict(delta=data.hex()),
                    "replay_counter_sync", esn=esn)
    for name, esn, octets, error in [
            ("short", False, notify(REPLAY, bytes(3)), "Notification Data"),
            ("of-esn-without-esn", False, notify(REPLAY, bytes(8)), "Notification Data"),
            ("of-4-with-esn", True, notify(REPLAY, bytes(4)), "Notification Data"),
            ("empty", True, notify(REPLAY), "Notification Data"),
            ("protocol", False, notify(REPLAY, bytes(4), protocol=ESP), "Protocol ID"),
            ("spi", False, notify(REPLAY, bytes(4), protocol=0, spi=bytes(4)), "SPI Size"),
            ("type", False, notify(SYNC, bytes(4)), "Notify Message Type")]:
        yield broken("replay-counter-sync-" + name, octets, error, "replay_counter_sync", esn=esn)


def main():
    themes = dict(messages=[headers], sa=[sas], payloads=[plain, fragments, notifies, deletes, traffic_selectors],
                  ha=[ha])
    OUT.mkdir(exist_ok=True)
    for theme, makers in themes.items():
        rows = [json.dumps(vector) for maker in makers for vector in maker()]
        (OUT / f"{theme}.json").write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()
