/** What the classless stylesheet does not have. Colours have a contrast of 4.5 or more on both of its backgrounds. */
export const STYLE = `
:root{color-scheme:light dark;--good:#1b6e3c;--warn:#8a4b00;--bad:#b3261e;--quiet:#5b6472;--allowed:#2f6fdb;--denied:#d0443a}
@media (prefers-color-scheme:dark){:root{--good:#6fcf97;--warn:#f2b263;--bad:#ff8a80;--quiet:#a3adbd;--allowed:#6ea3f7;--denied:#ff8a80}}
:root{--pico-font-size:100%}
body>header,body>main,body>footer{max-width:76rem}
body>header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:center;padding-block:1rem}
body>header>a:first-child{font-weight:700;text-decoration:none}
body>header>nav{flex:1}
body>header form,body>header button{margin:0;width:auto}
body>header button{padding:.3rem .8rem}
body>main{padding-block:1rem 3rem}
h1{margin-bottom:.5rem;overflow-wrap:anywhere}
.bar{display:flex;flex-wrap:wrap;gap:1rem;align-items:center;justify-content:space-between;margin-bottom:1rem}
.bar h1{margin:0}
.row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end}
.row>*{margin-bottom:0}
.row>label{flex:1 1 12rem}
.row>button{width:auto}
.tag{display:inline-block;padding:.05rem .55rem;border:1px solid currentcolor;border-radius:1rem;font-size:.85em;white-space:nowrap}
.active{color:var(--good)}.expiring,.overlap{color:var(--warn)}.revoked{color:var(--bad)}.expired,.quiet{color:var(--quiet)}
.scroll{overflow-x:auto}
td,th{vertical-align:top;overflow-wrap:anywhere}
td small,th small{display:block;color:var(--quiet);font-weight:400}
code{white-space:nowrap;font-size:.85em}
svg .allowed{fill:var(--allowed)}svg .denied{fill:var(--denied)}svg .line{stroke:var(--quiet);stroke-width:1;opacity:.5}svg text{fill:var(--quiet);font-size:11px}
svg.spark{width:7.5rem;height:1.75rem;display:block}
svg.chart{width:100%;height:auto;display:block}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.25rem;margin-bottom:2rem}
dl.facts dt{color:var(--quiet)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.notice{padding:.8rem 1rem;border-inline-start:.3rem solid var(--good);background:var(--pico-card-sectioning-background-color);margin-bottom:1.5rem}
.notice.warn{border-color:var(--warn)}.notice.bad{border-color:var(--bad)}
.notice :last-child{margin-bottom:0}
.fault{color:var(--bad);display:block;margin-top:-.5rem;margin-bottom:1rem}
.secret{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin-bottom:1.5rem}
.secret code{flex:1 1 20rem;padding:.75rem;font-size:1rem;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
.secret button{width:auto;margin:0}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[data-copy]{display:none}.script [data-copy]{display:inline-block}
.button{display:inline-block;padding:.5rem 1rem;border-radius:var(--pico-border-radius);background:var(--pico-primary-background);color:var(--pico-primary-inverse);text-decoration:none}
.button:hover{background:var(--pico-primary-hover-background);color:var(--pico-primary-inverse)}
.danger,.danger:hover,button.danger{background:#b3261e;border-color:#b3261e;color:#fff}
.cards>article{margin-bottom:1.5rem}
@media (max-width:48rem){
.keys thead{display:none}
.keys tbody tr{display:block;padding:.75rem 0;border-bottom:1px solid var(--pico-muted-border-color)}
.keys tbody td,.keys tbody th{display:block;border:0;padding:.15rem 0;background:none}
dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:.5rem}
}
`.replaceAll("\n", "");
