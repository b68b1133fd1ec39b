import type { Dataset, File, Group } from 'h5wasm';
import type { NamedTensor } from '../../plan/named-tensor.ts';
import type { KerasFile } from './keras-file.ts';
import type { StoredLayer } from './stored-layers.ts';

/** Keras' largest network has 400 objects. */
const MAX_OBJECTS = 100_000;
const MAX_DEPTH = 16;

/** Says why the file cannot be used, as a clause that follows "but". */
export class Refused extends Error {}

type Library = Awaited<typeof import('h5wasm').ready>;

/** Reads the layers of an open Keras file. It knows nothing about networks. */
export class KerasFileReader {
  readonly #library: Library;
  readonly #file: File;
  readonly #mostBytes: number;
  #objects = 0;
  #numbers = 0;
  #shuffled: string | undefined;

  /** @param mostBytes the most bytes of all numbers as float32 */
  constructor(library: Library, file: File, mostBytes: number) {
    this.#library = library;
    this.#file = file;
    this.#mostBytes = mostBytes;
  }

  read(): KerasFile {
    const whole = this.#entity('/model_weights');
    const root = isGroup(whole) ? whole : this.#file;
    const names = this.#stringsOf(root, 'layer_names');
    if (names !== undefined) {
      const layers = names.flatMap((name) => this.#legacyLayers(root, name));
      return { kind: 'ordered', layers, shuffled: this.#shuffled };
    }
    const containers: StoredLayer[][] = [];
    this.#collect(this.#file, containers, 0);
    if (containers.length > 0) return { kind: 'numbered', containers };
    throw new Refused(
      'it is an HDF5 file of another program: it has neither the attribute layer_names nor the groups layers and vars of Keras',
    );
  }

  /** Reads a layer, or the layers of a network that is used as a layer, which Keras stores as one. */
  #legacyLayers(root: Group, name: string): StoredLayer[] {
    const group = this.#groupIn(root, name);
    const weights = this.#stringsOf(group, 'weight_names') ?? [];
    const tensors = weights.map((weight) => this.#tensorIn(group, weight));
    const prefixes = weights.map((weight) => weight.slice(0, Math.max(0, weight.lastIndexOf('/'))));
    // No layer of the supported networks has more than four tensors.
    if (weights.length <= 4 || new Set(prefixes).size === 1) return [{ name, tensors }];
    if (isShuffled(weights, prefixes)) this.#shuffled = name;
    const layers = Map.groupBy(tensors.keys(), (index) => prefixes[index] as string);
    return [...layers].map(([prefix, indices]) => ({
      name: prefix.slice(prefix.lastIndexOf('/') + 1),
      tensors: indices.map((index) => tensors[index] as NamedTensor),
    }));
  }

  /**
   * Keras 3 stores a layer under the name of its class, numbered, `layers/conv2d_3/vars/0`, and a network
   * that is used as a layer in the same way, `layers/functional/layers/…`.
   */
  #collect(group: Group, containers: StoredLayer[][], depth: number): void {
    if (depth > MAX_DEPTH) throw new Refused('its groups are nested too deeply');
    const layers: StoredLayer[] = [];
    for (const key of this.#keysOf(group)) {
      if (depth === 0 && /^(optimizer|metrics|_)/.test(key)) continue;
      const child = this.#groupIn(group, key, true);
      if (!child || key === 'vars') continue;
      const vars = this.#groupIn(child, 'vars', true);
      if (vars) {
        const numbers = this.#keysOf(vars).sort((a, b) => Number(a) - Number(b));
        const tensors = numbers.map((number) => this.#tensorIn(vars, number));
        if (tensors.length > 0) layers.push({ name: key, tensors });
      }
      this.#collect(child, containers, depth + 1);
    }
    if (layers.length > 0) containers.push(layers);
  }

  /** An attribute of strings, in parts (`name0`, `name1`, …) where it was too long for one. */
  #stringsOf(group: Group, name: string): string[] | undefined {
    const { attrs } = group;
    const parts: (Group['attrs'][string] | undefined)[] = [];
    if (attrs[name]) parts.push(attrs[name]);
    for (let part = 0; attrs[`${name}${part}`]; part++) parts.push(attrs[`${name}${part}`]);
    if (parts.length === 0) return undefined;
    return parts.flatMap((part) => {
      const value = part?.value;
      // An empty list has no strings, so it is stored as numbers.
      return Array.isArray(value) ? value.map(String) : [];
    });
  }

  #keysOf(group: Group): string[] {
    const keys = group.keys();
    this.#count(keys.length);
    return keys;
  }

  #groupIn(parent: Group, name: string): Group;
  #groupIn(parent: Group, name: string, optional: true): Group | undefined;
  #groupIn(parent: Group, name: string, optional = false): Group | undefined {
    const path = join(parent.path, name);
    const group = this.#entity(path);
    if (isGroup(group)) return group;
    if (optional) return undefined;
    throw new Refused(`it lacks ${path}`);
  }

  #tensorIn(group: Group, name: string): NamedTensor {
    const path = join(group.path, name);
    const dataset = this.#entity(path);
    if (!isDataset(dataset)) throw new Refused(`it lacks ${path}`);
    const { metadata } = dataset;
    const { shape, total_size: numbers, size, type, virtual_sources: sources } = metadata;
    if (sources && sources.length > 0) throw elsewhere(path);
    this.#numbers += numbers;
    if (!(this.#numbers * 4 <= this.#mostBytes)) throw new Refused('it unpacks to more than 2 GB');
    const { H5T_class_t: classes } = this.#library;
    const isFloat = type === classes.H5T_FLOAT.value;
    if (!isFloat && type !== classes.H5T_INTEGER.value) {
      throw new Refused(`the tensor ${path} does not hold numbers`);
    }
    const values = toFloats(this.#bytesOf(dataset, numbers * size), isFloat, metadata);
    if (!values) throw new Refused(`the numbers of the tensor ${path} have ${8 * size} bits`);
    return { shape: shape ?? [], values };
  }

  /** Copies a tensor's bytes, since the library itself cannot read float16. */
  #bytesOf({ path }: Dataset, length: number): Uint8Array<ArrayBuffer> {
    const library = this.#library;
    const pointer = library._malloc(Math.max(1, length));
    try {
      if (pointer === 0) throw new Error('The memory is full.');
      library.get_dataset_data(this.#file.file_id, path, null, null, null, BigInt(pointer));
      return library.HEAPU8.slice(pointer, pointer + length);
    } catch (cause) {
      throw new Refused(
        `the numbers of ${path} are damaged, or in another file, which is not followed: save the weights in one file`,
        { cause },
      );
    } finally {
      library._free(pointer);
    }
  }

  /** The entity at a path, no part of which may be a link to elsewhere. */
  #entity(path: string): ReturnType<Group['get']> {
    this.#count(1);
    const parts = path.split('/').filter(Boolean);
    for (let length = 1; length <= parts.length; length++) {
      const part = `/${parts.slice(0, length).join('/')}`;
      const type = this.#file.get_type(part);
      if (type < 0) return null;
      // Only a link to a target within the file has the type of its target.
      const isLink = type === this.#library.H5G_LINK || type === this.#library.H5G_UDLINK;
      if (isLink || this.#file.get_link(part) !== null) throw elsewhere(part);
    }
    return this.#file.get(path);
  }

  #count(objects: number): void {
    this.#objects += objects;
    if (this.#objects > MAX_OBJECTS) throw new Refused('it has too many groups');
  }
}

function elsewhere(path: string): Refused {
  return new Refused(
    `its ${path} is a link to something else or to another file, which is not followed: save the weights in one file`,
  );
}

/**
 * Whether Keras has stored a network's weights in another order than its layers': it writes the
 * trainable ones first. With all of them trainable or none, each kind of weight keeps the layers'
 * order.
 */
function isShuffled(weights: readonly string[], prefixes: readonly string[]): boolean {
  const moving = [...weights.keys()].filter((index) =>
    /\/moving_\w+(:0)?$/.test(weights[index] as string),
  );
  // A frozen BatchNorm has its moving statistics next to its other weights, a trainable one has them apart.
  const firsts = Map.groupBy(moving, (index) => prefixes[index]).values();
  const isBeside = [...firsts].map(([first = 0]) => prefixes[first] === prefixes[first - 1]);
  return isBeside.includes(true) && isBeside.includes(false);
}

function toFloats(
  bytes: Uint8Array<ArrayBuffer>,
  isFloat: boolean,
  { size, signed, littleEndian }: Dataset['metadata'],
): Float32Array | undefined {
  const { buffer } = bytes;
  if (!littleEndian) swap(Buffer.from(buffer), size);
  if (isFloat) {
    if (size === 4) return new Float32Array(buffer);
    if (size === 2) return Float32Array.from(new Float16Array(buffer));
    if (size === 8) return Float32Array.from(new Float64Array(buffer));
    return undefined;
  }
  if (size === 1) return Float32Array.from(signed ? new Int8Array(buffer) : bytes);
  if (size === 2)
    return Float32Array.from(signed ? new Int16Array(buffer) : new Uint16Array(buffer));
  if (size === 4)
    return Float32Array.from(signed ? new Int32Array(buffer) : new Uint32Array(buffer));
  if (size === 8) {
    const integers = signed ? new BigInt64Array(buffer) : new BigUint64Array(buffer);
    return Float32Array.from(integers as BigInt64Array, Number);
  }
  return undefined;
}

function swap(bytes: Buffer, size: number): void {
  if (size === 2) bytes.swap16();
  if (size === 4) bytes.swap32();
  if (size === 8) bytes.swap64();
}

function join(parent: string, name: string): string {
  return `${parent === '/' ? '' : parent}/${name}`;
}

function isGroup(entity: unknown): entity is Group {
  return (entity as Group | null)?.type === 'Group';
}

function isDataset(entity: unknown): entity is Dataset {
  return (entity as Dataset | null)?.type === 'Dataset';
}
