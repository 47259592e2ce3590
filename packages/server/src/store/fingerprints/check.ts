/** Reads a whole index and names what is wrong with it. Changes nothing; not for an index that is being written. */
import { takeInventory } from './directory.ts';
import { runFileName } from './format.ts';
import { Page, type Run } from './run.ts';

/**
 * @param journalHead the journal's last position
 * @returns one line for each violation; none when the index is sound
 */
export function checkFingerprints(dir: string, journalHead: number): string[] {
  const { runs, damage } = takeInventory(dir, journalHead);
  const violations = damage ? [`${damage.file}: ${damage.what}`] : [];
  for (const run of runs) {
    violations.push(...checkRun(run));
    run.close();
  }
  return violations;
}

function checkRun(run: Run): string[] {
  const violations: string[] = [];
  const page = new Page();
  const last: Entry = { hi: -1, lo: -1, position: -1 };
  for (let number = 0; number < run.pages; number++) {
    const violation = run.loadPage(number, page) ? checkPage(run, page, last) : 'is damaged';
    if (violation) violations.push(`${runFileName(run)}: page ${number} ${violation}`);
  }
  return violations;
}

interface Entry {
  hi: number;
  lo: number;
  position: number;
}

/** @param last the entry before this page; becomes its last */
function checkPage(run: Run, page: Page, last: Entry): string | undefined {
  for (let index = 0; index < page.count; index++) {
    const entry = { hi: page.hi(index), lo: page.lo(index), position: page.position(index) };
    if (!precedes(last, entry)) return 'is out of order';
    if (entry.position <= run.after || entry.position > run.through) return `holds position ${entry.position}`;
    if (!run.filter.mayHave(entry.hi, entry.lo)) return 'has an entry that the filter does not know';
    Object.assign(last, entry);
  }
  return undefined;
}

function precedes(a: Entry, b: Entry): boolean {
  if (a.hi !== b.hi) return a.hi < b.hi;
  return a.lo !== b.lo ? a.lo < b.lo : a.position < b.position;
}
