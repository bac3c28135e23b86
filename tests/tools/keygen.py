# SPDX-License-Identifier: ISC
"""keygen: what it makes, and where it refuses to put it."""

import os
import re
import stat
import subprocess

from harness import FRONT_END, IPSECCTL, equal, expect, ipsecctl, remember_keys, test

SUITES = [("3des-cbc", "hmac-sha1-96", 24, 20), ("3des-cbc", "hmac-sha2-256-128", 24, 32),
          ("3des-cbc", "hmac-md5-96", 24, 16), ("null", "hmac-sha1-96", 0, 20)]


def read(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def keys_in(text, kind):
    return re.findall(rf"{kind}-key 0x([0-9a-f]+)", text)


@test
def keygen_makes_a_private_pair(folder):
    """keygen makes two SAs, there and back, in a file of mode 0600 whatever the umask"""
    former = os.umask(0)
    try:
        path = folder.keys()
    finally:
        os.umask(former)
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
    text = read(path)
    equal(re.findall(r"from (\S+) to (\S+)", text), [("192.0.2.1", "192.0.2.2"), ("192.0.2.2", "192.0.2.1")])
    spis = [int(spi, 16) for spi in re.findall(r"spi (0x[0-9a-f]+)", text)]
    expect(len(set(spis)) == 2 and min(spis) >= 256, spis)


@test
def keygen_never_repeats(folder):
    """keys and SPIs differ between SAs and between files"""
    encryption, integrity, spis = [], [], []
    for number in range(20):
        text = read(folder.keys(f"{number}.keys"))
        encryption += keys_in(text, "encryption")
        integrity += keys_in(text, "integrity")
        spis += re.findall(r"spi (0x[0-9a-f]+)", text)
    for values in (encryption, integrity, spis):
        equal((len(values), len(set(values))), (40, 40))


@test
def keygen_sets_parity(folder):
    """each byte of a 3DES key has an odd number of ones, and its three parts differ"""
    for key in keys_in(read(folder.keys()), "encryption"):
        expect(all(bin(byte).count("1") % 2 == 1 for byte in bytes.fromhex(key)), "parity")
        expect(len({key[0:16], key[16:32], key[32:48]}) == 3, "parts")


@test
def keygen_makes_each_suite(folder):
    """--esp gives keys of the right length for each suite, which the SA file's reader takes"""
    empty = folder.file("empty.pcap")
    with open(empty, "wb") as stream:
        stream.write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    for encryption, integrity, encryption_bytes, integrity_bytes in SUITES:
        path = folder.keys(f"{encryption}-{integrity}.keys", "--esp", encryption, integrity, "--from",
                           "2001:db8::1", "--to", "2001:db8::2")
        text = read(path)
        equal([len(key) for key in keys_in(text, "integrity")], [2 * integrity_bytes] * 2, integrity)
        equal([len(key) for key in keys_in(text, "encryption")],
              [2 * encryption_bytes] * 2 if encryption_bytes else [], encryption)
        told = ipsecctl("apply", "--policy", FRONT_END, "--keys", path, "--direction", "out", "--json", empty,
                        folder.file("out.pcap")).json()
        equal(len(told["sas"]), 2, "SAs read")


@test
def keygen_makes_extended_numbers(folder):
    """--esn gives SAs with extended sequence numbers, which only an action that has them uses"""
    plain, path = folder.keys("plain.keys"), folder.keys("esn.keys", "--esn")
    equal((read(plain).count("\n    esn\n"), read(path).count("\n    esn\n")), (0, 2))
    told = ipsecctl("keygen", "--esn", "--json", "--output", folder.file("told.keys")).json()
    equal([sa["esn"] for sa in told["sas"]], [True, True])


@test
def keygen_makes_tunnels(folder):
    """--tunnel gives SAs in tunnel mode"""
    plain, path = folder.keys("plain.keys"), folder.keys("tunnel.keys", "--tunnel")
    equal((read(plain).count("\n    mode tunnel\n"), read(path).count("\n    mode tunnel\n")), (0, 2))
    told = ipsecctl("keygen", "--tunnel", "--json", "--output", folder.file("told.keys")).json()
    equal([sa["mode"] for sa in told["sas"]], ["tunnel", "tunnel"])


@test
def keygen_never_overwrites(folder):
    """keygen leaves a file alone that is there already, also a dangling link, and exits 2"""
    path = folder.file("old.keys", "precious\n")
    answer = ipsecctl("keygen", "--output", path, code=2)
    expect("overwritten" in answer.err, answer.err)
    equal(read(path), "precious\n")
    link, target = folder.file("link.keys"), folder.file("target.keys")
    os.symlink(target, link)
    ipsecctl("keygen", "--output", link, code=2)
    expect(not os.path.exists(target), "it wrote through a link")
    ipsecctl("keygen", "--output", folder.file("no/such/folder.keys"), code=2)


@test
def keygen_tells_no_keys(folder):
    """keygen --output shows SPIs and fingerprints, as JSON too, and never keys"""
    path, second = folder.file("a.keys"), folder.file("b.keys")
    answer = ipsecctl("keygen", "--output", path)
    remember_keys(path)
    for key in keys_in(read(path), "integrity") + keys_in(read(path), "encryption"):
        expect(key not in answer.out + answer.err, "a key was printed")
    told = ipsecctl("keygen", "--json", "--from", "192.0.2.1", "--to", "192.0.2.2", "--output", second)
    for key in keys_in(read(second), "integrity") + keys_in(read(second), "encryption"):
        expect(key not in told.out + told.err, "a key was printed")
    sas = told.json()["sas"]
    equal([f"0x{sa['spi']:08x}" for sa in sas], re.findall(r"spi (0x[0-9a-f]+)", read(second)))
    equal(len({sa["fingerprint"] for sa in sas}), 2, "fingerprints")
    for spi in re.findall(r"spi (0x[0-9a-f]+)", read(path)):
        expect(re.search(rf"SPI {spi}, fingerprint [0-9a-f]{{16}}$", answer.out, re.MULTILINE), answer.out)


@test
def keygen_pipes(folder):
    """keygen writes to a pipe and to a private file, but refuses a file that others may read"""
    text = ipsecctl("keygen", "--from", "192.0.2.1", "--to", "192.0.2.2", may_show_keys=True).out
    equal(len(keys_in(text, "encryption")), 2)
    for mode, code in ((0o600, 0), (0o644, 2), (0o640, 2)):
        path = folder.file(f"{mode:o}.keys", "")
        os.chmod(path, mode)
        with open(path, "w", encoding="utf-8") as stream:
            done = subprocess.run([IPSECCTL, "keygen"], stdout=stream, stderr=subprocess.DEVNULL, check=False)
        equal((done.returncode, bool(keys_in(read(path), "integrity"))), (code, code == 0), f"mode {mode:o}")


@test
def keygen_says_which_addresses(folder):
    """keygen without addresses writes documentation ones and says so"""
    answer = ipsecctl("keygen", "--output", folder.file("default.keys"))
    expect("192.0.2.1" in answer.err and "edit" in answer.err, answer.err)
