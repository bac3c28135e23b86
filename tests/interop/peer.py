# SPDX-License-Identifier: ISC
"""The peer: scapy's ESP, which shares no code with ours. What it lacks is made of Python's own modules."""

import hmac
import logging
import struct
import warnings

logging.getLogger("scapy").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")

from scapy.layers.inet import IP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.ipsec import ESP, IPSecIntegrityError, SecurityAssociation  # noqa: E402

ENCRYPTION = {"3des-cbc": "3DES", "null": "NULL", "aes128-gcm16": "AES-GCM", "aes256-gcm16": "AES-GCM"}
INTEGRITY = {"hmac-md5-96": "HMAC-MD5-96", "hmac-sha1-96": "HMAC-SHA1-96", "hmac-sha2-256-128": "SHA2-256-128"}


class ExtendedIntegrity:
    """HMAC with extended sequence numbers, which scapy has for AH only: the upper half is hashed behind the packet
    (RFC 4303, 2.2.1). Stands where scapy has one of its AuthAlgo."""

    def __init__(self, algorithm, association):
        self.icv_size, self.association = algorithm.icv_size, association
        self.hash = algorithm.digestmod.name

    def _icv(self, packet, key):
        return hmac.digest(key, bytes(packet) + struct.pack("!I", self.association.esn), self.hash)[:self.icv_size]

    def sign(self, packet, key):
        packet.data += self._icv(packet, key)

    def verify(self, packet, key):
        copy, icv = packet.copy(), packet.data[-self.icv_size:]
        copy.data = copy.data[:-self.icv_size]
        if icv != self._icv(copy, key):
            raise IPSecIntegrityError("the ICV is another")


class Peer:
    """scapy's end of an SA."""

    def __init__(self, gate, is_stranger=False):
        """A stranger has another key for integrity; where there is one key for both, another key."""
        encryption, *integrity = gate.suite.split()
        encryption_key, integrity_key = gate.encryption_key, gate.integrity_key
        if is_stranger and integrity:
            integrity_key = bytes(len(integrity_key))
        elif is_stranger:
            encryption_key = bytes(len(encryption_key))
        self.association = SecurityAssociation(
            ESP, spi=gate.spi, crypt_algo=ENCRYPTION[encryption], crypt_key=encryption_key or None,
            auth_algo=INTEGRITY[integrity[0]] if integrity else None, auth_key=integrity_key or None,
            nat_t_header=UDP(sport=4500, dport=4500) if gate.is_encapsulated else None, esn_en=gate.has_esn,
            tunnel_header=(IP if gate.tunnel == 4 else IPv6)(src=gate.ends[0], dst=gate.ends[1])
            if gate.tunnel else None)
        if gate.has_esn and integrity:
            self.association.auth_algo = ExtendedIntegrity(self.association.auth_algo, self.association)

    @staticmethod
    def _parse(packet):
        return (IP if packet[0] >> 4 == 4 else IPv6)(packet)

    def seal(self, packet):
        sealed = self.association.encrypt(self._parse(packet))
        if UDP in sealed:  # scapy 2.5 leaves the length of the header alone there
            del sealed[UDP].len
        return bytes(sealed)

    def seal_number(self, packet, number):
        """Under a sequence number of 64 bits. scapy takes a seq_num and an esn of 0 for what it has itself."""
        self.association.seq_num, self.association.esn = number & 0xffffffff, number >> 32
        return self.seal(packet)

    def open(self, packet):
        """Raises when the ICV is wrong."""
        return bytes(self.association.decrypt(self._parse(packet)))

    def sequence(self, packet):
        return self._parse(packet)[ESP].seq
