"""What every page of this project is: one HTML document that stands alone.

It loads nothing and runs no script. It is light or dark as the reader's system is.
"""

from collections.abc import Iterable
from html import escape

from reconciler.text.plain_text import shown_lines

BASE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #1d2530; --quiet: #66707e; --rule: #dfe3e8;
  --panel: #f5f7f9; --loss: #d02f2f; --joined: #2b8a3e; --fault: #e8a23a; --fault-ink: #7a4b00;
  --r0: #2767d8; --r1: #c2630a; --r2: #8a3fc4; --r3: #0a8a8a; --r4: #c02a78; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12161c; --ink: #e3e8ee; --quiet: #98a3b1; --rule: #2b333d; --panel: #1a2028;
    --loss: #ff6b6b; --joined: #5fce77; --fault: #b9832f; --fault-ink: #f3cf93;
    --r0: #6ea2ff; --r1: #f4a14e; --r2: #c490f5; --r3: #45c9c9; --r4: #f57fb8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px 28px 60px; max-width: 1360px; background: var(--ground);
  color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 16px; }
h1 { font-size: 22px; margin: 0; }
h2 { font-size: 15px; margin: 0; display: inline; }
.verdict { margin: 0; padding: 2px 10px; border-radius: 12px; color: #fff; font-weight: 600; }
.verdict.good { background: #2b8a3e; } .verdict.bad { background: #c92a2a; }
.chips { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; margin: 0; padding: 0;
  color: var(--quiet); } .chips b { color: var(--ink); }
section, details { margin: 14px 0; }
.problems { border-left: 4px solid var(--loss); background: var(--panel); padding: 8px 14px; }
.problems ul { margin: 4px 0 0; padding-left: 18px; }
summary { cursor: pointer; color: var(--quiet); } summary h2 { color: var(--ink); }
table { width: 100%; border-collapse: collapse; font-size: 13px; margin-top: 6px; }
th { text-align: left; color: var(--quiet); font-weight: 500; }
th, td { padding: 2px 14px 2px 0; border-bottom: 1px solid var(--rule); vertical-align: top;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
svg text { font: 10.5px ui-monospace, monospace; fill: var(--ink); }
.r0 { --own: var(--r0); } .r1 { --own: var(--r1); } .r2 { --own: var(--r2); }
.r3 { --own: var(--r3); } .r4 { --own: var(--r4); }
.tick { stroke: var(--rule); stroke-width: 1; }
.time { fill: var(--quiet); }
"""


def escaped(text: object) -> str:
    """Return a text as HTML shows it, whatever is in it; a line's end is white space there."""
    return escape(shown_lines(text))


def document(title: str, style: str, parts: Iterable[str]) -> str:
    """Return the document with these parts in its body; empty ones are left out."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{style}</style></head><body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )
