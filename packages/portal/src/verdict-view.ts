import type { Verified } from '@tidemark/proof';
import type { Checked, Json } from './check.ts';
import { byId, element, setText } from './dom.ts';

type VerdictState = 'none' | 'busy' | 'valid' | 'refused';

/** Shows what became of a verification. */
export class VerdictView {
  #box = byId('verdict', HTMLElement);
  #title = byId('verdict-title', HTMLElement);
  #detail = byId('verdict-detail', HTMLElement);
  #devChain = byId('dev-chain', HTMLElement);

  /** A sentence in place of a verdict: work under way, or why there is no proof to check. */
  say(title: string, detail = '', state: VerdictState = 'none'): void {
    this.#box.dataset.state = state;
    setText(this.#title, title);
    setText(this.#detail, detail);
    this.#devChain.hidden = true;
    showList('proven', []);
    showList('trusted', []);
    showFacts([]);
  }

  /** `waiting`: an anchor is still being looked for. */
  show({ proof, report }: Checked, waiting: boolean): void {
    if (!report.valid) {
      this.say(`Refused: ${report.reason}`, report.detail, 'refused');
      return;
    }
    const unanchored = waiting ? 'Its anchor is on the way…' : 'It is not anchored yet.';
    this.#box.dataset.state = 'valid';
    setText(this.#title, titleOf(report));
    setText(this.#detail, report.level === 'anchored' ? '' : unanchored);
    this.#devChain.hidden = report.chain !== 'tidemark-dev';
    showList('proven', report.proven);
    showList('trusted', report.trusted);
    showFacts([...leafFacts(proof), ...reportFacts(report)]);
  }
}

function titleOf({ level, confirmations, chain }: Verified): string {
  if (level === 'certified') return 'Valid: certified';
  const where = chain === 'tidemark-dev' ? 'on the development chain' : `on the chain "${chain}"`;
  return `Valid: anchored ${where}, ${confirmations} ${confirmations === 1 ? 'confirmation' : 'confirmations'}`;
}

function showList(id: string, lines: readonly string[]): void {
  byId(id, HTMLUListElement).replaceChildren(...lines.map((line) => element('li', line)));
  byId(`${id}-box`, HTMLElement).hidden = lines.length === 0;
}

function showFacts(rows: readonly (readonly [string, string])[]): void {
  const cells = rows.flatMap(([name, value]) => [element('dt', name), element('dd', value)]);
  byId('event-facts', HTMLDListElement).replaceChildren(...cells);
  byId('event-box', HTMLElement).hidden = rows.length === 0;
}

/** Read from a proof that was found valid, so each of these is a proven value. */
function leafFacts(proof: Json): [string, string][] {
  const leaf = proof.leaf as Json;
  const names = ['stream', 'kind', 'source', 'seq', 'eventId', 'eventTime', 'payloadHash', 'reasonsHash'];
  return names.filter((name) => name in leaf).map((name) => [name, String(leaf[name])]);
}

function reportFacts({ index, versionId, txid, blockHash, blockTime }: Verified): [string, string][] {
  const facts: [string, string][] = [
    ['leaf index', String(index)],
    ['versionId', versionId],
  ];
  if (txid !== undefined) facts.push(['transaction', txid]);
  if (blockHash !== undefined) facts.push(['block', blockHash]);
  if (blockTime !== undefined) facts.push(['block time', new Date(blockTime * 1000).toISOString()]);
  return facts;
}
