/** What of a payload is searched. */

import type { JsonObject, JsonValue } from '../json/parse.ts';
import { compilePath, type PathGetter } from '../json/path.ts';
import { vectorFault } from './codes.ts';
import { GIVEN_VECTOR } from './settings.ts';

export interface Content {
  /** '' where there is none. */
  text: string;
  /** That came with the event. */
  vector: Float32Array | undefined;
  /** Why the vector that came with it is not taken. */
  refused: string | undefined;
}

export class ContentReader {
  readonly #paths: readonly PathGetter[];
  readonly #dimensions: number;

  /** @param paths whose texts, joined by line breaks, are the record's; of a list, all texts in it */
  constructor(paths: readonly string[], dimensions: number) {
    this.#paths = paths.map(compilePath);
    this.#dimensions = dimensions;
  }

  read(payload: JsonObject): Content {
    const texts = this.#paths.flatMap((get) => textsIn(get(payload)));
    // Half a surrogate pair would come back from storage as something else.
    return { text: texts.join('\n').toWellFormed(), ...this.#vector(payload[GIVEN_VECTOR]) };
  }

  #vector(given: JsonValue | undefined): Pick<Content, 'vector' | 'refused'> {
    if (given === undefined || given === null) return { vector: undefined, refused: undefined };
    if (!Array.isArray(given)) return { vector: undefined, refused: 'not a list of finite numbers' };
    const refused = vectorFault(given, this.#dimensions);
    return { vector: refused === undefined ? Float32Array.from(given as number[]) : undefined, refused };
  }
}

function textsIn(value: JsonValue | undefined): string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === 'string' && one !== '') as string[];
}
