import { expect, test } from 'vitest';
import { usePhotoTree } from '../../../fixtures/photo-tree.ts';

const tree = usePhotoTree();

test.each([
  ['macOS', ['.DS_Store', '._1.jpg', '__MACOSX/cat/._1.jpg', 'Icon\r', '.Spotlight-V100/store.db']],
  [
    'Windows',
    ['Thumbs.db', 'desktop.ini', '$RECYCLE.BIN/1.jpg', 'System Volume Information/x.jpg'],
  ],
  ['Windows, as Linux sees it', ['1.jpg:Zone.Identifier', 'THUMBS.DB', 'Desktop.ini']],
  ['Linux', ['lost+found/1.jpg', '.Trash-1000/files/1.jpg', '.directory']],
  ['Synology', ['@eaDir/1.jpg/SYNOFILE_THUMB_M.jpg', '#recycle/1.jpg', '@tmp/1.jpg']],
  ['QNAP', ['@Recycle/1.jpg', '.@__thumb/1.jpg', '@Recently-Snapshot/1.jpg']],
  ['Jupyter', ['.ipynb_checkpoints/1-checkpoint.jpg', '__pycache__/x.pyc', '.git/1.jpg']],
  ['Picasa', ['.picasa.ini', 'Picasa.ini', '.picasaoriginals/1.jpg']],
  ['Lightroom', ['1.xmp', 'Catalog Previews.lrdata/1.jpg', '2.XMP']],
  ['a phone', ['1.AAE', '.nomedia', '.thumbnails/1.jpg', '2.thm']],
  ['Google Takeout', ['1.jpg.json', '1.jpg.supplemental-metadata.json', '1.jpg.suppl.json']],
  ['labelling', ['1.txt', '1.xml', '1.json']],
])('passes over what is left by %s, at any depth', async (_, clutter) => {
  for (const folder of ['', 'cat/', 'dog/indoors/']) {
    await tree.put(...clutter.map((path) => folder + path));
    await tree.put(...(folder ? [`${folder}1.jpg`] : []));
  }
  const { labels, train, skipped } = await tree.layout();
  expect({ labels, train, skipped }).toEqual({
    labels: ['cat', 'dog'],
    train: ['cat/1.jpg', 'dog/indoors/1.jpg'],
    skipped: [],
  });
});
