"""The style sheet of the report: what all pages share, and the classes the diagram uses."""

from reconciler.text.page import BASE

STYLE = (
    BASE
    + """
.end ul { margin: 4px 0 0; padding-left: 18px; }
.legend { background: var(--panel); padding: 8px 14px; border-radius: 6px; }
.legend p { margin: 2px 0 6px; max-width: 110ch; color: var(--quiet); }
.legend ul { list-style: none; margin: 0; padding: 0; columns: 3 330px; column-gap: 24px; }
.legend li { break-inside: avoid; display: flex; gap: 6px; align-items: flex-start;
  line-height: 18px; font-size: 13px; margin-bottom: 3px; }
.legend li svg { flex: none; }
.rows { overflow-x: auto; }
.row { display: block; margin: 10px 0 4px; border-bottom: 1px solid var(--rule); }
.end { margin: 6px 0; padding: 6px 12px; background: var(--panel); border-radius: 6px;
  font-family: ui-monospace, monospace; font-size: 12px; overflow-wrap: anywhere; }
.end.bad { border-left: 4px solid var(--loss); }
td:nth-child(n + 5) { white-space: normal; overflow-wrap: anywhere; }
a { color: var(--r0); text-decoration: none; } a:hover { text-decoration: underline; }

.name { text-anchor: end; font-weight: 600; font-size: 12px !important; }
.joined { --own: var(--joined); }
text.name { fill: var(--own); }
.line { stroke: var(--own); stroke-width: 3; fill: none; }
.line.nothing { stroke: var(--rule); stroke-width: 1.5; }
.arrow { stroke: var(--own); stroke-width: 1.2; opacity: .55; fill: none; }
.arrow:hover { stroke-width: 3; opacity: 1; }
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
)
