#!/usr/bin/env python3
"""Opens a page of `tintype explain` in headless Chromium and uses it as a reader would.

usage: explain_page.py PAGE [--picture FILE] [--dark]

It must load without a complaint on the console and without asking for anything else; every link in it must lead somewhere;
a link into something folded must open it; tables must sort and remarks filter; nothing may be wider than the window.
"""
import argparse
import sys

from browser import Browser


def expect(condition, message):
    print(("ok    " if condition else "WRONG ") + message, flush=True)
    if not condition:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page")
    parser.add_argument("--picture")
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    with Browser(1280, 900, args.dark) as page:
        page.open(args.page)
        sections = page.evaluate("[...document.querySelectorAll('nav a')].map((a) => a.hash.slice(1))")
        expect(len(sections) == 7, f"the page has the sections {sections}")
        broken = page.evaluate("""[...document.querySelectorAll("a[href^='#']")].map((a) => a.hash.slice(1))
                                  .filter((id) => !document.getElementById(id))""")
        links = page.evaluate("document.querySelectorAll(\"a[href^='#']\").length")
        expect(links > 100 and not broken, f"all of {links} links lead somewhere {broken[:5] or ''}")
        outside = page.evaluate("document.querySelectorAll(\"a[href]:not([href^='#']), link[href^='http'], img, script[src], iframe\").length")
        expect(outside == 0, "nothing is linked from outside")
        doubled = page.evaluate("""(() => { const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
                                   return ids.filter((id, i) => ids.indexOf(id) !== i); })()""")
        expect(not doubled, f"every id is there once {doubled[:5]}")
        expect(page.evaluate("document.documentElement.scrollWidth") <= 1280, "nothing is wider than the window")
        if args.picture:
            page.screenshot(args.picture)
        over = page.evaluate("""(() => { const tiles = [...document.querySelectorAll(".tile b")], was = tiles[0].textContent;
                                tiles[0].textContent = "2.15 GFLOP";
                                const over = tiles.filter((b) => b.scrollWidth > b.clientWidth).map((b) => b.textContent);
                                tiles[0].textContent = was;
                                return over; })()""")
        expect(not over, f"every number has room in its tile {over}")

        # From a line of the model to a kernel, and back.
        there = page.evaluate("""(() => { const link = document.querySelector("#sources .chip, .source .chip"); link.click();
                                 return link.hash.slice(1); })()""")
        expect(page.wait(f"document.getElementById({there!r}).open && location.hash === '#{there}'"), f"a chip opens {there}")
        seen = page.wait(f"""(() => {{ const box = document.getElementById({there!r}).getBoundingClientRect();
                                 return box.top >= 0 && box.top < innerHeight; }})()""")
        expect(seen, f"{there} is on the screen")
        panes = page.evaluate(f"[...document.getElementById({there!r}).querySelectorAll('.panes h3')].map((h) => h.textContent.split(':')[0])")
        expect(panes == ["Loop nest", "Schedule", "Lowered statement", "Hot loop"], f"it shows {panes}")
        line = page.evaluate(f"""(() => {{ const link = [...document.getElementById({there!r}).querySelectorAll(".facts a")].find((a) => a.hash.startsWith("#s"));
                                 link.click(); return link.hash.slice(1); }})()""")
        back = page.evaluate(f"[...document.getElementById({line!r}).querySelectorAll('.chip')].map((a) => a.hash)")
        expect("#" + there in back, f"its line {line} leads back to it")

        order = """[...document.querySelectorAll("#kernel-table tbody tr")].map((r) => r.cells[0].textContent)"""
        before = page.evaluate(order)
        page.evaluate("""document.querySelector("#kernel-table th").click()""")
        down = page.evaluate(order)
        page.evaluate("""document.querySelector("#kernel-table th").click()""")
        up = page.evaluate(order)
        numbers = sorted(int(name[1:]) for name in before)
        expect([int(n[1:]) for n in up] == numbers and down == up[::-1], "kernels sort by number, both ways")

        visible = "[...document.querySelectorAll('#remarks-table tbody tr')].filter((r) => !r.hidden).length"
        everything = page.evaluate(visible)
        page.evaluate("""document.getElementById("remark-text").value = "not fused";
                         document.getElementById("remark-text").dispatchEvent(new Event("input"))""")
        some = page.evaluate(visible)
        expect(0 < some < everything, f"{some} of {everything} remarks hold `not fused`")

        at = page.evaluate("""(() => { const box = document.getElementById("memory-chart").getBoundingClientRect();
                              scrollTo(0, scrollY + box.top - 200);
                              const now = document.getElementById("memory-chart").getBoundingClientRect();
                              return [now.left + now.width / 2, now.top + now.height / 2]; })()""")
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])
        page.wait("getComputedStyle(document.getElementById('tip')).display === 'block'")
        tip = page.evaluate("getComputedStyle(document.getElementById('tip')).display + ' ' + document.getElementById('tip').textContent")
        expect(tip.startswith("block launch ") and "MiB alive" in tip, f"the chart says {tip!r}")

        complaints, requests = page.complaints(), page.requests()
        expect(not complaints, f"no complaint on the console {complaints}")
        expect(len([r for r in requests if not r.startswith("data:")]) == 1, f"nothing else was asked for {requests[1:]}")


if __name__ == "__main__":
    main()
