"""A headless Chromium, driven over a pipe (DevTools protocol): no port, no network, no package beside Python."""
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, program="chromium"):
        self.profile = tempfile.mkdtemp(prefix="browser-")
        to_browser, self.ours = os.pipe()
        self.theirs, from_browser = os.pipe()

        def take_pipes():  # Chromium reads from descriptor 3 and writes to 4
            read, written = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(written, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--remote-debugging-pipe", "--user-data-dir=" + self.profile,
             "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=take_pipes)
        os.close(to_browser)
        os.close(from_browser)
        self.pending = b""
        self.last = 0
        self.session = None
        self.requests = []  # every address that the pages asked for
        self.complaints = []  # what stood in the console: breaches of the policy, errors
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")

    def close(self):
        os.close(self.ours)
        os.close(self.theirs)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self):
        while b"\0" not in self.pending:
            more = os.read(self.theirs, 1 << 20)
            if not more:
                raise RuntimeError("the browser is gone")
            self.pending += more
        one, self.pending = self.pending.split(b"\0", 1)
        return json.loads(one)

    def _note(self, event):
        method, what = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(what["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(what["exceptionDetails"])[:400])

    def call(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.ours, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._message()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(method + ": " + answer["error"]["message"])
                return answer["result"]
            self._note(answer)

    def window(self, width, height, dark=False, media=""):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def until(self, condition, seconds=60):
        """Whether it came true in that time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run("(() => { try { return Boolean(" + condition + "); } catch (_) { return false; } })()"):
                return True
            time.sleep(0.02)
        return False

    def run(self, script, wait=False):
        for _ in range(20):
            try:
                answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=wait)
                break
            except RuntimeError as gone:  # the page changed under it
                if "context" not in str(gone) and "navigated" not in str(gone):
                    raise
                time.sleep(0.05)
        if "exceptionDetails" in answer:
            raise RuntimeError(script + ": " + json.dumps(answer["exceptionDetails"])[:300])
        return answer["result"].get("value")

    def click(self, selector):
        """With the mouse, where it is on the screen."""
        at = self.run("(() => { const e = document.querySelector(" + json.dumps(selector) + ");"
                      " e.scrollIntoView({block: 'center', inline: 'center'}); const r = e.getBoundingClientRect();"
                      " return [r.left + r.width / 2, r.top + r.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left", clickCount=1)

    def key(self, key, text=""):
        names = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("", 9)}
        text, code = names.get(key, (text or key, ord(key[0].upper())))
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def edit(self, command):
        """As the menu of an editor does: "selectAll", "copy", "paste"."""
        self.call("Input.dispatchKeyEvent", type="keyDown", key="F20", commands=[command])
        self.call("Input.dispatchKeyEvent", type="keyUp", key="F20")

    def screenshot(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def paper(self, path):
        with open(path, "wb") as out:
            out.write(base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"]))
