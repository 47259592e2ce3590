/** A connection on which a test says every byte, and reads when it likes. */
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { eventually } from './server.ts';

export class RawConnection {
  readonly socket: Socket;
  text = '';
  /** The server has ended it, or it is gone. */
  ended = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.ended = true;
    });
    this.socket.on('data', (bytes) => {
      this.text += bytes.toString('latin1');
    });
    onTestFinished(() => void this.socket.destroy());
  }

  /** Nothing more is read: what the server sends waits there. */
  stall(): this {
    this.socket.pause();
    return this;
  }

  send(...lines: string[]): this {
    this.socket.write([...lines, '', ''].join('\r\n'));
    return this;
  }

  async until(condition: (connection: this) => boolean): Promise<this> {
    await eventually(() => expect(condition(this)).toBe(true), 5);
    return this;
  }
}

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** Lines that ask for an upgrade; a header that is given again replaces the one here. */
export function upgrade(path: string, headers: Record<string, string> = {}): string[] {
  const all = {
    ...{ host: 'localhost', connection: 'Upgrade', upgrade: 'websocket' },
    ...{ 'sec-websocket-version': '13', 'sec-websocket-key': KEY },
    ...headers,
  };
  return [`GET ${path} HTTP/1.1`, ...Object.entries(all).map(([name, value]) => `${name}: ${value}`)];
}
