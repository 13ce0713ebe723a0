import { ink, schemeRules } from './colours.ts'

function variables(scheme: 'light' | 'dark'): string {
  return Object.entries(ink)
    .map(([name, colour]) => `--${name}:${colour[scheme]}`)
    .join(';')
}

/** The style of the page: both colour schemes on screens, paper always light. */
export const pageStyle: string = `
:root{color-scheme:light dark;${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}
${schemeRules('svg ')}
}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1.25rem 4rem;max-width:78rem;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;margin:0 0 .25rem}
h2{font-size:1.3rem;margin:3rem 0 .25rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.75rem 0 .25rem}
h4{font-size:.95rem;font-weight:600;margin:1rem 0 .25rem}
p{margin:.25rem 0 .75rem;max-width:70ch}
.quiet,.caption,small{color:var(--quiet)}
a{color:inherit}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;list-style:none}
.pair{display:grid;grid-template-columns:minmax(0,1fr);gap:.5rem 1.5rem;align-items:start;margin:0 0 1rem}
@media (min-width:64rem){.pair.charted{grid-template-columns:minmax(0,30rem) minmax(0,1fr)}}
figure{margin:0;min-width:0}
figure svg{display:block;width:100%;height:auto;max-width:34rem}
.scroll{overflow-x:auto;min-width:0}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);padding:.25rem 0}
th,td{padding:.3rem .6rem;text-align:right;vertical-align:top;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child,td:first-child{text-align:left;padding-left:0}
tbody th{font-weight:500;white-space:normal;overflow-wrap:anywhere;min-width:8rem}
td small{display:block;font-size:.75rem}
td.words{white-space:normal;text-align:left;min-width:12rem}
.verdict{font-weight:600}
.met{color:var(--met)}
.missed{color:var(--missed)}
.note{border-left:4px solid var(--missed);padding:.25rem .75rem;margin:1rem 0}
dl{margin:.5rem 0}
dt{font-weight:600;margin-top:.75rem;overflow-wrap:anywhere}
dd{margin:.1rem 0 .1rem 1rem;max-width:80ch;overflow-wrap:anywhere}
@media print{body{font-size:11px;max-width:none;padding:0}.pair,tr{break-inside:avoid}h2,h3,h4{break-after:avoid}nav{display:none}th,td{white-space:normal}.scroll{overflow:visible}.pair.charted{grid-template-columns:minmax(0,1fr)}figure svg{max-width:26rem}}
`
