import axe from "axe-core";
import { expect } from "vitest";

const WIDTHS = [360, 768, 1280, 1920];
const HEIGHT = 800;

/** A page that somebody looks at, in whichever browser. */
interface Sight {
  evaluate<T>(what: string | (() => T | Promise<T>)): Promise<T>;
  resize(size: { width: number; height: number }): Promise<unknown>;
  /** Of each colour scheme that is looked at, what shows it. */
  schemes: readonly (() => Promise<unknown>)[];
}

/** Expects of a page at all widths that it does not scroll to the side and has no small text, and that axe-core finds nothing. */
export async function expectSound({ evaluate, resize, schemes }: Sight, name: string): Promise<void> {
  await evaluate(axe.source);
  for (const width of WIDTHS) {
    await resize({ width, height: HEIGHT });
    expect(await evaluate(() => innerWidth)).toBe(width);
    expect(await evaluate(layoutFaults), `${name}, ${width} px`).toEqual([]);
    for (const [i, show] of schemes.entries()) {
      await show();
      expect(await evaluate(violations), `${name}, ${width} px, scheme ${i}`).toEqual([]);
    }
  }
}

/** Runs in the page. */
function layoutFaults(): string[] {
  const SMALLEST_PX = 12;
  const faults = new Set<string>();
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.add(`scrolls to the side: ${scrollWidth} px`);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
    const element = text.parentElement;
    if (element === null || !text.textContent?.trim() || !element.checkVisibility()) continue;
    const { fontSize } = getComputedStyle(element);
    if (Number.parseFloat(fontSize) < SMALLEST_PX) faults.add(`${fontSize}: ${text.textContent.trim()}`);
  }
  return [...faults];
}

/** Runs in the page. */
async function violations(): Promise<string[]> {
  const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(" ")}`);
}
