/**
 * Single events over 64 kept connections, beside a server that does nothing but answer. The load generator writes
 * prepared bytes to plain sockets: an HTTP client of Node would use more of the machine than the server it measures.
 */
import { connect, type Socket } from 'node:net';
import { sampleEvents } from './events.ts';

const CONNECTIONS = 64;
const HEADER_END = '\r\n\r\n';

/** @returns requests a second */
export async function measureSingles(url: string, count: number): Promise<number> {
  const { host, hostname, port, pathname } = new URL(url);
  const requests = sampleEvents(count).map(({ text }) => {
    const body = `{"events":[${text}]}`;
    const head = `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n`;
    return `${head}content-length: ${body.length}${HEADER_END}${body}`;
  });
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(hostname, Number(port))));
  const started = performance.now();
  let next = 0;
  await Promise.all(sockets.map((socket) => converse(socket, () => requests[next++])));
  const rate = (count / (performance.now() - started)) * 1000;
  for (const socket of sockets) socket.destroy();
  return rate;
}

function open(hostname: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, hostname, () => resolve(socket.setNoDelay().setEncoding('latin1')));
    socket.once('error', reject);
  });
}

/** One request after the other, each sent when the one before is answered, until there are no more. */
function converse(socket: Socket, nextRequest: () => string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';
    const send = () => {
      const request = nextRequest();
      if (request === undefined) resolve();
      else socket.write(request);
    };
    socket.on('data', (text: string) => {
      received += text;
      const bodyStart = received.indexOf(HEADER_END) + HEADER_END.length;
      if (bodyStart < HEADER_END.length) return;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (received.length < bodyStart + length) return;
      if (!received.startsWith('HTTP/1.1 200')) reject(new RangeError(received.slice(0, 200)));
      received = '';
      send();
    });
    socket.once('error', reject);
    send();
  });
}
