/** Prints each architecture's row of the README's table: what it costs, as its plan counts it. */
import { type BackboneName, backbones, buildBackbone } from '../src/backbones/registry.ts';
import { gigaflops } from '../src/plan/cost.ts';
import { fusePlan } from '../src/plan/fuse.ts';
import { disposePlan, parametersOf } from '../src/plan/plan.ts';
import { startBackend } from '../src/runtime/start-backend.ts';

await startBackend('cpu', () => {});
console.log('| network | pixels | parameters | top-1 | GFLOP | in 8 bits |');
console.log('|---|---|---|---|---|---|');
for (const name of Object.keys(backbones) as BackboneName[]) {
  const { title, size, publishedTop1 } = backbones[name];
  const model = buildBackbone(name, { initialize: false });
  const plan = fusePlan(model);
  // A byte for each weight of a kernel; scales and biases are less than a hundredth.
  const bytes = parametersOf(plan).reduce((sum, { value }) => sum + value.size, 0);
  const cells = [
    `${title} \`${name}\``,
    `${size}`,
    model.countParams().toLocaleString('en'),
    publishedTop1 === null ? '' : `${(publishedTop1 * 100).toFixed(1)} %`,
    gigaflops(plan, size).toFixed(gigaflops(plan, size) < 10 ? 2 : 0),
    `${(bytes / 1e6).toFixed(1)} MB`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
  disposePlan(plan);
  model.dispose();
}
