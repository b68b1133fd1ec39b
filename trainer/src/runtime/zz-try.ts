import * as tf from '@tensorflow/tfjs';
import { nativeBackend } from './native-backend.ts';
import { startBackend } from './start-backend.ts';

console.time('start');
console.log(await startBackend((process.argv[2] ?? 'auto') as 'auto', console.log));
console.timeEnd('start');
tf.matMul(
  tf.tensor2d([
    [1, 2],
    [3, 4],
  ]),
  tf.tensor2d([
    [1, 2],
    [3, 4],
  ]),
).print();
const n = 1024;
const a = tf.randomNormal([n, n]),
  b = tf.randomNormal([n, n]);
for (let i = 0; i < 3; i++) {
  const t = performance.now();
  for (let j = 0; j < 5; j++) {
    const c = tf.matMul(a, b);
    await c.data();
    c.dispose();
  }
  console.log('matMul GFLOP/s', ((5 * 2 * n ** 3) / (performance.now() - t) / 1e6).toFixed(1));
}
const x = tf.randomNormal([32, 56, 56, 64]) as tf.Tensor4D,
  k = tf.randomNormal([3, 3, 64, 64]) as tf.Tensor4D;
for (let i = 0; i < 3; i++) {
  const t = performance.now();
  const c = tf.conv2d(x, k, 1, 'same');
  await c.data();
  c.dispose();
  console.log(
    'conv GFLOP/s',
    ((2 * 32 * 56 * 56 * 64 * 64 * 9) / (performance.now() - t) / 1e6).toFixed(1),
  );
}
try {
  console.log(
    nativeBackend()
      .executeSingleOutput(
        'Relu6',
        [
          {
            name: 'T',
            type: nativeBackend().binding.TF_ATTR_TYPE,
            value: nativeBackend().binding.TF_FLOAT,
          },
        ],
        [tf.tensor([-1, 3, 9])],
      )
      .dataSync(),
  );
} catch (e) {
  console.log(String(e));
}
