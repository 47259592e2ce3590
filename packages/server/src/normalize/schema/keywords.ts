/**
 * Keywords that Ajv is given besides or in place of its own. Its own compare each item with each (`uniqueItems`) and a
 * value with all that it may be in turn (`enum`), call whatever an event holds under `valueOf` (all that compare
 * objects), and take an empty list for the one looked at before (`contains`).
 */
import { _, type CodeKeywordDefinition, type KeywordCxt } from 'ajv/dist/2020.js';
import { canonicalText } from '../../json/canonical.ts';
import { isContainer, type JsonValue } from '../../json/parse.ts';
import { compileEnumeration } from '../enumeration.ts';
import type { Work } from './work.ts';

/** Stands in every subschema with its size as the value: what looking at one value costs. */
export const CHARGE = 'charge';
/** Loops over all members of an object. */
const LOOPS = ['additionalProperties', 'patternProperties', 'propertyNames'];
/** Characters that are looked at in the time of a step. */
const STEP_TEXT = 16;

export function ownKeywords(work: Work): CodeKeywordDefinition[] {
  const spend = (length: number) => work.spend(length / STEP_TEXT);
  return [
    // Before all others, since it bounds how often they are called.
    { keyword: CHARGE, before: '$ref', trackErrors: true, code: (cxt) => chargeCode(cxt, work) },
    { keyword: 'enum', code: (cxt) => callCheck(cxt, compileEnumeration(cxt.schema as JsonValue[], spend)) },
    { keyword: 'const', code: (cxt) => callCheck(cxt, compileEnumeration([cxt.schema as JsonValue], spend)) },
    // What comes after `prefixItems` is left out for lists that are shorter than it.
    { keyword: 'contains', before: 'prefixItems', type: 'array', trackErrors: true, code: containsCode },
    {
      keyword: 'uniqueItems',
      before: 'prefixItems',
      type: 'array',
      code: (cxt) => cxt.schema === true && callCheck(cxt, (value) => allDiffer(value as JsonValue[], work)),
    },
  ];
}

function chargeCode({ gen, data, schema, parentSchema, errsCount }: KeywordCxt, work: Work): void {
  const size = schema as number;
  const loops = LOOPS.some((keyword) => keyword in parentSchema);
  const stepsPerMember = 1 + Object.keys(parentSchema.patternProperties ?? {}).length;
  const charge = (value: JsonValue, errors: number) => {
    let steps = size;
    if (typeof value === 'string') steps += value.length / STEP_TEXT;
    else if (loops && isContainer(value)) for (const _key in value) steps += stepsPerMember;
    work.spend(steps, errors);
  };
  gen.code(_`${gen.scopeValue('func', { ref: charge })}(${data}, ${errsCount})`);
}

function callCheck(cxt: KeywordCxt, check: (value: JsonValue) => boolean): void {
  const { gen, data } = cxt;
  cxt.pass(_`${gen.scopeValue('func', { ref: check })}(${data})`);
}

function allDiffer(items: readonly JsonValue[], work: Work): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonicalText(item);
    work.spend(1 + text.length / STEP_TEXT);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
}

function containsCode(cxt: KeywordCxt): void {
  const { gen, data, parentSchema } = cxt;
  const count = gen.let('count', 0);
  gen.forRange('i', 0, _`${data}.length`, (i) => {
    const valid = gen.name('valid');
    const item = {
      keyword: 'contains',
      dataProp: i,
      compositeRule: true,
      createErrors: false,
      allErrors: false,
    } as const;
    cxt.subschema(item, valid);
    gen.if(
      valid,
      () => gen.code(_`${count}++`),
      // Schemas that it refers to make errors all the same.
      () => cxt.reset(),
    );
  });
  const { minContains = 1, maxContains = Number.MAX_SAFE_INTEGER } = parentSchema;
  cxt.pass(_`${count} >= ${minContains} && ${count} <= ${maxContains}`);
}
