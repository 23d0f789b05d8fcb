/** What one kind of page alone has, made of what `style.ts` says of all. */
const LIST = `
.search{position:relative;display:flex;gap:8px;max-width:480px}
.search input{flex:1;min-width:0}
.search button{background:var(--raised);color:var(--ink);border-color:var(--edge)}
.script .search button,.search kbd{display:none}
@media (hover:hover) and (min-width:48rem){.script .search :placeholder-shown+kbd{display:block}}
kbd{padding:0 6px;border:1px solid var(--line);border-radius:4px;font:12px/16px var(--mono);color:var(--quiet)}
.search kbd{position:absolute;inset-inline-end:8px;top:7px;pointer-events:none}
.tabs{border-bottom:1px solid var(--line);margin-bottom:12px}
.tabs a{padding:6px 8px 8px;margin-bottom:-1px;border-radius:0;border-bottom:2px solid transparent}
.tabs a:hover{background:none}
.tabs a[aria-current]{background:none;border-color:var(--focus)}
.count{font-size:12px;line-height:16px;font-variant-numeric:tabular-nums;color:var(--quiet)}
.about{color:var(--quiet)}
.about a{padding:0 4px}
.about [aria-current]{color:var(--ink);font-weight:550;text-decoration:none}
.keys thead a{color:inherit;text-decoration:none}
.keys thead a:hover,.keys [aria-sort] a{color:var(--ink)}
.keys tbody td,.keys tbody th{padding-block:6px}
.keys tbody :is(th>a,.scopes small,.made small){display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.pick{width:32px;padding-inline-end:0}
.pick input{margin:0;min-height:0;display:block}
[data-all]{display:none!important}.script [data-all]{display:block!important}
.acts{width:40px;padding-inline-start:0}
.dots{padding:3px 8px;background:none;color:var(--quiet);border-color:transparent;line-height:24px}
.dots:hover{background:var(--surface);color:var(--ink);filter:none}
.menu{min-width:160px;padding:4px;border:1px solid var(--line);border-radius:8px;background:var(--raised);color:var(--ink);box-shadow:0 8px 24px #0f172a29}
.menu a{display:block;padding:6px 12px;border-radius:var(--radius);text-decoration:none}
.menu a:hover,.menu a:focus-visible{background:var(--surface)}
.bad{color:var(--bad)}
@supports (position-area:bottom){.menu{margin:0;inset:auto;position-area:bottom span-left;position-try-fallbacks:flip-block}}
#list{display:flex;flex-direction:column}
#list>a{align-self:start}
.several{order:1;display:flex;gap:8px;align-items:center;position:sticky;bottom:12px;width:max-content;max-width:100%;margin:12px auto 0;padding:8px 8px 8px 16px;border:1px solid var(--line);border-radius:8px;background:var(--raised);box-shadow:0 8px 24px #0f172a29}
.several button{white-space:nowrap}
.several::before{content:attr(data-count) " " attr(data-chosen);font-weight:550;margin-inline-end:8px}
@supports selector(:has(*)){.several{display:none}#list:has([name=key]:checked) .several{display:flex}}
tr:has([name=key]:checked){background:color-mix(in srgb,var(--accent) 7%,transparent)}
.named{list-style:none;margin-bottom:16px;border:1px solid var(--line);border-radius:var(--radius)}
.named li{padding:8px 12px}.named li+li{border-top:1px solid var(--line)}
.named b{font-weight:550}
.named small{display:block;color:var(--quiet)}
.pages{order:2;display:flex;gap:8px;justify-content:end;margin-top:12px}
.pages a,.button.plain{background:var(--raised);color:var(--ink);border-color:var(--edge)}
.start{max-width:640px}
.start ol{padding-inline-start:20px;margin:20px 0 0}
.start li{padding-inline-start:4px;margin-bottom:16px}
.start .secret{margin:0}
.none{padding:32px 12px;text-align:center;color:var(--quiet)}
`;

const LOG = `
.export{margin:0 0 0 auto;color:var(--quiet)}
.filter label{flex:1 1 128px}.filter label:first-child{flex:2 1 200px}
.log{margin:0 0 16px;padding:0;list-style:none;border:1px solid var(--line);border-radius:8px;background:var(--raised)}
.log li{display:flex;gap:4px 24px;justify-content:space-between;align-items:baseline;min-height:44px;padding:12px}
.log li+li{border-top:1px solid var(--line)}
.log b{font-weight:550}
.log small{display:block;margin-top:4px;color:var(--quiet)}
.log time{font-size:12px;line-height:20px;color:var(--quiet);font-variant-numeric:tabular-nums}
`;

const CREATE = `
.with-script{display:none}.script .with-script{display:flex}.script section.with-script{display:block}
.hint{color:var(--quiet);font-size:12px;line-height:16px;margin:4px 0 0}
.tools{flex-wrap:wrap;align-items:center;gap:8px;margin-block:8px 12px}
.tools input{flex:1 1 160px}
[type=checkbox],[type=radio]{min-height:0}
.scopes fieldset{margin:0;padding:8px 12px;border:1px solid var(--line);border-radius:0}
.scopes fieldset+fieldset{border-top:0}
.scopes fieldset:first-of-type{border-radius:8px 8px 0 0}.scopes fieldset:last-of-type{border-radius:0 0 8px 8px}
.scopes fieldset legend{float:inline-start;width:112px;margin:0;padding-block:4px}
.scopes fieldset label{margin-inline-start:112px}
.scopes code,.choices small{color:var(--quiet)}
.choices{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:0 16px;margin-bottom:8px}
.more{margin-block:12px}.more label{margin-top:8px}
textarea{font:12px/20px var(--mono)}
.summary{margin-block:20px;padding:12px 16px;border:1px solid var(--line);border-radius:8px;background:var(--surface)}
.summary .facts{margin:0}
`;

const KEY = `
.crumb{margin-bottom:4px;font-size:12px;line-height:16px;color:var(--quiet)}
.bar h2{margin:0}
.bar h1{min-width:0}
.periods{margin-inline-start:auto}
.periods a{padding:2px 8px;font-size:12px;line-height:20px}
.plot g.at .day{fill:var(--surface)}
.readout{min-height:20px;margin:4px 0 0;font-size:12px;color:var(--quiet);font-variant-numeric:tabular-nums}
.split>div{min-width:0}
.split article{max-width:none}
.steps{margin:0 0 16px;padding-inline-start:20px;color:var(--quiet)}
.stop article{border-color:color-mix(in srgb,var(--bad) 35%,transparent)}
@media (min-width:64rem){
.split{display:grid;grid-template-columns:minmax(0,1fr) 304px;gap:32px;align-items:start}
.split .facts{grid-column:2;grid-row:1;grid-template-columns:1fr;gap:0;padding-inline-start:24px;border-inline-start:1px solid var(--line)}
.split .facts dd{margin-bottom:12px}
.split>div{grid-column:1;grid-row:1}
}
`;

const PHONE = `
@media (max-width:48rem){
.log li{flex-direction:column}
.keys thead{display:block}
.keys thead tr{display:flex;flex-wrap:wrap;background:var(--surface)}
.keys thead th:not(:has(a)){display:none}
.keys tbody tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:4px 12px;align-items:center;padding:12px}
.keys tbody tr:has(.pick){grid-template-columns:16px minmax(0,1fr) auto}
.keys tbody tr+tr{border-top:1px solid var(--line)}
.keys tbody tr>*{display:block;width:auto;grid-column:1/-1;border:0;padding:0;background:none}
.keys tbody .pick~*{grid-column:2/-1}
.keys tbody :is(.pick,.pick~th,.acts){grid-row:1}.keys tbody .pick{grid-column:1}
.keys tbody .pick~:is(th,.state){grid-column:2}.keys tbody .pick~:is(.uses,.acts){grid-column:3}
.keys tbody .state:has(~.uses){grid-row:2;grid-column:1}.keys tbody .pick~.state:has(~.uses){grid-column:2}
.keys tbody :is(.acts,.uses){justify-self:end}
.keys tbody .uses{grid-row:2;grid-column:2}
.keys tbody :is(.scopes,.made){display:none}
.keys td[data-name]::before{content:attr(data-name) ": ";color:var(--quiet)}
.keys td small{display:inline;margin-inline-start:6px}
.keys td>small:first-child{margin:0}
.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:8px}
}
`;

export const OF_PAGES = [LIST, LOG, CREATE, KEY, PHONE];
