import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The memory of some processes together, in bytes, as Linux counts it. */
export interface ProcessMemory {
  /** What they hold now. */
  resident(): number;
  /** Forgets the highest figures so far. */
  resetPeak(): void;
  /** The sum of the most that each of them held since then. */
  peak(): number;
}

/**
 * Finds the workerds that this process has started, itself or through others: the Worker's, and
 * that of wrangler's proxy.
 *
 * @throws Error when there is none
 */
export function watchWorkerd(): ProcessMemory {
  const parents = new Map<number, number>();
  const found: number[] = [];
  for (const name of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const status = readProc(name, 'status');
    const id = Number(name);
    parents.set(id, Number(field(status, 'PPid')));
    if (field(status, 'Name') === 'workerd') found.push(id);
  }
  const descends = (id: number | undefined): boolean =>
    id !== undefined && (id === process.pid || descends(parents.get(id)));
  const own = found.filter(descends);
  if (own.length === 0) throw new Error(`Process ${process.pid} has started no workerd.`);
  const sum = (name: string): number =>
    own.reduce((total, id) => total + kibibytes(readProc(`${id}`, 'status'), name) * 1024, 0);
  return {
    resident: () => sum('VmRSS'),
    resetPeak: () => {
      for (const id of own) writeFileSync(`/proc/${id}/clear_refs`, '5');
    },
    peak: () => sum('VmHWM'),
  };
}

function kibibytes(status: string, name: string): number {
  return Number.parseInt(field(status, name), 10);
}

/** @returns '' for a process that has ended meanwhile */
function readProc(id: string, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function field(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(.+)$`, 'm').exec(status)?.[1] ?? '';
}
