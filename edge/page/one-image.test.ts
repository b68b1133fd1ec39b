import { readFile } from 'node:fs/promises';
import type { ClassifyResponse } from 'shared/contract/responses';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { usePageHost } from './use-page-host.ts';
import { choose, desktop, fixture, labels, patience } from './visit.ts';

const host = usePageHost();

const link = (query: Record<string, string>): string => `/?${new URLSearchParams(query)}`;

test('says between which labels the model decides', async () => {
  const { page, complaints } = await host.open(desktop);
  const classes = page.locator('#classes');
  await expect
    .poll(() => classes.textContent(), patience)
    .toMatch(
      /^This model gives every image one of its 1,000 labels, such as tench, .+ and .+\. Of an/,
    );
  await page.getByText('All 1,000 labels').click();
  expect(await page.locator('#labels li').count()).toBe(1000);
  expect(await page.locator('#labels li').last().isVisible()).toBe(true);

  await page.getByLabel('Model').selectOption('cifar10');
  await expect
    .poll(() => classes.textContent(), patience)
    .toBe(
      'This model gives every image one of its 10 labels: airplane, automobile, bird, cat, deer, ' +
        'dog, frog, horse, ship, and truck. Of an image of anything else it says that it is none of ' +
        'them, as far as it can tell.',
    );
  expect(await page.locator('#labels').isVisible()).toBe(false);
  expect(complaints).toEqual([]);
});

test('frames the part of the image that the network sees', async () => {
  const { page, complaints } = await host.open(desktop);
  await choose(page, 'chelsea');
  await labels(page);
  const frame = page.locator('#crop .frame');
  await frame.waitFor();
  const [x, y, width, height] = await frame.evaluate((rect) =>
    ['x', 'y', 'width', 'height'].map((name) => Number(rect.getAttribute(name))),
  );
  expect(await page.locator('#crop-note').textContent()).toBe(
    'The network sees the square in the frame, reduced to 224 × 224 pixels.',
  );

  // On the screen it stands on those pixels of the image, once the page has found its layout.
  const offset = async (): Promise<number> => {
    const nowhere = { x: 0, y: 0, width: 0, height: 0 };
    const image = (await page.locator('#preview').boundingBox()) ?? nowhere;
    const shown = (await frame.boundingBox()) ?? nowhere;
    const scale = Math.min(image.width / 451, image.height / 300);
    // Of its line, one pixel is outside.
    const left = (image.width - 451 * scale) / 2 + (x ?? 0) * scale;
    const top = (image.height - 300 * scale) / 2 + (y ?? 0) * scale;
    const apart = [
      shown.x + 1 - image.x - left,
      shown.y + 1 - image.y - top,
      shown.width - 2 - 300 * scale,
    ];
    return Math.max(...apart.map(Math.abs));
  };
  await expect.poll(offset, { timeout: 10_000 }).toBeLessThan(0.5);

  // The network sees nothing else: the framed part alone has the same probabilities.
  const box = { left: x ?? 0, top: y ?? 0, width: width ?? 0, height: height ?? 0 };
  const cropped = await sharp(fixture('chelsea')).extract(box).png().toBuffer();
  const predictionsOf = async (data: Buffer): Promise<ClassifyResponse['predictions']> => {
    const headers = { 'content-type': 'image/png' };
    const response = await page.request.post('/classify?model=imagenet', { data, headers });
    return ((await response.json()) as ClassifyResponse).predictions;
  };
  expect(await predictionsOf(cropped)).toEqual(
    await predictionsOf(await readFile(fixture('chelsea'))),
  );
  expect(complaints).toEqual([]);
});

test('shows why an image has its label, over the part that the network sees', async () => {
  const { page, complaints } = await host.open(desktop);
  await choose(page, 'chelsea');
  await labels(page);
  await page.locator('#crop .frame').waitFor();
  const cells = page.locator('#map rect');
  expect(await cells.count()).toBe(0);
  await page.getByRole('button', { name: 'Why?' }).click();
  await expect.poll(() => cells.count(), patience).toBe(49);
  expect(await page.locator('#why-note').textContent()).toContain('speaks for Egyptian cat.');
  const opacities = await cells.evaluateAll((rects) =>
    rects.map((rect) => Number(rect.getAttribute('fill-opacity'))),
  );
  expect(Math.max(...opacities)).toBeCloseTo(0.7);
  expect(Math.min(...opacities)).toBe(0);
  const frame = await page.locator('#crop .frame').boundingBox();
  const map = await page.locator('#map').boundingBox();
  // Of the frame's line, one pixel is outside.
  expect((frame?.width ?? 0) - 2 - (map?.width ?? 0)).toBeCloseTo(0, 0);
  expect((frame?.x ?? 0) + 1 - (map?.x ?? 0)).toBeCloseTo(0, 0);

  await page.getByRole('button', { name: 'Why?' }).click();
  expect(await cells.count()).toBe(0);
  await page.getByRole('button', { name: 'Why?' }).click();
  await expect.poll(() => cells.count(), patience).toBe(49);
  // Another image has another map, or none yet.
  await choose(page, 'rocket-224');
  await expect.poll(() => cells.count(), patience).toBe(0);
  expect(complaints).toEqual([]);
});

test('shows all labels of an image that has several, and why it has each', async () => {
  const { page, complaints } = await host.open(desktop);
  await page.route('**/classify?**', async (route) => {
    const response = await route.fetch();
    const { explanation, ...answer } = (await response.json()) as ClassifyResponse;
    const predictions = answer.predictions.slice(0, 2);
    const explanations = predictions.map(({ label }) => ({ ...explanation, label }));
    const json = { ...answer, multiLabel: true, predictions, ...(explanation && { explanations }) };
    await route.fulfill({ response, json });
  });
  await choose(page, 'chelsea');
  const names = await labels(page);
  expect(names).toHaveLength(2);
  expect(await page.locator('#status').textContent()).toBe(names.join(' and '));
  await page.locator('#crop .frame').waitFor();
  const why = page.getByRole('button', { name: 'Why?' });
  const [note, cells] = [page.locator('#why-note'), page.locator('#map rect')];
  await why.click();
  await expect
    .poll(() => note.textContent(), patience)
    .toContain(`speaks for ${names[0]}. Press again for ${names[1]}.`);
  await why.click();
  expect(await note.textContent()).toMatch(new RegExp(`speaks for ${names[1]}\\.$`));
  expect(await cells.count()).toBe(49);
  await why.click();
  expect(await cells.count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('says so where the network sees the whole image', async () => {
  const { page } = await host.open(desktop, link({ model: 'cifar10' }));
  await choose(page, 'rocket-224');
  await labels(page);
  await expect
    .poll(() => page.locator('#crop-note').textContent(), patience)
    .toBe('The network sees the whole image, reduced to 160 × 160 pixels.');
});

test('names an image that the browser cannot show', async () => {
  const { page } = await host.open(desktop);
  const file = { name: 'a.heic', mimeType: 'image/heic', buffer: Buffer.from('no image') };
  await page.locator('#file').setInputFiles(file);
  await page.getByRole('alert').waitFor();
  await expect.poll(() => page.locator('#chosen').isVisible(), patience).toBe(true);
  expect(await page.locator('#chosen').textContent()).toBe('a.heic');
  expect(await page.locator('#crop').isVisible()).toBe(false);
});

test.each(['jpeg', 'webp', 'avif', 'gif'] as const)('classifies and shows a %s', async (format) => {
  const { page, complaints } = await host.open(desktop);
  const buffer = await sharp(fixture('coffee')).toFormat(format).toBuffer();
  await page.locator('#file').setInputFiles({ name: 'cup', mimeType: `image/${format}`, buffer });
  expect((await labels(page))[0]).toBe('espresso');
  await page.locator('#crop .frame').waitFor();
  expect(complaints).toEqual([]);
});

test('makes a link that asks the same again', async () => {
  const { page } = await host.open(desktop);
  // This browser, which has no screen, has no clipboard either.
  await page.evaluate(() => {
    navigator.clipboard.writeText = async (text) => {
      document.body.dataset['copied'] = text;
    };
  });
  await page.getByLabel('Model').selectOption('cifar10-fast');
  await page.getByLabel('Or an image’s address').fill(host.imageUrl);
  await page.keyboard.press('Enter');
  await labels(page);
  await page.getByRole('button', { name: 'Copy link' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const copied = new URL((await page.locator('body').getAttribute('data-copied')) ?? '');
  expect(Object.fromEntries(copied.searchParams)).toEqual({
    url: host.imageUrl,
    model: 'cifar10-fast',
  });

  const again = await host.open(desktop, copied.pathname + copied.search);
  expect(await labels(again.page)).toEqual(await labels(page));
  expect(await again.page.getByLabel('Model').inputValue()).toBe('cifar10-fast');
  expect(again.complaints).toEqual([]);

  // A file is on this machine alone, so that the link is of the model.
  await choose(page, 'chelsea');
  await page.getByText('451 × 300 PNG').waitFor();
  expect(new URL(page.url()).search).toBe('?model=cifar10-fast');
  expect(await page.getByRole('button', { name: 'Copy link' }).isVisible()).toBe(false);
});

test('follows a link to one version of a model, and says which model it does not have', async () => {
  const { page } = await host.open(desktop);
  const { models } = (await (await page.request.get('/models')).json()) as {
    models: { id: string; version: string }[];
  };
  const version = models.find(({ id }) => id === 'cifar10')?.version;
  const versioned = await host.open(
    desktop,
    link({ url: host.imageUrl, model: `cifar10@${version}` }),
  );
  await labels(versioned.page);
  expect(await versioned.page.locator('#curl').textContent()).toContain(
    `model=cifar10%40${version}`,
  );

  const unknown = await host.open(desktop, link({ url: host.imageUrl, model: '<i>dogs' }));
  const alert = unknown.page.getByRole('alert');
  await alert.waitFor();
  expect(await alert.textContent()).toBe(
    'Unknown model The link names the model <i>dogs, which this service does not have; choose another one.',
  );
  // Whoever chooses one gets on.
  await unknown.page.getByLabel('Model').selectOption('cifar10');
  await unknown.page.getByRole('button', { name: 'Classify' }).click();
  expect(await labels(unknown.page)).toEqual(await labels(versioned.page));
});
