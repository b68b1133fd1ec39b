/** Takes images of the page: `node page/screenshots.ts <folder>`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { startPageHost } from './open-page.ts';
import { fixture } from './visit.ts';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Name a folder for the images: node page/screenshots.ts <folder>.');

const host = await startPageHost(await readFile(fixture('coffee')));
const views = {
  desktop: { viewport: { width: 1280, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
} as const;
try {
  for (const [view, options] of Object.entries(views)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await host.open({ ...options, colorScheme });
      const path = (name: string): string => join(folder, `${view}-${colorScheme}-${name}.png`);
      const save = (name: string): Promise<Buffer> =>
        page.screenshot({ path: path(name), fullPage: true });
      await page.locator('#model-facts:not(:empty)').waitFor();
      await save('empty');
      await page.getByRole('button', { name: 'A cat' }).click();
      await page.locator('[data-state="answered"]').waitFor();
      await page.locator('#crop .frame').waitFor();
      const answered = await save('answered');
      // The README's, page/example.webp.
      const example = sharp(answered).resize(1000).webp({ quality: 80 });
      await example.toFile(join(folder, `${view}-${colorScheme}-example.webp`));
      await page.getByLabel('Or an image’s address').fill(host.imageUrl);
      await page.getByRole('button', { name: 'Classify' }).click();
      await page.locator('[data-state="answered"]').waitFor();
      await page
        .locator('#file')
        .setInputFiles([
          ...['coffee', 'chelsea', 'rocket'].map(fixture),
          fileURLToPath(import.meta.url),
        ]);
      await page.locator('#csv:enabled').waitFor();
      await page.getByRole('button', { name: 'chelsea.png' }).click();
      await page.locator('#crop .frame').waitFor();
      await save('many');
      await page.getByLabel('Or an image’s address').fill('http://10.0.0.1/image.jpg');
      await page.getByRole('button', { name: 'Classify' }).click();
      await page.locator('[data-state="failed"]').waitFor();
      await save('failed');
      const { page: api } = await host.open({ ...options, colorScheme }, '/api');
      const health = api.getByRole('form', { name: 'Try GET /health' });
      await health.getByRole('button', { name: 'Send' }).click();
      await health.locator('.result').waitFor();
      await api.screenshot({ path: path('api'), fullPage: true });
      await page.close();
      await api.close();
    }
  }
} finally {
  await host.close();
}
