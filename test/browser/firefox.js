import { setTimeout } from "node:timers/promises";
import puppeteer from "puppeteer-core";

const FIREFOX = process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr";
const WAIT_MS = 20_000;
const POLL_MS = 50;

/** Firefox cannot be told later which colour scheme its visitor prefers. */
const SCHEMES = { dark: 0, light: 1 };

/**
 * @typedef {object} FirefoxPage
 * @property {(url: string) => Promise<unknown>} goto
 * @property {(css: string, text?: string) => Promise<void>} press - What holds this text.
 * @property {(css: string, text: string) => Promise<void>} fill - With this text.
 * @property {(css: string, text?: string) => Promise<void>} shows - Waits until it can be seen.
 * @property {<T>(what: string | (() => T | Promise<T>)) => Promise<T>} evaluate - Runs in the page.
 * @property {(size: { width: number, height: number }) => Promise<void>} resize
 * @property {() => Promise<string>} content
 * @property {() => string} url
 * @property {() => Promise<void>} close
 */

/**
 * The page of a Firefox of its own.
 *
 * @param {keyof typeof SCHEMES} scheme
 * @param {boolean} hasScript - Whether it runs the scripts of pages.
 * @returns {Promise<FirefoxPage>}
 */
export async function openFirefox(scheme, hasScript) {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX,
    extraPrefsFirefox: {
      "layout.css.prefers-color-scheme.content-override": SCHEMES[scheme],
      "javascript.enabled": hasScript,
    },
  });
  const page = await browser.newPage();

  // Puppeteer's own ways to wait and to click need scripts to run in the page.
  const until = async (act, css, text = "") => {
    for (let waited = 0; waited < WAIT_MS; waited += POLL_MS) {
      // While one page follows another there is nothing to look at.
      if (await page.evaluate(onElement, act, css, text).catch(() => false)) return;
      await setTimeout(POLL_MS);
    }
    throw new Error(`${css} with "${text}" is not there`);
  };
  return {
    goto: (url) => page.goto(url),
    press: (css, text) => until("press", css, text),
    fill: (css, text) => until("fill", css, text),
    shows: (css, text) => until("look at", css, text),
    evaluate: (what) => page.evaluate(what),
    resize: (size) => page.setViewport(size),
    content: () => page.content(),
    url: () => page.url(),
    close: () => browser.close(),
  };
}

/** Runs in the page. @returns Whether there is such an element, which somebody can see. */
function onElement(act, css, text) {
  const isMeant = (element) =>
    element.checkVisibility() && (act === "fill" || element.textContent.includes(text));
  const element = [...document.querySelectorAll(css)].find(isMeant);
  if (act === "press") element?.click();
  if (act === "fill" && element) element.value = text;
  return element !== undefined;
}
