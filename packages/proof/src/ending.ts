import { sameJson } from './json-equal.ts';
import type { JsonObject } from './shape.ts';

/**
 * The end of a proof file's text that holds the packet's members and nothing else, the same in the proofs of all its
 * leaves; undefined for a text in which they are not the last ones.
 * @param packet the packet's members
 */
export function packetEnding(text: string, packet: JsonObject): string | undefined {
  const starts = Object.keys(packet).map((name) => text.lastIndexOf(`,"${name}":`));
  // The first one, unless it stands inside of another.
  for (const start of starts.sort((a, b) => a - b)) {
    const ending = start < 0 ? '' : text.slice(start);
    const members = parsedObject(`{"":0${ending}`);
    if (members === undefined) continue;
    delete members[''];
    if (sameJson(members, packet)) return ending;
  }
  return undefined;
}

/**
 * The members that stand before such an ending, as `JSON.parse` of the whole text would have them; undefined where there
 * are none, or the ending does not begin between two members of the outermost object.
 */
export function membersBefore(ending: string, text: string): JsonObject | undefined {
  const members = parsedObject(`${text.slice(0, text.length - ending.length)}}`);
  if (members === undefined) return undefined;
  for (const _ in members) return members;
  return undefined;
}

function parsedObject(text: string): JsonObject | undefined {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return undefined;
  }
}
