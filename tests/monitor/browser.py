# SPDX-License-Identifier: ISC
"""A Chromium without a screen, driven by its chromedriver (W3C WebDriver over HTTP): no more than the tests take."""

import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

PORT = 9515
# As root it has no sandbox of its own; the rest keeps it from talking to anybody.
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"]


class Browser:
    def __init__(self, folder, width=1280, height=1150):
        self.folder, self.size, self.session = folder, (width, height), None

    def __enter__(self):
        with open(f"{self.folder}/chromedriver.log", "w", encoding="utf-8") as log:
            self.driver = subprocess.Popen(["chromedriver", f"--port={PORT}"], stdout=log, stderr=log,
                                           start_new_session=True)
        try:
            self._wait_for_driver()
            arguments = [*ARGUMENTS, f"--user-data-dir={self.folder}/chromium", f"--window-size={self.size[0]},{self.size[1]}"]
            wanted = {"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}}
            self.session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if self.session:
                self._call("DELETE", f"/session/{self.session}")
        finally:
            os.killpg(self.driver.pid, signal.SIGTERM)
            self.driver.wait(10)

    def _wait_for_driver(self):
        for _ in range(100):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("chromedriver does not start")

    def _call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from error

    def open(self, url):
        self._call("POST", f"/session/{self.session}/url", {"url": url})

    def run(self, script):
        """What a function body of JavaScript returns."""
        return self._call("POST", f"/session/{self.session}/execute/sync", {"script": script, "args": []})

    def wait_for(self, script, what, seconds=20):
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"{what}: not within {seconds} s"
            time.sleep(0.2)

    def complaints(self):
        """What the page wrote to the console, violations of its CSP among it."""
        log = self._call("POST", f"/session/{self.session}/se/log", {"type": "browser"})
        return [entry["message"] for entry in log if entry["level"] in ("SEVERE", "WARNING")]

    def be(self, scheme):
        """Dark or light."""
        self._call("POST", f"/session/{self.session}/goog/cdp/execute",
                   {"cmd": "Emulation.setEmulatedMedia",
                    "params": {"features": [{"name": "prefers-color-scheme", "value": scheme}]}})

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self._call("GET", f"/session/{self.session}/screenshot")))
