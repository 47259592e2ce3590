import type { ConnectionState } from './connection.ts';
import { byId, element, setText } from './dom.ts';
import { integer, rate, timeOfDay } from './format.ts';
import type { LiveState } from './live.ts';
import { EventTable, StreamTable } from './tables.ts';

/** Five pictures a second can still be read; more would only keep the processor busy. */
const REDRAW_MS = 200;

const CONNECTION_TEXT: Record<ConnectionState, string> = {
  connecting: 'Connecting…',
  open: 'Live',
  waiting: 'Not connected, trying again soon',
};

/** Draws the state from now on, within the browser's frames: what comes in between costs no drawing. */
export function startDashboard(state: LiveState, onPick: (eventId: string) => void): void {
  const events = new EventTable(onPick);
  const streams = new StreamTable();
  const notices = new NoticeList();
  let drawnAt = Number.NEGATIVE_INFINITY;

  const frame = (now: number) => {
    requestAnimationFrame(frame);
    if (now - drawnAt < REDRAW_MS) return;
    drawnAt = now;
    drawNumbers(state, performance.now());
    notices.draw(state);
    streams.draw(state);
    events.draw(state);
  };
  requestAnimationFrame(frame);
}

export function showConnection(connection: ConnectionState): void {
  const label = byId('connection', HTMLElement);
  label.dataset.state = connection;
  setText(label, CONNECTION_TEXT[connection]);
}

function drawNumbers(state: LiveState, now: number): void {
  const put = (id: string, text: string) => setText(byId(id, HTMLElement), text);
  const latency = state.latency.summary(now);
  put('received-rate', rate(state.received.perSecond(now)));
  put('received-total', `${integer(state.received.total)} since this page was opened`);
  put('certified-rate', rate(state.certified.perSecond(now)));
  put('certified-total', `${integer(state.certified.total)} since this page was opened`);
  put('latency', latency ? integer(Math.round(latency.p50)) : '–');
  put(
    'latency-p95',
    latency ? `95 % within ${integer(Math.round(latency.p95))} ms, as seen from here` : 'as seen from here',
  );
  put('anchored-total', integer(state.anchored));
  put('quarantined-total', integer(state.quarantined));
  put('gap-total', integer(state.gaps));
  const height = Math.max(0, ...[...state.streams.values()].map(({ anchor }) => anchor?.height ?? 0));
  if (state.anchored > 0) put('anchored-last', `newest in block ${integer(height)}`);
}

class NoticeList {
  #list = byId('notices', HTMLOListElement);
  #empty = byId('notices-empty', HTMLElement);
  #drawn = '';

  draw({ notices }: LiveState): void {
    const lines = notices.map(({ time, text }) => `${timeOfDay(time)}  ${text}`);
    const key = lines.join('\n');
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#list.replaceChildren(...lines.map((line) => element('li', line)));
    this.#empty.hidden = lines.length > 0;
  }
}
