import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { PATIENCE_MS } from './open-page.ts';

export const desktop = { viewport: { width: 1280, height: 900 } };
export const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

export const patience = { timeout: PATIENCE_MS };

/** The path of an image that the tests have. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../shared/fixtures/${name}.png`, import.meta.url));

/** The labels of the answer, when it is there. */
export async function labels(page: Page): Promise<string[]> {
  await page.locator('[data-state="answered"]').waitFor();
  return page.locator('#predictions .label').allTextContents();
}

export async function choose(page: Page, ...names: readonly string[]): Promise<void> {
  await page.locator('#file').setInputFiles(names.map(fixture));
}

/** By how many pixels the page is wider than the window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}

/** Expects the contrast that WCAG asks of normal text. */
export async function expectReadable(page: Page, selectors: readonly string[]): Promise<void> {
  for (const selector of selectors) {
    expect([selector, await contrast(page, selector)]).toEqual([
      selector,
      expect.toSatisfy((ratio: number) => ratio >= 4.5),
    ]);
  }
}

/** Of the text's colour and what it stands on. @see WCAG 2.2, 1.4.3 */
function contrast(page: Page, selector: string): Promise<number> {
  return page
    .locator(selector)
    .first()
    .evaluate((element) => {
      const canvas = document
        .createElement('canvas')
        .getContext('2d', { willReadFrequently: true });
      const luminance = (colour: string): number => {
        if (!canvas) return Number.NaN;
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [r = 0, g = 0, b = 0] = [...canvas.getImageData(0, 0, 1, 1).data].map((byte) => {
          const part = byte / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      let ground: Element | null = element;
      while (ground && getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') {
        ground = ground.parentElement;
      }
      const text = luminance(getComputedStyle(element).color);
      const behind = luminance(getComputedStyle(ground ?? document.body).backgroundColor);
      return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    });
}
