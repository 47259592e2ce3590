/** The members of a file's map: its records, and what it says of them. */

import { BATCH_TAG } from '../../batch-mark.ts';
import type { JsonValue } from '../../json/parse.ts';
import { saysYes } from '../../pii-mark.ts';
import { SpoolError } from '../errors.ts';
import type { Head } from './format.ts';

/** A file that is one record is a map, too. */
const MAX_MEMBERS = 10_000;
const ARRAYS = ['records', 'examples'] as const;

/** Collects where the members are; `Slice` is a value that has been found and not yet read. */
export class HeadMembers<Slice> {
  readonly #slices = new Map<unknown, Slice>();

  /** @throws SpoolError `file-malformed` */
  add(name: unknown, slice: Slice): void {
    if (this.#slices.has(name)) throw new SpoolError('file-malformed', 'its map has a member twice');
    if (this.#slices.size === MAX_MEMBERS) {
      throw new SpoolError('file-malformed', `its map has more than ${MAX_MEMBERS} members`);
    }
    this.#slices.set(name, slice);
  }

  /** @returns undefined when there is no array of records. @throws SpoolError `file-malformed` when there are two */
  recordsOf(isArray: (slice: Slice) => boolean): Slice | undefined {
    const found = ARRAYS.map((name) => this.#slices.get(name)).filter((slice) => slice !== undefined && isArray(slice));
    if (found.length > 1) throw new SpoolError('file-malformed', 'its map has both records and examples');
    return found[0];
  }

  /** @throws SpoolError `file-malformed` */
  head(read: (slice: Slice) => unknown): Head {
    const value = (name: string) => {
      const slice = this.#slices.get(name);
      return slice === undefined ? undefined : read(slice);
    };
    const batchTag = textOrNothing('batch_tag', value('batch_tag'));
    const source = textOrNothing('source', value('source'));
    if (batchTag !== undefined && !BATCH_TAG.test(batchTag)) {
      throw new SpoolError('file-malformed', `its batch_tag must match ${BATCH_TAG.source}`);
    }
    return {
      pii: saysYes(value('pii') as JsonValue | undefined),
      ...(batchTag === undefined ? {} : { batchTag }),
      ...(source === undefined ? {} : { source }),
    };
  }
}

function textOrNothing(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') return value;
  throw new SpoolError('file-malformed', `its ${name} is not text`);
}
