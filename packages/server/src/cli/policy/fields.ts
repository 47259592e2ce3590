/** What a policy makes of each field: where its value came from, what it became, and by which rule. */
import { canonicalText } from '../../json/canonical.ts';
import type { JsonObject, JsonValue } from '../../json/parse.ts';
import { compilePath, formatPath, type PathGetter, parsePath } from '../../json/path.ts';
import type { Coercion, MappingPolicy, MapSource } from '../../normalize/policy.ts';
import { coercionInWords, fieldRules } from './words.ts';

export interface FieldTrial {
  field: string;
  /** As journaled: after what the policy redacts and hashes. Undefined where there is none. */
  raw: JsonValue | undefined;
  value: JsonValue | undefined;
  /** What gave it another value than the raw one: `const`, `default` or the coercion. */
  changedBy: string | undefined;
  issues: string[];
}

interface Field {
  name: string;
  raw: PathGetter;
  value: PathGetter;
  source: MapSource | undefined;
  coercion: Coercion | undefined;
}

export class FieldTrials {
  readonly #fields: Field[];
  /** Whether members that no rule is about pass through. */
  readonly #whole: boolean;
  readonly #heads: ReadonlySet<string>;

  constructor(policy: MappingPolicy) {
    const map = Object.entries(policy.map ?? {});
    const coercions = new Map(Object.entries(policy.coerce ?? policy.coercion ?? {}));
    const field = (name: string, source?: MapSource): Field => ({
      name,
      raw: source === undefined ? compilePath(name) : rawOf(source),
      value: compilePath(name),
      source,
      coercion: coercions.get(name),
    });
    this.#whole = map.length === 0;
    this.#fields = this.#whole
      ? [...fieldRules(policy).keys()].map((name) => field(name))
      : map.map(([name, source]) => field(name, source));
    this.#heads = new Set(this.#fields.map(({ name }) => parsePath(name)[0] as string));
  }

  of(event: JsonObject, payload: JsonObject, issues: readonly string[]): FieldTrial[] {
    const rest = this.#whole ? Object.keys(event).filter((key) => key !== '' && !this.#heads.has(key)) : [];
    const passed = rest.map((key): Field => {
      const name = formatPath([key]);
      return { name, raw: compilePath(name), value: compilePath(name), source: undefined, coercion: undefined };
    });
    const fields = [...this.#fields, ...passed];
    const owners = issues.map((issue) => ownerOf(issue, fields));
    return fields.map((field) => {
      const raw = field.raw(event);
      const value = field.value(payload);
      const own = issues.filter((_, index) => owners[index] === field.name);
      // The text that stands in for a number that no double holds is no conversion.
      const unsafe = own.some((issue) => issue.startsWith('number-unsafe:'));
      const by = unsafe ? undefined : changedBy(field, raw, value);
      return { field: field.name, raw, value, changedBy: by, issues: own };
    });
  }
}

function rawOf(source: MapSource): PathGetter {
  if (typeof source === 'string') return compilePath(source);
  return 'const' in source ? () => undefined : compilePath(source.path);
}

/** Issues are `KIND:FIELD…`, with a path below the field or details behind it; of several that fit, the longest. */
function ownerOf(issue: string, fields: readonly Field[]): string | undefined {
  const [kind = ''] = issue.split(':', 1);
  // About the time of the event, whatever the payload has under that name.
  if (kind === 'time-invalid') return undefined;
  const about = issue.slice(kind.length + 1);
  const fits = fields.filter(
    ({ name }) => about === name || about.startsWith(`${name}:`) || about.startsWith(`${name}.`),
  );
  return fits.sort((a, b) => b.name.length - a.name.length)[0]?.name;
}

function changedBy({ source, coercion }: Field, raw: JsonValue | undefined, value: JsonValue | undefined) {
  if (value === undefined) return undefined;
  if (typeof source === 'object' && 'const' in source) return 'const';
  if (raw !== undefined && canonicalText(raw) === canonicalText(value)) return undefined;
  if (typeof source === 'object' && (raw ?? undefined) === undefined) return 'default';
  return coercion === undefined ? undefined : coercionInWords(coercion);
}
