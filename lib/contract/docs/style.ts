/** The one style of the docs page. Its hash stands in the page's content security policy. */
export const docsStyle = `
:root {
  color-scheme: light dark;
  --ink: light-dark(#1c2024, #e4e7eb);
  --soft: light-dark(#5b6570, #9aa5b1);
  --line: light-dark(#dde2e8, #2f3740);
  --paper: light-dark(#ffffff, #14181c);
  --tint: light-dark(#f5f7f9, #1b2026);
  --accent: light-dark(#0b5cad, #74b4f5);
  --get: light-dark(#0b6b3a, #5fd196);
  --post: light-dark(#0b5cad, #74b4f5);
  --patch: light-dark(#8a5200, #f0b35a);
  --delete: light-dark(#a8232a, #ff8a8f);
  font: 16px/1.55 system-ui, sans-serif;
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: var(--paper); display: grid; grid-template-columns: 19rem minmax(0, 1fr); }
a { color: var(--accent); text-decoration: none; }
a:hover, main p > a, main li a, main td a { text-decoration: underline; }
code, pre { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
small, .who, .type { color: var(--soft); }
nav { position: sticky; top: 0; align-self: start; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem 2rem 1.5rem; background: var(--tint); border-right: 1px solid var(--line); font-size: 0.875rem; }
nav ul { list-style: none; margin: 0 0 0.75rem; padding: 0; }
nav li a { display: grid; grid-template-columns: 3.6rem 1fr; align-items: baseline; padding: 0.15rem 0; color: var(--ink); line-height: 1.35; }
nav summary { font-weight: 600; padding: 0.25rem 0; cursor: pointer; }
nav p { margin: 0.5rem 0; }
nav .brand { font-size: 1.125rem; font-weight: 700; margin: 0 0 0.75rem; }
nav .brand a { color: inherit; }
main { padding: 2rem clamp(1rem, 4vw, 3.5rem) 6rem; max-width: 62rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.5rem; margin: 3.5rem 0 0.25rem; }
h3 { font-size: 1.1875rem; margin: 0 0 0.25rem; }
h3 a { color: inherit; }
h4 { font-size: 0.8125rem; text-transform: uppercase; letter-spacing: 0.05em; color: var(--soft); margin: 1.5rem 0 0.5rem; }
.lead { font-size: 1.125rem; color: var(--soft); }
header li { margin: 0.3rem 0; }
article { margin: 1.75rem 0 0; padding: 1.75rem 0 0; border-top: 1px solid var(--line); }
.endpoint { margin: 0.25rem 0 0.75rem; display: flex; flex-wrap: wrap; gap: 0.25rem 0.6rem; align-items: baseline; }
.endpoint > code { font-size: 1rem; }
.method { font: 600 0.75rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.endpoint .method { border: 1px solid currentColor; border-radius: 0.25rem; padding: 0.05rem 0.4rem; }
.method.get { color: var(--get); }
.method.post { color: var(--post); }
.method.patch { color: var(--patch); }
.method.delete { color: var(--delete); }
table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; }
th { text-align: left; font-weight: 600; font-size: 0.8125rem; color: var(--soft); }
th, td { padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td:first-child code { overflow-wrap: break-word; }
td:first-child { min-width: 9rem; width: 28%; }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 0.375rem; padding: 0.75rem 1rem; overflow-x: auto; margin: 0.5rem 0; }
pre code { overflow-wrap: normal; }
main details { border: 1px solid var(--line); border-radius: 0.375rem; margin: 0.3rem 0; padding: 0 0.9rem; }
main details[open] { padding-bottom: 0.5rem; }
main summary { cursor: pointer; margin: 0 -0.9rem; padding: 0.4rem 0.9rem; }
.status { font: 600 0.875rem/1 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; margin-right: 0.4rem; }
.success .status { color: var(--get); }
main p.problem { margin: 0.3rem 0; padding: 0 0.9rem; }
.problem .status { color: var(--delete); }
:target { scroll-margin-top: 1rem; }
article:target > h3 a { color: var(--accent); }
[hidden] { display: none !important; }
button { font: inherit; font-size: 0.875rem; color: var(--accent); background: var(--paper); border: 1px solid var(--line); border-radius: 0.375rem; padding: 0.3rem 0.75rem; cursor: pointer; }
button:hover { background: var(--tint); }
button:disabled { color: var(--soft); cursor: default; }
input, textarea { font: 0.875rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; width: 100%; color: var(--ink); background: var(--paper); border: 1px solid var(--soft); border-radius: 0.375rem; padding: 0.3rem 0.6rem; }
label { display: block; margin: 0.4rem 0; }
label span { display: block; font-size: 0.8125rem; color: var(--soft); }
#values { margin: 2rem 0 0; padding: 1rem 1.25rem; border: 1px solid var(--line); border-radius: 0.5rem; }
#values h2 { margin: 0; font-size: 1.125rem; }
#values p { margin: 0.4rem 0; }
var { font-style: normal; color: var(--accent); }
.frame { position: relative; }
.frame .copy { position: absolute; top: 0.4rem; right: 0.4rem; font-size: 0.75rem; padding: 0.1rem 0.5rem; }
.frame pre { padding-top: 2.1rem; }
.samples details { margin: 0.3rem 0; }
.try { margin: 0.75rem 0 0; padding: 0.75rem 1rem; border: 1px solid var(--line); border-radius: 0.375rem; }
.open-try { margin-top: 0.5rem; }
a:focus-visible, summary:focus-visible, button:focus-visible, input:focus-visible, textarea:focus-visible, pre:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 0.2rem; }
@media (max-width: 52rem) {
  body { display: block; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); padding: 1rem; }
  main { padding-top: 1.5rem; }
  table, tbody, tr, td { display: block; }
  thead { display: none; }
  tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
  td { padding: 0; border: 0; }
  td:first-child { width: auto; font-weight: 600; }
  td:nth-child(2):not(:last-child) { color: var(--soft); }
}
@media print {
  nav { display: none; }
  body { display: block; }
}
`;
