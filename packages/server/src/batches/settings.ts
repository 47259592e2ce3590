/** What the operator decides about batches. */
import type { Route } from './routing.ts';

export interface BatchSettings {
  publish: {
    tokens: readonly string[];
    allowedChannels: readonly string[];
    maxMessageBytes: number;
    schema: 'off' | 'warn' | 'enforce';
  };
  /** Told of each message that is published. */
  mirrorUrl: string | undefined;
  redisUrl: string | undefined;
  /** Messages that are kept for those who catch up. */
  messages: number;
  routes: readonly Route[];
  embedding: {
    /** Without one, the packaged model embeds. */
    endpoint: string | undefined;
    token: string | undefined;
    dimensions: number;
    /** Of a batch, before it is given up. */
    attempts: number;
  };
}
