import { bodyOf, byId, element, setText } from './dom.ts';
import { integer, preview, short, timeOfDay } from './format.ts';
import { type LiveState, MAX_ROWS, type Row, type StreamState } from './live.ts';

const MAX_STREAMS = 100;

/** Draws the newest events into a fixed set of rows, made once and then only rewritten. */
export class EventTable {
  #rows: HTMLTableRowElement[] = [];
  #shown: readonly Row[] = [];
  #held = false;
  #paused = false;

  constructor(onPick: (eventId: string) => void) {
    const body = bodyOf('events');
    for (let i = 0; i < MAX_ROWS; i += 1) this.#rows.push(makeRow());
    body.append(...this.#rows);
    keepRoles(byId('events', HTMLTableElement));
    body.addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest('tr') : null;
      const picked = row && this.#shown[this.#rows.indexOf(row)];
      if (picked) onPick(picked.event.eventId);
    });
    this.#holdStill(body);
  }

  draw({ rows }: LiveState): void {
    if (this.#held || this.#paused) return;
    this.#shown = rows.slice();
    byId('events-empty', HTMLElement).hidden = rows.length > 0;
    for (const [i, row] of this.#rows.entries()) {
      const shown = rows[i];
      row.hidden = shown === undefined;
      if (shown) fill(row, shown);
    }
  }

  /** Rows must not move away under the pointer or the keyboard's focus. */
  #holdStill(body: HTMLElement): void {
    const hold = () => {
      this.#held = true;
    };
    const release = () => {
      this.#held = body.matches(':hover') || body.contains(document.activeElement);
    };
    body.addEventListener('pointerenter', hold);
    body.addEventListener('focusin', hold);
    body.addEventListener('pointerleave', () => {
      this.#held = body.querySelector(':focus-visible') !== null;
    });
    body.addEventListener('focusout', () => setTimeout(release));
    const button = byId('pause', HTMLButtonElement);
    button.addEventListener('click', () => {
      this.#paused = !this.#paused;
      button.setAttribute('aria-pressed', String(this.#paused));
      setText(button, this.#paused ? 'Continue' : 'Pause');
    });
  }
}

/** On a narrow screen the rows are laid out as a grid, which in some browsers ends their being a table. */
function keepRoles(table: HTMLTableElement): void {
  table.setAttribute('role', 'table');
  const roles = { 'thead, tbody': 'rowgroup', tr: 'row', th: 'columnheader', td: 'cell' };
  for (const [selector, role] of Object.entries(roles)) {
    for (const part of table.querySelectorAll(selector)) part.setAttribute('role', role);
  }
}

function makeRow(): HTMLTableRowElement {
  const row = element('tr');
  row.hidden = true;
  row.append(...['', '', '', 'number', 'mono', ''].map((className) => element('td', '', className)));
  const button = element('button');
  button.type = 'button';
  row.lastElementChild?.append(button);
  return row;
}

function fill(row: HTMLTableRowElement, { time, event }: Row): void {
  const [at, stream, source, leaf, payload, version] = row.cells;
  const button = version?.firstElementChild;
  if (!at || !stream || !source || !leaf || !payload || !button) return;
  // Leaf and version tell one row's content from another; nothing else needs comparing.
  const key = `${event.stream} ${event.leafIndex} ${event.versionId}`;
  if (row.dataset.key === key) return;
  row.dataset.key = key;
  setText(at, timeOfDay(time));
  setText(stream, event.stream);
  setText(source, event.sourceId);
  setText(leaf, integer(event.leafIndex));
  setText(payload, preview(event.normalized));
  setText(button, short(event.versionId));
  button.setAttribute('aria-label', `Verify event ${event.eventId}`);
}

/** Draws one row a stream, sorted by name when a new one comes up. */
export class StreamTable {
  #body = bodyOf('streams');
  #rows = new Map<string, HTMLTableRowElement>();

  draw({ streams }: LiveState): void {
    for (const [id, stream] of streams) {
      const row = this.#rows.get(id) ?? this.#add(id);
      if (row) fillStream(row, stream);
    }
    byId('streams-empty', HTMLElement).hidden = streams.size > 0;
  }

  #add(id: string): HTMLTableRowElement | undefined {
    if (this.#rows.size >= MAX_STREAMS) return undefined;
    const row = element('tr');
    const name = element('th', id);
    name.scope = 'row';
    row.append(name, ...['number', 'number', 'number', ''].map((className) => element('td', '', className)));
    this.#rows.set(id, row);
    this.#body.append(...[...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, made]) => made));
    return row;
  }
}

function fillStream(row: HTMLTableRowElement, { certified, leaves, quarantined, anchor }: StreamState): void {
  const texts = [integer(certified), leaves > 0 ? integer(leaves) : '–', integer(quarantined), anchorText(anchor)];
  for (const [i, text] of texts.entries()) {
    const cell = row.cells[i + 1];
    if (cell) setText(cell, text);
  }
}

function anchorText(anchor: StreamState['anchor']): string {
  if (!anchor) return 'none seen yet';
  const chain = anchor.chain === 'tidemark-dev' ? 'development chain' : `chain "${anchor.chain}"`;
  return `${chain}, block ${integer(anchor.height)}, transaction ${short(anchor.txid)}`;
}
