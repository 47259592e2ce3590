/** Which files of the directory make up the index. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../errors.ts';
import { syncDirectory } from './files.ts';
import { parseRunFileName, type Span, UNFINISHED_SUFFIX } from './format.ts';
import { Run } from './run.ts';

/** Why entries that were once in runs have to be added again. */
export interface Damage {
  /** The file where the good part ends. */
  file: string;
  what: string;
}

export interface Inventory {
  /** Good runs without a gap from position 0 on, oldest first. */
  runs: Run[];
  /** Files that are not needed: merged into others, never finished, or behind a damaged one. */
  stale: string[];
  damage: Damage | undefined;
}

/**
 * Finds the runs by their names: there is no list of them to keep in step. A merged run covers its inputs, which may
 * still be there after a crash. Behind a run that is missing, damaged or ahead of the journal nothing counts: what
 * comes after it is added again from the journal.
 *
 * @param journalHead the journal's last position: what lies beyond was lost there (a restored backup) and has to go
 */
export function takeInventory(dir: string, journalHead: number): Inventory {
  const names = readdirSync(dir);
  const inventory: Inventory = {
    runs: [],
    stale: names.filter((name) => name.endsWith(UNFINISHED_SUFFIX)),
    damage: undefined,
  };
  let through = 0;
  for (const file of widestFirst(names)) {
    const covered = file.through <= through;
    if (!covered && !inventory.damage) {
      const run = openNext(dir, file, through, journalHead);
      if (run instanceof Run) {
        inventory.runs.push(run);
        through = run.through;
        continue;
      }
      inventory.damage = run;
    }
    inventory.stale.push(file.name);
  }
  return inventory;
}

/** Deletes what `takeInventory` found to be stale, durably: none of it may come back beside newer runs. */
export function removeStale(dir: string, stale: readonly string[]): void {
  if (stale.length === 0) return;
  for (const name of stale) rmSync(join(dir, name), { force: true });
  syncDirectory(dir);
}

interface RunFile extends Span {
  name: string;
}

function widestFirst(names: readonly string[]): RunFile[] {
  return names
    .flatMap((name) => {
      const span = parseRunFileName(name);
      return span ? [{ name, ...span }] : [];
    })
    .sort((a, b) => a.after - b.after || b.through - a.through);
}

function openNext(dir: string, file: RunFile, through: number, journalHead: number): Run | Damage {
  if (file.after !== through) return { file: file.name, what: `does not follow on position ${through}` };
  if (file.through > journalHead)
    return { file: file.name, what: `ahead of the journal, which ends at ${journalHead}` };
  try {
    return Run.open(dir, file.name);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'index-damaged') return { file: file.name, what: error.message };
    throw error;
  }
}
