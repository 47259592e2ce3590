/**
 * What the live feed is measured beside: plain node:http that writes what is new to each client every 100 ms, messages
 * of the same length, with no storage, cursor or certificate behind them. It is told by requests when to begin.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const EVERY_MS = 100;
const clients = new Set<ServerResponse>();

const server = createServer((request, response) => {
  const [, perSecond, seconds] = /^\/begin\/(\d+)\/(\d+)$/.exec(request.url ?? '') ?? [];
  if (perSecond !== undefined) {
    begin(Number(perSecond), Number(seconds));
    response.end();
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(': hello\n\n');
  clients.add(response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

function begin(perSecond: number, seconds: number): void {
  let told = 0;
  let ticks = 0;
  const timer = setInterval(() => {
    const due = Math.floor((++ticks * EVERY_MS * perSecond) / 1000);
    const frames = Array.from({ length: due - told }, message).join('');
    told = due;
    for (const client of clients) client.write(frames);
    if (ticks * EVERY_MS >= seconds * 1000) clearInterval(timer);
  }, EVERY_MS);
}

/** As long as what the service says of the same event. */
function message(): string {
  const text = JSON.stringify({ type: 'certified', filler: 'x'.repeat(420), sent: Date.now() });
  return `id: 0a1b2c3d-abcde-fghij\ndata: ${text}\n\n`;
}
