/**
 * All of the dashboard's script; nothing needs it. It says in which time zone the browser is; copies; hands out a file with the new key; opens the dialog that stands for a link's page;
 * goes to the search by Ctrl+K and from there to the first key by the arrow; keeps a typed day and the choice beside it in step; sends no form twice; and drops what is secret from a page that is left, which the browser may keep for "back".
 */
export const SCRIPT = `
document.documentElement.classList.add("script");
document.cookie="latchkey-zone="+encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)+"; Path=/; Max-Age=31536000; SameSite=Lax"+(location.protocol==="https:"?"; Secure":"");
document.addEventListener("click",async(event)=>{
const button=event.target.closest("[data-copy],[data-download],[data-dialog],[data-close]");
if(!button)return;
const {copy,download,dialog}=button.dataset;
if(download){
const link=document.createElement("a");
link.href=URL.createObjectURL(new Blob(["API_KEY="+document.getElementById(download).textContent.trim()+"\\n"]));
link.download="latchkey.env";
link.click();
URL.revokeObjectURL(link.href);
return}
if(copy){
const source=document.getElementById(copy);
try{await navigator.clipboard.writeText(source.textContent)}catch{getSelection().selectAllChildren(source);return}
const text=button.textContent;
document.getElementById("said").textContent=button.textContent=button.dataset.copied;
setTimeout(()=>{button.textContent=text},2000);
return}
event.preventDefault();
if(dialog)document.getElementById(dialog).showModal();
else button.closest("dialog").close();
});
const create=document.querySelector("[data-create]");
if(create){
const {elements}=create;
const scopes=[...create.querySelectorAll("[name=scopes]")];
const ends=document.getElementById("ends");
const written=new Intl.DateTimeFormat(ends.dataset.locale,{dateStyle:"long",timeStyle:"long"});
const presetOf=(day)=>[...elements.expiry].find((one)=>one.dataset.day===day);
const sum=()=>{
const never=create.querySelector("[name=expiry]:checked")?.value==="never";
const day=elements.date.value;
const at=day&&!never?written.format(new Date(presetOf(day)?.dataset.end??day+"T23:59:59")):"";
ends.textContent=never?ends.dataset.never:at&&ends.dataset.at.replace("{}",at);
const said={label:elements.label.value.trim(),scopes:scopes.filter((one)=>one.checked).map((one)=>one.value).join(", "),allowedIps:elements.allowedIps.value.trim().split(/[\\s,;]+/).join(", "),date:at||(never?"":"…")};
for(const part of create.querySelectorAll("[data-sum]"))part.textContent=said[part.dataset.sum]||part.dataset.none;
};
create.addEventListener("input",({target})=>{
const {name,value,dataset}=target;
if(name==="date"&&value)elements.expiry.value=presetOf(value)?.value??"date";
if(name==="expiry")elements.date.value=dataset.day??(value==="never"?"":elements.date.value);
if(dataset.filter)for(const one of scopes){const label=one.closest("label");label.hidden=!label.textContent.toLowerCase().includes(value.toLowerCase());const group=label.parentElement;group.hidden=!group.querySelector("label:not([hidden])")}
sum();
});
create.addEventListener("click",({target})=>{
const choice=target.closest("[data-choose]")?.dataset.choose;
if(!choice)return;
for(const one of scopes)if(!one.closest("label").hidden)one.checked=choice==="all"||(choice!=="none"&&(one.checked||one.dataset.action===choice));
sum();
});
elements.date.value||=create.querySelector("[name=expiry]:checked")?.dataset.day??"";
sum();
}
let stored=!document.querySelector("[data-stored]");
document.addEventListener("click",({target})=>{if(target.closest("[data-stored]"))stored=true});
addEventListener("beforeunload",(event)=>{if(!stored)event.preventDefault()});
const count=()=>{
const bar=document.getElementById("several");
if(bar)bar.dataset.count=document.querySelectorAll("[name=key]:checked").length;
return bar?.dataset};
document.addEventListener("change",({target})=>{
const isAll=target.matches("[data-all]");
if(isAll)for(const box of document.querySelectorAll("[name=key]"))box.checked=target.checked;
const bar=(isAll||target.matches("[type=checkbox][name=key]"))&&count();
if(bar)document.getElementById("said").textContent=bar.count+" "+bar.chosen;
});
const focusFirst=()=>document.querySelector("main tbody th a")?.focus();
document.addEventListener("keydown",(event)=>{
const search=document.querySelector("main [type=search]");
const {key,ctrlKey,metaKey,shiftKey,altKey}=event;
if(!search)return;
if(key==="k"&&ctrlKey!==metaKey&&!shiftKey&&!altKey){search.focus();search.select()}
else if(key==="ArrowDown"&&event.target===search)focusFirst();
else return;
event.preventDefault();
});
for(const plot of document.querySelectorAll("[data-days]")){
const days=[...plot.querySelectorAll("g")];
const out=plot.closest("figure").querySelector(".readout");
let at=days.length-1;
const show=(to)=>{
at=Math.max(0,Math.min(days.length-1,to));
for(const [i,day] of days.entries())day.classList.toggle("at",i===at);
const text=days[at].querySelector("title").textContent;
out.textContent=text;
plot.setAttribute("aria-valuenow",at+1);
plot.setAttribute("aria-valuetext",text)};
for(const [name,value] of Object.entries({tabindex:0,role:"slider","aria-label":plot.dataset.days,"aria-valuemin":1,"aria-valuemax":days.length}))plot.setAttribute(name,value);
plot.addEventListener("pointermove",(event)=>{const i=days.indexOf(event.target.closest("g"));if(i>=0)show(i)});
plot.addEventListener("keydown",(event)=>{
const to={ArrowLeft:at-1,ArrowDown:at-1,ArrowRight:at+1,ArrowUp:at+1,Home:0,End:days.length-1}[event.key];
if(to===undefined)return;
event.preventDefault();
show(to)});
show(at)}
let asking,soon;
document.addEventListener("input",({target})=>{
const form=target.closest("form.search");
if(!form)return;
clearTimeout(soon);
soon=setTimeout(async()=>{
asking?.abort();
asking=new AbortController();
try{
const answer=await fetch(form.action,{method:"POST",body:new URLSearchParams(new FormData(form)),headers:{Accept:"text/html"},signal:asking.signal});
const html=await answer.text();
const main=html.slice(html.indexOf("<main"));
const found=new DOMParser().parseFromString(main,"text/html").getElementById("list");
if(found){
const list=document.getElementById("list");
const isInside=list.contains(document.activeElement);
list.replaceWith(found);
if(isInside)focusFirst();
if(answer.ok)history.replaceState(null,"",answer.url);
document.getElementById("said").textContent=found.dataset.said;
}else if(answer.redirected)location.assign(answer.url)
}catch{}
},250)});
document.addEventListener("submit",()=>{clearTimeout(soon);asking?.abort()});
document.addEventListener("submit",(event)=>{
setTimeout(()=>{for(const button of event.target.querySelectorAll("button"))button.disabled=true});
});
addEventListener("pagehide",()=>{for(const secret of document.querySelectorAll("[data-secret]"))secret.textContent=""});
addEventListener("pageshow",(event)=>{if(event.persisted)location.reload();count()});
`.replaceAll("\n", "");
