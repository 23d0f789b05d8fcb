/**
 * All of the dashboard's script; nothing needs it. It says in which time zone the browser is; copies; hands out a file with the new key; opens the dialog that stands for a link's page;
 * keeps a typed day and the choice beside it in step; sends no form twice; and drops what is secret from a page that is left, which the browser may keep for "back".
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
document.getElementById("said").textContent="Copied";
const text=button.textContent;
button.textContent="Copied";
setTimeout(()=>{button.textContent=text},2000);
return}
event.preventDefault();
if(dialog)document.getElementById(dialog).showModal();
else button.closest("dialog").close();
});
document.addEventListener("input",({target:{name,value,form}})=>{
if(name==="date"&&value)form.elements.expiry.value="date";
if(name==="expiry"&&value!=="date")form.elements.date.value="";
});
document.addEventListener("submit",(event)=>{
setTimeout(()=>{for(const button of event.target.querySelectorAll("button"))button.disabled=true});
});
addEventListener("pagehide",()=>{for(const secret of document.querySelectorAll("[data-secret]"))secret.textContent=""});
addEventListener("pageshow",(event)=>{if(event.persisted)location.reload()});
`.replaceAll("\n", "");
