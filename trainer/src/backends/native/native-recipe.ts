import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { TrainerError } from '../../errors.ts';
import { project } from '../../files/project.ts';
import type { Wheel } from '../../programs/pip.ts';
import { cudaLibraryWheels, type LibraryWheel } from './cuda-wheels.ts';

/** The parts of a native backend: a wheel's libraries, and addons that use them. */
export interface NativeRecipe {
  readonly kind: NativeKind;
  readonly wheel: Wheel;
  /** Members of the wheel to link against; they are kept under their paths in it. */
  readonly libraries: readonly string[];
  readonly librariesBytes: number;
  /** Wheels of the libraries that those load at run time, kept in the same way. */
  readonly libraryWheels: readonly LibraryWheel[];
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
  /** Our headers, which the sources include. */
  readonly headers: readonly string[];
  readonly flags: readonly string[];
  /** Whether it is linked with the wheel's libraries. */
  readonly linked: boolean;
}

/** TensorFlow for the CPU, or for an NVIDIA GPU. */
export type NativeKind = 'native' | 'cuda';

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

/** The wheel that computes on an NVIDIA GPU, and on the CPU where there is none. */
const cudaWheel: PlatformWheel = {
  project: 'tensorflow',
  platform: 'manylinux_2_27_x86_64',
  sha256: 'b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0',
  bytes: 572_611_111,
  librariesBytes: 1_259_021_080,
};

/**
 * How to set up the native backend on this platform.
 *
 * tfjs-node's own install script fetches libtensorflow 2.9.1 of 2022. The
 * TensorFlow wheels hold the same C API, current and with a published hash.
 *
 * @throws TrainerError `backend_unavailable` where that is impossible
 */
export function nativeRecipe(
  platform: string = process.platform,
  architecture: string = process.arch,
): NativeRecipe {
  const wheel = wheels[`${platform}-${architecture}`];
  if (wheel === undefined) {
    throw new TrainerError(
      'backend_unavailable',
      `There is no TensorFlow library for ${platform} on ${architecture}, so the native backend is not available.`,
    );
  }

  return recipeOf('native', '@tensorflow/tfjs-node', wheel, platform, []);
}

/**
 * How to set up the CUDA backend: the same for `@tensorflow/tfjs-node-gpu` and TensorFlow's CUDA
 * wheel. No CUDA has to be installed, only NVIDIA's driver.
 *
 * @param withLibraries whether NVIDIA's libraries belong to it; without a GPU they are of no use
 * @throws TrainerError `backend_unavailable` where that is impossible
 */
export function cudaRecipe(
  withLibraries: boolean,
  platform: string = process.platform,
  architecture: string = process.arch,
): NativeRecipe {
  if (platform !== 'linux' || architecture !== 'x64') {
    throw new TrainerError(
      'backend_unavailable',
      `The CUDA backend needs Linux on x64, but this is ${platform} on ${architecture}: use the GPU with --backend webgpu.`,
    );
  }
  const libraryWheels = withLibraries ? cudaLibraryWheels : [];
  return recipeOf('cuda', '@tensorflow/tfjs-node-gpu', cudaWheel, platform, libraryWheels);
}

function recipeOf(
  kind: NativeKind,
  packageName: string,
  wheel: PlatformWheel,
  platform: string,
  libraryWheels: readonly LibraryWheel[],
): NativeRecipe {
  const binding = join(packageFolder(packageName), 'binding');
  const nodeHeaders = join(dirname(require.resolve('node-api-headers')), 'include');
  const macOs = platform === 'darwin';
  const framework = macOs
    ? 'tensorflow/libtensorflow_framework.2.dylib'
    : 'tensorflow/libtensorflow_framework.so.2';
  return {
    kind,
    wheel: {
      project: wheel.project,
      version: tensorflowVersion,
      python: '3.12',
      platform: wheel.platform,
      sha256: wheel.sha256,
      bytes: wheel.bytes,
    },
    libraries: [
      macOs ? 'tensorflow/libtensorflow_cc.2.dylib' : 'tensorflow/libtensorflow_cc.so.2',
      framework,
    ],
    librariesBytes: wheel.librariesBytes,
    libraryWheels,
    headers: [
      'tensorflow/c/',
      'tensorflow/core/platform/ctstring',
      'tensorflow/core/common_runtime/next_pluggable_device/c/',
      'tsl/platform/ctstring',
      'tsl/platform/platform.h',
      'xla/tsl/c/',
    ],
    includeRoot: 'tensorflow/include/',
    addons: [
      {
        name: addonNames.quietStart,
        sources: [join(import.meta.dirname, 'quiet-start.cc')],
        headers: [],
        flags: [
          `-DTENSORFLOW_LIBRARY="${macOs ? `@loader_path/${framework}` : basename(framework)}"`,
        ],
        linked: false,
      },
      {
        name: addonNames.tensorflow,
        sources: [
          join(import.meta.dirname, 'list-attributes.cc'),
          join(import.meta.dirname, 'convolution-operations.cc'),
          join(import.meta.dirname, 'update-operations.cc'),
          join(binding, 'tfjs_binding.cc'),
        ],
        headers: ['convolution-kernels.h', 'operation.h'].map((name) =>
          join(import.meta.dirname, name),
        ),
        flags: [],
        linked: true,
      },
    ],
    includes: [binding, nodeHeaders],
    compilerFlags: [
      '-std=c++20',
      '-O3',
      // With it, GCC takes several roots at once.
      '-fno-math-errno',
      '-fPIC',
      '-shared',
      '-DNAPI_VERSION=8',
      // The libraries lie below the addons, as in the wheel: TensorFlow looks for NVIDIA's from
      // where it is itself. Node provides the N-API symbols.
      macOs
        ? '-Wl,-rpath,@loader_path/tensorflow,-undefined,dynamic_lookup'
        : '-Wl,-rpath,$ORIGIN/tensorflow',
    ],
  };
}

/**
 * The folder of tfjs-node's own addon and library, where its install script has put them: that
 * script is not run here, but the package may have been installed in another way.
 */
export function prebuiltFolder(
  tfjsNode: string = packageFolder('@tensorflow/tfjs-node'),
): string | undefined {
  const folder = join(tfjsNode, 'lib', 'napi-v8');
  return existsSync(join(folder, addonNames.tensorflow)) ? folder : undefined;
}

/** @throws TrainerError `backend_unavailable` if the optional package is not installed */
function packageFolder(name: string): string {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'MODULE_NOT_FOUND'))
      throw cause;
    throw new TrainerError(
      'backend_unavailable',
      `The optional package ${name} is not installed: run ${project.install} without leaving out optional packages.`,
      cause,
    );
  }
}

/** The name of the folder that a recipe makes: another recipe, another folder. */
export function nativeFolderName(recipe: NativeRecipe): string {
  const { kind, wheel, libraries, libraryWheels, compilerFlags, addons } = recipe;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([wheel, libraries, libraryWheels, compilerFlags]));
  for (const addon of addons) {
    hash.update(JSON.stringify([addon.name, addon.flags]));
    for (const file of [...addon.sources, ...addon.headers]) hash.update(readFileSync(file));
  }
  const shortHash = hash.digest('hex').slice(0, 12);
  return `${kind}-${wheel.version}-${process.platform}-${process.arch}-${shortHash}`;
}
