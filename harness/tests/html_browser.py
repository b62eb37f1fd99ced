#!/usr/bin/env python3
"""What a person does with the pages: html_browser.py BROWSER FOLDER SCREENSHOTS; FOLDER has bad.html, good.html, evil.html
and matrix.html. Prints "ok ..." and "not ok ..."."""
import json
import sys

from browser import Browser

CASE = "sync.equal-m1-is-dropped"
ESP_CASE = "rpl.jump-is-accepted"


failed = 0


def ok(title, good, but=""):
    global failed
    failed += not good
    print(("ok - " if good else "not ok - ") + title)
    if not good:
        print("    " + json.dumps(but)[:600])


def equal(title, want, got):
    ok(title, want == got, {"want": want, "got": got})


class Page:
    def __init__(self, browser, folder):
        self.browser, self.folder = browser, "file://" + folder + "/"

    def open(self, name):
        self.browser.open(self.folder + name)

    def run(self, script):
        return self.browser.run(script)

    def count(self, selector):
        """Those that can be seen."""
        return self.run("[...document.querySelectorAll(" + json.dumps(selector) + ")].filter(e => e.checkVisibility()).length")

    def fragment(self, end=""):
        """Once it ends so: what opens in a page is told it a moment later."""
        self.browser.until("decodeURIComponent(location.hash).endsWith(%s)" % json.dumps(end))
        return self.run("decodeURIComponent(location.hash)")


def filters(page):
    page.open("bad.html")
    everything = page.count("details.case")
    ok("all cases are there at first", everything > 5, everything)
    page.browser.click("a.verdict.FAIL[href='#verdict=FAIL']")
    page.browser.until("document.getElementById('filter-verdict').value === 'FAIL'")
    equal("a click on a count shows those cases", 1, page.count("details.case"))
    equal("and says so", "1 of %d cases" % everything, page.run("document.getElementById('filter-count').textContent"))
    equal("the requirement that failed", 1, page.run("document.querySelectorAll('tr.requirement:not([hidden])').length"))
    page.browser.key("Escape")
    ok("Escape shows all again", page.browser.until(
        "document.querySelectorAll('details.case:not([hidden])').length === %d" % everything))
    page.browser.key("/")
    equal("the slash leads to the search", "filter-text", page.run("document.activeElement.id"))
    page.browser.type("repeats m1")
    found = page.run("[...document.querySelectorAll('details.case:not([hidden])')].map(e => e.dataset.case)")
    ok("words that both stand in a case", CASE in found and len(found) < everything, found)
    equal("are in the fragment", "#text=repeats m1", page.fragment("m1"))
    page.open("bad.html#requirement=SYNC-4")
    ok("a requirement in the fragment", 1 <= page.count("details.case") < everything, page.count("details.case"))
    equal("is in the form", "SYNC-4", page.run("document.getElementById('filter-requirement').value"))
    page.open("bad.html#verdict=NONSENSE&text=" + "%3Cimg%20src%3Dx%3E")
    equal("what nobody has finds nothing", 0, page.count("details.case"))
    equal("and says so in words", 1, page.count("#nothing"))


def opens(page):
    page.open("bad.html#open=" + CASE + "/1/p7")
    equal("a fragment opens the case, the combination and the packet", [True, True, True], page.run(
        "['', '/1', '/1/p7'].map(end => document.getElementById('c/%s' + end).open)" % CASE))
    ok("the ladder is to be seen", page.count("details.combination[open] svg") >= 1)
    equal("the packet is marked in it", 1, page.count("a.chosen[data-packet=p7]"))
    text = page.run("document.getElementById('c/%s/1/p7').textContent" % CASE)
    ok("its notify is in words", "N(IKEV2_MESSAGE_ID_SYNC nonce" in text and "member 2 to peer" in text, text)
    page.open("bad.html#verdict=FAIL")
    page.browser.click("details.case:not([hidden]) > details.combination > summary")
    equal("a click opens a combination", CASE + "/1", page.fragment(CASE + "/1").split("open=")[-1])
    page.browser.click("details.combination[open] svg a[data-packet=p9] .message")
    equal("a click on an arrow opens its packet", "#verdict=FAIL&open=" + CASE + "/1/p9", page.fragment("/p9"))
    equal("and its words", True, page.run("document.getElementById('c/%s/1/p9').open" % CASE))
    page.browser.click("details.combination[open] .checks td:last-child a")
    ok("so does its number in a check", page.fragment("/1/p7").endswith("/1/p7"), page.fragment())
    copies(page)


def copies(page):
    """The command goes to the clipboard, from a page that is a file, also where one of the two ways is refused."""
    line = "details.combination[open] .command"
    command = page.run("document.querySelector('%s code').textContent" % line)
    ok("there is a command for Wireshark", command.startswith("WIRESHARK_CONFIG_DIR=cases/%s wireshark -r " % CASE), command)
    for way, refuse in (("as it is", ""), ("without the newer way", "navigator.clipboard && (navigator.clipboard.writeText = () => "
                                           "Promise.reject(new Error('refused')))")):
        page.run("document.querySelector('%s button').textContent = 'Copy'" % line)
        page.run(refuse or "0")
        page.run("document.getElementById('filter-text').value = 'other'; document.getElementById('filter-text').focus()")
        page.browser.edit("selectAll")
        page.browser.edit("copy")
        page.browser.click(line + " button")
        ok("%s: the button says that it was copied" % way,
           page.browser.until("document.querySelector('%s button').textContent === 'Copied'" % line))
        page.run("document.getElementById('filter-text').value = ''; document.getElementById('filter-text').focus()")
        page.browser.edit("paste")
        equal("%s: what was copied is the command" % way, command, page.run("document.getElementById('filter-text').value"))


def numbers(page):
    """The picture of sequence numbers below the ladder of a case with ESP."""
    page.open("bad.html#open=" + ESP_CASE + "/1")
    within = "details.combination[open] "
    equal("two SAs have a row each", 2, page.count(within + ".sequences .spi"))
    equal("a line for each failover", page.count(within + ".ladder .band"), page.count(within + ".sequences .moment"))
    ok("there are failovers", page.count(within + ".sequences .moment") > 1)
    ok("jumps are drawn as such", page.count(within + ".sequences .course.step") > 1)
    highest = page.run("Math.max(...[...document.querySelectorAll('%s.sequences .number')].map(e => Number(e.textContent)))" % within)
    ok("the number behind the last jump is there", highest > 1 << 30, highest)
    page.browser.click(within + ".sequences a[data-packet=p9]")
    equal("a click on a point opens its packet", "#open=" + ESP_CASE + "/1/p9", page.fragment("/p9"))
    equal("which is marked in both pictures", 2, page.count("a.chosen[data-packet=p9]"))
    page.browser.click(within + ".numbers td a")
    ok("so does a number in the table", page.fragment("/1/p5").endswith("/1/p5"), page.fragment())
    each = page.run("(() => { const svg = document.querySelector('%s.ladder'); return [svg.querySelectorAll('a.packet').length, "
                    "svg.querySelectorAll('.counter').length / 4]; })()" % within)
    ok("the four counters stand beside each packet but those of IKE_AUTH", each[1] >= each[0] - 4, each)
    wide = page.run("(() => { const box = document.querySelector('%s.ladder'); const end = box.getBoundingClientRect().right; return "
                    "[...box.querySelectorAll('text')].filter(e => e.getBoundingClientRect().right > end).length; })()" % within)
    equal("no words stick out of the ladder", 0, wide)


def paper(page):
    """What failed is opened for paper, and closed again."""
    page.open("bad.html")
    closed = page.count("svg.ladder")
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    failed_ones = page.run("document.querySelectorAll('details.combination[data-verdict=FAIL]').length")
    ok("all that failed is open on paper", page.count("svg.ladder") == closed + failed_ones > closed,
       [closed, failed_ones, page.count("svg.ladder")])
    equal("and all requirements", 0, page.run("document.querySelectorAll('details.group:not([open])').length"))
    page.run("window.dispatchEvent(new Event('afterprint'))")
    equal("and closed again", closed, page.count("svg.ladder"))
    counts = page.run("[...document.querySelectorAll('.not-judged li')].reduce((sum, e) => sum + parseInt(e.textContent), 0)")
    ok("the summary says of every requirement that was not judged why", counts > 0 and page.run(
        "document.querySelector('ul.not-judged').previousElementSibling.textContent").startswith(
            "%d of %d requirements" % (page.run("document.querySelectorAll('tr.requirement').length") - counts,
                                       page.run("document.querySelectorAll('tr.requirement').length"))), counts)


def keyboard(page):
    page.open("bad.html")
    page.browser.key("j")
    page.browser.key("j")
    page.browser.key("k")
    first = page.run("document.activeElement.closest('details.case') === document.querySelector('details.case')")
    equal("j and k go through the cases", True, first)
    page.browser.key("Enter")
    equal("Enter opens one", True, page.run("document.querySelector('details.case').open"))
    page.open("bad.html#open=" + CASE + "/1")
    page.run("document.querySelector('details.combination[open] svg a').focus()")
    page.browser.key("Enter")
    equal("an arrow has the keyboard, too", "#open=" + CASE + "/1/p1", page.fragment("/p1"))


def hostile(page):
    page.open("evil.html")
    page.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    equal("a hostile peer makes no element", 0, page.run("document.querySelectorAll('img, [onerror]').length"))
    ok("its name is to be read", page.run("document.querySelector('h1').textContent").startswith("<img src=x onerror"))
    page.open("evil.html#open=" + "%3Cimg%20src%3Dx%20onerror%3Dalert(3)%3E")
    equal("nor does a hostile fragment", 0, page.run("document.querySelectorAll('img').length"))
    page.browser.complaints.clear()
    page.run("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.caught = 1\">')")
    page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.caught = 2'}))")
    page.run("new Promise(done => setTimeout(done, 100))")
    equal("the policy lets no other script run", True, page.run("window.caught === undefined"))
    page.browser.complaints.clear()


def matrix(page):
    page.open("matrix.html")
    page.run("document.getElementById('filter-verdict').value = 'FAIL'")
    page.run("document.getElementById('filter').dispatchEvent(new Event('input'))")
    equal("the matrix has a filter", 1, page.count("tr.requirement"))
    page.browser.click("tr.requirement:not([hidden]) a.verdict.FAIL")
    page.browser.until("location.pathname.endsWith('bad.html') && document.readyState === 'complete' && "
                       "document.querySelector('.target')")
    equal("a cell opens the case", True, page.run("document.getElementById('c/%s/1').open" % CASE))


def judged(page):
    page.open("judged.html")
    text = page.run("document.querySelector('h1').textContent")
    ok("a judged capture says what it came to", text.endswith("one side breaks rules"), text)
    equal("it is filtered by IKE SAs", "2 of 2 IKE SAs", page.run("document.getElementById('filter-count').textContent"))
    page.browser.click(".failures a[href^='#c/']")
    equal("a finding leads to its IKE SA", True, page.run("document.querySelector('details.case').open"))
    ok("with a ladder", page.count("svg.ladder a.packet.sync") >= 2, page.count("svg.ladder a.packet"))
    page.browser.click("svg.ladder a.packet.sync")
    equal("a packet of it opens in words", 1, page.count("details.packet-words[open]"))
    ok("decrypted", "IKEV2_MESSAGE_ID_SYNC" in page.run("document.querySelector('details.packet-words[open]').textContent"))
    ok("and is in the fragment", "/p" in page.fragment(), page.fragment())
    page.open("judged.html#requirement=SYNC-4")
    equal("a requirement in the fragment filters", 2, page.count("details.case"))
    page.open("judged.html#requirement=IKE-1")
    equal("one that nobody broke has no IKE SA", 0, page.count("details.case"))
    page.open("numbers.html")
    ok("numbers of ESP are drawn", page.count("details.case[open] svg.sequences .point") >= 4)
    ok("and what is broken is said", "RPL-1" in page.run("document.querySelector('.failures').textContent"))
    page.open("evil-judged.html")
    page.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    equal("a hostile file name makes no element", 0, page.run("document.querySelectorAll('img, [onerror]').length"))
    ok("it is to be read", page.run("document.querySelector('h1').textContent").startswith("<img src=x onerror"))
    equal("and no script", True, page.run("window.caught === undefined"))


def looks(page, folder):
    wide = "document.documentElement.scrollWidth <= innerWidth"
    for name, width, height, dark in (("light", 1280, 1400, False), ("dark", 1280, 1400, True), ("phone", 360, 1400, False)):
        page.browser.window(width, height, dark)
        for what, where in (("top", "bad.html"), ("ladder", "bad.html#open=" + CASE + "/1"),
                            ("numbers", "bad.html#open=" + ESP_CASE + "/1/p9"), ("matrix", "matrix.html"),
                            ("judged", "judged.html#open="), ("judged-numbers", "numbers.html")):
            page.open(where)
            page.browser.screenshot("%s/%s-%s.png" % (folder, name, what))
            equal("%s, %s: nothing hangs out of the page" % (name, what), True, page.run(wide))
    colours = []
    for dark in (False, True):
        page.browser.window(1280, 800, dark)
        page.open("bad.html")
        colours.append(page.run("getComputedStyle(document.body).backgroundColor"))
    equal("light and dark", ["rgb(255, 255, 255)", "rgb(20, 24, 29)"], colours)
    page.browser.window(1280, 800, True, "print")
    page.open("bad.html#open=" + CASE + "/1")
    equal("on paper it is light, and without the form", ["rgb(255, 255, 255)", 0],
          [page.run("getComputedStyle(document.body).backgroundColor"), page.count("#filter")])
    page.browser.paper(folder + "/paper.pdf")


def main():
    program, folder, shots = sys.argv[1:]
    browser = Browser(program)
    try:
        browser.window(1280, 1000)
        page = Page(browser, folder)
        for part in (filters, opens, numbers, paper, keyboard, hostile, matrix, judged):
            part(page)
        looks(page, shots)
        equal("the console has no complaint", [], browser.complaints)
        equal("nothing was asked of a network", [],
              [u for u in browser.requests if not u.startswith(("file://" + folder, "about:", "data:,"))])
    finally:
        browser.close()
    sys.exit(failed > 0)


main()
