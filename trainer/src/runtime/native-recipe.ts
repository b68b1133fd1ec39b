import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TrainerError } from '../errors.ts';
import type { Wheel } from './pip.ts';

/** What a native backend is made of: a wheel's libraries and addons that use them. */
export interface NativeRecipe {
  readonly wheel: Wheel;
  /** Members of the wheel to link against; they are kept beside the addons. */
  readonly libraries: readonly string[];
  readonly librariesBytes: number;
  /** Prefixes of the wheel's members that are needed to compile, below `includeRoot`. */
  readonly headers: readonly string[];
  readonly includeRoot: string;
  /** In the order in which they are loaded. */
  readonly addons: readonly Addon[];
  /** Folders of the headers that are not in the wheel. */
  readonly includes: readonly string[];
  readonly compilerFlags: readonly string[];
}

export interface Addon {
  readonly name: string;
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  /** Whether it is linked with the wheel's libraries. */
  readonly linked: boolean;
}

/** The addons' file names in a finished native folder. */
export const addonNames = { quietStart: 'quiet_start.node', tensorflow: 'tfjs_binding.node' };

const require = createRequire(import.meta.url);
const tensorflowVersion = '2.21.0';

interface PlatformWheel {
  readonly project: string;
  readonly platform: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly librariesBytes: number;
}

// One wheel a platform: CPU only, and of one Python, whose version does not matter here
// because only the C libraries are used. Windows wheels hold no library with the C API.
const wheels: Readonly<Record<string, PlatformWheel>> = {
  'linux-x64': {
    project: 'tensorflow-cpu',
    platform: 'manylinux_2_27_x86_64',
    sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
    bytes: 274_000_871,
    librariesBytes: 853_308_936,
  },
  'linux-arm64': {
    project: 'tensorflow',
    platform: 'manylinux_2_27_aarch64',
    sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
    bytes: 281_946_471,
    librariesBytes: 883_062_208,
  },
  'darwin-arm64': {
    project: 'tensorflow',
    platform: 'macosx_12_0_arm64',
    sha256: '56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712',
    bytes: 223_488_205,
    librariesBytes: 740_805_624,
  },
};

/**
 * How to make the native backend on this platform.
 *
 * tfjs-node's own install script fetches libtensorflow 2.9.1 of 2022. The
 * TensorFlow wheels hold the same C API, current and with a published hash.
 *
 * @throws TrainerError `backend_unavailable` where it cannot be made
 */
export function nativeRecipe(
  platform: string = process.platform,
  architecture: string = process.arch,
): NativeRecipe {
  const wheel = wheels[`${platform}-${architecture}`];
  if (wheel === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      `There is no TensorFlow library to bind to for ${platform} on ${architecture}.`,
    );
  }

  const binding = join(tfjsNodeFolder(), 'binding');
  const nodeHeaders = join(dirname(require.resolve('node-api-headers')), 'include');
  const macOs = platform === 'darwin';
  return {
    wheel: {
      project: wheel.project,
      version: tensorflowVersion,
      python: '3.12',
      platform: wheel.platform,
      sha256: wheel.sha256,
      bytes: wheel.bytes,
    },
    libraries: macOs
      ? ['tensorflow/libtensorflow_cc.2.dylib', 'tensorflow/libtensorflow_framework.2.dylib']
      : ['tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2'],
    librariesBytes: wheel.librariesBytes,
    headers: [
      'tensorflow/c/',
      'tensorflow/core/platform/ctstring',
      'tsl/platform/ctstring',
      'xla/tsl/c/',
    ],
    includeRoot: 'tensorflow/include/',
    addons: [
      {
        name: addonNames.quietStart,
        sources: [join(import.meta.dirname, 'quiet-start.cc')],
        flags: [
          macOs
            ? '-DTENSORFLOW_LIBRARY="@loader_path/libtensorflow_framework.2.dylib"'
            : '-DTENSORFLOW_LIBRARY="libtensorflow_framework.so.2"',
        ],
        linked: false,
      },
      {
        name: addonNames.tensorflow,
        sources: [join(binding, 'tfjs_backend.cc'), join(binding, 'tfjs_binding.cc')],
        flags: [],
        linked: true,
      },
    ],
    includes: [binding, nodeHeaders],
    compilerFlags: [
      '-std=c++20',
      '-O2',
      '-fPIC',
      '-shared',
      '-DNAPI_VERSION=8',
      // The libraries lie beside the addons. Node itself provides the N-API symbols.
      macOs ? '-Wl,-rpath,@loader_path,-undefined,dynamic_lookup' : '-Wl,-rpath,$ORIGIN',
    ],
  };
}

function tfjsNodeFolder(): string {
  try {
    return dirname(require.resolve('@tensorflow/tfjs-node/package.json'));
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND'))
      throw cause;
    throw new TrainerError(
      'backend_unavailable',
      'The optional package @tensorflow/tfjs-node is not installed; run pnpm install without --no-optional.',
      cause,
    );
  }
}

/** The name of the folder that a recipe makes: another recipe, another folder. */
export function nativeFolderName(recipe: NativeRecipe): string {
  const { wheel, libraries, compilerFlags, addons } = recipe;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([wheel, libraries, compilerFlags]));
  for (const addon of addons) {
    hash.update(JSON.stringify([addon.name, addon.flags]));
    for (const source of addon.sources) hash.update(readFileSync(source));
  }
  const shortHash = hash.digest('hex').slice(0, 12);
  return `native-${wheel.version}-${process.platform}-${process.arch}-${shortHash}`;
}
