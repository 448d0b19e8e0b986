"""How a report looks: on light and dark screens, in narrow windows, and on paper."""

from __future__ import annotations

# Text has a contrast of at least 4.5:1 on its ground in both themes; the emotions' colours have
# 3:1 on "paper", and no text is written on them.
STYLE = """\
:root {
  color-scheme: light;
  --paper: #ffffff; --shade: #f2f5f8; --ink: #1b2430; --soft: #55606e; --line: #d5dce4;
  --link: #00629a; --mark: #1b2430;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --paper: #12161c; --shade: #1d242d; --ink: #e8ecf1; --soft: #a9b4c0; --line: #364150;
    --link: #7cc4f0; --mark: #e8ecf1;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  overflow-wrap: break-word;
}
main, header, footer { max-width: 1040px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 40px; }
footer { padding-top: 20px; padding-bottom: 48px; color: var(--soft); font-size: 14px; }
h1, h2, h3, h4, p, ul, ol, table, figure { margin: 0; }
h1 { font-size: clamp(26px, 4.5vw, 38px); line-height: 1.15; letter-spacing: -0.01em; }
h2 { font-size: 22px; line-height: 1.25; margin: 48px 0 14px; }
h3 { font-size: 18px; line-height: 1.3; }
h4 { font-size: 16px; line-height: 1.3; }
p + p, ul + p, p + ul { margin-top: 8px; }
a { color: var(--link); }
svg { display: block; overflow: hidden; }
svg .ground { fill: var(--paper); }
.patterns { position: absolute; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.above { color: var(--soft); font-size: 14px; margin-bottom: 6px; }
.lead { font-size: 18px; margin: 14px 0 22px; max-width: 46em; }
.note { color: var(--soft); font-size: 14px; }
.sum { color: var(--soft); font-size: 12px; font-weight: 400; overflow-wrap: anywhere; }
.swatch { display: inline-block; vertical-align: -1px; flex: none; }
.shares { width: 100%; height: 18px; border-radius: 5px; }
.shares rect, .strip rect { stroke: var(--paper); stroke-width: 1; }
.strip rect { stroke-width: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 8px 0 0; padding: 0; }
.legend { list-style: none; font-size: 14px; font-variant-numeric: tabular-nums; }
.legend li { display: inline-flex; gap: 6px; align-items: center; white-space: nowrap; }
.box {
  border: 1px solid var(--line); border-radius: 12px; padding: 16px; break-inside: avoid;
}
.entry { margin-top: 36px; }
.entry > h3 { margin-bottom: 12px; }
.picture {
  position: relative; width: fit-content; max-width: 100%; border-radius: 10px; overflow: hidden;
  break-inside: avoid;
}
.picture img { display: block; width: auto; max-width: 100%; height: auto; max-height: 560px; }
.face {
  position: absolute; border: 2.5px solid var(--of); border-radius: 4px;
  box-shadow: 0 0 0 1px #ffffff, inset 0 0 0 1px #ffffff;
}
.face.uncertain { border-style: dashed; box-shadow: none; outline: 1px solid #ffffff; }
.tag {
  position: absolute; left: -2.5px; bottom: calc(100% + 3px); display: flex; gap: 5px;
  align-items: center; padding: 2px 6px; border-radius: 4px; white-space: nowrap;
  background: #ffffff; color: #1b2430; font-size: 13px; line-height: 1.2; font-weight: 600;
}
.tag.below { bottom: auto; top: calc(100% + 3px); }
.tag.inside { bottom: auto; top: 3px; left: 3px; }
.tag.right { left: auto; right: -2.5px; }
.tag.inside.right { right: 3px; }
.picture + .note { margin-top: 6px; }
.few { display: grid; gap: 0 18px; grid-template-columns: fit-content(62%) minmax(320px, 1fr); }
.few > h3 { grid-column: 1 / -1; }
.few > .cards { margin-top: 0; align-content: start; max-width: 520px; }
.cards {
  display: grid; gap: 14px; margin-top: 14px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 310px), 1fr));
}
.card {
  display: grid; grid-template-columns: 96px minmax(0, 1fr); gap: 4px 14px; align-content: start;
}
.card > img { width: 96px; height: 96px; object-fit: cover; border-radius: 8px; }
.card .said { color: var(--soft); font-size: 14px; margin-top: 2px; }
.card .bars, .card .findings { grid-column: 1 / -1; }
.findings { padding: 0; list-style: none; font-size: 14px; color: var(--soft); }
.findings li { padding-left: 22px; position: relative; }
.findings li::before { content: "✓"; position: absolute; left: 2px; }
.findings li.warning { color: var(--ink); }
.findings li.warning::before { content: "⚠"; left: 0; }
.bars { width: 100%; border-collapse: collapse; margin: 10px 0 6px; font-size: 14px; }
.bars th { text-align: left; font-weight: 400; padding: 1px 10px 1px 0; width: 1%; }
.bars th, .bars td { white-space: nowrap; }
.bars td { padding: 1px 0; text-align: right; width: 44px; font-variant-numeric: tabular-nums; }
.bars td.bar { width: auto; }
.bars svg { width: 100%; height: 12px; background: var(--shade); border-radius: 2px; }
.bars line { stroke: var(--mark); stroke-width: 1.5; stroke-dasharray: 2 2; }
.rows { width: 100%; border-collapse: collapse; font-size: 15px; }
.rows th, .rows td {
  text-align: left; vertical-align: top; padding: 7px 14px 7px 0;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums;
}
.rows thead th { font-size: 13px; color: var(--soft); font-weight: 600; }
.rows tbody th { font-weight: 500; min-width: 5.5em; }
.rows tbody th, .rows tbody td { overflow-wrap: anywhere; }
.rows td:last-child, .rows th:last-child { padding-right: 0; }
.rows .number { text-align: right; white-space: nowrap; }
.rows .line { width: 45%; min-width: 90px; vertical-align: middle; }
.rows tr { break-inside: avoid; }
.verdicts { display: inline-flex; flex-wrap: wrap; gap: 2px 14px; }
.verdict { white-space: nowrap; display: inline-flex; gap: 6px; align-items: center; }
.person { margin-top: 16px; }
.who { display: grid; grid-template-columns: 88px minmax(0, 1fr); gap: 4px 16px; }
.who > img { width: 88px; height: 88px; object-fit: cover; border-radius: 8px; }
.who > :only-child { grid-column: 1 / -1; }
.who .note { margin: 0 0 10px; }
.time { margin: 16px 0 0; }
.areas { width: 100%; height: 96px; background: var(--shade); border-radius: 5px 5px 0 0; }
.strip { width: 100%; height: 14px; background: var(--shade); }
.time .strip { margin-top: 3px; border-radius: 0 0 5px 5px; }
.axis { position: relative; height: 20px; font-size: 12px; color: var(--soft); }
.mark { position: absolute; transform: translateX(-50%); padding-top: 2px; white-space: nowrap; }
.mark.first { transform: none; }
.mark.last { transform: translateX(-100%); }
.moments { display: flex; flex-wrap: wrap; gap: 12px 18px; padding: 0; list-style: none; }
.moments { margin-top: 8px; font-size: 14px; }
.moments li { width: 104px; }
.moments img { width: 84px; height: 84px; object-fit: cover; border-radius: 8px; }
.subhead { font-size: 14px; margin-top: 14px; }
.limits { padding-left: 20px; }
.limits li { margin-top: 4px; }
.facts th { width: 34%; }
@media (max-width: 800px) {
  .few { display: block; }
  .few > .cards { margin-top: 14px; max-width: none; }
}
@media (max-width: 560px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; }
  .lead { font-size: 16px; }
  .box { padding: 12px; }
  .rows { font-size: 14px; }
  .rows th, .rows td { padding-right: 8px; }
  .small .what { display: none; }
}
@page { margin: 14mm; }
@media print {
  body { font-size: 10.5pt; }
  main, header, footer { max-width: none; padding: 0; }
  h2, h3, h4, .subhead { break-after: avoid; }
  h2 { margin-top: 24px; }
  .entry { margin-top: 22px; }
  .picture img { max-height: 105mm; }
  .cards { grid-template-columns: repeat(2, 1fr); }
  .facts, .limits, .person { break-inside: avoid; }
  a { color: inherit; text-decoration: none; }
  svg, .tag, .face, .bars svg { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
