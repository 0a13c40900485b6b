// The page's words, in the language that its reader chose.

const LANGUAGES = ["en", "zh"];
let entries = {};
export let language = "en";

export async function choose(wanted) {
  language = LANGUAGES.includes(wanted) ? wanted : "en";
  entries = await (await fetch(`/assets/words/${language}.json`)).json();
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = say(one.dataset.word);
  for (const one of document.querySelectorAll("[data-title]")) one.title = say(one.dataset.title);
}

export function say(key, values = {}) {
  const text = entries[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function known(key) { return key in entries; }

export function initial() {
  return localStorage.getItem("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
}
