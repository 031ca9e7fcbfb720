# SPDX-License-Identifier: MIT
"""Bars as SVG: a bar is the median, the thin line its least and most. The axis
is logarithmic, since peers differ by hundreds."""
import html
import math
import statistics

import harness

# name, measurement, figure, unit, better
PLOTS = [
    ("One call of track", "track, network idle", "p50", "ns, p50"),
    ("One call, beside its peers", "peers: the call", "p50", "ns, p50"),
    ("Delivery to a server beside", "peers: delivery, 0 ms",
     "events_per_second", "events a second"),
    ("CPU of the client", "peers: delivery, 0 ms", "cpu_seconds_per_million",
     "seconds per million events"),
    ("Delivery to a server 20 ms away", "peers: delivery, 20 ms",
     "events_per_second", "events a second"),
    ("Growth", "growth, batches of 500", "cpu_seconds_per_million",
     "CPU seconds per million events"),
    ("Collector", "ingest, batches of 1000", "events_per_second",
     "events a second"),
]
WIDTH, LEFT, RIGHT, ROW, TOP = 760, 250, 110, 26, 44
STYLE = ("text{font:13px sans-serif;fill:#222}.t{font-size:15px;"
         "font-weight:bold}.u{fill:#666}.b{fill:#8aa4c8}.o{fill:#2f6db5}"
         ".r{stroke:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}"
         ".u{fill:#aaa}.r{stroke:#eee}}")


def file_name(name):
    return "".join(letter if letter.isalnum() else "-"
                   for letter in name.lower())


def is_ours(variant):
    return variant.startswith("datalyr")


def draw(name, bars, unit):
    """`bars` are (label, least, median, most)."""
    low = 10 ** math.floor(math.log10(min(bar[1] for bar in bars)) - 0.01)
    high = max(bar[3] for bar in bars)
    span = math.log10(high / low)
    room = WIDTH - LEFT - RIGHT

    def place(value):
        return LEFT + room * math.log10(value / low) / span

    height = TOP + ROW * len(bars) + 10
    yield ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
           'viewBox="0 0 %d %d" role="img" aria-label="%s">'
           % (WIDTH, height, WIDTH, height, html.escape(name)))
    yield "<style>%s</style>" % STYLE
    yield '<text class="t" x="10" y="20">%s</text>' % html.escape(name)
    yield ('<text class="u" x="%d" y="20" text-anchor="end">%s, logarithmic'
           '</text>' % (WIDTH - 10, html.escape(unit)))
    for index, (label, least, middle, most) in enumerate(bars):
        y = TOP + ROW * index
        yield ('<text x="%d" y="%d" text-anchor="end">%s</text>'
               % (LEFT - 8, y + 14, html.escape(label)))
        yield ('<rect class="%s" x="%d" y="%d" width="%.1f" height="18"/>'
               % ("o" if is_ours(label) else "b", LEFT, y,
                  max(1, place(middle) - LEFT)))
        yield ('<line class="r" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>'
               % (place(least), y + 9, place(most), y + 9))
        yield ('<text x="%.1f" y="%d">%s</text>'
               % (place(most) + 6, y + 14, harness.number(middle)))
    yield "</svg>"


def list_plots(measurements):
    """(name, SVG) of the plots whose numbers are there."""
    for name, measurement, figure, unit in PLOTS:
        bars = []
        for variant, runs in measurements.get(measurement, {}).items():
            found = [value for value in harness.values(runs, figure)
                     if value > 0]
            if found:
                bars.append((variant, min(found), statistics.median(found),
                             max(found)))
        if len(bars) > 1:
            yield name, "\n".join(draw(name, bars, unit)) + "\n"
