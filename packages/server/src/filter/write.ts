/** The one spelling of a filter. */
import { rereadableText } from '../json/canonical.ts';
import type { Node, Term } from './parse.ts';

/** Words for operators, JSON for literals, parentheses only where they are needed. */
export function writeFilter(node: Node): string {
  switch (node.kind) {
    case 'or':
      return node.of.map(writeFilter).join(' or ');
    case 'and':
      return node.of.map((inner) => enclosed(inner, inner.kind === 'or')).join(' and ');
    case 'not':
      return `not ${enclosed(node.of, node.of.kind === 'or' || node.of.kind === 'and')}`;
    default:
      return writeTerm(node);
  }
}

function enclosed(node: Node, needed: boolean): string {
  return needed ? `(${writeFilter(node)})` : writeFilter(node);
}

function writeTerm(term: Term): string {
  const { text } = term.path;
  switch (term.kind) {
    case 'exists':
      return `exists ${text}`;
    case 'order':
      return `${text} ${term.order} ${rereadableText(term.value)}`;
    case 'among': {
      const values = term.values.map(rereadableText);
      if (term.list) return `${text} ${term.negated ? 'not in' : 'in'} [${values.join(', ')}]`;
      return `${text} ${term.negated ? '!=' : '=='} ${values[0]}`;
    }
  }
}
