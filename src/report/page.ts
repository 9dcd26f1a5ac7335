import { Html, html } from './html.js';

/** A whole page around `body`. The policy forbids scripts and anything from elsewhere, whatever should get into the page. */
export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body>
${body}
</body>
</html>
`.source;
}

const style = `
:root { color-scheme: light; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: white; font: 15px/1.45 Roboto, Helvetica, Arial, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3 { line-height: 1.2; font-weight: 500; break-after: avoid; }
h2 { margin-top: 2.2rem; padding-bottom: .2rem; border-bottom: 1px solid #bbb; }
h3 { margin: 1.6rem 0 .4rem; }
.small { color: #555; font-size: 13px; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; overflow-wrap: normal; }
td { min-width: 4rem; max-width: 24rem; overflow-wrap: anywhere; }
th { border-bottom: 1px solid #888; font-weight: 500; }
td.number { min-width: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
li { margin: .3rem 0; }
.columns { columns: 18rem; font-size: 13px; }
.columns ul { margin: 0; }
@media print {
  @page { margin: 15mm; }
  body { margin: 0; padding: 0; max-width: none; font-size: 10pt; }
  table { font-size: 8pt; }
  th, td { padding: .15rem .35rem; }
  .wide { overflow: visible; }
  tr, li, img { break-inside: avoid; }
}
`;
