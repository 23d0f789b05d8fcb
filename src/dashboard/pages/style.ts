/** What the classless stylesheet does not have. */
export const STYLE = `
:root{color-scheme:light dark;--pico-font-size:100%;--pico-spacing:.9rem;--good:#1b6e3c;--warn:#8a4b00;--bad:#b3261e;--quiet:#5b6472;--allowed:#2f6fdb;--denied:#d0443a;--surface:#f4f6f8}
@media (prefers-color-scheme:dark){:root{--good:#6fcf97;--warn:#f2b263;--bad:#ff8a80;--quiet:#a3adbd;--allowed:#6ea3f7;--denied:#ff8a80;--surface:#1a212c}}
body>header,body>main{max-width:72rem;margin-inline:auto;padding-inline:1.25rem}
body>header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:center;padding-block:.75rem}
body>header>a:first-child{font-weight:700;text-decoration:none}
body>header>nav{flex:1}
body>header form{margin:0}
body>header button[type=submit]{width:auto;margin:0;padding:.25rem .75rem;background:none;color:inherit;border-color:var(--pico-form-element-border-color)}
body>main{padding-block:1.5rem 3rem}
h1{margin-bottom:1rem;overflow-wrap:anywhere}
h2{font-size:1.25rem}
.bar{display:flex;flex-wrap:wrap;gap:.75rem 1rem;align-items:center;margin-bottom:1.25rem}
.bar h1{margin:0}
.bar .button{margin-inline-start:auto}
.row{display:flex;flex-wrap:wrap;gap:.75rem;align-items:end}
.row label{flex:1 1 12rem;margin:0}
.row label>*{margin-bottom:0}
.row button{width:auto;margin:0}
.row a:not(.button){padding:.7rem .25rem}
search,.narrow{display:block;margin-bottom:1.5rem}
.narrow,article{max-width:44rem}
main>section{margin-bottom:2.5rem}
main>section:last-child{margin:0}
article{box-shadow:none;border:1px solid var(--pico-muted-border-color)}
article h3{font-size:1rem;margin-bottom:.4rem}
article p{margin-bottom:.75rem}
article form{margin:0}
.tag{display:inline-block;padding:.05rem .55rem;border:1px solid currentcolor;border-radius:1rem;font-size:.85em;white-space:nowrap}
.active{color:var(--good)}.expiring,.overlap,.suspended{color:var(--warn)}.revoked,.unverifiable{color:var(--bad)}.expired,.replaced,.quiet{color:var(--quiet)}
.scroll{overflow-x:auto}
td,th{vertical-align:top}
th[scope=row]{min-width:10rem;overflow-wrap:anywhere}
td small,th small{display:block;color:var(--quiet);font-weight:400}
code{white-space:nowrap;font-size:.85em;color:inherit}
time{white-space:nowrap}
svg .allowed{fill:var(--allowed)}svg .denied{fill:var(--denied)}svg .line{stroke:var(--quiet);stroke-width:1;opacity:.4}svg text{fill:var(--quiet);font-size:11px}
svg.spark{width:7.5rem;height:1.75rem;display:block}
svg.chart{width:100%;height:auto;display:block;margin-bottom:1rem}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.5rem;margin-bottom:2rem}
dl.facts dt{color:var(--quiet)}dl.facts dd{margin:0;overflow-wrap:anywhere}
.notice{padding:.8rem 1rem;border-inline-start:.3rem solid var(--good);background:var(--surface);margin-bottom:1.5rem;max-width:44rem}
.notice.warn{border-color:var(--warn)}.notice.bad{border-color:var(--bad)}
.fault{color:var(--bad);display:block;margin-top:-.4rem;margin-bottom:1rem}
.secret{display:flex;flex-wrap:wrap;gap:.5rem;align-items:stretch;margin-bottom:1.5rem}
.secret code{flex:1 1 20rem;padding:.75rem;background:var(--surface);font-size:1rem;white-space:pre-wrap;overflow-wrap:anywhere;user-select:all}
.secret button{width:auto;margin:0}
.visually-hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[data-copy]{display:none}.script [data-copy]{display:inline-block}
.button{display:inline-block;padding:.55rem 1rem;border-radius:var(--pico-border-radius);background:var(--pico-primary-background);color:var(--pico-primary-inverse);text-decoration:none}
.button:hover{background:var(--pico-primary-hover-background);color:var(--pico-primary-inverse)}
.danger,.danger:hover{background:#b3261e;border-color:#b3261e;color:#fff}
button.plain,button.plain:hover{background:none;color:inherit;border-color:var(--pico-form-element-border-color)}
@media (max-width:48rem){
.keys thead{display:none}
.keys tbody tr{display:block;padding:.75rem 0;border-bottom:1px solid var(--pico-muted-border-color)}
.keys tbody td,.keys tbody th{display:block;border:0;padding:.15rem 0;background:none}
.keys td[data-name]::before{content:attr(data-name) ": ";color:var(--quiet)}
.keys td small{display:inline;margin-inline-start:.4rem}
.keys td>small:first-child{margin:0}
dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-bottom:.6rem}
}
`.replaceAll("\n", "");
