/** The headers that a node follows, as its settings have them. */
import type { Pin } from '@tidemark/proof';
import { LocalHeaders } from '../anchor/local-headers.ts';
import { HeaderFollower } from './header-follower.ts';
import { HeaderStore } from './header-store.ts';
import type { Headers } from './headers.ts';
import { FileSource } from './sources/file.ts';
import { parseSourceUrl } from './sources/parse-url.ts';
import { StoredHeaders } from './stored-headers.ts';

export interface Followed {
  chain: 'main' | 'test' | 'regtest';
  pin: Pin;
  file: string | undefined;
  urls: readonly string[];
}

/** Time between two looks at a service, and at a file, which costs next to nothing. */
const INTERVAL_MS = { service: 15_000, file: 1000 };
/** For one request to a header service. */
const TIMEOUT_MS = 10_000;

export interface FollowedHeaders {
  headers: HeaderStore;
  /** What keeps sources from being of use now, in words. */
  troubles(): string[];
  close(): Promise<void>;
}

/** The store, kept up to date until it is closed; the one writer. */
export function followHeaders(
  dataDir: string,
  { chain, pin, file, urls }: Followed,
  onChange: () => void,
): FollowedHeaders {
  const headers = new HeaderStore(dataDir, chain, pin);
  const common = { store: headers, now: Date.now, random: Math.random, onChange };
  const files = file === undefined ? [] : [new FileSource(file, (hash) => headers.heightOf(hash))];
  const services = urls.map((url) => parseSourceUrl(url, TIMEOUT_MS));
  const followers = [
    new HeaderFollower({ ...common, sources: files, intervalMs: INTERVAL_MS.file }),
    new HeaderFollower({ ...common, sources: services, intervalMs: INTERVAL_MS.service }),
  ];
  for (const follower of followers) follower.start();
  return {
    headers,
    troubles: () => followers.flatMap((follower) => follower.states()).flatMap(({ trouble }) => trouble?.message ?? []),
    close: async () => {
      await Promise.all(followers.map((follower) => follower.stop()));
      headers.close();
    },
  };
}

/** The same for readers, once the writer has opened it; undefined where no chain is followed. */
export function readHeaders(dataDir: string, local: boolean, followed: Followed | undefined): Headers | undefined {
  if (local) return new LocalHeaders(dataDir);
  return followed && new StoredHeaders(dataDir);
}
