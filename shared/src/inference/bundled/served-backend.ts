import { BackendWasm } from '@tensorflow/tfjs-backend-wasm/dist/backend_wasm.js';
import factory from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import * as tf from '@tensorflow/tfjs-core';
import { completeWasmModule } from '../complete-wasm-module.ts';
import { CallRecorder } from '../kernels/call-recorder.ts';
import { type CnnKernels, kernelsInHeap, type WasmHeap } from '../kernels/cnn-kernels.ts';
import { registerCnnKernels } from '../kernels/register-cnn-kernels.ts';
import { wasmKernels } from './wasm-kernels.ts';

/** TypeScript has WebAssembly only among the types of browsers. */
declare const WebAssembly: {
  readonly Instance: new (program: object, imports: object) => { readonly exports: object };
};

/** A CommonJS module, which its types take for one of ECMAScript's. */
const createWasmModule = factory as unknown as (options: {
  instantiateWasm(imports: object, done: (instance: object) => void): object;
}) => Promise<BackendWasm['wasm'] & WasmHeap>;

interface ServedBackend {
  readonly backend: BackendWasm;
  /** Of calls to it. */
  readonly recorder: CallRecorder;
  /** Our kernels; undefined where tfjs' own compute. */
  readonly cnnKernels: CnnKernels | undefined;
}

/**
 * tfjs' WASM backend with our kernels, of compiled modules: tfjs has no way to take one (tensorflow/tfjs#8157),
 * but its Emscripten factory does. For programs that a bundler makes.
 *
 * @param simd `tfjs-backend-wasm-simd.wasm`
 * @param kernels `cnn-kernels.wasm`; where it is undefined, as without relaxed SIMD, tfjs' own kernels compute
 */
export async function createServedBackend(
  simd: object,
  kernels: Promise<object | undefined>,
): Promise<ServedBackend> {
  const [module, program] = await Promise.all([
    createWasmModule({
      instantiateWasm(imports, done) {
        const instance = new WebAssembly.Instance(simd, imports);
        done(instance);
        return instance.exports;
      },
    }),
    kernels,
  ]);
  completeWasmModule(module);
  const recorder = new CallRecorder(module);
  const backend = new BackendWasm(module);
  recorder.watchMemory(backend);
  const cnnKernels =
    program &&
    kernelsInHeap(module, (imports) =>
      recorder.watchAll(new WebAssembly.Instance(program, imports).exports),
    );
  if (cnnKernels) registerCnnKernels(backend, cnnKernels);
  return { backend, recorder, cnnKernels };
}

/** Makes it the backend that tfjs computes with. */
export async function startServedBackend(
  ...programs: Parameters<typeof createServedBackend>
): Promise<ServedBackend> {
  for (const kernel of wasmKernels) tf.registerKernel(kernel);
  const served = await createServedBackend(...programs);
  tf.enableProdMode();
  tf.registerBackend('wasm', () => served.backend);
  await tf.setBackend('wasm');
  return served;
}
