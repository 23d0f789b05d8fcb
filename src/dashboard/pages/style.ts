import { OF_PAGES } from "./page-styles.ts";

/**
 * The look of every page. Space is in steps of 4 px, text is never smaller than 12 px, and each colour of text has a
 * contrast of 4.5 or more on each ground that it stands on (WCAG 2.2, 1.4.3).
 */
const TOKENS = `
:root{
color-scheme:light dark;
--page:#fff;--surface:#f5f6f8;--raised:#fff;--line:#e1e4e9;--edge:#858d9b;
--ink:#171a21;--quiet:#565e6c;--accent:#3149c6;--on-accent:#fff;--focus:#3149c6;
--good:#17653a;--warn:#7f4500;--bad:#a8211a;--danger:#b3261e;
--allowed:#3b6fdc;--denied:#cf4138;
--radius:6px;--shadow:0 1px 2px #0f172a14;
--font:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;
}
@media (prefers-color-scheme:dark){:root{
--page:#101318;--surface:#181c23;--raised:#171b22;--line:#2a303a;--edge:#717a89;
--ink:#e8eaee;--quiet:#a2abb9;--accent:#8ea2ff;--on-accent:#0b1020;--focus:#8ea2ff;
--good:#6fcf97;--warn:#f2b263;--bad:#ff928a;--danger:#c4352c;
--allowed:#6f9df5;--denied:#ff8a80;
--shadow:none;
}}
`;

const TEXT = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:14px/20px var(--font);overflow-wrap:anywhere}
h1,h2,h3,p,dl,dd,ul,fieldset,table{margin:0;padding:0;border:0}
h1{font-size:20px;line-height:28px;font-weight:600;letter-spacing:-.01em;margin-bottom:16px}
h2{font-size:16px;line-height:24px;font-weight:600;margin-bottom:12px}
h3{font-size:14px;font-weight:600;margin-bottom:4px}
p{margin-bottom:12px}
small{font-size:12px;line-height:16px}
a{color:inherit;text-decoration:underline;text-decoration-color:var(--edge);text-underline-offset:3px}
a:hover{text-decoration-color:currentcolor}
code{font:12px/16px var(--mono)}
td code,th code{white-space:nowrap}
time{white-space:nowrap}
:focus-visible{outline:2px solid var(--focus);outline-offset:2px;border-radius:var(--radius)}
`;

const FRAME = `
body>header{border-bottom:1px solid var(--line);background:var(--raised)}
body>header,body>main{padding-inline:max(20px,calc((100% - 1120px)/2))}
body>header{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:center;min-height:56px;padding-block:8px}
body>header>a:first-child{display:flex;gap:8px;align-items:center;font-size:15px;font-weight:650;text-decoration:none}
body>header>nav{flex:1}
.mark,.logo{height:24px;display:block}.mark{width:24px}.logo{max-width:160px}
body>header small{color:var(--quiet)}
nav ul{display:flex;flex-wrap:wrap;gap:4px;list-style:none}
nav a{display:inline-block;padding:6px 10px;border-radius:var(--radius);text-decoration:none;color:var(--quiet)}
nav a:hover{background:var(--surface);color:var(--ink)}
nav a[aria-current]{background:var(--surface);color:var(--ink);font-weight:550}
body>main{padding-block:24px 56px}
section{margin-bottom:32px}
section:last-child,.scroll{margin-bottom:0}
.bar{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center;margin-bottom:16px}
.bar h1{margin:0}
.bar .button{margin-inline-start:auto}
.narrow,article{max-width:640px}
article{border:1px solid var(--line);border-radius:8px;background:var(--raised);box-shadow:var(--shadow);padding:16px;margin-bottom:12px}
article p:last-child,article form{margin:0}
.door{max-width:384px;margin:min(12vh,96px) auto 0;padding:32px}
.door .button{display:block;margin-top:20px}
`;

const CONTROLS = `
button,.button{display:inline-block;padding:5px 12px;border:1px solid transparent;border-radius:var(--radius);background:var(--accent);color:var(--on-accent);font:inherit;font-weight:550;text-align:center;text-decoration:none;cursor:pointer}
button:hover,.button:hover{filter:brightness(1.08)}
button:disabled{opacity:.55;cursor:default}
button.plain,.row button:not(.danger),article form>button:not(.danger){background:var(--raised);color:var(--ink);border-color:var(--edge)}
body>header button{background:none;color:var(--quiet);font-weight:400;padding-inline:8px}
button.plain:hover,body>header button:hover{color:var(--ink);background:var(--surface);filter:none}
.narrow .row button{background:var(--accent);color:var(--on-accent);border-color:transparent}
.danger{background:var(--danger);color:#fff}
@media (pointer:coarse){button,.button,nav a{padding-block:9px}}
label,legend{display:block;font-weight:550}
input,select,textarea{max-width:100%;font:inherit;font-weight:400;line-height:20px;color:inherit;background:var(--raised);border:1px solid var(--edge);border-radius:var(--radius);padding:5px 8px;min-height:32px}
label>input:not([type=checkbox],[type=radio]),label>select,label>textarea{display:block;width:100%;margin-top:4px}
input::placeholder{color:var(--quiet);opacity:1}
input[type=date]{padding-block:4px}
[aria-invalid=true]{border-color:var(--bad)}
fieldset{min-width:0;margin-block:16px}
legend{padding:0;margin-bottom:8px}
fieldset label{font-weight:400;padding-block:4px}
input[type=checkbox],input[type=radio]{width:16px;height:16px;margin:0 8px 0 0;vertical-align:-3px;accent-color:var(--focus)}
.row{display:flex;flex-wrap:wrap;gap:12px;align-items:end}
.row label{flex:1 1 200px}
.row a:not(.button){padding-block:6px}
search{display:block;margin-bottom:16px}
.fault{display:block;color:var(--bad);margin-top:4px}
details{margin-top:8px}
summary{cursor:pointer;color:var(--quiet)}
dialog{border:0;padding:0;background:none;color:inherit;max-width:min(560px,calc(100vw - 32px))}
dialog article{margin:0;padding:20px}
dialog::backdrop{background:#0b0f1680}
`;

const PARTS = `
.tag{display:inline-flex;gap:6px;align-items:center;padding:1px 8px;border-radius:10px;font-size:12px;line-height:18px;white-space:nowrap;background:color-mix(in srgb,currentcolor 9%,transparent)}
.tag::before{content:"";width:6px;height:6px;border-radius:50%;background:currentcolor}
.active{color:var(--good)}.expiring,.overlap,.suspended{color:var(--warn)}.revoked,.unverifiable{color:var(--bad)}.expired,.replaced,.quiet{color:var(--quiet)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--raised)}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{overflow-wrap:break-word;padding:8px 12px;text-align:start;vertical-align:middle;font-weight:400}
thead th{padding-block:6px;font-size:12px;color:var(--quiet);background:var(--surface);white-space:nowrap}
tbody tr+tr>*{border-top:1px solid var(--line)}
tbody tr:hover>*{background:color-mix(in srgb,var(--surface) 60%,transparent)}
th[scope=row]{min-width:160px;overflow-wrap:anywhere}
th[scope=row]>a{font-weight:550;text-decoration:none}
th[scope=row]>a:hover{text-decoration:underline}
td.scopes,td.made{min-width:128px;overflow-wrap:anywhere}
td small,th small{display:block;color:var(--quiet)}
svg .allowed{fill:var(--allowed)}svg .denied{fill:var(--denied)}svg .line{stroke:var(--edge);stroke-width:1;opacity:.5}
.use{display:flex;gap:8px;align-items:end;font-size:12px;line-height:16px}
.use svg{width:96px;height:24px;display:block}
.chart{margin:0}
.chart figcaption{display:flex;flex-wrap:wrap;gap:4px 20px;margin-bottom:12px}
.legend::before{content:"";display:inline-block;width:10px;height:10px;border-radius:2px;margin-inline-end:6px}
.legend.allowed::before{background:var(--allowed)}.legend.denied::before{background:var(--denied)}
.legend small{color:var(--quiet)}
.plot{display:grid;grid-template-columns:auto 1fr;gap:4px 8px;font-size:12px;color:var(--quiet)}
.plot svg{width:100%;height:160px;border-block:1px solid var(--line);overflow:visible}
.plot .day{fill:transparent}.plot g:hover .day{fill:var(--surface)}
.scale,.days{display:flex;justify-content:space-between}
.scale{flex-direction:column;text-align:end;margin-block:-8px}
.days{grid-column:2}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:6px 24px;margin-bottom:32px}
.facts dt{color:var(--quiet)}.facts dd{min-width:0}
.notice{max-width:640px;padding:10px 14px;border-radius:8px;border:1px solid color-mix(in srgb,var(--good) 35%,transparent);background:color-mix(in srgb,var(--good) 6%,transparent);margin-bottom:16px}
.notice.warn{border-color:color-mix(in srgb,var(--warn) 40%,transparent);background:color-mix(in srgb,var(--warn) 7%,transparent)}
.notice.bad{border-color:color-mix(in srgb,var(--bad) 40%,transparent);background:color-mix(in srgb,var(--bad) 6%,transparent)}
.notice p:last-child{margin:0}
.secret{display:flex;flex-wrap:wrap;gap:8px;align-items:stretch;margin-bottom:20px}
.secret code{flex:1 1 320px;padding:10px 12px;border:1px solid var(--line);border-radius:var(--radius);background:var(--surface);font-size:14px;line-height:20px;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
.visually-hidden,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip:focus{position:absolute;z-index:1;margin:4px;padding:8px 16px;border-radius:var(--radius);background:var(--raised)}
[data-copy],[data-download]{display:none}.script :is([data-copy],[data-download]){display:inline-block}
`;

const FOOTER = `
.places{list-style:none}.places li{padding-block:8px}.places li+li{border-top:1px solid var(--line)}.places a{font-weight:550}.places small{display:block;color:var(--quiet)}
body>footer{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;padding:12px max(20px,calc((100% - 1120px)/2)) 24px;font-size:12px;line-height:16px;color:var(--quiet)}
body>footer form{display:flex;gap:4px;margin-inline-start:auto}
body>footer button.plain{border-color:transparent;background:none;padding-inline:8px;font-weight:400;color:var(--quiet)}
body>footer button[aria-current]{color:var(--ink);font-weight:550}
`;

export const STYLE = [TOKENS, TEXT, FRAME, CONTROLS, PARTS, FOOTER, ...OF_PAGES]
  .join("")
  .replaceAll("\n", "");
