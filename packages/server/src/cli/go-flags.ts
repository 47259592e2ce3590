/** Flags as Go's `flag` package reads them: one dash or two, `-name value` or `-name=value`. */
import { CliError, MISUSE } from './errors.ts';

export type GoFlags = Readonly<Record<string, 'text' | 'bool'>>;

export interface Given {
  texts: Readonly<Record<string, string | undefined>>;
  bools: Readonly<Record<string, boolean | undefined>>;
}

const BOOLS = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

/** @throws CliError misuse: a flag that there is not, a value that is missing or wrong, or anything that is no flag */
export function parseGoFlags(argv: readonly string[], flags: GoFlags): Given | 'help' {
  const texts: Record<string, string> = {};
  const bools: Record<string, boolean> = {};
  const left = [...argv];
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const [, name = '', value] = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(arg) ?? [];
    if (name === '') throw new CliError(MISUSE, `unexpected argument: ${arg}`);
    const type = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (type === undefined && (name === 'h' || name === 'help')) return 'help';
    if (type === undefined) throw new CliError(MISUSE, `there is no flag -${name} (-h shows those there are)`);
    if (type === 'bool') bools[name] = boolFrom(name, value ?? 'true');
    else texts[name] = textFrom(name, value ?? left.shift());
  }
  return { texts, bools };
}

/** Without `=`, what follows a switch is no value of its own. */
function boolFrom(name: string, text: string): boolean {
  const value = BOOLS.get(text);
  if (value === undefined) throw new CliError(MISUSE, `-${name} is true or false, not ${text}`);
  return value;
}

function textFrom(name: string, text: string | undefined): string {
  if (text === undefined) throw new CliError(MISUSE, `-${name} needs a value`);
  return text;
}
