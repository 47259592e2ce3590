/** The handler in this process: called as it is, and behind Node's HTTP server. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EventPublishPorts, eventPublish } from '../../src/notify/event-publish.ts';
import type { Subject } from './event-publish-runner.ts';
import { type Profile, RECEIVED_TS } from './event-publish-table.ts';

export interface Place extends Subject {
  /** What it warned of, so far. */
  warnings: string[];
}

export class PortError extends Error {
  readonly code = 'out-of-order';
}

export async function inProcess(profile: Profile): Promise<Place> {
  const { ports, observed, warnings } = recorded(profile);
  const call = eventPublish(profile.settings, ports);
  return { url: 'http://tidemark.example/event-publish', call, observed, warnings, close: async () => undefined };
}

export async function overHttp(profile: Profile): Promise<Place> {
  const { ports, observed, warnings } = recorded(profile);
  const handler = eventPublish(profile.settings, ports);
  const server = createServer(async (incoming, outgoing) => {
    const response = await handler(requestFrom(incoming));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
    incoming.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/functions/v1/event-publish`,
    call: fetch,
    observed,
    warnings,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function recorded({ keeps, fails, holds = false, admits }: Profile) {
  let kept: Awaited<ReturnType<Subject['observed']>>['kept'] = [];
  let published: [string, string][] = [];
  const warnings: string[] = [];
  const ports: EventPublishPorts = {
    publish: async ({ channel, message }) => {
      if (fails === 'publish') throw new PortError('nothing can be published');
      if (holds) return 'held';
      published.push([channel, message]);
      return 'published';
    },
    mirror: async () => {
      if (fails === 'mirror') throw new PortError('no mirror');
    },
    warn: (message) => warnings.push(message),
    now: () => RECEIVED_TS * 1000 + 999,
    ...(admits === undefined ? {} : { admits: (token) => token === admits }),
    ...(keeps && {
      persist: async (row) => {
        if (fails === 'persist') throw new PortError('nothing can be kept');
        kept.push(row);
      },
    }),
  };
  const observed: Subject['observed'] = async () => {
    const seen = { kept, published };
    kept = [];
    published = [];
    return seen;
  };
  return { ports, observed, warnings };
}

/** What is left of a body that was not read to its end is let go, and its connection stays. */
function requestFrom(incoming: IncomingMessage): Request {
  const pieces = incoming[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await pieces.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
  const { method = '', url = '', headers } = incoming;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  return new Request(new URL(url, 'http://127.0.0.1'), {
    method,
    headers: headers as Record<string, string>,
    ...(hasBody && { body, duplex: 'half' }),
  });
}
