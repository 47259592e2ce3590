/** A member's own text, in which numbers and the order of names stay as they were written. */

const TOKEN = /"(?:\\.|[^"\\])*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * @param text the JSON text of an object, known to be well-formed
 * @returns the text of the value of the last member whose name is taken
 */
export function memberText(text: string, takes: (name: string) => boolean): string | undefined {
  let depth = 0;
  let name = '';
  let [from, to] = [0, 0];
  let found: string | undefined;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']';
    const endsMember = (depth === 1 && token === ',') || (depth === 1 && closes);
    if (endsMember && from > 0 && takes(name)) found = text.slice(from, to);
    if (endsMember) from = 0;
    else if (depth === 1 && from === 0 && token.startsWith('"')) name = JSON.parse(token) as string;
    else if (depth === 1 && from === 0 && token === ':') from = index + 1;
    if (token === '{' || token === '[') depth++;
    if (closes) depth--;
    to = index + token.length;
  }
  return found?.trim();
}
