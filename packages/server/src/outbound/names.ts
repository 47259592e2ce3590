/**
 * What names stand for. The system's own lookup (`dns.lookup`) keeps a thread for as long as a dead name server lets it
 * wait, and the whole process has two for that: with two dead names, no other name resolves. A question to the DNS costs
 * a socket, and ends in time. The system is asked, one name at a time, only for what the DNS says that it does not have:
 * a search domain or mDNS may.
 */
import { CANCELLED, type LookupAddress, TIMEOUT } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** @throws an error of `node:dns`, with its `code`, if the name stands for nothing */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export interface NamesOptions {
  /** As `Resolver.setServers` takes them; otherwise those of the system. */
  servers?: readonly string[];
  hostsFile?: string;
  system?: Resolve;
  /** Milliseconds, on any clock. */
  now?: () => number;
}

interface Entry {
  answer: Promise<readonly LookupAddress[]>;
  /** Asked again from then on. */
  until: number;
}

/** Of each try; the second one waits twice as long. */
const TRY_MS = 1000;
const TRIES = 2;
/** With several name servers that are dead. */
const LONGEST_MS = 5000;
const FOUND_MS = 10_000;
/** At the least; a name that took longer is left alone for as long as it took. */
const NOT_FOUND_MS = 1000;
const MAX_KEPT = 1000;
/** Of the DNS: it does not have the name, or there is no DNS here. */
const ASK_THE_SYSTEM = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'ECONNREFUSED']);

/** As `node:dns` has it when it gives up by itself. */
class Unanswered extends Error {
  readonly code = TIMEOUT;
}

export class Names {
  readonly #options: NamesOptions;
  readonly #system: Resolve;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Set<Resolver>();
  #systemIsFree: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: NamesOptions = {}) {
    this.#options = options;
    this.#system = options.system ?? ((host) => lookup(host, { all: true }));
    this.#now = options.now ?? (() => performance.now());
  }

  /** All that ask for a name at about the same time share the answer. */
  readonly resolve: Resolve = (host) => {
    const begun = this.#now();
    const kept = this.#entries.get(host);
    if (kept !== undefined && begun < kept.until) return kept.answer;
    const entry: Entry = { answer: this.#find(host), until: Number.POSITIVE_INFINITY };
    entry.answer.then(
      () => {
        entry.until = this.#now() + FOUND_MS;
      },
      () => {
        const failed = this.#now();
        entry.until = failed + Math.max(NOT_FOUND_MS, failed - begun);
      },
    );
    this.#keep(host, entry);
    return entry.answer;
  };

  /** Gives up all questions, so that the thread can end; one that the system has begun goes on. */
  close(): void {
    this.#closed = true;
    for (const resolver of this.#underWay) resolver.cancel();
  }

  #keep(host: string, entry: Entry): void {
    this.#entries.delete(host);
    this.#entries.set(host, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_KEPT && oldest !== undefined) this.#entries.delete(oldest);
  }

  async #find(host: string): Promise<readonly LookupAddress[]> {
    const listed = await this.#listed(host);
    if (listed.length > 0) return listed;
    try {
      return await this.#asked(host);
    } catch (error) {
      if (!ASK_THE_SYSTEM.has(codeOf(error))) throw error;
    }
    const answer = this.#systemIsFree.then(() => {
      if (this.#closed) throw new Unanswered('no longer asked');
      return this.#system(host);
    });
    // Of a failure hears who asked.
    this.#systemIsFree = answer.catch(() => undefined);
    return await answer;
  }

  /** In the file of hosts, which stands before the DNS. */
  async #listed(host: string): Promise<LookupAddress[]> {
    let text: string;
    try {
      text = await readFile(this.#options.hostsFile ?? '/etc/hosts', 'utf8');
    } catch {
      // Where there is none, or it is elsewhere, the system knows what is in it.
      return [];
    }
    const wanted = host.replace(/\.$/, '').toLowerCase();
    const found = text.split('\n').flatMap((line) => {
      const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
      return isIP(address) !== 0 && names.some((name) => name.toLowerCase() === wanted) ? [address] : [];
    });
    return [...new Set(found)].map((address) => ({ address, family: isIP(address) }));
  }

  async #asked(host: string): Promise<LookupAddress[]> {
    if (this.#closed) throw new Unanswered('no longer asked');
    // One each time: the system's name servers may have changed, and cancelling ends all questions of a resolver.
    const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
    if (this.#options.servers !== undefined) resolver.setServers(this.#options.servers);
    this.#underWay.add(resolver);
    const deadline = setTimeout(() => resolver.cancel(), LONGEST_MS);
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    clearTimeout(deadline);
    this.#underWay.delete(resolver);
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found.map((address) => ({ address, family: isIP(address) }));
    const failures: unknown[] = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    // That it does not have the one kind says nothing while the other was not answered.
    const cause = failures.find((failure) => !ASK_THE_SYSTEM.has(codeOf(failure))) ?? failures[0];
    throw codeOf(cause) === CANCELLED ? new Unanswered(`no answer in ${LONGEST_MS} ms`, { cause }) : cause;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
