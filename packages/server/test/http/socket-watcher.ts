/** A client of the live feed over WebSocket, with a library's. */
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import type { Json } from './client.ts';
import { eventually } from './server.ts';

export class SocketWatcher {
  /** Messages so far, each with its cursor as `id`. */
  readonly all: Json[] = [];
  closed: { code: number; reason: string } | undefined;
  /** The status with which the upgrade was refused. */
  refused: number | undefined;
  readonly socket: WebSocket;

  constructor(url: string, query = '', headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/watch${query}`, { headers });
    this.socket.on('message', (data, isBinary) => {
      expect(isBinary).toBe(false);
      this.all.push(JSON.parse(String(data)));
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    this.socket.on('unexpected-response', (_request, response) => {
      this.refused = response.statusCode;
      response.resume();
    });
    this.socket.on('error', () => undefined);
  }

  /** Messages of these types; without any, all but what the feed says of itself. */
  messages(...types: string[]): Json[] {
    const own = ['hello', 'heartbeat', 'gap'];
    return this.all.filter(({ type }) => (types.length > 0 ? types.includes(type) : !own.includes(type)));
  }

  /** The cursor to come back with. */
  get lastId(): string | undefined {
    return this.all.findLast(({ id }) => id !== undefined)?.id;
  }

  async until(condition: (watcher: this) => boolean): Promise<this> {
    await eventually(() => expect(condition(this)).toBe(true), 5);
    return this;
  }

  /** Without a close frame. */
  cut(): void {
    this.socket.terminate();
  }
}
