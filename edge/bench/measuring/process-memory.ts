import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** The total memory of some processes in bytes, as counted by Linux. */
export interface ProcessMemory {
  /** The memory that they hold now. */
  resident(): number;
  /** Resets the peaks. */
  resetPeak(): void;
  /** The sum of their peaks since the last reset. */
  peak(): number;
}

/**
 * Finds the workerd processes that this process started, directly or indirectly: that of the Worker and
 * that of wrangler's proxy.
 *
 * @throws Error where there is none
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

/** @returns '' for a process that has ended */
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
