# SPDX-License-Identifier: ISC
"""The onlooker: tshark with the table that ipsecctl exports."""

import os
import subprocess

import packets

FIELDS = ["esp.icv_good", "esp.icv_bad", "data.data"]
HEADERS = ["ip.src", "ip.dst", "ip.dsfield", "ip.flags.df", "ipv6.src", "ipv6.dst", "ipv6.tclass"]


def dissect(folder, table, capture, fields=tuple(FIELDS)):
    """For each packet a dictionary of the fields that tshark found."""
    configuration, path = os.path.join(folder, "wireshark"), os.path.join(folder, "wireshark.pcap")
    os.makedirs(configuration, exist_ok=True)
    with open(os.path.join(configuration, "esp_sa"), "w", encoding="ascii") as stream:
        stream.write(table)
    packets.write_capture(path, capture)
    command = ["tshark", "-n", "-r", path, "-o", "esp.enable_encryption_decode:TRUE", "-o",
               "esp.enable_authentication_check:TRUE", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    process = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                             env={**os.environ, "WIRESHARK_CONFIG_DIR": configuration, "HOME": folder})
    if process.returncode != 0:
        raise RuntimeError(f"tshark: exit {process.returncode}\n{process.stderr}")
    return [dict(zip(fields, line.split("\t"))) for line in process.stdout.splitlines()]
