import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** What some processes take together, as counted by Linux. */
export interface ProcessUse {
  /** The memory that they hold now, in bytes. */
  resident(): number;
  /** Processor time so far, in milliseconds. */
  cpuMs(): number;
  /** Resets the peaks of memory. */
  resetPeak(): void;
  /** The sum of their peaks since the last reset, in bytes. */
  peak(): number;
}

/**
 * Finds the workerd processes that this process started, directly or indirectly: that of the Worker and
 * that of wrangler's proxy.
 *
 * @throws Error where there is none
 */
export function watchWorkerd(): ProcessUse {
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
    cpuMs: () =>
      own.reduce((total, id) => total + ticks(readProc(`${id}`, 'stat')), 0) * MS_PER_TICK,
    resetPeak: () => {
      for (const id of own) writeFileSync(`/proc/${id}/clear_refs`, '5');
    },
    peak: () => sum('VmHWM'),
  };
}

/** Linux counts processor time in hundredths of a second on every machine, whatever its own clock. */
const MS_PER_TICK = 10;

/** User and system time. @see proc_pid_stat(5), the fields 14 and 15; the second one may have blanks */
function ticks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
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
