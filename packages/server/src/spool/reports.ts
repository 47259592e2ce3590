/** What is left in `failed/TAG` for whoever mends the files. It names no content. */
import type { Rejection, Run, RunFile } from './run.ts';

/** One JSON object a record that was not taken. */
export function rejectionsText(rejections: Iterable<Rejection>, files: readonly RunFile[]): string {
  const names = new Map(files.map(({ position, name }) => [position, name]));
  const lines: string[] = [];
  for (const { file, record, error, hint } of rejections) {
    lines.push(`${JSON.stringify({ file: names.get(file), index: record, error, hint })}\n`);
  }
  return lines.join('');
}

export function reasonText({ tag, reason, counts }: Run, files: readonly RunFile[]): string {
  const faults = files.filter(({ error }) => error !== null);
  return [
    `${tag}: ${reason ?? 'failed'}`,
    `${counts.taken} records were taken; those that the server has are skipped when the files come again.`,
    ...faults.map(({ name, error, hint }) => `${name}: ${error}: ${hint}`),
    '',
  ].join('\n');
}

/** A name that no file of the run has. */
export function freeName(name: string, taken: readonly string[]): string {
  let free = name;
  while (taken.includes(free)) free = `_${free}`;
  return free;
}
