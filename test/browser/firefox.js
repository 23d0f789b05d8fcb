import puppeteer from "puppeteer-core";

const FIREFOX = process.env.FIREFOX_PATH ?? "/usr/bin/firefox-esr";
const WAIT_MS = 20_000;

/** Firefox cannot be told later which colour scheme its visitor prefers. */
const SCHEMES = { dark: 0, light: 1 };

/**
 * @typedef {object} FirefoxPage
 * @property {(url: string) => Promise<unknown>} goto
 * @property {(selector: string) => Promise<void>} press
 * @property {(selector: string, text: string) => Promise<void>} fill
 * @property {(selector: string) => Promise<unknown>} shows - Waits until it is visible.
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
 * @returns {Promise<FirefoxPage>}
 */
export async function openFirefox(scheme) {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX,
    extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": SCHEMES[scheme] },
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(WAIT_MS);
  return {
    goto: (url) => page.goto(url),
    press: (selector) => page.locator(selector).click(),
    fill: (selector, text) => page.locator(selector).fill(text),
    shows: (selector) => page.locator(selector).wait(),
    evaluate: (what) => page.evaluate(what),
    resize: (size) => page.setViewport(size),
    content: () => page.content(),
    url: () => page.url(),
    close: () => browser.close(),
  };
}
