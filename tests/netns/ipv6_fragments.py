# SPDX-License-Identifier: ISC
"""Sends a SYN to port 80 in two IPv6 fragments, the ports in the first one; succeeds when a SYN-ACK comes back."""

import logging
import random
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.all import IPv6, IPv6ExtHdrFragment, Raw, TCP, Ether, AsyncSniffer, conf, sendp, getmacbyip6  # noqa: E402

source, destination, device = sys.argv[1:]
conf.verb = 0
port = random.randrange(20000, 60000)
options = [("MSS", 1440), ("NOP", None), ("NOP", None), ("Timestamp", (1, 0))]
whole = bytes(IPv6(src=source, dst=destination) / TCP(sport=port, dport=80, seq=1000, flags="S", options=options))
segment = whole[40:]
cut = 24

sniffer = AsyncSniffer(iface=device, count=1, timeout=3,
                       lfilter=lambda p: p.haslayer(TCP) and p[TCP].sport == 80 and p[TCP].dport == port)
sniffer.start()
layer = Ether(dst=getmacbyip6(destination)) / IPv6(src=source, dst=destination)
identity = random.randrange(1 << 32)
for offset, more, part in ((0, 1, segment[:cut]), (cut // 8, 0, segment[cut:])):
    sendp(layer / IPv6ExtHdrFragment(nh=6, offset=offset, m=more, id=identity) / Raw(part), iface=device)
sniffer.join()
sys.exit(0 if sniffer.results else 1)
