"""The style sheet of the report: colours for light and dark, and the classes the diagram uses."""

STYLE = """
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
.problems ul, .end ul { margin: 4px 0 0; padding-left: 18px; }
.legend { background: var(--panel); padding: 8px 14px; border-radius: 6px; }
.legend p { margin: 2px 0 6px; max-width: 110ch; color: var(--quiet); }
.legend ul { list-style: none; margin: 0; padding: 0; columns: 3 330px; column-gap: 24px; }
.legend li { break-inside: avoid; display: flex; gap: 6px; align-items: flex-start;
  line-height: 18px; font-size: 13px; margin-bottom: 3px; }
.legend li svg { flex: none; }
summary { cursor: pointer; color: var(--quiet); } summary h2 { color: var(--ink); }
.rows { overflow-x: auto; }
.row { display: block; margin: 10px 0 4px; border-bottom: 1px solid var(--rule); }
.end { margin: 6px 0; padding: 6px 12px; background: var(--panel); border-radius: 6px;
  font-family: ui-monospace, monospace; font-size: 12px; overflow-wrap: anywhere; }
.end.bad { border-left: 4px solid var(--loss); }
table { width: 100%; border-collapse: collapse; font-size: 13px; margin-top: 6px; }
th { text-align: left; color: var(--quiet); font-weight: 500; }
th, td { padding: 2px 14px 2px 0; border-bottom: 1px solid var(--rule); vertical-align: top;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
td:nth-child(n + 5) { white-space: normal; overflow-wrap: anywhere; }
a { color: var(--r0); text-decoration: none; } a:hover { text-decoration: underline; }

svg text { font: 10.5px ui-monospace, monospace; fill: var(--ink); }
.name { text-anchor: end; font-weight: 600; font-size: 12px !important; }
.r0 { --own: var(--r0); } .r1 { --own: var(--r1); } .r2 { --own: var(--r2); }
.r3 { --own: var(--r3); } .r4 { --own: var(--r4); } .joined { --own: var(--joined); }
text.name { fill: var(--own); }
.line { stroke: var(--own); stroke-width: 3; fill: none; }
.line.nothing { stroke: var(--rule); stroke-width: 1.5; }
.arrow { stroke: var(--own); stroke-width: 1.2; opacity: .55; fill: none; }
.arrow:hover { stroke-width: 3; opacity: 1; }
.tick { stroke: var(--rule); stroke-width: 1; }
.time { fill: var(--quiet); }
.break { stroke: var(--ground); stroke-width: 3; paint-order: stroke; }
.wait { fill: var(--quiet); text-anchor: middle; font-weight: 600; }
.band rect { fill: var(--fault); opacity: .4; rx: 3px; }
.band rect.shade { opacity: .16; } .band:hover rect { opacity: .6; }
.band:hover rect.shade { opacity: .32; }
.band text { fill: var(--fault-ink); font-size: 9.5px; }
.leader { stroke: var(--quiet); stroke-width: .6; }
.mark { stroke: var(--ground); stroke-width: 1.2; fill: var(--own, var(--quiet));
  stroke-linejoin: round; }
.mark text { stroke: none; fill: var(--ink); }
.mark:hover text { font-weight: 700; }
.mark .hollow { fill: var(--ground); stroke: var(--own, var(--quiet)); stroke-width: 2.2; }
.refused { stroke: var(--quiet); } .refused text { fill: var(--quiet); }
.overwrite, .loss, .witness { stroke: var(--loss); stroke-width: 2.6; fill: none; }
.mark .plate { fill: var(--ground); stroke-width: 1.8; }
.mark .pupil { fill: var(--loss); stroke: none; }
.loss text { fill: var(--loss); font-weight: 600; }
.witness { stroke-width: 1.6; } .witness .plate { stroke-dasharray: 2 2; }
.witness text { fill: var(--quiet); }
.event { fill: var(--ground); stroke: var(--quiet); }
.merge text, .fold text { fill: var(--joined); font-weight: 600; }
.crash, .park, .expire { fill: var(--fault-ink); }
.crash { stroke-width: .8; }
.redeliver { fill: none; stroke: var(--fault-ink); stroke-width: 1.6; }
.mark:target text { font-weight: 700; text-decoration: underline; }
.mark:target > circle { stroke: var(--ink); stroke-width: 3; }
"""
