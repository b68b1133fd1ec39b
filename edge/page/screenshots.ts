/** Takes images of the page: `node page/screenshots.ts <folder>`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPageHost } from './open-page.ts';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name a folder for the images: node page/screenshots.ts <folder>.');

const fixture = fileURLToPath(new URL('../../shared/fixtures/coffee.png', import.meta.url));
const host = await startPageHost(await readFile(fixture));
const views = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
} as const;
try {
  for (const [view, options] of Object.entries(views)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await host.open({ ...options, colorScheme });
      const save = (name: string): Promise<Buffer> =>
        page.screenshot({
          path: join(folder, `${view}-${colorScheme}-${name}.png`),
          fullPage: true,
        });
      await page.locator('#model-facts:not(:empty)').waitFor();
      await save('empty');
      await page.getByRole('button', { name: 'A cat' }).click();
      await page.locator('[data-state="answered"]').waitFor();
      await save('answered');
      await page.getByLabel('Or its address').fill(host.imageUrl);
      await page.getByRole('button', { name: 'Classify' }).click();
      await page.locator('[data-state="answered"]').waitFor();
      await page.getByLabel('Or its address').fill('http://10.0.0.1/image.jpg');
      await page.getByRole('button', { name: 'Classify' }).click();
      await page.locator('[data-state="failed"]').waitFor();
      await save('failed');
      await page.close();
    }
  }
} finally {
  await host.close();
}
