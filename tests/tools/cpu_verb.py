# SPDX-License-Identifier: ISC
"""cpu: what it says of features and kernels, with and without a mask."""

import platform

from harness import Skip, equal, expect, ipsecctl, test

ALGORITHMS = {"3des-cbc", "hmac-md5-96", "hmac-sha1-96", "hmac-sha2-256-128"}
FATES = {"in use", "outdone", "missing", "hidden", "failed"}


def told(mask):
    return ipsecctl("cpu", "--json", environment={"SALLYPORT_CPUMASK": mask}).json()


def kernels(answer, fate):
    return [kernel for kernel in answer["kernels"] if kernel["fate"] == fate]


@test
def cpu_tells_each_algorithm(folder):
    """cpu names kernels of every algorithm, at least one of each in use and none failed"""
    answer = told("")
    equal({kernel["algorithm"] for kernel in answer["kernels"]}, ALGORITHMS)
    equal({kernel["algorithm"] for kernel in kernels(answer, "in use")}, ALGORITHMS)
    expect({kernel["fate"] for kernel in answer["kernels"]} <= FATES - {"hidden", "failed"}, answer)
    for kernel in answer["kernels"]:
        equal(kernel["features"] != "", kernel["fate"] == "missing", kernel)


@test
def cpu_tells_what_is_hidden(folder):
    """with everything hidden, no kernel that needs a feature is in use, and its features are named"""
    if platform.machine() != "x86_64":
        raise Skip("no kernel here needs a feature")
    open_answer, answer = told(""), told("all")
    for before, after in zip(open_answer["features"], answer["features"]):
        equal(after, dict(before, hidden=before["present"]))
    for before, after in zip(open_answer["kernels"], answer["kernels"]):
        expect(after["fate"] != "hidden" or before["fate"] in ("in use", "outdone"), before, after)
        expect(before["fate"] != "missing" or after["fate"] == "missing", before, after)
    present = {feature["name"] for feature in answer["features"] if feature["present"]}
    for kernel in kernels(answer, "hidden"):
        expect(kernel["features"] and set(kernel["features"].split(",")) <= present, kernel)
    expect({kernel["kernel"] for kernel in kernels(answer, "in use")} >= {"libcrypto"}, answer)
    if "avx2" in present:
        expect(any(kernel["features"] == "avx2" for kernel in kernels(answer, "hidden")), answer)


@test
def cpu_hides_what_builds_on_the_hidden(folder):
    """a hidden feature takes with it what builds on it, and leaves the rest"""
    before = {feature["name"]: feature for feature in told("")["features"]}
    after = {feature["name"]: feature for feature in told("avx2")["features"]}
    for name, feature in after.items():
        built_on_it = name in ("avx2", "vaes", "avx512", "avx512_vbmi")
        equal(feature["hidden"], before[name]["present"] and built_on_it, name)


@test
def cpu_warns_of_a_misspelt_mask(folder):
    """a mask with an unknown name is told on stderr and in JSON"""
    answer = ipsecctl("cpu", environment={"SALLYPORT_CPUMASK": "avx22"})
    expect("SALLYPORT_CPUMASK" in answer.err, answer.err)
    equal(ipsecctl("cpu", environment={"SALLYPORT_CPUMASK": "avx2"}).err, "")
    equal((told("avx22")["mask_understood"], told("avx22")["mask"]), (False, "avx22"))
    equal(told("avx2")["mask_understood"], True)


@test
def cpu_prints_what_json_says(folder):
    """the tables of cpu say what its JSON says"""
    answer, text = told("sha_ni"), ipsecctl("cpu", environment={"SALLYPORT_CPUMASK": "sha_ni"})
    rows = [(row["ALGORITHM"], row["KERNEL"], row["FATE"], row["FEATURES"]) for row in text.table("ALGORITHM")]
    equal(rows, [(kernel["algorithm"], kernel["kernel"], kernel["fate"], kernel["features"] or "-")
                 for kernel in answer["kernels"]])
    for feature in answer["features"]:
        state = "hidden" if feature["hidden"] else "present" if feature["present"] else "missing"
        expect(f"{feature['name']}\t{state}" in text.lines(), feature, text.out)


@test
def cpu_takes_nothing_else(folder):
    """cpu with another argument exits 1"""
    equal(ipsecctl("cpu", "--frob", code=1).out, "")
