#!/usr/bin/python3
"""A peer over UDP that misbehaves, for hostile.sh.

hostile_peer.py MODE [PEER_PORT PEER_NATT_PORT]: listens on two free ports of 127.0.0.1, prints them in one line, and goes
on until it is ended or its standard input is.

  silent    takes everything, answers nothing
  garbage   answers each datagram with random octets
  echo      answers each datagram with itself, as a response
  endless   from the first datagram on sends for ever, whatever comes, some hundred a second
  flood     the same as fast as it can, in large datagrams

With the ports of a right peer on 127.0.0.1 it stands between the cluster and that one:

  relay     and changes nothing
  late      and sends what the peer said once more a while later, when the case is over
  vanish    and is gone for two seconds again and again
  noisy     and sends random octets beside each answer
"""
import os
import random
import select
import socket
import sys
import time

LATE_S = 1.5
VANISH_AFTER, VANISH_S = 7, 2.0


def listen():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    return s


def as_response(octets, marked):
    at = 19 + (4 if marked else 0)
    if len(octets) <= at:
        return octets
    return octets[:at] + bytes([octets[at] ^ 0x28]) + octets[at + 1:]


class Relay:
    """Between each port of the cluster's and the peer behind it: a socket of its own for each cluster port."""

    def __init__(self, mode, listening, ports):
        self.mode, self.listening, self.ports = mode, listening, ports
        self.upstream = {}  # socket: (index of the listening port, the cluster's address)
        self.by_cluster = {}
        self.later = []
        self.seen = 0
        self.gone_until = 0

    def sockets(self):
        return self.listening + list(self.upstream)

    def is_gone(self):
        if self.mode != "vanish":
            return False
        self.seen += 1
        if self.seen % VANISH_AFTER == 0:
            self.gone_until = time.monotonic() + VANISH_S
        return time.monotonic() < self.gone_until

    def take(self, s):
        octets, source = s.recvfrom(65535)
        if self.is_gone():
            return
        if s in self.upstream:
            index, cluster = self.upstream[s]
            self.listening[index].sendto(octets, cluster)
            if self.mode == "late":
                self.later.append((time.monotonic() + LATE_S, index, cluster, octets))
            if self.mode == "noisy":
                self.listening[index].sendto(os.urandom(random.randrange(1, 400)), cluster)
            return
        index = self.listening.index(s)
        if (index, source) not in self.by_cluster:
            own = listen()
            self.by_cluster[index, source] = own
            self.upstream[own] = (index, source)
        self.by_cluster[index, source].sendto(octets, ("127.0.0.1", self.ports[index]))

    def tick(self):
        while self.later and self.later[0][0] <= time.monotonic():
            _, index, cluster, octets = self.later.pop(0)
            self.listening[index].sendto(octets, cluster)


class Alone:
    """Nobody is behind it."""

    def __init__(self, mode, listening):
        self.mode, self.listening = mode, listening
        self.targets = {}  # the cluster's addresses, and the last that came from there

    def sockets(self):
        return self.listening

    def take(self, s):
        octets, source = s.recvfrom(65535)
        self.targets[s, source] = octets
        if self.mode == "garbage":
            s.sendto(os.urandom(random.randrange(1, 600)), source)
        elif self.mode == "echo":
            s.sendto(as_response(octets, s is self.listening[1]), source)

    def tick(self):
        count = {"endless": 2, "flood": 100}.get(self.mode, 0)
        for (s, source), octets in self.targets.items():
            for _ in range(count):
                if self.mode == "flood":
                    octets = octets[:8] + os.urandom(random.randrange(8000))
                s.sendto(octets, source)


def main():
    mode, ports = sys.argv[1], [int(p) for p in sys.argv[2:]]
    listening = [listen(), listen()]
    peer = Relay(mode, listening, ports) if ports else Alone(mode, listening)
    print(*(s.getsockname()[1] for s in listening), flush=True)
    while True:
        ready, _, _ = select.select([*peer.sockets(), sys.stdin], [], [], 0 if mode == "flood" else 0.005)
        if sys.stdin in ready and not os.read(0, 100):
            return
        for s in ready:
            if s is not sys.stdin:
                try:
                    peer.take(s)
                except OSError:
                    pass  # the cluster's port is closed already
        try:
            peer.tick()
        except OSError:
            pass


main()
